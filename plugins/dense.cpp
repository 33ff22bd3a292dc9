// SPDX-License-Identifier: Apache-2.0
// Dense as a plugin.
#include <tempo/layers/dense.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::DenseLayer>("Dense", "A fully connected layer."))
