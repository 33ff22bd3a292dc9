// SPDX-License-Identifier: Apache-2.0
// The packed right sides of an Executable's products, kept from run to run.
#pragma once

#include <vector>

#include "tensor/array.hpp"
#include "tensor/made.hpp"
#include "tensor/products/packed.hpp"

namespace tempo {

/// Packed once: the caller must keep their inputs unchanged. Threads may use it at the same time.
class KeptProducts {
 public:
  /// The matrices. The first call packs them with pack(memory, matrices), in memory of `bytes`
  /// bytes that is 64-byte aligned.
  template <class F>
  const std::vector<PackedMatrix>& get(std::size_t count, std::size_t bytes, F pack) const {
    const Packed& packed = packed_.get([&] {
      Packed made{Array(TensorType{bool_, {static_cast<int64_t>(bytes)}}),
                  std::vector<PackedMatrix>(count)};
      pack(made.memory.as<char>(), made.matrices.data());
      return made;
    });
    return packed.matrices;
  }

 private:
  struct Packed {
    Array memory;
    std::vector<PackedMatrix> matrices;
  };
  mutable Made<Packed> packed_;
};

}  // namespace tempo
