// SPDX-License-Identifier: Apache-2.0
// TensorBoard's event files, read back byte by byte by a reader that shares no code with the
// writer: TFRecords, their checksums (bit by bit, and known ones of RFC 3720), protobuf fields.
#define BOOST_TEST_MODULE tensorboard
#include <cstring>

#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using testing::error_of;
using testing::in_folder;
using testing::read;
namespace fs = std::filesystem;

namespace {

uint32_t crc_of(const std::string& bytes) {
  uint32_t crc = 0xffffffff;
  for (const char c : bytes)
    for (int bit = 0; bit < 8; ++bit) {
      const uint32_t in = (static_cast<uint8_t>(c) >> bit) & 1u;
      const bool odd = ((crc & 1u) ^ in) != 0;
      crc >>= 1;
      if (odd) crc ^= 0x82f63b78u;
    }
  return crc ^ 0xffffffff;
}

template <class T>
T number_at(const std::string& bytes, std::size_t at) {
  T out{};
  BOOST_REQUIRE(at + sizeof out <= bytes.size());
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

void check_crc(const std::string& bytes, uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8u;
  BOOST_TEST(((rotated >> 17) | (rotated << 15)) == crc_of(bytes));
}

std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < file.size();) {
    const auto length = number_at<uint64_t>(file, at);
    check_crc(file.substr(at, 8), number_at<uint32_t>(file, at + 8));
    BOOST_REQUIRE(at + 12 + length + 4 <= file.size());
    out.push_back(file.substr(at + 12, length));
    check_crc(out.back(), number_at<uint32_t>(file, at + 12 + length));
    at += 12 + length + 4;
  }
  return out;
}

// A protobuf message: the bytes or number of each field.
struct Message {
  explicit Message(const std::string& from) : bytes(from) {
    while (at < bytes.size()) {
      const uint64_t key = varint();
      const auto field = static_cast<int>(key >> 3);
      if ((key & 7) == 0) {
        numbers[field] = varint();
      } else {
        BOOST_REQUIRE(((key & 7) == 1 || (key & 7) == 2));
        const uint64_t length = (key & 7) == 1 ? 8 : varint();
        BOOST_REQUIRE(at + length <= bytes.size());
        fields[field].push_back(bytes.substr(at, length));
        at += length;
      }
    }
  }
  uint64_t varint() {
    uint64_t out = 0;
    for (int shift = 0;; shift += 7) {
      BOOST_REQUIRE(at < bytes.size());
      const auto byte = static_cast<uint8_t>(bytes[at++]);
      out |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return out;
    }
  }
  std::string only(int field) const {
    BOOST_REQUIRE(fields.count(field));
    BOOST_TEST(fields.at(field).size() == 1u);
    return fields.at(field)[0];
  }
  std::string bytes;
  std::size_t at = 0;
  std::map<int, std::vector<std::string>> fields;
  std::map<int, uint64_t> numbers;
};

struct Logged {
  std::string tag, plugin;
  uint64_t step = 0, data_class = 0, dtype = 0;
  std::vector<int64_t> shape = {};
  std::string content = {};
  float scalar() const { return number_at<float>(content, 0); }
};

// The contents of a folder's one file, after its first event.
std::vector<Logged> events_in(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  BOOST_REQUIRE(files.size() == 1u);
  const std::string name = files[0].filename().string();
  BOOST_TEST(name.starts_with("events.out.tfevents."));
  BOOST_TEST(name.ends_with(".v2"));
  std::vector<std::string> records = records_of(read(files[0].string()));
  BOOST_REQUIRE(!records.empty());
  const Message first(records[0]);
  BOOST_TEST(first.only(3) == "brain.Event:2");
  BOOST_TEST(number_at<double>(first.only(1), 0) > 1.6e9);  // seconds since 1970
  std::vector<Logged> out;
  for (std::size_t i = 1; i < records.size(); ++i) {
    Message event(records[i]);
    BOOST_TEST(number_at<double>(event.only(1), 0) > 1.6e9);
    const Message value(Message(event.only(5)).only(1));
    Message tensor(value.only(8)), metadata(value.only(9));
    Logged logged{.tag = value.only(1),
                  .plugin = Message(metadata.only(1)).only(1),
                  .step = event.numbers[2],
                  .data_class = metadata.numbers[4],
                  .dtype = tensor.numbers[1],
                  .content = tensor.only(4)};
    const Message shape(tensor.only(2));
    if (shape.fields.count(2))
      for (const std::string& extent : shape.fields.at(2))
        logged.shape.push_back(static_cast<int64_t>(Message(extent).numbers[1]));
    out.push_back(logged);
  }
  return out;
}

