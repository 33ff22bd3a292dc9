// SPDX-License-Identifier: Apache-2.0
// The event files that TensorBoard reads: TFRecords of protobuf messages (tensorflow's event.proto,
// summary.proto, tensor.proto). Few messages are needed, so they are written by hand.
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace tempo {

/// One file in a folder. After flush, every event is in it completely.
class EventFile {
 public:
  /// Makes the folder and, in it, a file named by the time, the host and the process:
  /// "events.out.tfevents.1700000000.host.1234.0.v2".
  explicit EventFile(const std::string& folder);

  void scalar(const std::string& tag, double value, int64_t step);
  /// Writes a histogram of all values, with 30 buckets of equal width.
  void histogram(const std::string& tag, const std::vector<double>& values, int64_t step);
  /// Throws Error if the file cannot be written.
  void flush();
  const std::string& path() const { return path_; }

 private:
  void event(const std::string& payload, int64_t step);
  void record(const std::string& bytes);

  std::string path_;
  std::ofstream file_;
};

}  // namespace tempo
