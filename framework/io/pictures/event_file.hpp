// SPDX-License-Identifier: Apache-2.0
// The event files that TensorBoard reads: TFRecords of protobuf messages (tensorflow's event.proto,
// summary.proto, tensor.proto), which are few enough to be written by hand.
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace tempo {

/// One file of one folder; every event is in it whole, once flush was called.
class EventFile {
 public:
  /// Makes the folder and, in it, a file named by the time, the host and the process:
  /// "events.out.tfevents.1700000000.host.1234.0.v2".
  explicit EventFile(const std::string& folder);

  void scalar(const std::string& tag, double value, int64_t step);
  /// Of all values, in 30 buckets of equal width.
  void histogram(const std::string& tag, const std::vector<double>& values, int64_t step);
  /// Throws Error where the file cannot be written.
  void flush();
  const std::string& path() const { return path_; }

 private:
  void event(const std::string& payload, int64_t step);
  void record(const std::string& bytes);

  std::string path_;
  std::ofstream file_;
};

}  // namespace tempo
