// SPDX-License-Identifier: Apache-2.0
// The layers of the zoo, cells of 2000 to today that Keras does not have: docs/cells.md.
#pragma once

#include <tempo/layers/zoo/attention_decoder.hpp>
#include <tempo/layers/zoo/block_gru.hpp>
#include <tempo/layers/zoo/cfc.hpp>
#include <tempo/layers/zoo/gated_delta_net.hpp>
#include <tempo/layers/zoo/grud.hpp>
#include <tempo/layers/zoo/ind_rnn.hpp>
#include <tempo/layers/zoo/layer_norm_lstm.hpp>
#include <tempo/layers/zoo/lif.hpp>
#include <tempo/layers/zoo/lmu.hpp>
#include <tempo/layers/zoo/lru.hpp>
#include <tempo/layers/zoo/ltc.hpp>
#include <tempo/layers/zoo/m2rnn.hpp>
#include <tempo/layers/zoo/mamba2.hpp>
#include <tempo/layers/zoo/mc_lstm.hpp>
#include <tempo/layers/zoo/min_gru.hpp>
#include <tempo/layers/zoo/min_lstm.hpp>
#include <tempo/layers/zoo/mlstm.hpp>
#include <tempo/layers/zoo/peephole_lstm.hpp>
#include <tempo/layers/zoo/phased_lstm.hpp>
#include <tempo/layers/zoo/recurrent_dropout_lstm.hpp>
#include <tempo/layers/zoo/rg_lru.hpp>
#include <tempo/layers/zoo/rhn.hpp>
#include <tempo/layers/zoo/rwkv7.hpp>
#include <tempo/layers/zoo/slstm.hpp>
#include <tempo/layers/zoo/sru.hpp>
#include <tempo/layers/zoo/zoneout_lstm.hpp>
