// SPDX-License-Identifier: Apache-2.0
// The addresses of a loop, and its narrow results. For x86-64 only.
#pragma once

#include "tensor/compiled/instructions.hpp"

namespace tempo {

/// The code's frame on the stack, and the registers for addresses. Addresses that have no register,
/// narrow results and the number -1 lie in the frame.
class Frame : public Instructions {
 protected:
  /// `crosses`: for each op, whether its result is read in a later pass.
  Frame(const MatrixLoop& loop, const RegisterUse& use, const std::vector<bool>& crosses);

  /// Begins the function: takes the frame, and the addresses from the caller's list.
  void enter();
  void leave();
  /// Moves all addresses from one group of rows to the next.
  void go_on();

  std::size_t n_addresses() const { return streams_.size(); }
  /// The beginning of a row.
  Xbyak::RegExp row_of(const MatrixLoop::Memory& m, int64_t row);
  /// The vector at `column` of a row.
  Xbyak::Address wide_at(const MatrixLoop::Memory& m, int64_t row) {
    return ptr[row_of(m, row) + column];
  }
  /// A narrow operand, and a narrow result of op k.
  Xbyak::Address number_at(const MatrixLoop::Operand& o, int64_t row);
  Xbyak::Address slot(MatrixLoop::Result k, int64_t row);
  Xbyak::Address minus_one_at() { return ptr[rsp + minus_one_slot_]; }

  // The offset of a column in bytes, the groups of rows that are left, and one for any use between
  // two instructions.
  const Xbyak::Reg64 column = rax, count = rcx, temporary = rdx;

 private:
  // What an address leads through, and whether the next group of rows starts where one ends.
  struct Stream {
    bool used = false, wide = false, goes_on = false;
    int64_t row_stride = 0;
    std::optional<Xbyak::Reg64> held;  // the register that has the address, if not the frame
  };
  void find_streams(const MatrixLoop& loop, const std::vector<bool>& crosses);
  void find_slots(const MatrixLoop& loop);
  std::vector<Xbyak::Reg64> saved() const { return {rbx, rbp, r12, r13, r14, r15}; }
  Xbyak::Address in_frame(std::size_t address) { return ptr[rsp + 8 * address]; }

  std::vector<Stream> streams_;
  std::vector<std::size_t> slots_;  // of narrow results
  std::size_t minus_one_slot_ = 0, bytes_ = 0;
};

}  // namespace tempo
