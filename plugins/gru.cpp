#include <tempo/layers/gru.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("gru", "0.1.0",
             tempo::layer<tempo::GRULayer>("GRU", "Gated recurrent units (Cho et al., 2014)."),
             tempo::cell<tempo::GRUCell>("GRU", "One step of a GRU."))
