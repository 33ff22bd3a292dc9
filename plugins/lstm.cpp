#include <tempo/layers/lstm.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("lstm", "0.1.0",
             tempo::layer<tempo::LSTMLayer>(
                 "LSTM", "Long short-term memory (Hochreiter and Schmidhuber, 1997)."),
             tempo::cell<tempo::LSTMCell>("LSTM", "One step of an LSTM."))
