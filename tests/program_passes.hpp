// SPDX-License-Identifier: Apache-2.0
// Programs as text; and that they compute the same after each pass alone and after all of them.
#pragma once

#include <set>

#include "program/executable.hpp"
#include "program/passes/pipelines.hpp"
#include "program/verify.hpp"
#include "testing.hpp"

namespace tempo::testing {

/// The text of a Program from this section on.
inline std::string from(const std::string& section, const Program& p) {
  const std::string text = to_string(p);
  return text.substr(std::min(text.size(), text.find(section + "\n")));
}

/// Checks that the Plan claims nothing that is not true.
inline void verify_planned(const Program& p) {
  verify_rows(p, Executable(p).plan().independent_rows);
}

inline Tensors results_of(const Program& p, int64_t time, double least_input = 0.5) {
  Tensors inputs, outputs;
  std::vector<View> in, out;
  for (std::size_t i = 0; i < p.n_inputs(); ++i) {
    const ProgramValue& v = p[p.input(i)];
    const Shape shape = v.role == Role::sequence ? v.type.shape.prepended(time) : v.type.shape;
    inputs.push_back(cast(uniform(least_input, 1.5, shape, static_cast<int64_t>(i)), v.type.dtype));
    in.push_back(inputs.back().handle()->array.view());
  }
  for (const TensorType& type : result_types(p, time)) {
    outputs.push_back(zeros(type.shape, type.dtype));
    out.push_back(outputs.back().handle()->array.view());
  }
  Executable(p).run(time, in, out);
  return outputs;
}

/// The Program after all passes of this list, verified after each.
inline Program verified(const std::string& what, const Pipeline& pipeline, Program p) {
  for (const Pass& pass : pipeline.passes) {
    Program made = pass.apply(p);
    BOOST_TEST_CONTEXT(what << ", after " << pass.name) { verify(made, p); }
    p = std::move(made);
  }
  BOOST_TEST_CONTEXT(what << ", planned") { verify_planned(p); }
  return p;
}

/// Checks that a Program, all of it in the loop, computes the same after each pass of any list
/// alone, and after each list.
inline void check_passes(const std::string& what, const Program& given, int64_t time = 4) {
  const Tensors expected = results_of(given, time);
  const double tolerance = expected.at(0).dtype() == float32 ? 1e-5 : 1e-12;
  const auto check = [&](const std::string& pass, const Program& p) {
    BOOST_TEST_CONTEXT(what << ", " << pass) {
      verify(p, given);
      verify_planned(p);
    }
    const Tensors got = results_of(p, time);
    for (std::size_t k = 0; k < got.size(); ++k)
      check_close(what + ", " + pass + ", result " + std::to_string(k), got[k], expected[k],
                  tolerance);
  };
  std::set<std::string> alone;
  for (const Pipeline& pipeline : {before_gradient, for_scan, for_stream, for_formula}) {
    for (const Pass& pass : pipeline.passes)
      if (alone.insert(pass.name).second) check(pass.name, pass.apply(given));
    check(pipeline.name, verified(what, pipeline, given));
  }
}

}  // namespace tempo::testing
