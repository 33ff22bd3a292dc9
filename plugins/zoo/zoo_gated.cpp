// SPDX-License-Identifier: Apache-2.0
// Recurrences of gates alone, linear in their state, as a plugin of the zoo.
#include <tempo/layers/zoo/min_gru.hpp>
#include <tempo/layers/zoo/min_lstm.hpp>
#include <tempo/layers/zoo/rg_lru.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::MinGRULayer>(
                 "MinGRU", "A GRU whose gate does not read the state (Feng et al., 2024)."),
             tempo::cell<tempo::MinGRUCell>("MinGRU", "One step of it."),
             tempo::layer<tempo::MinLSTMLayer>(
                 "MinLSTM", "An LSTM whose gates do not read the state (Feng et al., 2024)."),
             tempo::cell<tempo::MinLSTMCell>("MinLSTM", "One step of it."),
             tempo::layer<tempo::RGLRULayer>(
                 "RGLRU",
                 "A gated diagonal recurrence behind a causal convolution (De et al., 2024)."),
             tempo::cell<tempo::RGLRUCell>("RGLRU", "One step of it."))
