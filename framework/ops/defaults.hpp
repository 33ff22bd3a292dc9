// SPDX-License-Identifier: Apache-2.0
// The defaults of the whole process: the default dtype, and the generator that set_seed starts.
#pragma once

#include "graph/value.hpp"
#include "tensor/scoped.hpp"

namespace tempo {

/// Where the global generator stands, so that a saved model's training can go on.
struct GeneratorState {
  int64_t seed = 0, stream = 0;
};
GeneratorState generator_state();
void restore_generator(const GeneratorState& state);
/// While one lives, the random keys of this thread are those of a generator of its own, which goes
/// on in `state`.
class OwnGenerator {
 public:
  explicit OwnGenerator(GeneratorState& state);

 private:
  Scoped<GeneratorState*> innermost_;
};
/// Of the global one as it stands, which is left alone: other numbers, the same each time.
GeneratorState beside_generator();
/// How often set_seed was called.
int64_t seedings();
/// The next n keys of the global generator, int64 [n, 2]: seed and stream, no stream twice.
Ref<Value> next_random_keys(int64_t n);
/// The key of one draw, int64 [2]. seed < 0: the next of the global generator, or, while a step is
/// traced, a placeholder that is drawn anew at every step. seed >= 0: the same key each time.
Tensor random_key(int64_t seed);
/// A key of one's own.
Tensor random_key(int64_t seed, int64_t stream);

}  // namespace tempo
