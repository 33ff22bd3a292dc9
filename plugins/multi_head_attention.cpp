// SPDX-License-Identifier: Apache-2.0
// MultiHeadAttention as a plugin.
#include <tempo/layers/multi_head_attention.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::MultiHeadAttentionLayer>(
                 "MultiHeadAttention", "Attention of several heads (Vaswani et al., 2017)."))
