// SPDX-License-Identifier: Apache-2.0
// GRU as a plugin, the layer and the cell.
#include <tempo/layers/gru.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::GRULayer>("GRU", "Gated recurrent units (Cho et al., 2014)."),
             tempo::cell<tempo::GRUCell>("GRU", "One step of a GRU."))