std::vector<Logged> tagged(const std::vector<Logged>& all, const std::string& tag) {
  std::vector<Logged> out;
  for (const Logged& l : all)
    if (l.tag == tag) out.push_back(l);
  return out;
}

Sequential line() {
  Sequential model({Dense({.units = 2, .kernel_initializer = "zeros", .name = "head"})});
  model.compile({.optimizer = SGD({.learning_rate = 0.25}), .loss = "mse", .metrics = {"mae"}});
  return model;
}

const Tensor x = ones({4, 3});
const Tensor y = ones({4, 2});

}  // namespace

BOOST_AUTO_TEST_CASE(the_checksum_of_this_test_is_that_of_the_standard) {
  BOOST_TEST(crc_of(std::string(32, '\0')) == 0x8a9136aau);  // RFC 3720, B.4
  BOOST_TEST(crc_of(std::string(32, '\xff')) == 0x62a8ab43u);
  BOOST_TEST(crc_of("123456789") == 0xe3069283u);
}

BOOST_AUTO_TEST_CASE(epochs_are_events_of_two_files) {
  const std::string logs = in_folder("logs");
  Sequential model = line();
  const History history = model.fit(x, y,
                                    {.batch_size = 2,
                                     .epochs = 3,
                                     .callbacks = {TensorBoard({.log_dir = logs})},
                                     .validation_data = {.x = x, .y = 2 * y},
                                     .verbose = 0});
  const std::vector<Logged> train = events_in(logs + "/train");
  const std::vector<Logged> validation = events_in(logs + "/validation");
  std::string tags;
  for (const Logged& l : train) {
    if (l.step == 0) tags += l.tag + " ";
    BOOST_TEST(l.plugin == "scalars");
    BOOST_TEST(l.data_class == 1u);
    BOOST_TEST(l.dtype == 1u);  // DT_FLOAT
    BOOST_TEST(l.shape.empty());
    BOOST_TEST(l.content.size() == 4u);
  }
  BOOST_TEST(tags == "epoch_loss epoch_mae epoch_learning_rate ");
  BOOST_TEST(train.size() == 9u);
  for (const char* name : {"loss", "mae"}) {
    const auto of_train = tagged(train, std::string("epoch_") + name);
    const auto of_validation = tagged(validation, std::string("epoch_") + name);
    const auto by_iteration =
        tagged(validation, std::string("evaluation_") + name + "_vs_iterations");
    BOOST_REQUIRE(of_train.size() == 3u);
    BOOST_REQUIRE(of_validation.size() == 3u);
    BOOST_REQUIRE(by_iteration.size() == 3u);
    for (std::size_t e = 0; e < 3; ++e) {
      BOOST_TEST(of_train[e].step == e);
      BOOST_TEST(of_train[e].scalar() == static_cast<float>(history[name][e]));
      const auto val = static_cast<float>(history[std::string("val_") + name][e]);
      BOOST_TEST(of_validation[e].step == e);
      BOOST_TEST(of_validation[e].scalar() == val);
      BOOST_TEST(by_iteration[e].step == 2 * (e + 1));
      BOOST_TEST(by_iteration[e].scalar() == val);
    }
  }
  BOOST_TEST(tagged(train, "epoch_learning_rate")[1].scalar() == 0.25f);
}

BOOST_AUTO_TEST_CASE(batches_are_events_where_asked_for) {
  const std::string logs = in_folder("batches");
  Sequential model = line();
  std::vector<double> losses;
  const LambdaCallback watch(
      {.on_train_batch_end = [&](int64_t, const Logs& l) { losses.push_back(l["loss"]); }});
  model.fit(x, y,
            {.batch_size = 1,
             .epochs = 2,
             .callbacks = {watch, TensorBoard({.log_dir = logs,
                                               .write_steps_per_second = true,
                                               .update_freq = 3})},
             .verbose = 0});
  const std::vector<Logged> train = events_in(logs + "/train");
  const auto batches = tagged(train, "batch_loss");
  BOOST_REQUIRE(batches.size() == 2u);  // 3 and 6 of 8
  BOOST_TEST(batches[0].step == 3u);
  BOOST_TEST(batches[1].step == 6u);
  BOOST_TEST(batches[0].scalar() == static_cast<float>(losses[2]));
  BOOST_TEST(batches[1].scalar() == static_cast<float>(losses[5]));
  BOOST_TEST(tagged(train, "batch_steps_per_second").size() == 2u);
  const auto pace = tagged(train, "epoch_steps_per_second");
  BOOST_REQUIRE(pace.size() == 2u);
  BOOST_TEST(pace[0].scalar() > 0);
  BOOST_TEST(!fs::exists(logs + "/validation"));
}

