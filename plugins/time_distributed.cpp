// SPDX-License-Identifier: Apache-2.0
// TimeDistributed as a plugin.
#include <tempo/layers/time_distributed.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::TimeDistributedLayer>("TimeDistributed",
                                                       "A layer applied to each step."))
