// SPDX-License-Identifier: Apache-2.0
// Prints the Programs that run step by step: those of a stream and of an optimizer's update.
#include "scan/explain.hpp"

#include <tempo/creation.hpp>
#include <tempo/explain.hpp>
#include <tempo/optimizer.hpp>
#include <tempo/stream.hpp>

namespace tempo {

std::string explain(const Model& model, const StreamOptions& options) {
  const ProgramLog log;
  const Stream stream(model, options);
  std::string text = model.name() + " as a stream, from ";
  const Shapes x = stream.input_shapes();
  for (const Shape& shape : x) text += (&shape == &x[0] ? "" : ", ") + to_string(shape);
  text += " to " + to_string(stream.output_shape()) + "\n";
  for (const LoggedProgram& program : log.programs()) {
    text += "\n" + explain(program);
    if (program.what == "stream") break;  // the later ones belong to the stream's check
  }
  return text;
}

std::string explain(const Optimizer& optimizer, const Shape& shape, DType dtype) {
  Optimizer twin(optimizer.text());
  const Tensor weight = parameter(zeros(shape, dtype));
  const ProgramLog log;
  twin.step({weight}, {ones(weight.shape(), weight.dtype())});
  std::string text = optimizer.text() + " on " + to_string(weight.shape(), weight.dtype()) + "\n";
  if (log.programs().empty())
    return text + "\nIts formula is not elementwise: no loop runs it, each op runs once.\n";
  // The first trace only finds the slots; the formulas to print have the slots among their inputs.
  const std::size_t inputs = log.programs().back().as_written.sequences.size();
  for (const LoggedProgram& program : log.programs())
    if (program.as_written.sequences.size() == inputs) text += "\n" + explain(program);
  return text;
}

}  // namespace tempo
