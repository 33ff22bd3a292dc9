// SPDX-License-Identifier: Apache-2.0
// The reader of model files; that of safetensors has a fuzzer of its own. Input: the
// description of a model, 0xff, a line DTYPE NAME EXTENT... for each tensor, 0xff, and a byte for
// each that says what it is filled with.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <sstream>

#include <tempo/cell.hpp>
#include <tempo/layers.hpp>

#include "fuzz.hpp"
#include "io/models/model_reader.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

constexpr int64_t most_elements = 1 << 12;  // of all tensors; those beyond are left out
constexpr DType dtypes[] = {float32, float64, int32, int64, bool_};
constexpr double fillings[] = {0, 1, -1, 0.5, 2, 1e38, INFINITY, NAN};

Safetensors content_of(Input input) {
  Safetensors out;
  out.metadata[model_file::key] = input.text();
  std::istringstream lines{std::string(input.text())};
  int64_t left = most_elements;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    unsigned dtype = 0;
    std::string name;
    words >> dtype >> name;
    Shape shape;
    for (uint16_t extent; shape.rank() < 4 && words >> extent;) shape.push_back(extent % 64);
    if ((left -= shape.count()) < 0) break;
    const double value = fillings[input.byte() % std::size(fillings)];
    out.tensors.emplace_back(name, full(shape, value, float64));
    if (const DType wanted = dtypes[dtype % std::size(dtypes)]; wanted != float64)
      out.tensors.back().second = std::isfinite(value) || is_floating(wanted)
                                      ? cast(out.tensors.back().second, wanted)
                                      : zeros(shape, wanted);
  }
  return out;
}

std::string input_of(const Model& model) {
  model.save(scratch_file());
  const Safetensors file = read_safetensors(scratch_file());
  std::string out = file.metadata.at(model_file::key) + '\xff';
  for (const auto& [name, tensor] : file.tensors) {
    const auto at = std::find(std::begin(dtypes), std::end(dtypes), tensor.dtype());
    out += std::to_string(at - std::begin(dtypes)) + ' ' + name;
    for (const int64_t extent : tensor.shape()) out += ' ' + std::to_string(extent);
    out += '\n';
  }
  return out + '\xff';
}

std::string input_of(const std::vector<Layer>& layers, const Shape& input,
                     const CompileOptions& options = {}) {
  Sequential model(layers);
  model.build({input});
  if (options.loss) {
    model.compile(options);
    Shape one = input;
    for (int64_t& extent : one) extent = extent < 0 ? 1 : extent;
    const Tensor x = zeros(one);
    model.fit(x, model.predict(x), {.epochs = 1, .verbose = 0});
  }
  return input_of(model);
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  const std::string adam = "Adam(learning_rate=0.01)", sgd = "SGD(momentum=0.9, clipnorm=1)";
  const Layer shared = cell("LSTM", {{"units", 1}});
  return {
      input_of({Dense({.units = 1})}, {-1, 2}),
      input_of({Dense({.units = 2, .activation = "relu"}), Dense({.units = 1})}, {-1, 2},
               {.optimizer = adam, .loss = "mse", .metrics = {"mae"}}),
      input_of({SimpleRNN({.units = 2})}, {-1, 3, 1}, {.optimizer = sgd, .loss = "mae"}),
      input_of({LSTM({.units = 1, .stateful = true})}, {1, 2, 1},
               {.optimizer = adam, .loss = "mse"}),
      input_of({Masking(), Bidirectional(GRU({.units = 1, .return_sequences = true})),
                Dropout({.rate = 0.5})},
               {-1, 2, 1}),
      input_of({Embedding({.input_dim = 3, .output_dim = 2, .mask_zero = true, .dtype = float64}),
                LSTM({.units = 1, .return_sequences = true, .dtype = float64})},
               {-1, 2}),
      input_of({RNN(shared, {.return_sequences = true}), RNN(shared)}, {-1, 2, 1}),
  };
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const Safetensors content = content_of({data, size});
  const auto reader = [&] { return ModelReader("a.file", size, content, {}); };
  std::optional<Sequential> read;
  if (!reads("a.file", [&] { read = reader().make(); })) return 0;
  reader().put_weights(*read);
  if (!by_file(data, size)) return 0;
  read->save(scratch_file());
  require(model_file::describe(load_model(scratch_file())) == model_file::describe(*read),
          "a model that was read is written and read as it was");
  return 0;
}
