// SPDX-License-Identifier: Apache-2.0
// Cells of continuous time, of gaps and of memory over a window, as a plugin of the zoo.
#include <tempo/layers/zoo/cfc.hpp>
#include <tempo/layers/zoo/grud.hpp>
#include <tempo/layers/zoo/lmu.hpp>
#include <tempo/layers/zoo/ltc.hpp>
#include <tempo/layers/zoo/mc_lstm.hpp>
#include <tempo/layers/zoo/phased_lstm.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN(
    "tempo", TEMPO_VERSION,
    tempo::layer<tempo::CfCLayer>(
        "CfC",
        "A closed form of a liquid network, for steps of any distance (Hasani et al., 2022)."),
    tempo::cell<tempo::CfCCell>("CfC", "One step of it."),
    tempo::layer<tempo::GRUDLayer>("GRUD",
                                   "A GRU for series with values missing (Che et al., 2018)."),
    tempo::cell<tempo::GRUDCell>("GRUD", "One step of it."),
    tempo::layer<tempo::LMULayer>(
        "LMU", "A memory of a window in Legendre polynomials (Voelker et al., 2019)."),
    tempo::cell<tempo::LMUCell>("LMU", "One step of it."),
    tempo::layer<tempo::LTCLayer>(
        "LTC", "Neurons whose time constants depend on the input (Hasani et al., 2021)."),
    tempo::cell<tempo::LTCCell>("LTC", "One step of it."),
    tempo::layer<tempo::MCLSTMLayer>(
        "MCLSTM", "An LSTM that keeps the sum of its inputs (Hoedt et al., 2021)."),
    tempo::cell<tempo::MCLSTMCell>("MCLSTM", "One step of it."),
    tempo::layer<tempo::PhasedLSTMLayer>(
        "PhasedLSTM", "An LSTM whose units change in rhythms of their own (Neil et al., 2016)."),
    tempo::cell<tempo::PhasedLSTMCell>("PhasedLSTM", "One step of it."))
