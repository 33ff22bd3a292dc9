// SPDX-License-Identifier: Apache-2.0
// The table of checks, and the code that runs them on every layer.
#include "check/checks.hpp"

#include <algorithm>

namespace tempo::conformance {

const std::vector<Check>& checks() {
  static const std::vector<Check> all = {
      {"made", "it is made by its row, or by default, and called", check_made},
      {"batch", "any batch, and results of that batch", check_batch_is_free},
      {"time", "any time; a result that has it has it of the input", check_time_is_free},
      {"dtype", "the dtype asked for is that of weights and results", check_dtypes},
      {"float32", "float32 gives what float64 gives, and float64 is float64", check_float32},
      {"grad1", "gradients are the slopes of the values", check_gradient},
      {"grad2", "gradients of gradients, too", check_second_gradient},
      {"mask", "what a mask takes out changes no result that counts, no gradient", check_mask},
      {"nan", "nor if it is NaN", check_padding_of_nan},
      {"passes", "a result with the steps of the input has their mask, others none",
       check_mask_is_passed_on},
      {"saved", "each option comes back from a file, and the layer that it makes", check_saved},
      {"default", "its options' described defaults are those it has", check_defaults},
      {"effect", "each option changes something", check_effects},
      {"trains", "a gradient step lowers the loss as far as it says; each weight has a gradient",
       check_training},
      {"calls", "a call changes nothing for the next one", check_calls},
      {"modes", "training gives what inference gives", check_modes},
      {"seed", "a seed gives the same bits again", check_seed},
      {"threads", "1 and 2 threads give the same bits", check_threads},
      {"rows", "a batch is its sequences, one by one", check_single_batches},
      {"stream", "steps one by one give what the whole sequence gives", check_stream},
  };
  return all;
}

std::vector<std::string> check_names() {
  std::vector<std::string> all;
  for (const Check& check : checks()) all.emplace_back(check.name);
  return all;
}

std::vector<std::string> check_sentences() {
  std::vector<std::string> all;
  for (const Check& check : checks()) all.emplace_back(check.sentence);
  return all;
}

namespace {

Outcome outcome(const Check& check, const Subject& subject) {
  try {
    check.run(subject);
  } catch (const Inapplicable& reason) {
    return {Outcome::excepted, reason.what()};
  } catch (const std::exception& fault) {
    return {Outcome::failed, fault.what()};
  }
  return {};
}

// The first check excepted in a row that does not exist; "" if there is none.
std::string unknown_exception(const Row& row) {
  const std::vector<std::string> names = check_names();
  for (const Except& except : row.except)
    if (std::find(names.begin(), names.end(), except.check) == names.end()) return except.check;
  return "";
}

Line line_of(const Subject& subject) {
  Line line{.layer = subject.name(), .outcomes = {}};
  if (const std::string name = unknown_exception(subject.row()); !name.empty())
    line.outcomes.push_back(
        {Outcome::failed, "its row excepts `" + name + "`, and there is no such check"});
  for (const Check& check : checks()) {
    if (line.outcomes.size() == 1 && &check == &checks().front()) continue;
    if (!line.outcomes.empty() && line.outcomes[0].kind == Outcome::failed) {
      line.outcomes.push_back({Outcome::excepted, "it was not made"});
      continue;
    }
    Outcome its = outcome(check, subject);
    for (const Except& except : subject.row().except) {
      if (except.check != check.name) continue;
      if (its.kind == Outcome::failed)
        its = {Outcome::excepted, except.reason};
      else
        its = {Outcome::failed,
               "the row excepts it, and it does not fail; take the exception out of "
               "tests/conformance/rows.cpp"};
    }
    line.outcomes.push_back(std::move(its));
  }
  return line;
}

}  // namespace

Report check(const std::vector<PluginContents>& plugins, const std::vector<Row>& known) {
  Report report;
  for (const Subject& subject : subjects(plugins, known)) report.lines.push_back(line_of(subject));
  return report;
}

}  // namespace tempo::conformance
