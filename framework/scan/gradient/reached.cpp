// SPDX-License-Identifier: Apache-2.0
// From results to their operands and from states to their next values, until nothing new is found.
#include "scan/gradient/reached.hpp"

#include "scan/recurrence.hpp"

namespace tempo {

namespace {

// In a loop within the step, each result may read only some of the inputs.
void insert_read(const Instruction& i, ValueSet& reached) {
  if (!i.op->loops) {
    reached.insert(i.inputs);
    return;
  }
  const Program& inner = recurrence_of(i.attributes).normalised();
  std::vector<bool> results;
  for (ValueId v : i.outputs) results.push_back(reached.contains(v));
  const ValueSet read = what_results_read(inner, results);
  for (std::size_t k = 0; k < inner.n_inputs(); ++k)
    if (read.contains(inner.input(k))) reached.insert(i.inputs[k]);
}

}  // namespace

ValueSet what_results_read(const Program& p, const std::vector<bool>& results) {
  ValueSet reached;
  for (std::size_t r = 0; r < results.size(); ++r)
    if (results[r]) reached.insert(p.results[r].value);
  for (bool is_new = true; is_new;) {
    for (auto i = p.loop.rbegin(); i != p.loop.rend(); ++i)
      if (reached.contains_any(i->outputs)) insert_read(*i, reached);
    is_new = false;
    for (std::size_t k = 0; k < p.carried.size(); ++k)
      if (reached.contains(p.carried[k])) is_new |= reached.insert(p.next[k]);
  }
  return reached;
}

}  // namespace tempo
