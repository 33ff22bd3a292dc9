// SPDX-License-Identifier: Apache-2.0
// Data as fit, evaluate and predict take them, checked before anything is computed.
#pragma once

#include "plugin/carried_states.hpp"
#include "training/data/order.hpp"
#include "training/losses/labels.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

/// Inputs, targets of each output, and weights of some samples; y and weight may be missing.
struct Dataset {
  Tensors x, y;
  Tensor weight;
  std::string name_of_y = "y";
  int64_t first = 0;                            // the first sample's place in the data, or in
  const std::vector<int64_t>* order = nullptr;  // the shuffled places, if there are any
  // If this is a piece of longer sequences: the carried states, its first step and, if the targets
  // have no time axis, the samples that end in it.
  CarriedStates* carried = nullptr;
  int64_t first_step = 0;
  Tensor ends = {};
  Tensor replaced = {};              // bool [batch]: replaced samples, see finite_where_none_counts
  std::vector<int64_t> places = {};  // of the samples, if the batches of a range have them

  int64_t count() const { return x[0].shape().front(); }
  Dataset part(int64_t begin, int64_t end, const std::vector<int64_t>* by = nullptr) const {
    Dataset out;
    out.name_of_y = name_of_y;
    out.first = first + begin;
    out.order = by;
    for (const Tensor& t : x) out.x.push_back(part_of(t, begin, end, by));
    for (const Tensor& t : y) out.y.push_back(part_of(t, begin, end, by));
    if (weight) out.weight = part_of(weight, begin, end, by);
    return out;
  }
  int64_t place_of(int64_t sample) const {
    return order ? (*order)[static_cast<std::size_t>(first + sample)] : first + sample;
  }
};

/// Whether the second axis has `time` steps. It is a guess: there may be as many features.
inline bool has_time(const Tensor& t, int64_t time) {
  return t.rank() >= 2 && t.shape()[1] == time;
}

/// f() for one output; a label that it refuses is named by its place in the user's data.
template <class F>
auto naming_labels(const std::string& who, const Dataset& batch, F f, std::size_t output = 0) {
  try {
    return f();
  } catch (const LabelError& e) {
    std::string y = batch.name_of_y;
    if (batch.y.size() > 1) y += "[" + std::to_string(output) + "]";
    throw Error(who + ": " + e.text(y, batch.place_of(e.sample()), batch.first_step));
  }
}

/// The batch of an update. If all weights of a sample are 0 and its x holds NaN or infinite
/// numbers, its x is replaced by that of a sample that counts, or by zeros: a gradient sums x dy
/// over all samples, and 0 times NaN is NaN. A model that keeps a state for each sequence gets x as
/// it is.
Dataset finite_where_none_counts(const ModelState& model, const Dataset& batch);
/// Reshapes [batch] for a broadcast against x [batch, ...].
Tensor against(const Tensor& of_samples, const Tensor& x);
/// Throws an Error if there are no samples, or if tensors hold different numbers of them.
void require_samples(const std::string& who, const Dataset& samples, bool with_truth);
void require_batch_size(const std::string& who, int64_t size);
inline int64_t batch_size_of(const std::optional<int64_t>& given) { return given.value_or(32); }
void require_steps(const std::string& who, int64_t steps_per_epoch);
/// The fix in the Error for an option of samples in memory that was given with a range.
inline constexpr const char* weight_in_batch =
    "Each Batch has its own: Batch{.x = x, .y = y, .sample_weight = w}.";
inline constexpr const char* own_batches =
    "A range has its own: batches(x, y, {.size = 64}); of validation_data it is "
    "validation_batch_size.";
inline constexpr const char* own_order = "A range has its own: batches(x, y, {.seed = 1}).";
void require_in_memory(const std::string& who, const char* option, bool given,
                       const std::string& fix);
/// The name of a layer that keeps a state for each sequence of a batch, so that all batches must be
/// of one size; "" if there is none.
std::string stateful_layer(const ModelState& model);
/// Throws Error if there is such a layer and the samples do not divide into even batches.
void require_even_batches(const std::string& who, const ModelState& model, int64_t count,
                          int64_t batch_size);
/// Throws Error for weights that are negative or not finite: a weight is a share of the loss.
void require_weights(const std::string& who, const Tensor& weight);

}  // namespace tempo
