// SPDX-License-Identifier: Apache-2.0
// The table of a model.
#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>
#include <sstream>

#include "plugin/layer.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

namespace {

using Row = std::array<std::string, 3>;

// "1,439"
std::string grouped(int64_t n) {
  std::string digits = std::to_string(n);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

// "5.62 KB"
std::string memory(int64_t bytes) {
  double size = static_cast<double>(bytes);
  const char* const units[] = {"B", "KB", "MB", "GB"};
  int unit = 0;
  for (; size >= 1024 && unit < 3; ++unit) size /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %s", size, units[unit]);
  return text;
}

// "(None, 15, 10)"
std::string with_none(const Shape& shape) {
  std::string text = "(";
  for (int i = 0; i < shape.rank(); ++i)
    text += (i ? ", " : "") + (shape[i] < 0 ? "None" : std::to_string(shape[i]));
  return text + (shape.rank() == 1 ? ",)" : ")");
}

// The shape that the layer gave and, if the layer promised another one, the promised shape. Extents
// that a model leaves open are those of the promise.
std::string as_promised(const Layer& layer, const Shape& given) {
  const std::string text = with_none(given);
  const std::vector<TensorType>& inputs = layer.handle()->built_for;
  if (inputs.empty()) return text;
  const std::vector<TensorType> promised = promised_outputs(*layer.handle(), inputs);
  if (promised.empty()) return text;
  Shape said = promised[0].shape;
  if (said.rank() == given.rank())
    for (int axis = 0; axis < said.rank(); ++axis)
      if (given[axis] < 0) said[axis] = given[axis];
  return said == given ? text : text + ", not " + with_none(said) + " as it says";
}

struct Size {
  int64_t count = 0, bytes = 0;
  void add(const Tensor& t) {
    count += t.count();
    bytes += t.count() * static_cast<int64_t>(size_of(t.dtype()));
  }
};

std::ostream& operator<<(std::ostream& out, const Size& size) {
  return out << grouped(size.count) << " (" << memory(size.bytes) << ")\n";
}

std::string repeated(const char* piece, std::size_t times) {
  std::string out;
  while (times-- > 0) out += piece;
  return out;
}

class SummaryTable {
 public:
  void add(Row row) {
    for (std::size_t i = 0; i < 3; ++i) widths_[i] = std::max(widths_[i], row[i].size() + 2);
    rows_.push_back(std::move(row));
  }
  void print(std::ostream& out, const Row& head) const {
    rule(out, "┏", "━", "┳", "┓");
    line(out, "┃", head);
    rule(out, "┡", "━", "╇", "┩");
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (i > 0) rule(out, "├", "─", "┼", "┤");
      line(out, "│", rows_[i]);
    }
    rule(out, "└", "─", "┴", "┘");
  }

 private:
  void rule(std::ostream& out, const char* left, const char* dash, const char* cross,
            const char* right) const {
    out << left << repeated(dash, widths_[0]) << cross << repeated(dash, widths_[1]) << cross
        << repeated(dash, widths_[2]) << right << "\n";
  }
  void line(std::ostream& out, const char* bar, const Row& row) const {
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string fill(widths_[i] - 2 - row[i].size(), ' ');
      out << bar << " " << (i == 2 ? fill + row[i] : row[i] + fill) << " ";
    }
    out << bar << "\n";
  }

  std::array<std::size_t, 3> widths_ = {33, 24, 15};
  std::vector<Row> rows_;
};

}  // namespace

void Model::summary(std::ostream& out) const {
  SummaryTable table;
  Size total, trainable;
  const Shapes outputs = state_->seen().layer_outputs;
  for (std::size_t i = 0; i < state_->layers.size(); ++i) {
    const Layer& layer = state_->layers[i];
    const bool known =  // a function need not call all layers
        i < outputs.size() && !outputs[i].empty();
    table.add({state_->names[i] + " (" + layer.type_name() + ")",
               known ? as_promised(layer, outputs[i]) : "?",
               layer.built() ? grouped(layer.count_params()) : "0 (unbuilt)"});
  }
  for (const Tensor& w : weights()) total.add(w);
  for (const Tensor& w : trainable_weights()) trainable.add(w);
  Size remembered;
  if (state_->compiled && state_->optimizer.iterations() > 0) {
    for (const auto& [name, value] : state_->optimizer.state()) remembered.add(value);
    remembered.add(scalar(state_->optimizer.learning_rate()));
  }

  out << "Model: \"" << state_->name << "\"\n";
  table.print(out, {"Layer (type)", "Output Shape", "Param #"});
  out << " Total params: " << Size{total.count + remembered.count, total.bytes + remembered.bytes};
  out << " Trainable params: " << trainable;
  out << " Non-trainable params: "
      << Size{total.count - trainable.count, total.bytes - trainable.bytes};
  if (remembered.count > 0) out << " Optimizer params: " << remembered;
}

std::string Model::summary_text() const {
  std::ostringstream out;
  summary(out);
  return out.str();
}

void Model::summary() const {
  summary(std::cout);
  std::cout << std::flush;
}

}  // namespace tempo
