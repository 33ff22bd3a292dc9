// SPDX-License-Identifier: Apache-2.0
// The defaults of the process: the default dtype, and the generator that set_seed starts.
#pragma once

#include "graph/value.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// The state of the global generator; with it, the training of a saved model can continue.
struct GeneratorState {
  int64_t seed = 0, stream = 0;
};
GeneratorState generator_state();
void restore_generator(const GeneratorState& state);
/// While one exists, random keys on this thread come from a generator of its own, whose state
/// advances in `state`.
class OwnGenerator {
 public:
  explicit OwnGenerator(GeneratorState& state);

 private:
  Scoped<GeneratorState*> innermost_;
};
/// Derived from the global generator, which does not advance: other numbers, always the same.
GeneratorState beside_generator();
/// The number of calls of set_seed.
int64_t seedings();
/// The next n keys of the global generator, int64 [n, 2]: seed and stream. No stream repeats.
Ref<Value> next_random_keys(int64_t n);
/// The key of one draw, int64 [2]. seed < 0: the next key of the global generator or, in a traced
/// step, a placeholder that is drawn anew at every step. seed >= 0: the same key each time.
Tensor random_key(int64_t seed);
/// The key of this seed and stream.
Tensor random_key(int64_t seed, int64_t stream);

}  // namespace tempo
