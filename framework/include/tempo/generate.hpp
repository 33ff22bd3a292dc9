// SPDX-License-Identifier: Apache-2.0
// Sequences that a model goes on with by itself: each class that it draws is its next input.
#pragma once

#include <tempo/model.hpp>
#include <tempo/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct GenerateOptions {
  int64_t length = 100;    ///< how many ids are drawn
  double temperature = 1;  ///< these four as in SampleOptions
  int64_t top_k = 0;
  double top_p = 1;
  int64_t seed = -1;
  std::optional<int64_t> end =
      {};  ///< the id after which nothing more is drawn; it is in the result
};

/// The ids that follow `start` (at least one), by a model of ids [batch, time] that gives logits
/// [batch, time, classes], as an Embedding, recurrent layers with .return_sequences and a Dense
/// layer without an activation. It runs step by step in a Stream, so that each id costs the same.
TEMPO_API std::vector<int64_t> generate(const Model& model, const std::vector<int64_t>& start,
                                        const GenerateOptions& options = {});
TEMPO_OPTIONS(std::vector<int64_t> generate, GenerateOptions, const Model&,
              const std::vector<int64_t>&);

}  // namespace tempo
