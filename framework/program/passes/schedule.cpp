#include "program/instruction.hpp"
#include "program/passes/passes.hpp"

#include <algorithm>

namespace tempo {

namespace {

// Elementwise ops, but for sums of what is heavy: a product is added to where the other one is.
std::vector<bool> light_ones(const Program& p) {
  static const OpDefinition* add = find_op("add");
  std::vector<bool> made_light(p.values.size(), false);
  for (int v : p.sequences) made_light[static_cast<std::size_t>(v)] = true;
  for (int v : p.carried) made_light[static_cast<std::size_t>(v)] = true;
  std::vector<bool> light;
  for (const Instruction& i : p.loop) {
    const bool sum = i.op == add && std::none_of(i.inputs.begin(), i.inputs.end(), [&](int v) {
                       return made_light[static_cast<std::size_t>(v)];
                     });
    light.push_back(is_light(p, i) && !sum);
    for (int v : i.outputs) made_light[static_cast<std::size_t>(v)] = light.back();
  }
  return light;
}

}  // namespace

// Until all are placed: what is heavy and can run, else all that is elementwise and can.
Program schedule(Program p) {
  const std::vector<bool> light = light_ones(p);
  std::vector<bool> waiting(p.values.size(), false);
  for (const Instruction& i : p.loop)
    for (int v : i.outputs) waiting[static_cast<std::size_t>(v)] = true;
  std::vector<std::size_t> placed, left;
  for (std::size_t k = 0; k < p.loop.size(); ++k) left.push_back(k);
  const auto place = [&](bool now) {
    const std::size_t before = placed.size();
    std::erase_if(left, [&](std::size_t k) {
      const Instruction& i = p.loop[k];
      if (light[k] != now || std::any_of(i.inputs.begin(), i.inputs.end(), [&](int v) {
            return waiting[static_cast<std::size_t>(v)];
          }))
        return false;
      for (int v : i.outputs) waiting[static_cast<std::size_t>(v)] = false;
      placed.push_back(k);
      return true;
    });
    return placed.size() > before;
  };
  while (!left.empty())
    if (!place(false)) place(true);
  std::vector<Instruction> loop;
  for (std::size_t k : placed) loop.push_back(std::move(p.loop[k]));
  p.loop = std::move(loop);
  return p;
}

}  // namespace tempo
