// SPDX-License-Identifier: Apache-2.0
// RNN as a plugin.
#include <tempo/layers/rnn.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::RNNLayer>("RNN", "Any cell, run over a sequence."))
