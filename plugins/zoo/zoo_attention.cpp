// SPDX-License-Identifier: Apache-2.0
// The decoder that attends, as a plugin of the zoo.
#include <tempo/layers/zoo/attention_decoder.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::AttentionDecoderLayer>(
                 "AttentionDecoder",
                 "A decoder that attends over a memory (Bahdanau et al., 2015)."))
