// SPDX-License-Identifier: Apache-2.0
// Prepares data for training: windows over a series, mini-batches, held-out parts.
#pragma once

#include <iterator>
#include <memory>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// Inputs with their targets: `auto [x, y] = windows(series, {.steps = 15});`
struct Samples {
  Tensor x = {};
  Tensor y = {};
};

struct WindowOptions {
  int64_t steps = 1;    ///< values in a window
  int64_t stride = 1;   ///< offset between the starts of consecutive windows
  int64_t horizon = 1;  ///< how many steps after the window's last value the target lies
  /// Several horizons: y has one more axis, [n, horizons, targets].
  std::vector<int64_t> horizons = {};
  /// The columns of y; negative numbers count from the end. None given: all columns.
  std::vector<int64_t> targets = {};
};

/// Windows over a series [time] or [time, features]: x [n, steps, features], y [n, targets].
TEMPO_API Samples windows(const Tensor& series, const WindowOptions& options = {});
TEMPO_OPTIONS(Samples windows, WindowOptions, const Tensor&);

/// The samples of `x` (along its first axis) at these places, in this order, with their mask.
TEMPO_API Tensor samples(const Tensor& x, const std::vector<int64_t>& places);

struct BatchOptions {
  int64_t size = 32;
  bool shuffle = true;
  int64_t seed = -1;  ///< below 0: drawn from the generator that set_seed starts
};

/// A range of mini-batches, `for (auto [xb, yb] : batches(x, y, {.size = 32}))`. The last one may
/// be smaller. With shuffle, each pass over the range has its own order.
class Batches {
 public:
  class Iterator {
   public:
    using value_type = Samples;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    Iterator() = default;
    Iterator(const Batches* from, int64_t at, std::shared_ptr<const std::vector<int64_t>> order)
        : from_(from), at_(at), order_(std::move(order)) {}
    Samples operator*() const { return from_->batch(at_, order_.get()); }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++at_;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }
    /// The places of this batch's samples in x and y.
    std::vector<int64_t> places() const { return from_->places(at_, order_.get()); }

   private:
    const Batches* from_ = nullptr;
    int64_t at_ = 0;
    std::shared_ptr<const std::vector<int64_t>> order_;
  };

  TEMPO_API Batches(const Tensor& x, const Tensor& y, const BatchOptions& options);
  Iterator begin() const { return {this, 0, order_of(pass_++)}; }
  /// Like begin, in the order that the seed gives to the pass of this number.
  Iterator pass(int64_t number) const { return {this, 0, order_of(number)}; }
  Iterator end() const { return {this, size(), nullptr}; }
  /// The number of batches.
  int64_t size() const { return (count_ - 1) / options_.size + 1; }

 private:
  TEMPO_API Samples batch(int64_t at, const std::vector<int64_t>* order) const;
  TEMPO_API std::vector<int64_t> places(int64_t at, const std::vector<int64_t>* order) const;
  TEMPO_API std::shared_ptr<const std::vector<int64_t>> order_of(int64_t pass) const;

  Tensor x_, y_;
  int64_t count_ = 0;
  BatchOptions options_;
  mutable int64_t pass_ = 0;
};

inline Batches batches(const Tensor& x, const Tensor& y, const BatchOptions& options = {}) {
  return Batches(x, y, options);
}
TEMPO_OPTIONS(Batches batches, BatchOptions, const Tensor&, const Tensor&);

/// One-hot rows [..., num_classes] of class numbers [...] or [..., 1], as Keras's to_categorical;
/// num_classes = 0: the largest number plus one. Throws Error if a number is no class.
TEMPO_API Tensor to_categorical(const Tensor& y, int64_t num_classes = 0,
                                DType dtype = DType::automatic);

struct TrainTestSplitOptions {
  double test_size = 0.25;  ///< share of the samples that is held out
  bool shuffle = true;      ///< false: the last ones are held out
  bool stratify = false;    ///< each class (a value or row of y) has the same share in both parts
  int64_t seed = -1;        ///< below 0: drawn from the generator that set_seed starts
};

/// `auto [train, test] = train_test_split(x, y, {.test_size = 0.2, .stratify = true});`
struct TrainTestSamples {
  Samples train = {};
  Samples test = {};
};
/// scikit-learn's train_test_split: ceil(n * test_size) samples are held out.
TEMPO_API TrainTestSamples train_test_split(const Tensor& x, const Tensor& y,
                                            const TrainTestSplitOptions& options = {});
TEMPO_OPTIONS(TrainTestSamples train_test_split, TrainTestSplitOptions, const Tensor&,
              const Tensor&);

/// The places of each part's samples, for data that is no tensor: texts, or a table's `select`.
struct TrainTestPlaces {
  std::vector<int64_t> train = {};
  std::vector<int64_t> test = {};
};
TEMPO_API TrainTestPlaces train_test_places(const Tensor& y,
                                            const TrainTestSplitOptions& options = {});
TEMPO_OPTIONS(TrainTestPlaces train_test_places, TrainTestSplitOptions, const Tensor&);

/// Two parts of the samples: `auto [train, validation] = train_validation_split(x, y, 0.2);`
struct SplitSamples {
  Samples train = {};
  Samples validation = {};
};

/// Holds out the last `share` of the samples; floor(n * (1 - share)) are kept. Nothing is shuffled.
TEMPO_API SplitSamples train_validation_split(const Tensor& x, const Tensor& y, double share);

}  // namespace tempo
