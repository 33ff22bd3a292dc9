// SPDX-License-Identifier: Apache-2.0
// Rows that end before the run does. The longest come first, so the running rows of a step are the
// first ones, and slabs hold no others. Ended rows are neither computed nor copied.
#include <algorithm>
#include <cstring>

#include "program/run/execution.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

std::size_t Execution::slab_offset(std::size_t b, int64_t t) const {
  if (!drops_rows_) return static_cast<std::size_t>(t - stretch_.t) * step_bytes(b);
  return static_cast<std::size_t>(row_steps(stretch_.t, t)) *
         (step_bytes(b) / static_cast<std::size_t>(rows_));
}

// Shards have equally many rows; if rows end, as nearly equal a number of steps as possible.
int64_t Execution::first_row_of(int64_t shard, int64_t shards) const {
  if (!drops_rows_) return shard * rows_ / shards;
  const int64_t end = stretch_.t + stretch_.steps(), all = row_steps(stretch_.t, end);
  int64_t row = 0;
  for (int64_t before = 0; row < running(stretch_.t); ++row) {
    const int64_t own = std::min(steps_of(row), end) - stretch_.t;
    if ((2 * before + own) * shards > 2 * shard * all) break;
    before += own;
  }
  return row;
}

char* Execution::initial(const CarriedMove& c) const {
  return inputs_[p_.first_state() + plan_.blocks[c.block].index].as<char>();
}

// Copies the steps of each row, one row after the other: the caller has rows in another order.
void Execution::exchange_rows(const BatchFirst& b, const View& all, int64_t first, int64_t end,
                              bool to_loop) const {
  const std::size_t row = static_cast<std::size_t>(b.row) * size_of(b.here.dtype);
  const auto copy = [to_loop](char* here, char* there, std::size_t bytes) {
    to_loop ? std::memcpy(here, there, bytes) : std::memcpy(there, here, bytes);
  };
  const int64_t after = stretch_.t + stretch_.steps();
  if (b.time_first) {
    for (int64_t t = stretch_.t; t < after; ++t) {
      const int64_t rows = drops_rows_ ? std::min(end, running(t)) - first : end - first;
      if (rows > 0)
        copy(at(b.here, t) + static_cast<std::size_t>(first) * row,
             all.as<char>() + static_cast<std::size_t>(t * b.batch + first) * row,
             static_cast<std::size_t>(rows) * row);
    }
    return;
  }
  for (int64_t r = first; r < end; ++r) {
    const int64_t own = drops_rows_ ? std::min(after, steps_of(r)) : after,
                  of_caller = ends_->order[static_cast<std::size_t>(r)];
    for (int64_t t = stretch_.t; t < own; ++t)
      copy(
          at(b.here, t) + static_cast<std::size_t>(r) * row,
          all.as<char>() + static_cast<std::size_t>(of_caller * time_ + ends_->time_of(r, t)) * row,
          row);
  }
}

// Writes zeros into the caller's steps after a row's end, and first states for rows without steps.
void Execution::start_rows() const {
  for (const auto* list : {&surroundings_.scattered, &surroundings_.scattered_at_once})
    for (const BatchFirst& b : *list) {
      const std::size_t row = static_cast<std::size_t>(b.row) * size_of(b.here.dtype);
      const int64_t grain =
          std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, b.row * time_));
      parallel_for(rows_, grain, [&](int64_t begin, int64_t end) {
        for (int64_t r = begin; r < end; ++r) {
          const int64_t of_caller = ends_->order[static_cast<std::size_t>(r)];
          for (int64_t t = steps_of(r); t < time_; ++t)
            std::memset(
                outputs_[b.index].as<char>() +
                    static_cast<std::size_t>(of_caller * time_ + ends_->time_of(r, t)) * row,
                0, row);
        }
      });
    }
  for (const Delivery& d : surroundings_.lasts) {
    const auto k = static_cast<std::size_t>(std::find(p_.next.begin(), p_.next.end(), d.value) -
                                            p_.next.begin());
    copy_rows_of(d.from, inputs_[p_.first_state() + k].as<char>(), outputs_[d.result].as<char>(),
                 running(0), rows_);
  }
}

// Runs before a stretch: its shards are others, and one may write where another's state is.
void Execution::save_running_states() const {
  const int64_t last = running(time_of(stretch_.end - 1));
  for (int64_t index = 0; index < shards_; ++index) {
    Shard all = shard(index);
    all.first = 0;
    all.end = index == 0 ? last : 0;
    save_states(all);
  }
}

void Execution::step_of_running(const Shard& all, int64_t n) const {
  const int64_t t = time_of(n);
  Shard now = all;
  now.end = std::clamp(running(t), all.first, all.end);
  for (std::size_t b : surroundings_.slabs) now.addresses[b] = bases_[b] + slab_offset(b, t);
  if (p_.reverse && n > 0) begin_rows(now, std::clamp(running(t + 1), now.first, now.end));
  if (now.first < now.end) {
    for (const StateHistory& h : surroundings_.histories)
      copy_rows_of(h.to, address_of(h.from, now.addresses), address_of(h.to, now.addresses),
                   now.first, now.end);
    run_stages(now);
    if (!p_.reverse || n + 1 == time_)
      end_rows(now, p_.reverse ? now.first : std::clamp(running(t + 1), now.first, now.end));
  }
  carry(now, n);
}

// With time running backwards, gives rows whose first step this is their initial states.
void Execution::begin_rows(const Shard& now, int64_t from) const {
  if (from == now.end) return;
  for (const CarriedMove& c : surroundings_.carried) {
    char*& at = now.addresses[c.block];
    if (!c.copied && plan_.blocks[c.next.block].kind != Block::turns && at != copy_of(c, 0)) {
      copy_rows_of(c.next, at, copy_of(c, 0), now.first, from);
      at = copy_of(c, 0);
    }
    copy_rows_of(c.next, initial(c), at, from, now.end);
  }
}

// Writes the last results of the rows from `from` on, for which this step is the last.
void Execution::end_rows(const Shard& now, int64_t from) const {
  for (const Delivery& d : surroundings_.lasts)
    copy_rows_of(d.from, address_of(d.from, now.addresses), outputs_[d.result].as<char>(), from,
                 now.end);
}

}  // namespace tempo
