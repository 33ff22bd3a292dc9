// SPDX-License-Identifier: Apache-2.0
// Labels from the logits of CTC, greedily or by beam search.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <tempo/ctc.hpp>
#include <tempo/gradient.hpp>

#include "training/settings.hpp"

namespace tempo {

namespace {

using Labels = std::vector<int64_t>;
constexpr double impossible = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double most = std::max(a, b);
  return most == impossible ? most : most + std::log1p(std::exp(std::min(a, b) - most));
}

struct Found {
  Labels labels;
  double score = impossible;
};

/// The log-probabilities of one sample at its unmasked steps, [steps][classes].
using Steps = std::vector<std::vector<double>>;

Found greedy(const Steps& steps, const CTCDecodeOptions& options) {
  Found found{{}, 0};
  int64_t before = -1;
  for (const std::vector<double>& step : steps) {
    const auto best = std::max_element(step.begin(), step.end());
    const int64_t label = best - step.begin();
    found.score += *best;
    const bool repeated = options.merge_repeated && label == before;
    if (label != options.mask_index && !repeated) found.labels.push_back(label);
    before = label;
  }
  return found;
}

/// The log-probability of all alignments of one prefix so far, by their last symbol.
struct Beam {
  double in_blank = impossible, in_label = impossible;
  double all() const { return log_add(in_blank, in_label); }
};
using Beams = std::map<Labels, Beam>;

Beams extended(const Beams& beams, const std::vector<double>& step, int64_t blank) {
  Beams next;
  for (const auto& [labels, beam] : beams)
    for (int64_t c = 0; c < static_cast<int64_t>(step.size()); ++c) {
      const double p = step[static_cast<std::size_t>(c)];
      if (p == impossible) continue;
      Beam& same = next[labels];
      if (c == blank) {
        same.in_blank = log_add(same.in_blank, beam.all() + p);
        continue;
      }
      const bool repeated = !labels.empty() && labels.back() == c;
      if (repeated) same.in_label = log_add(same.in_label, beam.in_label + p);
      Labels longer = labels;
      longer.push_back(c);
      Beam& more = next[std::move(longer)];
      more.in_label = log_add(more.in_label, (repeated ? beam.in_blank : beam.all()) + p);
    }
  return next;
}

/// The n likeliest ones, in order; of equal ones the first comes first.
std::vector<Found> best(const Beams& beams, int n) {
  std::vector<Found> all;
  for (const auto& [labels, beam] : beams)
    if (beam.all() > impossible) all.push_back({labels, beam.all()});
  std::stable_sort(all.begin(), all.end(),
                   [](const Found& a, const Found& b) { return a.score > b.score; });
  if (all.size() > static_cast<std::size_t>(n)) all.resize(static_cast<std::size_t>(n));
  return all;
}

std::vector<Found> beam_search(const Steps& steps, const CTCDecodeOptions& options) {
  Beams beams{{{}, {0, impossible}}};
  for (const std::vector<double>& step : steps) {
    const Beams next = extended(beams, step, options.mask_index);
    beams.clear();
    for (const Found& kept : best(next, options.beam_width))
      beams[kept.labels] = next.at(kept.labels);
  }
  return best(beams, options.top_paths);
}

/// The log-probabilities of the unmasked steps of `row`; logs are [batch, time, classes].
Steps counting_steps(int64_t row, const std::vector<double>& logs, const Shape& shape,
                     const Tensor& mask) {
  const int64_t time = shape[1], classes = shape[2];
  Steps out;
  for (int64_t t = 0; t < time; ++t) {
    if (mask && mask.element(row * time + t) == 0) continue;
    const auto first = logs.begin() + (row * time + t) * classes;
    if (std::any_of(first, first + classes, [](double log) { return std::isnan(log); }))
      throw Error("ctc_decode: logits[" + std::to_string(row) + ", " + std::to_string(t) +
                  "] give no probabilities: NaN or inf is among them, or all are -inf.\n  Look "
                  "for what made the model's output so, or mask steps that do not count.");
    out.emplace_back(first, first + classes);
  }
  return out;
}

void require_valid(const Tensor& logits, const CTCDecodeOptions& options) {
  const Shape shape = logits.shape();
  if (shape.rank() != 3 || !is_floating(logits.dtype()))
    throw ShapeError("ctc_decode: logits are " + to_string(shape, logits.dtype()) +
                     "; they must be float32 or float64 [batch, time, classes].");
  if (options.strategy != "greedy" && options.strategy != "beam_search")
    unknown_name("ctc_decode", "strategy", options.strategy, {"greedy", "beam_search"});
  if (options.mask_index < 0 || options.mask_index >= shape[2])
    throw Error("ctc_decode: mask_index is " + std::to_string(options.mask_index) +
                ", and there are " + std::to_string(shape[2]) +
                " classes.\n  It is the class that stands for no label, counted from 0.");
  if (options.beam_width < 1 || options.top_paths < 1 || options.top_paths > options.beam_width)
    throw Error("ctc_decode: beam_width is " + std::to_string(options.beam_width) +
                " and top_paths " + std::to_string(options.top_paths) +
                ".\n  Both are at least 1, and top_paths at most beam_width.");
  if (options.strategy == "greedy" && options.top_paths > 1)
    throw Error("ctc_decode: top_paths is " + std::to_string(options.top_paths) +
                ", and greedy finds one path.\n  Set .strategy = \"beam_search\".");
}

}  // namespace

CTCDecoded ctc_decode(const Tensor& logits, const CTCDecodeOptions& options) {
  require_valid(logits, options);
  const NoGradient off;
  const Shape shape = logits.shape();
  const int64_t batch = shape[0], time = shape[1], paths = options.top_paths;
  const Tensor mask = mask_of(logits);
  const std::vector<double> logs =
      log_softmax(cast(mask ? with_mask(logits, {}) : logits, float64)).to_vector();
  std::vector<int64_t> labels(static_cast<std::size_t>(paths * batch * time), -1);
  std::vector<double> scores(static_cast<std::size_t>(batch * paths), impossible);
  for (int64_t row = 0; row < batch; ++row) {
    const Steps steps = counting_steps(row, logs, shape, mask);
    const std::vector<Found> found = options.strategy == "greedy"
                                         ? std::vector<Found>{greedy(steps, options)}
                                         : beam_search(steps, options);
    for (std::size_t path = 0; path < found.size(); ++path) {
      const auto at = static_cast<int64_t>(path);
      std::copy(found[path].labels.begin(), found[path].labels.end(),
                labels.begin() + (at * batch + row) * time);
      scores[static_cast<std::size_t>(row * paths + at)] = found[path].score;
    }
  }
  return {tensor(labels, {paths, batch, time}), tensor(scores, {batch, paths}, float64)};
}

}  // namespace tempo
