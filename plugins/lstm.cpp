// SPDX-License-Identifier: Apache-2.0
// LSTM as a plugin, the layer and the cell.
#include <tempo/layers/lstm.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::LSTMLayer>(
                 "LSTM", "Long short-term memory (Hochreiter and Schmidhuber, 1997)."),
             tempo::cell<tempo::LSTMCell>("LSTM", "One step of an LSTM."))
