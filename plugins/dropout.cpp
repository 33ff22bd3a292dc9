// SPDX-License-Identifier: Apache-2.0
// Dropout as a plugin.
#include <tempo/layers/dropout.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::DropoutLayer>(
                 "Dropout", "Sets elements to 0 at random in training (Srivastava et al., 2014)."))
