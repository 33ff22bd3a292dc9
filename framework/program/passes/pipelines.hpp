// SPDX-License-Identifier: Apache-2.0
// The pipelines: the lists of passes that Programs go through, in order.
#pragma once

#include <span>

#include "program/passes/passes.hpp"

namespace tempo {

struct Pass {
  const char* name;
  Program (*apply)(Program);
};
struct Pipeline {
  const char* name;
  std::span<const Pass> passes;
};

/// For a step as written; its gradient is built after these passes, so that it has their form.
extern const Pipeline before_gradient;
/// Runs after before_gradient and before the next ones if weights are rounded to int8.
extern const Pipeline for_int8;
/// For a step or its gradient that runs over many steps of time.
extern const Pipeline for_scan;
/// For a step that is run alone, again and again, after `before_gradient`.
extern const Pipeline for_stream;
/// For an elementwise formula that runs once, in one pass over memory.
extern const Pipeline for_formula;

/// Applies the passes one after the other; with TEMPO_CHECKED, verifies the Program after each.
Program run_passes(const Pipeline& pipeline, Program program);

}  // namespace tempo
