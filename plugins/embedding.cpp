// SPDX-License-Identifier: Apache-2.0
// Embedding as a plugin.
#include <tempo/layers/embedding.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::EmbeddingLayer>("Embedding",
                                                 "A vector for each id (Bengio et al., 2003)."))
