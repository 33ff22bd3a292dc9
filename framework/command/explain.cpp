// SPDX-License-Identifier: Apache-2.0
// `tempo explain`: makes a layer or cell from its name and options, and prints the Programs that it
// runs, or that its stream runs.
#include <algorithm>

#include <tempo/explain.hpp>
#include <tempo/load.hpp>
#include <tempo/stream.hpp>

#include "commands.hpp"
#include "options.hpp"

namespace tempo::command {

namespace {

// The layer of this name; if there is none, the cell.
const tempo_layer_type* find(const std::string& name) {
  const tempo_layer_type* found = nullptr;
  for (const PluginContents& plugin : all_plugins().plugins)
    for (const tempo_layer_type* type : plugin.layers)
      if (type->name == name && (!found || type->kind == TEMPO_LAYER)) found = type;
  if (!found) layer(name);  // throws, with the nearest name
  return found;
}

DType input_dtype(const std::string& name) {
  if (const auto found = dtype_named(name); found && *found != bool_) return *found;
  throw Error("--dtype is " + name + "; an input is float32, float64, int32 or int64.");
}

Shape input_shape(const std::string& text) {
  const auto sizes = parse_list("--shape", text);
  if (!sizes || std::any_of(sizes->begin(), sizes->end(), [](int64_t size) { return size < 1; }))
    throw Error("--shape is " + text + "; write the sizes of the input, as in --shape 64,100,128.");
  try {
    const Shape shape(*sizes);
    shape.count();
    return shape;
  } catch (const Error& e) {
    throw Error("--shape is " + text + ".\n  " + e.what());
  }
}

std::string explain_stream(const Layer& given, const Tensors& inputs) {
  const Sequential model{given.is_cell() ? layer("RNN", {{"cell", given.handle()}}) : given};
  (void)model.call(inputs);
  return explain(model, StreamOptions{.batch = inputs[0].shape()[0]});
}

}  // namespace

std::string explain_layer(const std::string& name, const std::vector<std::string>& options,
                          const std::vector<std::string>& shapes, const std::string& dtype,
                          bool stream) {
  std::vector<Shape> input_shapes;
  for (const std::string& shape : shapes) input_shapes.push_back(input_shape(shape));
  const DType input_type = input_dtype(dtype);
  const tempo_layer_type& type = *find(name);
  sdk::OptionList given;
  for (const std::string& option : options) add_option(given, type, option);
  const Layer made = sdk::make_layer(type, given);
  Tensors inputs;
  for (const Shape& shape : input_shapes) inputs.push_back(zeros(shape, input_type));
  return stream ? explain_stream(made, inputs) : explain(made, inputs);
}

}  // namespace tempo::command
