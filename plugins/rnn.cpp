#include <tempo/layers/rnn.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("rnn", "0.1.0", tempo::layer<tempo::RNNLayer>("RNN", "Any cell, run over a sequence."))
