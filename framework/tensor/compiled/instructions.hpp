// SPDX-License-Identifier: Apache-2.0
// Instructions on numbers and vectors of a loop's dtype. For x86-64 only.
#pragma once

#include <xbyak/xbyak.h>

#include <array>
#include <cstdint>

#include "tensor/compiled/assembler.hpp"

namespace tempo {

class Instructions : public Xbyak::CodeGenerator {
 public:
  using Register = int;  // the number of a vector register

  Instructions(DType dtype, const RegisterUse& use)
      : CodeGenerator(4096, Xbyak::AutoGrow), is_float_(dtype == float32), use_(use) {}

 protected:
  bool is_float() const { return is_float_; }
  const RegisterUse& use() const { return use_; }
  int64_t size() const { return is_float_ ? 4 : 8; }  // of an element, in bytes

  Xbyak::Xmm vector(Register r) const {
    if (use_.vector_bytes == 64) return Xbyak::Zmm(r);
    return Xbyak::Ymm(r);
  }

  static constexpr Register none = -1;
  /// A free register. If there is none, enough() is false from then on, and the code is of no use.
  Register take() {
    for (Register r = 0; r < use_.registers; ++r)
      if (!taken_[static_cast<std::size_t>(r)]) {
        keep(r);
        return r;
      }
    too_few();
    return 0;
  }
  void keep(Register r) { taken_[static_cast<std::size_t>(r)] = true; }
  void give_back(Register r) { taken_[static_cast<std::size_t>(r)] = false; }
  void too_few() { enough_ = false; }
  bool enough() const { return enough_; }

#define TEMPO_BY_DTYPE(name, single, precise)               \
  template <class... T>                                     \
  void name(const T&... operands) {                         \
    is_float_ ? single(operands...) : precise(operands...); \
  }
  TEMPO_BY_DTYPE(load_number, vmovss, vmovsd)
  TEMPO_BY_DTYPE(store_number, vmovss, vmovsd)
  TEMPO_BY_DTYPE(add_numbers, vaddss, vaddsd)
  TEMPO_BY_DTYPE(subtract_numbers, vsubss, vsubsd)
  TEMPO_BY_DTYPE(multiply_numbers, vmulss, vmulsd)
  TEMPO_BY_DTYPE(add_product_of_numbers, vfmadd231ss, vfmadd231sd)  // a += b c
  TEMPO_BY_DTYPE(move, vmovups, vmovupd)
  TEMPO_BY_DTYPE(add_vectors, vaddps, vaddpd)
  TEMPO_BY_DTYPE(subtract_vectors, vsubps, vsubpd)
  TEMPO_BY_DTYPE(multiply_vectors, vmulps, vmulpd)
  TEMPO_BY_DTYPE(add_product, vfmadd231ps, vfmadd231pd)       // a += b c
  TEMPO_BY_DTYPE(multiply_and_add, vfmadd213ps, vfmadd213pd)  // a = a b + c
  TEMPO_BY_DTYPE(add_neighbours, vhaddps, vhaddpd)
#undef TEMPO_BY_DTYPE

  /// Every element of the register becomes the number.
  void repeat(Register to, const Xbyak::Address& number) {
    if (use_.vector_bytes == 64)
      is_float_ ? vbroadcastss(Xbyak::Zmm(to), number) : vbroadcastsd(Xbyak::Zmm(to), number);
    else
      is_float_ ? vbroadcastss(Xbyak::Ymm(to), number) : vbroadcastsd(Xbyak::Ymm(to), number);
  }
  void clear(Register r) { vxorps(vector(r), vector(r), vector(r)); }

 private:
  const bool is_float_;
  const RegisterUse use_;
  std::array<bool, 32> taken_ = {};
  bool enough_ = true;
};

}  // namespace tempo