BOOST_AUTO_TEST_CASE(weights_are_histograms_of_thirty_buckets) {
  const std::string logs = in_folder("histograms");
  Sequential model = line();
  std::vector<Tensor> kernels, biases;
  const LambdaCallback watch({.on_epoch_end = [&](int epoch, const Logs&) {
    assign(model.weights()[0], tensor<float>({-1, 2, 0.5f, 2, 0.4f, 1.99f}, {3, 2}));
    if (epoch == 2) assign(model.weights()[1], tensor<float>({3, 3}, {2}));
  }});
  model.fit(x, y,
            {.epochs = 4,
             .callbacks = {watch, TensorBoard({.log_dir = logs, .histogram_freq = 2})},
             .verbose = 0});
  const std::vector<Logged> train = events_in(logs + "/train");
  const auto kernel = tagged(train, "head/kernel/histogram");
  const auto bias = tagged(train, "head/bias/histogram");
  BOOST_REQUIRE(kernel.size() == 2u);  // epochs 0 and 2
  BOOST_REQUIRE(bias.size() == 2u);
  BOOST_TEST(kernel[0].step == 0u);
  BOOST_TEST(kernel[1].step == 2u);
  BOOST_TEST(kernel[0].plugin == "histograms");
  BOOST_TEST(kernel[0].data_class == 2u);
  BOOST_TEST(kernel[0].dtype == 2u);  // DT_DOUBLE
  BOOST_TEST(kernel[0].shape == std::vector<int64_t>({30, 3}));
  BOOST_REQUIRE(kernel[0].content.size() == 30 * 3 * 8u);
  // Buckets of width 0.1 from -1: -1 | 0.4 (bucket 14) | 0.5 (15) | 1.99 and 2 twice (the last).
  const std::map<int, double> expected{{0, 1}, {14, 1}, {15, 1}, {29, 3}};
  for (int i = 0; i < 30; ++i) {
    const auto row = static_cast<std::size_t>(i) * 24;
    BOOST_TEST(std::abs(number_at<double>(kernel[0].content, row) - (-1 + 0.1 * i)) < 1e-9);
    BOOST_TEST(std::abs(number_at<double>(kernel[0].content, row + 8) - (-0.9 + 0.1 * i)) < 1e-9);
    const auto count = expected.find(i);
    BOOST_TEST(number_at<double>(kernel[0].content, row + 16) ==
               (count == expected.end() ? 0 : count->second));
    // With one value only, all edges equal it, and the last bucket contains it.
    BOOST_TEST(number_at<double>(bias[1].content, row) == 3);
    BOOST_TEST(number_at<double>(bias[1].content, row + 8) == 3);
    BOOST_TEST(number_at<double>(bias[1].content, row + 16) == (i == 29 ? 2 : 0));
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused) {
  BOOST_TEST(error_of([] { TensorBoard({.log_dir = ""}); }) ==
             "TensorBoard: no log_dir was given.");
  BOOST_TEST(error_of([] { TensorBoard({.histogram_freq = -1}); }) ==
             "TensorBoard: histogram_freq is -1; it must be a number of epochs, or 0 for no "
             "histograms.");
  BOOST_TEST(error_of([] { TensorBoard({.update_freq = -5}); }) ==
             "TensorBoard: update_freq is -5; it must be \"epoch\", or a number of batches of at "
             "least 1.");
  const std::string file = testing::write("no_folder", "x");
  BOOST_TEST(error_of([&] {
               line().fit(x, y, {.callbacks = {TensorBoard({.log_dir = file})}, .verbose = 0});
             }).starts_with("TensorBoard: " + file + "/train/events.out.tfevents."));
}
