// SPDX-License-Identifier: Apache-2.0
// Cells whose state is read channel by channel, and deeper ones, as a plugin of the zoo.
#include <tempo/layers/zoo/block_gru.hpp>
#include <tempo/layers/zoo/ind_rnn.hpp>
#include <tempo/layers/zoo/lif.hpp>
#include <tempo/layers/zoo/lru.hpp>
#include <tempo/layers/zoo/rhn.hpp>
#include <tempo/layers/zoo/sru.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::BlockGRULayer>(
                 "BlockGRU", "The block-diagonal GRU of DreamerV3 (Hafner et al., 2025)."),
             tempo::cell<tempo::BlockGRUCell>("BlockGRU", "One step of it."),
             tempo::layer<tempo::IndRNNLayer>(
                 "IndRNN", "A network whose units see their own state alone (Li et al., 2018)."),
             tempo::cell<tempo::IndRNNCell>("IndRNN", "One step of it."),
             tempo::layer<tempo::LIFLayer>(
                 "LIF", "Spiking neurons with a surrogate gradient (Neftci et al., 2019)."),
             tempo::cell<tempo::LIFCell>("LIF", "One step of it."),
             tempo::layer<tempo::LRULayer>(
                 "LRU", "A linear recurrence with a complex diagonal (Orvieto et al., 2023)."),
             tempo::cell<tempo::LRUCell>("LRU", "One step of it."),
             tempo::layer<tempo::RHNLayer>("RHN",
                                           "Highway layers within a step (Zilly et al., 2017)."),
             tempo::cell<tempo::RHNCell>("RHN", "One step of it."),
             tempo::layer<tempo::SRULayer>(
                 "SRU", "A unit whose gates see the state unit by unit (Lei et al., 2018)."),
             tempo::cell<tempo::SRUCell>("SRU", "One step of it."))
