// SPDX-License-Identifier: Apache-2.0
// The layers that normalize, as a plugin.
#include <tempo/layers/normalization.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::LayerNormalizationLayer>(
                 "LayerNormalization", "Mean 0 and variance 1 over features (Ba et al., 2016)."),
             tempo::layer<tempo::NormalizationLayer>("Normalization",
                                                     "Mean 0 and variance 1 of the data."),
             tempo::layer<tempo::RMSNormalizationLayer>(
                 "RMSNormalization", "Mean square 1 over features (Zhang and Sennrich, 2019)."),
             tempo::layer<tempo::UnitNormalizationLayer>("UnitNormalization",
                                                         "Vectors of length 1."))
