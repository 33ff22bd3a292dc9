// SPDX-License-Identifier: Apache-2.0
// The cases are those of the other tests, from the headers and files that these share.
#include "mutation/suites.hpp"

#include <cmath>
#include <fstream>

#include <tempo/gradcheck.hpp>
#include <tempo/layers.hpp>

#include "op_cases.hpp"
#include "program_passes.hpp"
#include "random_steps.hpp"
#include "reference/keras.hpp"
#include "scan/explain.hpp"

namespace tempo::mutation {

namespace {

constexpr int gradchecked_recurrences = 30, compared_recurrences = 200;

bool close(const Tensor& a, const Tensor& b, double tolerance) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  double scale = 1;
  for (const double v : y)
    if (std::isfinite(v)) scale = std::max(scale, std::abs(v));
  for (std::size_t i = 0; i < x.size(); ++i)
    if (!(std::abs(x[i] - y[i]) <= tolerance * scale) && !(std::isnan(x[i]) && std::isnan(y[i])))
      return false;
  return true;
}

bool close(const Tensors& a, const Tensors& b, double tolerance) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!close(a[i], b[i], tolerance)) return false;
  return a.size() == b.size();
}

// --- gradcheck

Tensor of_op(const op_table::OpCase& c, const Tensors& in) {
  Tensors flat;
  for (const Tensor& y : op_table::results(c, in)) flat.push_back(reshape(y, {-1}));
  return concat(flat);
}

struct LayerCase {
  const char* name;
  std::function<Layer()> make;
  Shape input = {2, 4, 3};
};

std::vector<LayerCase> layer_cases() {
  return {
      {"SimpleRNN", [] { return SimpleRNN({.units = 3, .return_sequences = true}); }},
      {"LSTM", [] { return LSTM({.units = 3, .return_sequences = true}); }},
      {"LSTM with its states",
       [] { return LSTM({.units = 3, .return_sequences = true, .return_state = true}); }},
      {"LSTM backwards", [] { return LSTM({.units = 3, .go_backwards = true}); }},
      {"GRU", [] { return GRU({.units = 3, .return_sequences = true}); }},
      {"GRU reset before",
       [] { return GRU({.units = 3, .return_sequences = true, .reset_after = false}); }},
      {"Bidirectional", [] { return Bidirectional(GRU({.units = 2, .return_sequences = true})); }},
      {"stacked",
       [] {
         return RNN(StackedRNNCells({LSTMCell({.units = 2}), GRUCell({.units = 3})}),
                    {.return_sequences = true});
       }},
      {"ConvLSTM1D", [] { return ConvLSTM1D({.filters = 2, .kernel_size = {2}}); }, {2, 3, 4, 2}},
      {"convolution",
       [] { return TimeDistributed(Conv1D({.filters = 2, .kernel_size = 2})); },
       {2, 2, 4, 2}},
  };
}

Tensors results(const testing::RandomRecurrence& r, const Tensors& variables, bool plain) {
  testing::RandomRecurrence mine = r;  // the same step on these variables
  std::size_t next = 0;
  for (Tensors* list : {&mine.x, &mine.state, &mine.captured})
    for (Tensor& t : *list) t = variables[next++];
  const Scanned done = mine.run(plain);
  Tensors all{done.output};
  all.insert(all.end(), done.state.begin(), done.state.end());
  return all;
}

bool is_small(const testing::RandomRecurrence& r) {
  int64_t count = 0;
  for (const Tensor& t : r.variables()) count += t.count();
  return !r.large && count < 250;
}

// --- comparisons

bool scan_is_the_plain_loop(uint64_t seed) {
  const testing::RandomRecurrence r = testing::random_recurrence(seed);
  const Tensors variables = r.variables();
  const auto to_second_order = [&](bool plain) {
    Tensors all = results(r, variables, plain);
    const Tensors first = gradient(testing::mixed(all), variables);
    all.insert(all.end(), first.begin(), first.end());
    if (r.large) return all;
    const Tensors second = gradient(testing::mixed(first), variables);
    all.insert(all.end(), second.begin(), second.end());
    return all;
  };
  return close(to_second_order(false), to_second_order(true), 1e-9);
}

bool close_after_each_pass(uint64_t seed) {
  const testing::RandomRecurrence r = testing::random_recurrence(seed);
  if (r.large || r.options.recompute) return true;
  constexpr int64_t time = 4;
  const ProgramLog log;
  gradient(testing::mixed(results(r, r.variables(), false)), r.variables());
  for (const LoggedProgram& logged : log.programs()) {
    const Program& given = logged.recurrence->normalised();
    const auto of_any_sign = [](const Program& p) { return testing::results_of(p, time, -1.5); };
    const Tensors expected = of_any_sign(given);
    for (const Pipeline& pipeline : {before_gradient, for_scan, for_stream, for_formula})
      for (const Pass& pass : pipeline.passes)
        if (!close(of_any_sign(pass.apply(given)), expected, 1e-9)) return false;
  }
  return true;
}

void add_reference(std::vector<Part>& parts, const std::string& file, const char* section,
                   void (*run)(const Json&)) {
  static std::vector<Json> files;
  files.reserve(16);
  files.push_back(Json::parse(std::ifstream(TEMPO_SOURCE_DIR "/tests/reference/" + file)));
  for (const Json& json : entry(files.back(), section))
    parts.push_back({"reference " + json.at("name").get<std::string>(), [&json, run] {
                       try {
                         run(json);
                       } catch (const Skipped&) {
                       }
                       return true;
                     }});
}

}  // namespace

std::vector<Part> gradchecks() {
  std::vector<Part> parts;
  for (const op_table::OpCase& c : op_table::op_cases())
    parts.push_back({std::string("op ") + c.op, [&c] {
                       return gradcheck([&](const Tensors& in) { return of_op(c, in); },
                                        op_table::made(c.inputs))
                           .passed();
                     }});
  for (const LayerCase& c : layer_cases())
    parts.push_back({std::string("layer ") + c.name,
                     [c] { return gradcheck(c.make(), c.input, {.vary = false}).passed(); }});
  for (uint64_t seed = 0; seed < gradchecked_recurrences; ++seed)
    parts.push_back({"recurrence " + std::to_string(seed), [seed] {
                       const testing::RandomRecurrence r = testing::random_recurrence(seed);
                       if (!is_small(r)) return true;
                       return gradcheck(
                                  [&](const Tensors& in) {
                                    Tensors flat;
                                    for (const Tensor& y : results(r, in, false))
                                      flat.push_back(reshape(y, {-1}));
                                    return concat(flat);
                                  },
                                  r.variables())
                           .passed();
                     }});
  return parts;
}

std::vector<Part> comparisons() {
  std::vector<Part> parts;
  for (uint64_t seed = 0; seed < compared_recurrences; ++seed)
    parts.push_back(
        {"plain loop " + std::to_string(seed), [seed] { return scan_is_the_plain_loop(seed); }});
  for (uint64_t seed = 0; seed < compared_recurrences; ++seed)
    parts.push_back(
        {"each pass " + std::to_string(seed), [seed] { return close_after_each_pass(seed); }});
  add_reference(parts, "keras_gradients.json", "cases", run_gradient_case);
  add_reference(parts, "keras_cases.json", "layers", run_layer_case);
  add_reference(parts, "keras_cases.json", "losses", run_loss_case);
  add_reference(parts, "keras_cases.json", "optimizers", run_optimizer_case);
  for (Part& part : linked_tests()) parts.push_back(std::move(part));
  return parts;
}

}  // namespace tempo::mutation
