// SPDX-License-Identifier: Apache-2.0
// The layers that add noise in training, as a plugin.
#include <tempo/layers/noise.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN(
    "tempo", TEMPO_VERSION,
    tempo::layer<tempo::AlphaDropoutLayer>(
        "AlphaDropout", "Dropout that keeps mean and variance (Klambauer et al., 2017)."),
    tempo::layer<tempo::GaussianDropoutLayer>(
        "GaussianDropout", "Multiplies by normal numbers in training (Srivastava et al., 2014)."),
    tempo::layer<tempo::GaussianNoiseLayer>("GaussianNoise", "Adds normal numbers in training."),
    tempo::layer<tempo::SpatialDropout1DLayer>(
        "SpatialDropout1D", "Sets whole features to 0 in training (Tompson et al., 2014)."))
