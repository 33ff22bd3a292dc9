// SPDX-License-Identifier: Apache-2.0
// Relatives of the LSTM, as a plugin of the zoo.
#include <tempo/layers/zoo/layer_norm_lstm.hpp>
#include <tempo/layers/zoo/peephole_lstm.hpp>
#include <tempo/layers/zoo/recurrent_dropout_lstm.hpp>
#include <tempo/layers/zoo/zoneout_lstm.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN(
    "tempo", TEMPO_VERSION,
    tempo::layer<tempo::LayerNormLSTMLayer>("LayerNormLSTM",
                                            "An LSTM with layer normalisation (Ba et al., 2016)."),
    tempo::cell<tempo::LayerNormLSTMCell>("LayerNormLSTM", "One step of it."),
    tempo::layer<tempo::PeepholeLSTMLayer>(
        "PeepholeLSTM", "An LSTM whose gates see the memory (Gers and Schmidhuber, 2000)."),
    tempo::cell<tempo::PeepholeLSTMCell>("PeepholeLSTM", "One step of it."),
    tempo::layer<tempo::RecurrentDropoutLSTMLayer>(
        "RecurrentDropoutLSTM", "An LSTM with dropout of its candidate (Semeniuta et al., 2016)."),
    tempo::cell<tempo::RecurrentDropoutLSTMCell>("RecurrentDropoutLSTM", "One step of it."),
    tempo::layer<tempo::ZoneoutLSTMLayer>(
        "ZoneoutLSTM", "An LSTM whose units now and then keep their state (Krueger et al., 2017)."),
    tempo::cell<tempo::ZoneoutLSTMCell>("ZoneoutLSTM", "One step of it."))
