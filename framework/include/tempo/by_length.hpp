// SPDX-License-Identifier: Apache-2.0
// Mini-batches of sequences of similar lengths; each batch is padded to its longest sequence only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <tempo/batch_range.hpp>

namespace tempo TEMPO_HIDDEN {

struct ByLengthOptions {
  int64_t size = 32;  ///< sequences in a batch
  /// true: each pass has its own order; false: sequences come in order of length, the shortest
  /// first.
  bool shuffle = true;
  int64_t seed = -1;  ///< below 0: drawn from the generator that set_seed starts
  /// How many batches are sorted by length together, and then shuffled. A larger number needs less
  /// padding; with a smaller one, chance decides more about which sequences share a batch.
  int64_t pool = 100;
  /// The side on which sequences are padded, "pre" or "post". Not given: "post", and an Error if
  /// they seem to be padded in front.
  std::optional<std::string> padding = {};
  /// Whether the second axis of y is time. Not given: yes if it is as long as that of x; an Error
  /// if this may be chance, as for one-hot labels [n, classes].
  std::optional<bool> y_has_time = {};
  /// The same for each further x.
  std::optional<bool> x_has_time = {};
  Tensor sample_weight = {};  ///< [n], or [n, time] with as many steps as the longest sequence
};

/// A range of batches for fit, evaluate and predict. x of each is [size, longest, ...] with the
/// mask of its lengths; one batch may be smaller. This is a handle: copies share their passes.
class BatchesByLength {
 public:
  struct Data;
  using Plan = std::vector<std::vector<int64_t>>;  ///< the places in each batch
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::forward_iterator_tag;
    Iterator() = default;
    Iterator(const BatchesByLength* from, int64_t at, std::shared_ptr<const Plan> plan)
        : from_(from), at_(at), plan_(std::move(plan)) {}
    Batch operator*() const { return from_->batch((*plan_)[static_cast<std::size_t>(at_)]); }
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

   private:
    const BatchesByLength* from_ = nullptr;
    int64_t at_ = 0;
    std::shared_ptr<const Plan> plan_;
  };

  explicit BatchesByLength(std::shared_ptr<Data> data) : data_(std::move(data)) {}
  Iterator begin() const { return {this, 0, next_plan()}; }
  /// Like begin, in the order that the seed gives to the pass of this number.
  Iterator pass(int64_t number) const { return {this, 0, plan_of(number)}; }
  Iterator end() const { return {this, size(), nullptr}; }
  /// The number of batches.
  TEMPO_API int64_t size() const;

 private:
  TEMPO_API Batch batch(const std::vector<int64_t>& places) const;
  TEMPO_API std::shared_ptr<const Plan> next_plan() const;
  TEMPO_API std::shared_ptr<const Plan> plan_of(int64_t pass) const;

  std::shared_ptr<Data> data_;
};

/// Batches of padded sequences [n, time, ...] with lengths [n], int32 or int64. All tensors with
/// this time axis, which are the first x and any y, sample_weight and further x of as many steps,
/// are cut to the longest sequence of each batch.
///
///     Tensor x = pad_sequences(ids, {.padding = "post"});
///     auto train = batches_by_length(x, lengths, y, {.size = 32});
///     model.fit(train, {.epochs = 10});
TEMPO_API BatchesByLength batches_by_length(const Inputs& x, const Tensor& lengths, const Inputs& y,
                                            const ByLengthOptions& options = {});
TEMPO_OPTIONS(BatchesByLength batches_by_length, ByLengthOptions, const Inputs&, const Tensor&,
              const Inputs&);
/// Batches of sequences [time, ...], each of its own length; y is [n, ...].
TEMPO_API BatchesByLength batches_by_length(const Tensors& sequences, const Tensor& y,
                                            const ByLengthOptions& options = {});
TEMPO_OPTIONS(BatchesByLength batches_by_length, ByLengthOptions, const Tensors&, const Tensor&);
/// The same with targets for each sequence, [time, ...], one for each of its steps.
TEMPO_API BatchesByLength batches_by_length(const Tensors& sequences, const Tensors& y,
                                            const ByLengthOptions& options = {});
TEMPO_OPTIONS(BatchesByLength batches_by_length, ByLengthOptions, const Tensors&, const Tensors&);
/// Batches of ids as Vocabulary::encode returns them; they need no padding beforehand.
TEMPO_API BatchesByLength batches_by_length(const std::vector<std::vector<int64_t>>& ids,
                                            const Tensor& y, const ByLengthOptions& options = {});
TEMPO_OPTIONS(BatchesByLength batches_by_length, ByLengthOptions,
              const std::vector<std::vector<int64_t>>&, const Tensor&);
TEMPO_API BatchesByLength batches_by_length(const std::vector<std::vector<int64_t>>& ids,
                                            const std::vector<std::vector<int64_t>>& y,
                                            const ByLengthOptions& options = {});
TEMPO_OPTIONS(BatchesByLength batches_by_length, ByLengthOptions,
              const std::vector<std::vector<int64_t>>&, const std::vector<std::vector<int64_t>>&);

}  // namespace tempo
