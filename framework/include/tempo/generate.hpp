// SPDX-License-Identifier: Apache-2.0
// Generates sequences: each class that is drawn from a model's output is its next input.
#pragma once

#include <tempo/model.hpp>
#include <tempo/sequences.hpp>

namespace tempo TEMPO_HIDDEN {

struct GenerateOptions {
  int64_t length = 100;    ///< how many ids are drawn
  double temperature = 1;  ///< this and the next three are as in SampleOptions
  int64_t top_k = 0;
  double top_p = 1;
  int64_t seed = -1;
  std::optional<int64_t> end =
      {};  ///< the id after which nothing more is drawn; it is in the result
};

/// The ids that follow `start` (at least one id), by a model that maps ids [batch, time] to logits
/// [batch, time, classes], such as an Embedding, recurrent layers with .return_sequences and a
/// Dense layer without an activation. It runs as a Stream, so that each id costs the same.
TEMPO_API std::vector<int64_t> generate(const Model& model, const std::vector<int64_t>& start,
                                        const GenerateOptions& options = {});
TEMPO_OPTIONS(std::vector<int64_t> generate, GenerateOptions, const Model&,
              const std::vector<int64_t>&);

}  // namespace tempo
