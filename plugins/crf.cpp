// SPDX-License-Identifier: Apache-2.0
// CRF as a plugin.
#include <tempo/layers/crf.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::CRFLayer>("CRF",
                                           "A linear chain over tags (Lafferty et al., 2001)."))
