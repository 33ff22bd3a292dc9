// SPDX-License-Identifier: Apache-2.0
// From the logits that the loss CTC trains to labels.
#pragma once

#include <string>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

struct CTCDecodeOptions {
  std::string strategy = "greedy";  ///< or "beam_search"
  int beam_width = 100;             ///< how many beginnings beam search keeps at each step
  int top_paths = 1;                ///< how many results beam search gives, the likeliest first
  bool merge_repeated = true;       ///< greedy: whether equal labels with no blank between are one
  int mask_index = 0;               ///< the class that stands for no label, the blank
};

struct CTCDecoded {
  Tensor labels;  ///< int64 [top_paths, batch, time], -1 after the labels of a row
  Tensor scores;  ///< float64 [batch, top_paths]: log of the probability
};

/// Labels from logits [batch, time, classes], whose mask says which steps there are. "greedy" takes
/// the likeliest class at each step, and its score is that of this one alignment; "beam_search"
/// adds up alignments of the same labels (Graves and Jaitly, 2014), and is exact where beam_width
/// holds all that there are. Where there are fewer results than top_paths, the rest are empty and
/// score -inf. (Keras gives minus the sum of the logits as the score of "greedy".)
TEMPO_API CTCDecoded ctc_decode(const Tensor& logits, const CTCDecodeOptions& options = {});
TEMPO_OPTIONS(CTCDecoded ctc_decode, CTCDecodeOptions, const Tensor&);

}  // namespace tempo
