// SPDX-License-Identifier: Apache-2.0
// Runs a model step by step on its own samples.
#include <algorithm>

#include <tempo/generate.hpp>
#include <tempo/ops.hpp>
#include <tempo/stream.hpp>

#include "training/inference/sample.hpp"

namespace tempo {

namespace {

// The drawn ids, computed in the type T of the stream's numbers.
template <class T>
std::vector<int64_t> drawn(Stream& stream, const std::vector<int64_t>& start,
                           const GenerateOptions& o) {
  const int64_t classes = stream.output_shape().count();
  std::vector<T> x(1), logits(static_cast<std::size_t>(classes));
  const auto step = [&](int64_t id) {
    x[0] = static_cast<T>(id);
    stream.step(x, logits);
  };
  for (const int64_t id : start) step(id);
  const Tensor uniform = random_uniform({o.length}, float64, o.seed);
  std::vector<int64_t> found;
  for (int64_t i = 0; i < o.length; ++i) {
    if (i > 0) step(found.back());
    const Tensor one =
        sampled(tensor(logits, {classes}, sdk::dtype_for<T>()), slice(uniform, 0, i, i + 1),
                {.temperature = o.temperature, .top_k = o.top_k, .top_p = o.top_p});
    found.push_back(*one.data<int64_t>());
    if (found.back() == o.end) break;
  }
  return found;
}

}  // namespace

std::vector<int64_t> generate(const Model& model, const std::vector<int64_t>& start,
                              const GenerateOptions& options) {
  if (start.empty()) throw Error("generate: start is empty; a model needs an id to go on from.");
  if (options.length < 0)
    throw Error("generate: length is " + std::to_string(options.length) +
                "; it must be at least 0.");
  Stream stream(model);
  const Shape in = stream.input_shape(), out = stream.output_shape();
  if (in != Shape{1} || out.rank() != 2)
    throw ShapeError("generate: " + model.name() + " takes " + to_string(in) + " and gives " +
                     to_string(out) +
                     " at a step.\n  It must take an id, [1], and give logits, [1, classes]: an "
                     "Embedding first, a Dense layer of all classes last.");
  const std::vector<DType> dtypes = model.input_dtypes();
  return dtypes.front() == float64 ? drawn<double>(stream, start, options)
                                   : drawn<float>(stream, start, options);
}

}  // namespace tempo
