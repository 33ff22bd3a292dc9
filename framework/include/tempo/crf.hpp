// SPDX-License-Identifier: Apache-2.0
// Linear chains (Lafferty et al., 2001): the likelihood of tags, and the likeliest tags. Both are
// scans over the potentials.
#pragma once

#include <tempo/scan.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {

/// Potentials, 0 where masked so that none of those is read, and the mask as [batch, time, 1].
struct Chain {
  Chain(const char* who, const Tensor& given, const Tensor& its_mask) {
    const Shape shape = given.shape();
    if (shape.rank() != 4 || shape[2] != shape[3] || shape[3] == 0)
      throw ShapeError(
          std::string(who) + ": potentials are " + to_string(shape, given.dtype()) +
          "; they must be [batch, time, tags, tags], as a linear-chain layer gives them.");
    const Shape steps{shape[0], shape[1]};
    Tensor mask = its_mask ? its_mask : mask_of(given);
    if (mask && (mask.shape() != steps || mask.dtype() != bool_))
      throw ShapeError(std::string(who) + ": the mask does not fit the potentials\n  mask        " +
                       to_string(mask.shape(), mask.dtype()) + "\n  potentials  " +
                       to_string(shape, given.dtype()) + "\n  It must be " +
                       to_string(steps, bool_) + ".");
    if (!mask) mask = ones(steps, bool_);
    counts = reshape(with_mask(mask, {}), {steps[0], steps[1], 1});
    potentials = where(expand_dims(counts, -1), mask_of(given) ? with_mask(given, {}) : given, 0);
  }
  int64_t batch() const { return potentials.shape()[0]; }
  int64_t time() const { return potentials.shape()[1]; }
  int64_t tags() const { return potentials.shape()[2]; }
  Tensor zeros_for_tags() const { return zeros({batch(), tags()}, potentials.dtype()); }

  Tensor potentials, counts;
};

/// The element at each index of the last axis: x [..., n], index [..., 1] to [..., 1].
inline Tensor picked(const Tensor& x, const Tensor& index) {
  const Tensor places = arange(0, static_cast<double>(x.shape().back()), 1, int64);
  return sum(where(equal(places, index), x, 0), -1, true);
}

}  // namespace sdk

/// log P(tags) of each sequence, [batch], under potentials [batch, time, tag, previous tag]: the
/// score of a tag at a step after the tag of the step before. Before the first step all tags score
/// the same. tags [batch, time] are int32 or int64; at a step that counts, a tag outside of 0 to
/// tags - 1 is an Error. Steps that the mask [batch, time] (or that of the potentials) leaves out
/// do not belong to a sequence; the result of no steps is 0.
inline Tensor crf_log_likelihood(const Tensor& potentials, const Tensor& tags,
                                 const Tensor& mask = {}) {
  const sdk::Chain chain("crf_log_likelihood", potentials, mask);
  const int64_t batch = chain.batch(), time = chain.time(), n = chain.tags();
  if (tags.shape() != Shape{batch, time} || is_floating(tags.dtype()) || tags.dtype() == bool_)
    throw ShapeError("crf_log_likelihood: tags are " + to_string(tags.shape(), tags.dtype()) +
                     "; they must be int32 or int64 " + to_string(Shape{batch, time}) +
                     ", a tag for each step of the potentials.");
  const Tensor counts = chain.counts;

  // The forward algorithm: log of the sum over all sequences that end in each tag. Before the first
  // step, all tags score the same.
  const auto forward = [](const Tensors& x, const State& s) -> Step {
    const Tensor next = logsumexp(x[0] + expand_dims(s[0], 1), -1);  // over the tags before
    const Tensor kept = where(x[1], next, s[0]);
    return {.output = kept, .state = {kept}};
  };
  const Tensor none = chain.zeros_for_tags() - std::log(static_cast<double>(n));
  const Tensor all = logsumexp(
      scan(forward, {chain.potentials, counts}, {none}, {.last_only = true}).state[0], -1);

  // An invalid tag would pick the potential of another step.
  static const sdk::Op index("index");
  const std::string rule = "tags are whole numbers from 0 to " + std::to_string(n - 1) +
                           ", as the potentials have " + std::to_string(n) +
                           " tags.\n  A mask leaves out steps that have no tag.";
  const Tensor given =
      index(where(counts, reshape(cast(with_mask(tags, {}), int64), {batch, time, 1}), 0),
            {{"bound", n}, {"who", "crf_log_likelihood"}, {"rule", rule.c_str()}});
  const auto last_counted = [](const Tensors& x, const State& s) -> Step {
    return {.output = s[0], .state = {where(x[1], x[0], s[0])}};
  };
  const Tensor before = scan(last_counted, {given, counts}, {zeros({batch, 1}, int64)}).output;
  const Tensor rows =
      reshape(arange(0, static_cast<double>(batch * time), 1, int64), given.shape());
  const auto width = static_cast<double>(n);
  const Tensor scores =
      gather(reshape(chain.potentials, {-1}), (rows * width + given) * width + before);
  return sum(where(counts, scores, 0), {1, 2}) - all;
}

/// The likeliest tags under these potentials, int64 [batch, time] (Viterbi, 1967), with the mask; 0
/// at masked steps. They have no gradient.
inline Tensor crf_decode(const Tensor& potentials, const Tensor& mask = {}) {
  const NoGradient off;
  const sdk::Chain chain("crf_decode", potentials, mask);
  const Tensor tags = arange(0, static_cast<double>(chain.tags()), 1, int64);

  const auto forward = [&](const Tensors& x, const State& s) -> Step {
    const Tensor scores = x[0] + expand_dims(s[0], 1);
    return {.output = where(x[1], argmax(scores, -1), tags),  // the best previous tag for each
            .state = {where(x[1], max(scores, -1), s[0])}};
  };
  const Scanned best = scan(forward, {chain.potentials, chain.counts}, {chain.zeros_for_tags()});

  const auto back = [](const Tensor& before, const State& s) -> Step {
    return {.output = s[0], .state = {sdk::picked(before, s[0])}};
  };
  const Tensor last = expand_dims(argmax(best.state[0], -1), -1);
  const Tensor path = scan(back, best.output, {last}, {.reverse = true}).output;
  const Tensor found = squeeze(where(chain.counts, path, 0), -1);
  const Tensor its_mask = mask ? mask : mask_of(potentials);
  return its_mask ? with_mask(found, its_mask) : found;
}

}  // namespace tempo
