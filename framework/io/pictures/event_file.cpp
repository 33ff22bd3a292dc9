// SPDX-License-Identifier: Apache-2.0
// Encodes events as protobuf messages, and frames them as TFRecords.
#include "io/pictures/event_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>

#include <tempo/error.hpp>

#include "io/pictures/crc32c.hpp"

namespace tempo {

namespace {

static_assert(std::endian::native == std::endian::little, "numbers are written as they lie");

template <class T>
std::string bytes_of(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

std::string varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out += static_cast<char>(value);
}

// A field of a protobuf message: its number and wire type, then its value.
std::string whole(int field, uint64_t value) {
  return varint(static_cast<uint64_t>(field) << 3) + varint(value);
}
std::string fixed64(int field, double value) {
  return varint(static_cast<uint64_t>(field) << 3 | 1) + bytes_of(value);
}
std::string text(int field, const std::string& value) {
  return varint(static_cast<uint64_t>(field) << 3 | 2) + varint(value.size()) + value;
}

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

enum DataType { dt_float = 1, dt_double = 2 };
enum DataClass { class_scalar = 1, class_tensor = 2 };

// A Summary.Value for a tensor: its tag, the tensor, and the TensorBoard plugin that shows it.
std::string summary_value(const std::string& tag, const std::string& plugin, DataClass data_class,
                          DataType dtype, const std::vector<uint64_t>& extents,
                          const std::string& content) {
  std::string shape;
  for (const uint64_t extent : extents) shape += text(2, whole(1, extent));
  const std::string tensor = whole(1, dtype) + text(2, shape) + text(4, content);
  const std::string metadata =
      text(1, text(1, plugin)) + whole(4, static_cast<uint64_t>(data_class));
  return text(1, text(1, tag) + text(8, tensor) + text(9, metadata));
}

std::string host_name() {
  char name[256] = "localhost";
  gethostname(name, sizeof name - 1);
  return name;
}

constexpr int buckets = 30;

// [buckets, 3]: from, to and count, as TensorBoard's own writer makes them.
std::string bucket_rows(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !std::isfinite(v); });
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  const double low = values.empty() ? 0 : *least, high = values.empty() ? 0 : *most;
  const double width = (high - low) / buckets;
  std::vector<double> counts(buckets);
  for (const double v : values) {
    const double at = width > 0 ? std::floor((v - low) / width) : buckets - 1;
    counts[static_cast<std::size_t>(std::min(at, buckets - 1.0))] += 1;
  }
  std::string out;
  for (int i = 0; i < buckets; ++i)
    out += bytes_of(width > 0 ? low + i * width : low) +
           bytes_of(i + 1 == buckets || !(width > 0) ? high : low + (i + 1) * width) +
           bytes_of(counts[static_cast<std::size_t>(i)]);
  return out;
}

}  // namespace

EventFile::EventFile(const std::string& folder) {
  static std::atomic<int> number{0};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  const std::string name = "events.out.tfevents." + std::to_string(static_cast<int64_t>(now())) +
                           "." + host_name() + "." + std::to_string(::getpid()) + "." +
                           std::to_string(number++) + ".v2";
  path_ = (std::filesystem::path(folder) / name).string();
  file_.open(path_, std::ios::binary);
  record(fixed64(1, now()) + text(3, "brain.Event:2"));
  flush();
}

void EventFile::scalar(const std::string& tag, double value, int64_t step) {
  event(summary_value(tag, "scalars", class_scalar, dt_float, {},
                      bytes_of(static_cast<float>(value))),
        step);
}

void EventFile::histogram(const std::string& tag, const std::vector<double>& values, int64_t step) {
  event(
      summary_value(tag, "histograms", class_tensor, dt_double, {buckets, 3}, bucket_rows(values)),
      step);
}

void EventFile::flush() {
  if (!file_.flush()) throw Error("TensorBoard: " + path_ + " cannot be written.");
}

void EventFile::event(const std::string& summary, int64_t step) {
  record(fixed64(1, now()) + whole(2, static_cast<uint64_t>(step)) + text(5, summary));
}

// The length, its checksum, the bytes, and their checksum.
void EventFile::record(const std::string& bytes) {
  const std::string length = bytes_of(static_cast<uint64_t>(bytes.size()));
  file_ << length << bytes_of(masked_crc32c(length)) << bytes << bytes_of(masked_crc32c(bytes));
}

}  // namespace tempo
