// SPDX-License-Identifier: Apache-2.0
// Cells whose state is a matrix for each head, as a plugin of the zoo.
#include <tempo/layers/zoo/gated_delta_net.hpp>
#include <tempo/layers/zoo/m2rnn.hpp>
#include <tempo/layers/zoo/mamba2.hpp>
#include <tempo/layers/zoo/mlstm.hpp>
#include <tempo/layers/zoo/rwkv7.hpp>
#include <tempo/layers/zoo/slstm.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN(
    "tempo", TEMPO_VERSION,
    tempo::layer<tempo::GatedDeltaNetLayer>(
        "GatedDeltaNet", "A matrix memory that is corrected, and forgets (Yang et al., 2024)."),
    tempo::cell<tempo::GatedDeltaNetCell>("GatedDeltaNet", "One step of it."),
    tempo::layer<tempo::M2RNNLayer>("M2RNN",
                                    "A matrix state with a nonlinear step (Mishra et al., 2026)."),
    tempo::cell<tempo::M2RNNCell>("M2RNN", "One step of it."),
    tempo::layer<tempo::Mamba2Layer>(
        "Mamba2", "A selective state space model with a causal convolution (Dao and Gu, 2024)."),
    tempo::cell<tempo::Mamba2Cell>("Mamba2", "One step of it."),
    tempo::layer<tempo::MLSTMLayer>("MLSTM", "The xLSTM with matrix memories (Beck et al., 2024)."),
    tempo::cell<tempo::MLSTMCell>("MLSTM", "One step of it."),
    tempo::layer<tempo::RWKV7Layer>(
        "RWKV7", "A delta rule with a decay and a rate for each channel (Peng et al., 2025)."),
    tempo::cell<tempo::RWKV7Cell>("RWKV7", "One step of it."),
    tempo::layer<tempo::SLSTMLayer>(
        "SLSTM",
        "The xLSTM with scalar memories, exponential gates and heads (Beck et al., 2024)."),
    tempo::cell<tempo::SLSTMCell>("SLSTM", "One step of it."))
