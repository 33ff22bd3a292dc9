// SPDX-License-Identifier: Apache-2.0
// The cells of modern_cells.hpp as a plugin.
#include "modern_cells.hpp"

#include <tempo/plugin.hpp>

using namespace tempo::testing;

TEMPO_PLUGIN("modern_cells", "1.0.0", tempo::cell<DroppedCell>("Dropped"),
             tempo::cell<ZoneoutCell>("Zoneout"), tempo::cell<ResetCell>("Reset"),
             tempo::cell<AttentionCell>("Attention"), tempo::cell<MaximumCell>("Maximum"))
