// SPDX-License-Identifier: Apache-2.0
// ConvLSTM3D as a plugin, the layer and the cell.
#include <tempo/layers/conv_lstm.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::ConvLSTM3DLayer>("ConvLSTM3D",
                                                  "A convolutional LSTM (Shi et al., 2015)."),
             tempo::cell<tempo::ConvLSTM3DCell>("ConvLSTM3D", "One step of a convolutional LSTM."))
