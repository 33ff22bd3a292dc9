// SPDX-License-Identifier: Apache-2.0
// Bidirectional as a plugin.
#include <tempo/layers/bidirectional.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::BidirectionalLayer>(
                 "Bidirectional",
                 "A recurrent layer in both directions (Schuster and Paliwal, 1997)."))
