// SPDX-License-Identifier: Apache-2.0
// The seeds of a layer that draws random numbers at each call.
#pragma once

#include <cstdint>

#include <tempo/shared.hpp>

namespace tempo TEMPO_HIDDEN {

/// A seed of its own for each call in training, so that they differ and the first call of each run
/// is the same. A saved model keeps the number of calls in an option, so that training goes on with
/// it.
class CallSeeds {
 public:
  CallSeeds(int64_t seed, int64_t calls) : seed_(seed), calls_(static_cast<uint64_t>(calls)) {}
  /// Below 2^47; -1, which draws from the global generator, where that is the seed.
  int64_t next() {
    if (seed_ < 0) return -1;
    const uint64_t key = static_cast<uint64_t>(seed_) * 1000003 + calls_.next();
    return static_cast<int64_t>(key & 0x7fffffffffff);
  }

 private:
  int64_t seed_;
  Counter calls_;
};

}  // namespace tempo
