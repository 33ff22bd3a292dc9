// SPDX-License-Identifier: Apache-2.0
// Sorts sequences into batches by their lengths, and pads them.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <span>

#include <tempo/by_length.hpp>
#include <tempo/ops.hpp>
#include <tempo/sequences.hpp>

#include "training/data/order.hpp"
#include "training/models/dataset.hpp"
#include "training/settings.hpp"

namespace tempo {

struct BatchesByLength::Data {
  Tensors x, y;  // if ragged: one tensor for each sequence
  bool ragged = false, ragged_y = false;
  bool in_front = false;    // whether the padding stands before the steps
  bool y_has_time = false;  // of a padded y
  bool x_has_time = false;  // of the further tensors of a padded x
  Tensor weight;
  bool weight_has_time = false;
  std::vector<int64_t> lengths;
  int64_t time = 0;  // of padded sequences; else the longest length
  ByLengthOptions options;
  std::atomic<int64_t> pass{0};

  int64_t count() const { return static_cast<int64_t>(lengths.size()); }
};

namespace {

const char* const by_length = "batches_by_length";

void require_options(const ByLengthOptions& options) {
  for (const auto& [name, value] : {std::pair{"size", options.size}, {"pool", options.pool}})
    if (value < 1)
      throw Error(std::string(by_length) + ": " + name + " is " + std::to_string(value) +
                  "; it must be at least 1.");
  if (options.padding && *options.padding != "pre" && *options.padding != "post")
    unknown_name(by_length, "padding", *options.padding, {"pre", "post"});
}

std::vector<int64_t> checked_lengths(const Tensor& lengths, int64_t count, int64_t time) {
  if (!lengths || lengths.rank() != 1 || is_floating(lengths.dtype()) || lengths.dtype() == bool_ ||
      lengths.shape()[0] != count)
    throw ShapeError(std::string(by_length) + ": lengths is " +
                     (lengths ? to_string(lengths.shape(), lengths.dtype()) : "not given") +
                     "; it must be int32 or int64 [" + std::to_string(count) +
                     "], one for each sequence.");
  const std::vector<int64_t> out = cast(lengths, int64).to_vector<int64_t>();
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i] < 0 || out[i] > time)
      throw Error(std::string(by_length) + ": lengths[" + std::to_string(i) + "] is " +
                  std::to_string(out[i]) + "; the sequences have " + std::to_string(time) +
                  " steps.");
  return out;
}

// Whether all numbers so far were the same.
struct Constant {
  void add(double value) {
    if (!first) first = value;
    holds = holds && (value == *first || (std::isnan(value) && std::isnan(*first)));
  }
  bool is(double value) const { return holds && first == value; }
  bool holds = true;
  std::optional<double> first;
};

// Padding is one repeated number. If both ends look padded, the end of zeros is the likelier one.
bool looks_padded_in_front(const Tensor& x, const std::vector<int64_t>& lengths) {
  const int64_t time = x.shape()[1], width = x.count() / std::max<int64_t>(1, x.shape()[0] * time);
  Constant front, behind;
  for (std::size_t i = 0; i < lengths.size() && front.holds; ++i) {
    const int64_t first = static_cast<int64_t>(i) * time * width, cut = lengths[i] * width,
                  all = time * width;
    for (int64_t at = 0; at < all - cut && front.holds; ++at) front.add(x.element(first + at));
    for (int64_t at = cut; at < all && behind.holds; ++at) behind.add(x.element(first + at));
  }
  return front.first && front.holds && (!behind.holds || (front.is(0) && !behind.is(0)));
}

// Sequences [time, ...] stacked into a batch; the shorter ones are padded with zeros.
Tensor padded(const Tensors& sequences, const std::vector<int64_t>& places, int64_t longest,
              bool in_front) {
  Tensors rows;
  for (const int64_t place : places) {
    const Tensor& one = sequences[static_cast<std::size_t>(place)];
    const int64_t missing = longest - one.shape()[0];
    rows.push_back(pad(one, 0, in_front ? missing : 0, in_front ? 0 : missing));
  }
  return stack(rows, 0);
}

