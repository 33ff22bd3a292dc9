// SPDX-License-Identifier: Apache-2.0
// SimpleRNN as a plugin, the layer and the cell.
#include <tempo/layers/simple_rnn.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::SimpleRNNLayer>("SimpleRNN",
                                                 "A simple recurrent network (Elman, 1990)."),
             tempo::cell<tempo::SimpleRNNCell>("SimpleRNN", "One step of a SimpleRNN."))
