// SPDX-License-Identifier: Apache-2.0
// The ways to save, each with a check of what it reads back.
#include "savers.hpp"

#include <fstream>
#include <iterator>

#include <tempo/tempo.hpp>

namespace tempo::testing {

namespace {

// The number that all elements are.
int64_t number_in(const Tensors& tensors) {
  const double n = tensors.front().to_vector().front();
  for (const Tensor& t : tensors)
    for (const double element : t.to_vector())
      if (element != n) throw Error("one file has elements of two");
  return static_cast<int64_t>(n);
}

void save_array(const std::string& path, int64_t n) {
  save_npy(path, full({100, 1000}, static_cast<double>(n), float64));
}
int64_t number_of_array(const std::string& path) { return number_in({load_npy(path)}); }

void save_named(const std::string& path, int64_t n) {
  const auto value = static_cast<double>(n);
  save_tensors(path, {{"a", full({300, 300}, value)}, {"b", full({5}, value, float64)}});
}
int64_t number_of_named(const std::string& path) {
  Tensors all;
  for (const auto& [name, tensor] : load_tensors(path)) all.push_back(tensor);
  return number_in(all);
}

Sequential model_of(int64_t n) {
  Sequential model({Dense({.units = 200}), Dense({.units = 100})});
  model.build({{-1, 300}});
  model.compile({.optimizer = Adam(), .loss = "mse"});
  for (const Tensor& w : model.weights())
    assign(w, full(w.shape(), static_cast<double>(n), w.dtype()));
  return model;
}

void save_model(const std::string& path, int64_t n) { model_of(n).save(path); }
int64_t number_of_model(const std::string& path) { return number_in(load_model(path).weights()); }

void save_weights(const std::string& path, int64_t n) { model_of(n).save_weights(path); }
int64_t number_of_weights(const std::string& path) {
  Sequential model = model_of(-1);
  model.load_weights(path);
  return number_in(model.weights());
}

void save_picture(const std::string& path, int64_t n) {
  plot({{.label = "a line", .y = arange(0, 50)}}, path, {.title = "number " + std::to_string(n)});
}
int64_t number_of_picture(const std::string& path) {
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t at = text.find("number ");
  if (at == text.npos || !text.starts_with("<?xml") || text.find("</svg>") == text.npos)
    throw Error("a picture that is not whole");
  return std::stoll(text.substr(at + 7));
}

}  // namespace

const std::vector<Saver>& savers() {
  static const std::vector<Saver> all = {
      {"array.npy", save_array, number_of_array},
      {"tensors.safetensors", save_named, number_of_named},
      {"model.safetensors", save_model, number_of_model},
      {"weights.safetensors", save_weights, number_of_weights},
      {"picture.svg", save_picture, number_of_picture},
  };
  return all;
}

}  // namespace tempo::testing
