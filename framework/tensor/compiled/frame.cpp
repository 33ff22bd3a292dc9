// SPDX-License-Identifier: Apache-2.0
// Places the addresses and narrow results of a loop.
#include "tensor/cpu.hpp"

#if TEMPO_X86

#include <bit>

#include "tensor/compiled/frame.hpp"

namespace tempo {

namespace {
constexpr std::size_t slot_bytes = MatrixLoop::rows_together * sizeof(double);
}

Frame::Frame(const MatrixLoop& loop, const RegisterUse& use, const std::vector<bool>& crosses)
    : Instructions(loop.dtype, use) {
  find_streams(loop, crosses);
  find_slots(loop);
}

void Frame::find_streams(const MatrixLoop& loop, const std::vector<bool>& crosses) {
  const auto add = [&](const MatrixLoop::Memory& m, bool goes_on) {
    if (m.address >= streams_.size()) streams_.resize(m.address + 1);
    Stream& s = streams_[m.address];
    s = {true, m.wide || s.wide, goes_on, m.row_stride, std::nullopt};
  };
  for (std::size_t k = 0; k < loop.ops.size(); ++k) {
    const MatrixLoop::Op& op = loop.ops[k];
    for (const MatrixLoop::Operand& o : op.inputs)
      if (const auto* memory = std::get_if<MatrixLoop::Memory>(&o)) add(*memory, true);
    const bool scratch = loop.is_wide(MatrixLoop::Operand(k)) && crosses[k];
    if (op.kept || scratch) add(op.out, op.kept);
  }
  // The columns' loop reads wide values at every turn, so they come first.
  std::vector<Xbyak::Reg64> free = {rsi, r8, r9, r10, r11, rbx, rbp, r12, r13, r14, r15};
  for (const bool wide : {true, false})
    for (Stream& s : streams_)
      if (s.used && s.wide == wide && !free.empty()) {
        s.held = free.back();
        free.pop_back();
      }
}

void Frame::find_slots(const MatrixLoop& loop) {
  std::size_t at = (8 * streams_.size() + slot_bytes - 1) / slot_bytes * slot_bytes;
  for (std::size_t k = 0; k < loop.ops.size(); ++k) {
    slots_.push_back(at);
    if (!loop.is_wide(MatrixLoop::Operand(k))) at += slot_bytes;
  }
  minus_one_slot_ = at;
  bytes_ = at + slot_bytes;
}

void Frame::enter() {
  for (const Xbyak::Reg64& r : saved()) push(r);
  sub(rsp, static_cast<uint32_t>(bytes_));
  for (std::size_t a = 0; a < streams_.size(); ++a) {
    if (!streams_[a].used) continue;
    const Xbyak::Reg64 to = streams_[a].held.value_or(temporary);
    mov(to, ptr[rdi + 8 * a]);
    if (!streams_[a].held) mov(in_frame(a), to);
  }
  if (is_float()) {
    mov(dword[rsp + minus_one_slot_], std::bit_cast<uint32_t>(-1.0F));
  } else {
    mov(temporary, std::bit_cast<uint64_t>(-1.0));
    mov(minus_one_at(), temporary);
  }
}

void Frame::leave() {
  vzeroupper();
  add(rsp, static_cast<uint32_t>(bytes_));
  const std::vector<Xbyak::Reg64> all = saved();
  for (auto r = all.rbegin(); r != all.rend(); ++r) pop(*r);
  ret();
}

void Frame::go_on() {
  for (std::size_t a = 0; a < streams_.size(); ++a) {
    const Stream& s = streams_[a];
    const auto bytes = static_cast<uint32_t>(s.row_stride * use().rows);
    if (!s.used || !s.goes_on || bytes == 0) continue;
    if (s.held)
      add(*s.held, bytes);
    else
      add(qword[rsp + 8 * a], bytes);
  }
}

Xbyak::RegExp Frame::row_of(const MatrixLoop::Memory& m, int64_t row) {
  const Stream& s = streams_[m.address];
  if (!s.held) mov(temporary, in_frame(m.address));
  return s.held.value_or(temporary) + static_cast<std::size_t>(row * m.row_stride);
}

Xbyak::Address Frame::slot(MatrixLoop::Result k, int64_t row) {
  return ptr[rsp + slots_[k] + static_cast<std::size_t>(row * size())];
}

Xbyak::Address Frame::number_at(const MatrixLoop::Operand& o, int64_t row) {
  if (const auto* memory = std::get_if<MatrixLoop::Memory>(&o)) return ptr[row_of(*memory, row)];
  return slot(std::get<MatrixLoop::Result>(o), row);
}

}  // namespace tempo

#endif
