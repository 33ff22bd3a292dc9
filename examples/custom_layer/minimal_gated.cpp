// SPDX-License-Identifier: Apache-2.0
// The cell of minimal_gated.hpp as a plugin.
#include "minimal_gated.hpp"

#include <tempo/plugin.hpp>

TEMPO_PLUGIN("minimal_gated", "1.0.0",
             tempo::cell<MinimalGatedCell>("MinimalGated", "Zhou et al., 2016"))