// The words of an error about tensors that may have the time axis of x: y, or each further x.
struct Question {
  const char *one, *none, *option, *of_steps, *of_samples;
};
constexpr Question about_y{"y", "no y", ".y_has_time", "targets of the steps", "classes"},
    about_x{"a further x", "no further x", ".x_has_time", "numbers of the steps",
            "features of a sample"};

// Whether one has a time axis. In a floating [n, width], width may be time by chance: an Error.
bool have_time(const Question& about, std::span<const Tensor> given, int64_t time,
               const std::optional<bool>& said) {
  bool any = false;
  for (const Tensor& t : given) {
    if (!has_time(t, time)) continue;
    any = true;
    if (!said && time > 1 && t.rank() == 2 && is_floating(t.dtype()))
      throw Error(std::string(by_length) + ": " + about.one + " is " +
                  to_string(t.shape(), t.dtype()) + ", and x has as many steps: these may be " +
                  about.of_steps + ", or of " + std::to_string(time) + " " + about.of_samples +
                  ".\n  " + about.option + " = true (or false) says which.");
  }
  if (said.value_or(false) && !any)
    throw ShapeError(std::string(by_length) + ": " + about.option + " is true, and " + about.none +
                     " is [n, " + std::to_string(time) + ", ...].");
  return said.value_or(any);
}

void require_sequences(const char* name, const Tensors& sequences) {
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    const std::string its_name = std::string(name) + "[" + std::to_string(i) + "]";
    if (!sequences[i])
      throw Error(std::string(by_length) + ": " + its_name +
                  " was never given a value (it is Tensor{}).");
    const auto type = [](const Tensor& t) { return to_string(t.shape(), t.dtype()); };
    if (sequences[i].rank() == 0 || sequences[i].dtype() != sequences[0].dtype() ||
        sequences[i].shape().without_first() != sequences[0].shape().without_first())
      throw ShapeError(std::string(by_length) + ": " + its_name + " is " + type(sequences[i]) +
                       ", and " + name + "[0] is " + type(sequences[0]) +
                       ".\n  Sequences are [time, ...], alike but for their time.");
  }
}

std::shared_ptr<BatchesByLength::Data> of_sequences(const Tensors& sequences,
                                                    const ByLengthOptions& options) {
  require_options(options);
  if (sequences.empty()) throw Error(std::string(by_length) + ": there are no sequences.");
  require_sequences("sequences", sequences);
  auto data = std::make_shared<BatchesByLength::Data>();
  data->x = sequences;
  data->ragged = true;
  data->options = options;
  data->in_front = options.padding == "pre";
  for (const Tensor& one : sequences) data->lengths.push_back(one.shape()[0]);
  data->time = std::max<int64_t>(1, *std::max_element(data->lengths.begin(), data->lengths.end()));
  return data;
}

void require_count(const char* name, int64_t given, int64_t count) {
  if (given != count)
    throw ShapeError(std::string(by_length) + ": there are " + std::to_string(count) +
                     " sequences, and " + name + " holds " + std::to_string(given) +
                     ".\n  It needs one entry for each, along the first axis.");
}

Tensors as_tensors(const std::vector<std::vector<int64_t>>& sequences) {
  Tensors out;
  for (const std::vector<int64_t>& one : sequences)
    out.push_back(reshape(pad_sequences(std::vector<std::vector<int64_t>>{one}),
                          {static_cast<int64_t>(one.size())}));
  return out;
}

