// SPDX-License-Identifier: Apache-2.0
// Sequences of ids for a model, padded to one length, and ids from a model, sampled from its logits
// one by one.
#pragma once

#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct PadOptions {
  int64_t maxlen = 0;              ///< steps of each row; 0: as many as in the longest sequence
  DType dtype = DType::automatic;  ///< not given: int32 for whole numbers, else the default one
  std::string padding = "pre";     ///< or "post": the side on which `value` is put
  std::string truncating = "pre";  ///< or "post": the side on which longer sequences are cut
  double value = 0;
};

/// Sequences of any lengths as the rows of one tensor [n, maxlen]. Throws Error if the dtype does
/// not hold a value; Keras cuts 1.5 down to 1 there.
TEMPO_API Tensor pad_sequences(const std::vector<std::vector<int64_t>>& sequences,
                               const PadOptions& options = {});
TEMPO_API Tensor pad_sequences(const std::vector<std::vector<double>>& sequences,
                               const PadOptions& options = {});
/// Pads sequences [time, features...] to [n, maxlen, features...], of their dtype if none is given.
TEMPO_API Tensor pad_sequences(const Tensors& sequences, const PadOptions& options = {});
TEMPO_OPTIONS(Tensor pad_sequences, PadOptions, const std::vector<std::vector<int64_t>>&);
template <class T>
requires std::is_arithmetic_v<T> Tensor pad_sequences(const std::vector<std::vector<T>>& sequences,
                                                      const PadOptions& options = {}) {
  using Wide = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;
  std::vector<std::vector<Wide>> kept;
  for (const std::vector<T>& one : sequences) kept.emplace_back(one.begin(), one.end());
  return pad_sequences(kept, options);
}
template <class T>
requires std::is_arithmetic_v<T> Tensor pad_sequences(
    std::initializer_list<std::initializer_list<T>> sequences, const PadOptions& options = {}) {
  return pad_sequences(std::vector<std::vector<T>>(sequences.begin(), sequences.end()), options);
}

struct SampleOptions {
  double temperature = 1;  ///< below 1, likely classes become likelier; 0 takes the likeliest
  int64_t top_k = 0;       ///< only this many classes, the likeliest, may be drawn; 0: all
  /// Only the fewest classes that together have at least this probability may be drawn (Holtzman et
  /// al., 2020); the temperature and top_k are applied first.
  double top_p = 1;
  int64_t seed = -1;  ///< below 0: drawn from the generator that set_seed starts
};

/// Draws a class for each row of logits [..., classes]: int64 [...]. If you have probabilities p,
/// log(p) are logits. -inf is never drawn; any other number that is not finite is an Error.
TEMPO_API Tensor sample(const Tensor& logits, const SampleOptions& options = {});
TEMPO_OPTIONS(Tensor sample, SampleOptions, const Tensor&);

}  // namespace tempo
