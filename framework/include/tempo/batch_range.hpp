// SPDX-License-Identifier: Apache-2.0
// Batches from a range or a function, one after another: for data larger than memory.
#pragma once

#include <atomic>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <tempo/data.hpp>

namespace tempo TEMPO_HIDDEN {

/// One tensor or several, for the inputs and targets of a model.
class Inputs : public Tensors {
 public:
  Inputs() = default;
  Inputs(const Tensor& x) : Tensors{x} {}
  Inputs(const Tensors& x) : Tensors(x) {}
  Inputs(std::initializer_list<Tensor> x) : Tensors(x) {}
};

/// Samples that a model takes at once, along the first axis of each tensor.
struct Batch {
  Inputs x = {};
  Inputs y = {};
  Tensor sample_weight = {};
  /// For batches in another order than the samples: the place of each row among the samples.
  /// predict returns its rows in the order of these places.
  std::vector<int64_t> places = {};
};

namespace sdk {

inline Batch as_batch(const Batch& batch) { return batch; }
inline Batch as_batch(const Samples& samples) { return {.x = samples.x, .y = samples.y}; }
template <class X, class Y>
requires(std::is_convertible_v<const X&, Inputs>&& std::is_convertible_v<const Y&, Inputs>) Batch
    as_batch(const std::pair<X, Y>& pair) {
  return {.x = pair.first, .y = pair.second};
}

/// A range that `for (auto&& batch : range)` iterates over.
template <class R>
concept RangeOfBatches = requires(R& range) {
  std::begin(range) != std::end(range);
  ++std::declval<decltype(std::begin(range))&>();
  as_batch(*std::begin(range));
};
/// A function that returns the next batch, or std::nullopt at the end.
template <class F>
concept GivesBatches = requires(F& next) {
  static_cast<bool>(next());
  as_batch(*next());
};

}  // namespace sdk

/// Batches for fit, evaluate and predict: a range of them, or a function that returns the next one.
/// Each is a Batch, a Samples (as from batches(x, y)) or a std::pair of x and y.
///
///     std::vector<Batch>, batches(x, y, {...}), files | std::views::transform(read)
///     [&]() -> std::optional<Batch> { ... }       std::nullopt at the end; called again in the
///                                                 next epoch
///
/// An lvalue range is held by reference and must outlive this object; any other range is moved in.
/// A range whose order changes from pass to pass has a member pass(number), as batches(x, y) has.
/// fit begins each epoch with the pass of its number, so that a resumed training keeps the order.
class BatchRange {
 public:
  /// The batches as libtempo iterates over them.
  class Source {
   public:
    virtual ~Source() = default;
    /// Moves to the first batch of this pass if it `restarts`; otherwise goes on where it stands.
    virtual void begin(int64_t pass) = 0;
    virtual std::optional<Batch> next() = 0;
    virtual bool restarts() const = 0;
    /// Whether it gives batches again after its end.
    virtual bool begins_again() const = 0;
    /// The number of batches; -1 if it is unknown.
    virtual int64_t size() const = 0;
    /// Set while fit, evaluate or predict iterates over it.
    std::atomic_flag walked;
  };

  /// No batches.
  BatchRange() = default;
  template <class R>
  requires(!std::is_same_v<std::remove_cvref_t<R>, BatchRange> &&
           sdk::RangeOfBatches<std::remove_reference_t<R>>) BatchRange(R&& range)
      : source_(std::make_shared<OfRange<R>>(std::forward<R>(range))) {}
  template <class F>
  requires(!std::is_same_v<F, BatchRange> && sdk::GivesBatches<F> && !sdk::RangeOfBatches<F>)
      BatchRange(F next)
      : source_(std::make_shared<OfFunction<F>>(std::move(next))) {}

  explicit operator bool() const { return source_ != nullptr; }
  Source* source() const { return source_.get(); }

 private:
  template <class R>  // R is a reference if the range is an lvalue
  struct OfRange final : Source {
    using Range = std::remove_reference_t<R>;
    using Iterator = decltype(std::begin(std::declval<Range&>()));
    explicit OfRange(R&& given) : range(std::forward<R>(given)) {}
    void begin(int64_t pass) override {
      if (at && !restarts()) return;
      if constexpr (requires { Iterator(range.pass(pass)); })
        at.emplace(range.pass(pass));
      else
        at.emplace(std::begin(range));
      taken = false;
    }
    // In a single pass, ++ may already read the next batch, so it waits until next() asks for it.
    std::optional<Batch> next() override {
      if (std::exchange(taken, false)) ++*at;
      if (!(*at != std::end(range))) return {};
      taken = true;
      Batch batch = sdk::as_batch(**at);
      if constexpr (requires(const Iterator& i) { batch.places = i.places(); })
        batch.places = at->places();
      return batch;
    }
    bool restarts() const override { return std::forward_iterator<Iterator>; }
    bool begins_again() const override { return restarts(); }
    int64_t size() const override {
      if constexpr (requires { std::size(range); })
        return static_cast<int64_t>(std::size(range));
      else
        return -1;
    }
    R range;
    std::optional<Iterator> at;
    bool taken = false;
  };
  template <class F>
  struct OfFunction final : Source {
    explicit OfFunction(F its_next) : function(std::move(its_next)) {}
    void begin(int64_t) override {}
    std::optional<Batch> next() override {
      auto batch = function();
      if (!batch) return {};
      return sdk::as_batch(*batch);
    }
    bool restarts() const override { return false; }
    bool begins_again() const override { return true; }
    int64_t size() const override { return -1; }
    F function;
  };

  std::shared_ptr<Source> source_;
};

}  // namespace tempo
