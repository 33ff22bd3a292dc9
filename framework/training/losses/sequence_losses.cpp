// SPDX-License-Identifier: Apache-2.0
// Losses of label sequences: of a linear chain, and of labels whose places in time are unknown.
#include <tempo/crf.hpp>
#include <tempo/names.hpp>

#include "training/losses/loss_formula.hpp"

namespace tempo {

namespace {

std::string listed(const Tensor& x) { return to_string(x.shape(), x.dtype()); }

// The samples that count and, within them, the steps that count, for a loss of each sample,
// [batch], of y_pred [batch, time, ...].
struct CountedSteps {
  CountedSteps(const Tensor& y_pred, const Weighting& weighting)
      : rows(weighting.kept({y_pred.shape()[0]})) {
    const Shape steps{y_pred.shape()[0], y_pred.shape()[1]};
    mask = mask_of(y_pred);
    if (!mask) mask = ones(steps, bool_);
    if (rows) mask = logical_and(mask, expand_dims(rows, -1));
  }
  // y_pred without its mask, which is one of steps, not of samples.
  static Tensor bare(const Tensor& y_pred) {
    return mask_of(y_pred) ? with_mask(y_pred, {}) : y_pred;
  }

  Tensor rows;  // [batch], or Tensor{} if all count
  Tensor mask;  // [batch, time]
};

struct ChainFormula : LossFormula<ChainFormula, CRFLossOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"crf_loss", "crf"};
  int reads() const override { return 1; }
  bool of_whole_sequences() const override { return true; }
  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const Shape p = y_pred.shape();
    if (p.rank() != 4 || p[2] != p[3])
      throw ShapeError(
          name + ": y_pred is " + listed(y_pred) +
          "; it must be the potentials of a linear chain, [batch, time, tags, tags].\n"
          "  They are the second result of a linear-chain layer: make it the model's last.");
    const Tensor tags = without_ones(y_true, 2);
    if (tags.shape() != Shape{p[0], p[1]})
      shapes_differ(name, y_true, y_pred, "y_true holds a tag for each step, [batch, time].");
    const CountedSteps counted(y_pred, weighting);
    const ClassNumbers numbers(name, tags, p[3], {}, weighting.and_mask(counted.mask));
    return -crf_log_likelihood(y_pred, numbers.labels, counted.mask);
  }
};

// x [batch, places] shifted by n places to the right; the new places are impossible.
Tensor moved_on(const Tensor& x, int64_t n) {
  const Shape shape = x.shape();
  const int64_t places = shape[1], in = std::min(n, places);
  const Tensor impossible = full({shape[0], in}, -HUGE_VAL, x.dtype());
  return in == places ? impossible : concat({impossible, slice(x, -1, 0, places - in)});
}

struct CTCFormula : LossFormula<CTCFormula, CTCOptions> {
  using LossFormula::LossFormula;
  static constexpr const char* names[] = {"ctc"};
  bool of_whole_sequences() const override { return true; }

  Tensor values(const Tensor& y_true, const Tensor& y_pred,
                const Weighting& weighting) const override {
    const Shape p = y_pred.shape();
    if (p.rank() != 3 || y_true.rank() != 2 || y_true.shape()[0] != p[0])
      shapes_differ(name, y_true, y_pred,
                    "y_true holds a row of labels for each sample, [batch, length], y_pred logits, "
                    "[batch, time, classes].");
    const int64_t blank = options.mask_index;
    if (blank < 0 || blank >= p[2])
      throw Error(name + ": mask_index is " + std::to_string(blank) + ", and y_pred has " +
                  std::to_string(p[2]) + " classes.\n  It must lie in [0, " +
                  std::to_string(p[2] - 1) + "]: the class that stands for no label.");
    const CountedSteps counted(y_pred, weighting);
    const Tensor labels = label_rows(name, y_true, p[2], blank, counted.rows);
    return of_alignments(only(expand_dims(counted.mask, -1), CountedSteps::bare(y_pred)),
                         expand_dims(counted.mask, -1), labels);
  }