// A weight that is not per step is per sample, or belongs to the second axis of a y without time.
void take_weight(BatchesByLength::Data& data, const Tensor& weight) {
  data.weight = weight;
  if (!weight) return;
  require_count("sample_weight", weight.rank() == 0 ? 0 : weight.shape()[0], data.count());
  require_weights(by_length, weight);
  if (weight.rank() == 1) return;
  const int64_t width = weight.shape()[1];
  const bool y_has_steps = data.ragged_y || data.y_has_time;
  const bool is_of_y =
      !y_has_steps && std::any_of(data.y.begin(), data.y.end(), [&](const Tensor& y) {
        return y.rank() >= 2 && y.shape()[1] == width;
      });
  data.weight_has_time = !is_of_y && width == data.time;
  if (is_of_y || data.weight_has_time || width == 1) return;
  throw ShapeError(std::string(by_length) + ": sample_weight is " +
                   to_string(weight.shape(), weight.dtype()) + "; it must be " +
                   to_string(Shape{data.count()}) + ", or " +
                   to_string(Shape{data.count(), data.time}) +
                   ", a weight for each step.\n  Pad or cut the weights as the sequences are, to " +
                   std::to_string(data.time) + " steps.");
}

}  // namespace

BatchesByLength batches_by_length(const Inputs& x, const Tensor& lengths, const Inputs& y,
                                  const ByLengthOptions& options) {
  require_options(options);
  Dataset all{x, y, options.sample_weight};
  require_samples(by_length, all, true);
  if (x[0].rank() < 2)
    throw ShapeError(std::string(by_length) + ": x is " + to_string(x[0].shape(), x[0].dtype()) +
                     ", which has no time axis.\n  Padded sequences are [n, time, ...].");
  auto data = std::make_shared<BatchesByLength::Data>();
  data->x = x;
  data->y = y;
  data->time = x[0].shape()[1];
  data->lengths = checked_lengths(lengths, all.count(), data->time);
  data->options = options;
  data->in_front = options.padding == "pre";
  data->y_has_time = have_time(about_y, data->y, data->time, options.y_has_time);
  data->x_has_time =
      have_time(about_x, std::span(data->x).subspan(1), data->time, options.x_has_time);
  take_weight(*data, options.sample_weight);
  if (!options.padding && looks_padded_in_front(x[0], data->lengths))
    throw Error(std::string(by_length) +
                ": the sequences of x look padded in front.\n  .padding = \"pre\" takes them so, "
                ".padding = \"post\" as padded at their ends.");
  return BatchesByLength(data);
}

BatchesByLength batches_by_length(const Tensors& sequences, const Tensor& y,
                                  const ByLengthOptions& options) {
  const auto data = of_sequences(sequences, options);
  if (!y) throw Error(std::string(by_length) + ": y was never given a value (it is Tensor{}).");
  require_count("y", y.rank() == 0 ? 0 : y.shape()[0], data->count());
  data->y = {y};
  take_weight(*data, options.sample_weight);
  return BatchesByLength(data);
}

BatchesByLength batches_by_length(const Tensors& sequences, const Tensors& y,
                                  const ByLengthOptions& options) {
  const auto data = of_sequences(sequences, options);
  require_count("y", static_cast<int64_t>(y.size()), data->count());
  require_sequences("y", y);
  for (std::size_t i = 0; i < y.size(); ++i)
    if (y[i].shape()[0] != data->lengths[i])
      throw ShapeError(std::string(by_length) + ": sequence " + std::to_string(i) + " has " +
                       std::to_string(data->lengths[i]) + " steps, and its y " +
                       std::to_string(y[i].shape()[0]) +
                       ".\n  A y of another form is one tensor, [n, ...].");
  data->y = y;
  data->ragged_y = true;
  take_weight(*data, options.sample_weight);
  return BatchesByLength(data);
}

BatchesByLength batches_by_length(const std::vector<std::vector<int64_t>>& ids, const Tensor& y,
                                  const ByLengthOptions& options) {
  return batches_by_length(as_tensors(ids), y, options);
}

