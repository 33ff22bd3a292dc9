// SPDX-License-Identifier: Apache-2.0
// AdditiveAttention as a plugin.
#include <tempo/layers/attention.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::AdditiveAttentionLayer>(
                 "AdditiveAttention", "Attention by sums (Bahdanau et al., 2015)."))