  // Each label takes a step; two equal labels in a row need a step of blank between them.
  std::optional<Cause> why_infinite(const Tensor& y_true, const Tensor& y_pred,
                                    const Tensor& sample_weight) const override {
    const CountedSteps counted(y_pred, Weighting(name, mask_of(y_pred), sample_weight));
    const std::vector<int64_t> labels =
        label_rows(name, y_true, y_pred.shape()[2], options.mask_index, counted.rows)
            .to_vector<int64_t>();
    const std::vector<int64_t> steps = sum(cast(counted.mask, int64), 1).to_vector<int64_t>();
    const auto length = static_cast<std::size_t>(y_true.shape()[1]);
    for (std::size_t row = 0; row < steps.size(); ++row) {
      int64_t count = 0, repeated = 0;
      for (std::size_t i = row * length; i < (row + 1) * length; ++i) {
        if (labels[i] == options.mask_index) break;
        ++count;
        repeated += i > row * length && labels[i] == labels[i - 1];
      }
      if (count + repeated <= steps[row]) continue;
      const std::string blanks =
          repeated == 0 ? "" : ", needs " + sdk::counted(repeated, "blank") + " between equal ones";
      return Cause{static_cast<int64_t>(row),
                   "has " + sdk::counted(count, "label") + blanks + ", and y_pred has " +
                       sdk::counted(steps[row], "step") +
                       " for them, so that no path leads through: its loss is infinite whatever "
                       "the weights.\n  Leave it out by a sample_weight of 0, or give more steps: "
                       "a mask that counts more, fewer strides, shorter labels."};
    }
    return {};
  }

 private:
  // The forward algorithm over the labels with a blank before, between and after them (equations 6
  // to 8 of the paper, in logarithms). A place is reached from itself, from the place before it
  // and, skipping a blank, from a label that differs.
  Tensor of_alignments(const Tensor& logits, const Tensor& counts, const Tensor& labels) const {
    const int64_t batch = logits.shape()[0], time = logits.shape()[1], classes = logits.shape()[2],
                  length = labels.shape()[1], places = 2 * length + 1;
    const auto blank = static_cast<double>(options.mask_index);
    const Tensor blanks = full({batch, length}, blank, int64);
    const Tensor path = concat({reshape(stack({blanks, labels}, 2), {batch, 2 * length}),
                                full({batch, 1}, blank, int64)});  // [batch, places]
    const Tensor is_label = not_equal(path, blank);
    const Tensor two_before = concat({full({batch, std::min<int64_t>(2, places)}, blank, int64),
                                      slice(path, 1, 0, std::max<int64_t>(0, places - 2))});
    const Tensor skips = logical_and(is_label, not_equal(path, two_before));

    const Tensor rows =
        reshape(arange(0, static_cast<double>(batch * time), 1, int64), {batch, time, 1});
    const Tensor at = rows * static_cast<double>(classes) + expand_dims(path, 1);
    const Tensor emitted = gather(reshape(log_softmax(logits), {-1}), at);  // [batch, time, places]

    const auto step = [&](const Tensors& x, const State& s) -> Step {
      const Tensor& alpha = s[0];
      const Tensor from =
          stack({alpha, moved_on(alpha, 1), where(skips, moved_on(alpha, 2), -HUGE_VAL)}, -1);
      const Tensor next = where(x[1], logsumexp(from, -1) + x[0], alpha);
      return {.output = next, .state = {next}};
    };
    const Tensor place = arange(0, static_cast<double>(places), 1, int64);
    const Tensor before = broadcast_to(
        where(equal(place, 0), zeros({1}, logits.dtype()), -HUGE_VAL), {batch, places});
    const Tensor alpha = scan(step, {emitted, counts}, {before}, {.last_only = true}).state[0];

    const Tensor last = sum(cast(is_label, int64), 1, true) * 2;  // the blank after the last label
    const Tensor ends = logical_or(equal(place, last), equal(place, last - 1));
    return -logsumexp(where(ends, alpha, -HUGE_VAL), -1);
  }
};

}  // namespace

LossRows sequence_losses() { return {loss_row<ChainFormula>(), loss_row<CTCFormula>()}; }

CRFLoss::CRFLoss(const CRFLossOptions& options) : Loss(std::make_shared<ChainFormula>(options)) {}
CTC::CTC(const CTCOptions& options) : Loss(std::make_shared<CTCFormula>(options)) {}

}  // namespace tempo