BatchesByLength batches_by_length(const std::vector<std::vector<int64_t>>& ids,
                                  const std::vector<std::vector<int64_t>>& y,
                                  const ByLengthOptions& options) {
  return batches_by_length(as_tensors(ids), as_tensors(y), options);
}

int64_t BatchesByLength::size() const { return (data_->count() - 1) / data_->options.size + 1; }

std::shared_ptr<const BatchesByLength::Plan> BatchesByLength::next_plan() const {
  return plan_of(data_->pass++);
}

std::shared_ptr<const BatchesByLength::Plan> BatchesByLength::plan_of(int64_t pass) const {
  const ByLengthOptions& options = data_->options;
  const bool shuffle = options.shuffle;
  const int64_t count = data_->count(), size = options.size, seed = options.seed;
  std::vector<int64_t> places(static_cast<std::size_t>(count));
  std::iota(places.begin(), places.end(), 0);
  if (shuffle) places = shuffled(count, seed, pass);
  const int64_t at_once = shuffle && options.pool <= count / size ? options.pool * size : count;
  const auto shorter = [this](int64_t a, int64_t b) {
    return data_->lengths[static_cast<std::size_t>(a)] <
           data_->lengths[static_cast<std::size_t>(b)];
  };
  Plan plan;
  for (int64_t first = 0; first < count; first += at_once) {
    const auto begin = places.begin() + first,
               end = places.begin() + std::min(first + at_once, count);
    std::stable_sort(begin, end, shorter);
    for (auto from = begin; from < end;) {
      const auto to = from + std::min<std::ptrdiff_t>(size, end - from);
      plan.emplace_back(from, to);
      from = to;
    }
  }
  if (!shuffle) return std::make_shared<const Plan>(std::move(plan));
  // The order of the batches comes from another stream of the same seed than the order of samples.
  Plan mixed;
  for (const int64_t at : shuffled(static_cast<int64_t>(plan.size()), seed, -1 - pass))
    mixed.push_back(std::move(plan[static_cast<std::size_t>(at)]));
  return std::make_shared<const Plan>(std::move(mixed));
}

Batch BatchesByLength::batch(const std::vector<int64_t>& places) const {
  const Data& data = *data_;
  std::vector<int64_t> lengths;
  for (const int64_t place : places)
    lengths.push_back(data.lengths[static_cast<std::size_t>(place)]);
  const int64_t longest = std::max<int64_t>(1, *std::max_element(lengths.begin(), lengths.end()));
  const Tensor first_steps =
      mask_of_lengths(tensor(lengths, {static_cast<int64_t>(lengths.size())}), longest);
  const Tensor mask = data.in_front ? reverse(first_steps, 1) : first_steps;
  const auto cut = [&](const Tensor& rows) {
    const int64_t time = rows.shape()[1];
    return data.in_front ? slice(rows, 1, time - longest, time) : slice(rows, 1, 0, longest);
  };
  Batch out;
  out.places = places;
  if (data.ragged) {
    out.x = with_mask(padded(data.x, places, longest, data.in_front), mask);
  } else {
    for (std::size_t i = 0; i < data.x.size(); ++i) {
      const Tensor rows = samples(data.x[i], places), before = mask_of(rows);
      const bool of_steps = i == 0 || (data.x_has_time && has_time(data.x[i], data.time));
      out.x.push_back(!of_steps ? rows
                      : before  ? with_mask(cut(rows), logical_and(cut(before), mask))
                                : with_mask(cut(rows), mask));
    }
  }
  if (data.ragged_y) {
    out.y = padded(data.y, places, longest, data.in_front);
  } else {
    for (const Tensor& t : data.y) {
      const Tensor rows = samples(t, places);
      out.y.push_back(data.y_has_time && has_time(t, data.time) ? cut(rows) : rows);
    }
  }
  if (data.weight) {
    const Tensor rows = samples(data.weight, places);
    out.sample_weight = data.weight_has_time ? cut(rows) : rows;
  }
  return out;
}

}  // namespace tempo
