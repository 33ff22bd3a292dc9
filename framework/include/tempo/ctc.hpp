// SPDX-License-Identifier: Apache-2.0
// Decodes labels from logits that were trained with the loss CTC.
#pragma once

#include <string>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct CTCDecodeOptions {
  std::string strategy = "greedy";  ///< or "beam_search"
  int beam_width = 100;             ///< how many prefixes beam search keeps at each step
  int top_paths = 1;                ///< how many results beam search gives, the likeliest first
  bool merge_repeated = true;       ///< greedy: merges equal labels with no blank between them
  int mask_index = 0;               ///< the class of the blank, which stands for no label
};

struct CTCDecoded {
  Tensor labels;  ///< int64 [top_paths, batch, time], -1 after the labels of a row
  Tensor scores;  ///< float64 [batch, top_paths]: log of the probability
};

/// Labels from logits [batch, time, classes]; their mask says which steps count. "greedy" takes
/// the likeliest class at each step, and its score is that of this one alignment. "beam_search"
/// adds up alignments of the same labels (Graves and Jaitly, 2014), and is exact if beam_width
/// covers all prefixes. If there are fewer results than top_paths, the rest are empty and
/// score -inf. (Keras gives minus the sum of the logits as the score of "greedy".)
TEMPO_API CTCDecoded ctc_decode(const Tensor& logits, const CTCDecodeOptions& options = {});
TEMPO_OPTIONS(CTCDecoded ctc_decode, CTCDecodeOptions, const Tensor&);

}  // namespace tempo
