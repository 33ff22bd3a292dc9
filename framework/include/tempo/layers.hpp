// SPDX-License-Identifier: Apache-2.0
// The built-in layers: their options and the functions that make them.
#pragma once

#include <tempo/layers/activations.hpp>
#include <tempo/layers/attention.hpp>
#include <tempo/layers/batch_normalization.hpp>
#include <tempo/layers/bidirectional.hpp>
#include <tempo/layers/conv1d.hpp>
#include <tempo/layers/conv1d_transpose.hpp>
#include <tempo/layers/conv_lstm.hpp>
#include <tempo/layers/crf.hpp>
#include <tempo/layers/dense.hpp>
#include <tempo/layers/dropout.hpp>
#include <tempo/layers/embedding.hpp>
#include <tempo/layers/gru.hpp>
#include <tempo/layers/lambda.hpp>
#include <tempo/layers/lstm.hpp>
#include <tempo/layers/masking.hpp>
#include <tempo/layers/merging.hpp>
#include <tempo/layers/multi_head_attention.hpp>
#include <tempo/layers/noise.hpp>
#include <tempo/layers/normalization.hpp>
#include <tempo/layers/pooling.hpp>
#include <tempo/layers/reshaping.hpp>
#include <tempo/layers/rnn.hpp>
#include <tempo/layers/separable_conv1d.hpp>
#include <tempo/layers/simple_rnn.hpp>
#include <tempo/layers/stacked_rnn_cells.hpp>
#include <tempo/layers/time_distributed.hpp>
