// SPDX-License-Identifier: Apache-2.0
// BatchNormalization as a plugin.
#include <tempo/layers/batch_normalization.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::BatchNormalizationLayer>(
                 "BatchNormalization",
                 "Features normalised over the batch (Ioffe and Szegedy, 2015)."))
