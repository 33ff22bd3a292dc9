// SPDX-License-Identifier: Apache-2.0
// Data as fit, evaluate and predict take them, checked before anything is computed.
#pragma once

#include "plugin/carried_states.hpp"
#include "training/data/order.hpp"
#include "training/losses/labels.hpp"
#include "training/models/model_state.hpp"

namespace tempo {

/// Inputs, truth of each output, and weights of some samples; y and weight may be missing.
struct Dataset {
  Tensors x, y;
  Tensor weight;
  std::string name_of_y = "y";
  int64_t first = 0;                            // sample of what the user gave, or of
  const std::vector<int64_t>* order = nullptr;  // the places there, when they are shuffled
  // Of a piece of longer sequences: where recurrences stand, its first step, and, where the truth
  // has no time axis, which of the samples end in it.
  CarriedStates* carried = nullptr;
  int64_t first_step = 0;
  Tensor ends = {};
  Tensor replaced = {};  // bool [batch], of samples that were: see finite_where_none_counts
  std::vector<int64_t> places = {};  // of a batch of a range, where it has them

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

/// Whether its second axis is that of so many steps: a guess, as features may be as many.
inline bool has_time(const Tensor& t, int64_t time) {
  return t.rank() >= 2 && t.shape()[1] == time;
}

/// What f gives of an output; a label that it refuses is named by its place in what the user gave.
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

/// The batch of an update, with a sample that counts, or zeros, in place of the x of each whose
/// weights are all 0 and that holds NaN or infinite numbers: a gradient adds up x dy over all
/// samples, and 0 times NaN is NaN. A model that keeps a state for each sequence gets them as they
/// are.
Dataset finite_where_none_counts(const ModelState& model, const Dataset& batch);
/// What is of samples, [batch], to be broadcast against x [batch, ...].
Tensor against(const Tensor& of_samples, const Tensor& x);
/// Throws an Error where there are none, or these hold different numbers of samples.
void require_samples(const std::string& who, const Dataset& samples, bool with_truth);
void require_batch_size(const std::string& who, int64_t size);
inline int64_t batch_size_of(const std::optional<int64_t>& given) { return given.value_or(32); }
void require_steps(const std::string& who, int64_t steps_per_epoch);
/// Throws an Error for an option that was given and is of samples in memory, not of a range.
inline constexpr const char* weight_in_batch =
    "Each Batch has its own: Batch{.x = x, .y = y, .sample_weight = w}.";
inline constexpr const char* own_batches =
    "A range has its own: batches(x, y, {.size = 64}); of validation_data it is "
    "validation_batch_size.";
inline constexpr const char* own_order = "A range has its own: batches(x, y, {.seed = 1}).";
void require_in_memory(const std::string& who, const char* option, bool given,
                       const std::string& fix);
/// The name of a layer that keeps a state for each sequence of a batch, so that all batches must be
/// of one size; "": there is none.
std::string stateful_layer(const ModelState& model);
/// Throws Error where there is one, and samples that do not make such batches.
void require_even_batches(const std::string& who, const ModelState& model, int64_t count,
                          int64_t batch_size);
/// A weight of a sample is a share of the loss: what turns its sign is a loss of another kind.
void require_weights(const std::string& who, const Tensor& weight);

}  // namespace tempo
