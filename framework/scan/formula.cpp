// SPDX-License-Identifier: Apache-2.0
// Traces an elementwise formula, plans it as a loop of one step, and runs it over arrays.
#include "scan/formula.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>

#include "program/builder.hpp"
#include "program/passes/pipelines.hpp"
#include "scan/explain.hpp"
#include "tensor/finite.hpp"
#include "tensor/parallel.hpp"

namespace tempo {

namespace {

constexpr std::size_t most_numbers = 8;
constexpr int64_t in_cache = 8192;  // elements: results are checked while they are in the cache

// The function becomes a loop of one step, whose inputs are sequences.
Executable made_of(const Formula::Function& f, const TensorType& type, std::size_t n_tensors,
                   std::size_t n_numbers) {
  ProgramBuilder builder;
  Trace trace;
  Tensors x, numbers;
  for (std::size_t i = 0; i < n_numbers; ++i)
    numbers.push_back(to_tensor(trace.placeholder({type.dtype, {}})));
  for (std::size_t i = 0; i < n_tensors; ++i) x.push_back(to_tensor(trace.placeholder(type)));
  const Tensors results = f(x, numbers);
  for (const Tensor& n : numbers) builder.input(Role::fixed, to_value(n));
  for (const Tensor& t : x) builder.input(Role::sequence, to_value(t));
  for (const Ref<Application>& a : trace.applications()) builder.add(*a);
  for (const Tensor& t : results)
    builder.program.results.push_back({ProgramResult::sequence, builder.at(*t.handle())});
  settle_roles(builder.program);
  log_program("formula", {for_formula}, builder.program);
  return Executable(run_passes(for_formula, std::move(builder.program)));
}

// The index of the caller's input or result whose memory a region is, if it is one.
std::optional<std::size_t> external(const Plan& plan, const Region& region) {
  const Block& block = plan.blocks[region.block];
  return block.kind == Block::external ? std::optional(block.index) : std::nullopt;
}

// Whether results may overwrite the inputs that they replace: there is one loop over tiles, and no
// input is read after its result was written.
bool may_run_in_place(const Executable& part) {
  const Program& p = part.program();
  const Plan& plan = part.plan();
  if (plan.stages.size() != 1 || p.results.size() > p.sequences.size()) return false;
  const auto* group = std::get_if<TileStage>(&plan.stages[0]);
  if (!group) return false;
  const std::size_t n_inputs = p.n_inputs(), first = p.fixed.size();
  std::vector<bool> written(n_inputs, false);
  std::size_t writes = 0;
  for (const TileOp& op : group->ops) {
    for (int i = 0; i < op.n_inputs; ++i)
      if (const auto input = external(plan, op.inputs[i]);
          input && *input < n_inputs && written[*input])
        return false;
    const auto result = external(plan, op.out);
    if (!result || *result < n_inputs) continue;
    written[first + *result - n_inputs] = true;
    ++writes;
  }
  return writes == p.results.size();
}

Formula::Size size_of_all(std::span<const View> all) {
  const auto moderate = [](const View& v) { return all_within(v, Formula::moderate); };
  if (std::all_of(all.begin(), all.end(), moderate)) return Formula::Size::moderate;
  return std::all_of(all.begin(), all.end(), all_finite) ? Formula::Size::finite
                                                         : Formula::Size::not_finite;
}

}  // namespace

Formula::Formula(const Function& f, const TensorType& type, std::size_t n_tensors,
                 std::size_t n_numbers)
    : count_(type.shape.count()),
      part_(std::min(count_, in_cache)),
      whole_(made_of(f, {type.dtype, {part_}}, n_tensors, n_numbers)) {
  if (n_numbers > most_numbers) throw Error("formula: it has too many numbers.");
  if (part_ > 0 && count_ % part_ > 0)
    rest_ = made_of(f, {type.dtype, {count_ % part_}}, n_tensors, n_numbers);
  in_place_ = may_run_in_place(whole_) && (!rest_ || may_run_in_place(*rest_));
}

Formula::Size Formula::run(const Executable& part, std::span<const View> numbers,
                           std::span<const View> x, std::span<const View> next, int64_t begin,
                           int64_t count) {
  const std::size_t n_inputs = numbers.size() + x.size();
  std::vector<View> all;
  all.reserve(n_inputs + next.size());
  all.assign(numbers.begin(), numbers.end());
  for (const std::span<const View>& views : {x, next})
    for (const View& v : views) {
      const std::size_t at = static_cast<std::size_t>(begin) * size_of(v.dtype());
      all.push_back({{v.dtype(), {count}}, static_cast<char*>(v.data) + at});
    }
  const std::span<const View> in(all.data(), n_inputs), out(&all[n_inputs], next.size());
  part.run(1, in, out);
  return size_of_all(out);
}

Formula::Size Formula::operator()(std::span<const View> x, std::span<const double> numbers,
                                  std::span<const View> next) const {
  const DType dtype = x[0].dtype();
  std::array<double, most_numbers> room;
  std::array<View, most_numbers> scalars;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    scalars[i] = {{dtype, {}}, &room[i]};
    dispatch_floating(dtype, "formula",
                      [&]<class T>(T) { *scalars[i].as<T>() = static_cast<T>(numbers[i]); });
  }
  const std::span<const View> given(scalars.data(), numbers.size());
  if (part_ == count_) return run(whole_, given, x, next, 0, count_);
  std::atomic<Size> largest{Size::moderate};
  parallel_for((count_ + part_ - 1) / part_, 4, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i) {
      const int64_t begin = i * part_, count = std::min(part_, count_ - begin);
      const Executable& part = count == part_ ? whole_ : *rest_;
      const Size here = run(part, given, x, next, begin, count);
      for (Size before = largest; before < here && !largest.compare_exchange_weak(before, here);) {
      }
    }
  });
  return largest;
}

}  // namespace tempo
