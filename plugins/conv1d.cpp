// SPDX-License-Identifier: Apache-2.0
// Convolutions over time, as a plugin.
#include <tempo/layers/conv1d.hpp>
#include <tempo/layers/conv1d_transpose.hpp>
#include <tempo/layers/separable_conv1d.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::Conv1DLayer>("Conv1D", "Convolution over time."),
             tempo::layer<tempo::Conv1DTransposeLayer>("Conv1DTranspose",
                                                       "Convolution over time the other way."),
             tempo::layer<tempo::DepthwiseConv1DLayer>("DepthwiseConv1D",
                                                       "Convolution of each feature over time."),
             tempo::layer<tempo::SeparableConv1DLayer>(
                 "SeparableConv1D",
                 "Convolution of each feature, then of all at each step (Chollet, 2017)."))
