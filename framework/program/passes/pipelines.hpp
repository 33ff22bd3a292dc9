// SPDX-License-Identifier: Apache-2.0
// The pipelines: which passes a Program goes through, and in which order.
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

/// A step as written; its gradient is built after these, so that the gradient has their form.
extern const Pipeline before_gradient;
/// Between those and what follows, where weights are to be rounded to int8.
extern const Pipeline for_int8;
/// A step or its gradient, which runs over many steps of time.
extern const Pipeline for_scan;
/// A step that runs by itself, again and again; it comes from `before_gradient`.
extern const Pipeline for_stream;
/// An elementwise formula that runs once, in one pass over memory.
extern const Pipeline for_formula;

/// The Program after these passes, one after the other; with TEMPO_CHECKED verified after each.
Program run_passes(const Pipeline& pipeline, Program program);

}  // namespace tempo
