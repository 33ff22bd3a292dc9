// SPDX-License-Identifier: Apache-2.0
// Attention as a plugin.
#include <tempo/layers/attention.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::AttentionLayer>("Attention",
                                                 "Attention by products (Luong et al., 2015)."))
