// SPDX-License-Identifier: Apache-2.0
// The lists of passes, in their order.
#include "program/passes/pipelines.hpp"

#include "program/verify.hpp"

namespace tempo {

namespace {

constexpr Pass gradient_passes[] = {{"split", split},
                                    {"blocks", blocks},
                                    {"views", views},
                                    {"without reshapes", without_reshapes},
                                    {"merge", merge}};

constexpr Pass int8_passes[] = {{"quantise", quantise}};

constexpr Pass scan_passes[] = {{"without rules", without_rules},
                                {"split", split},
                                {"blocks", blocks},
                                {"views", views},
                                {"without reshapes", without_reshapes},
                                {"merge", merge},
                                {"rows last", rows_last},
                                {"narrow", narrow},
                                {"vectors", vectors},
                                {"negate", negate},
                                {"hoist", hoist},
                                {"sink", sink},
                                {"join", join},
                                {"schedule", schedule},
                                {"own parts", own_parts}};

constexpr Pass stream_passes[] = {{"without dead", without_dead},
                                  {"without renames", without_renames},
                                  {"without dead", without_dead},
                                  {"fixed first", fixed_first},
                                  {"checks first", checks_first}};

constexpr Pass formula_passes[] = {{"without dead", without_dead}, {"hoist", hoist}};

}  // namespace

constinit const Pipeline before_gradient{"before the gradient", gradient_passes};
constinit const Pipeline for_int8{"for int8", int8_passes};
constinit const Pipeline for_scan{"for a scan", scan_passes};
constinit const Pipeline for_stream{"for a stream", stream_passes};
constinit const Pipeline for_formula{"for a formula", formula_passes};

namespace {

#ifdef TEMPO_CHECKED
Program apply(const Pass& pass, const Program& given) {
  Program made = pass.apply(given);
  verify(made, given);
  return made;
}
#else
Program apply(const Pass& pass, Program given) { return pass.apply(std::move(given)); }
#endif

}  // namespace

Program run_passes(const Pipeline& pipeline, Program program) {
  for (const Pass& pass : pipeline.passes) program = apply(pass, std::move(program));
  return program;
}

}  // namespace tempo
