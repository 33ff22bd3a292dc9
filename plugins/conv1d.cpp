// SPDX-License-Identifier: Apache-2.0
// Conv1D as a plugin.
#include <tempo/layers/conv1d.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("conv1d", TEMPO_VERSION,
             tempo::layer<tempo::Conv1DLayer>("Conv1D", "Convolution over time."))
