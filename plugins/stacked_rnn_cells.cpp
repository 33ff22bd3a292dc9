// SPDX-License-Identifier: Apache-2.0
// StackedRNNCells as a plugin, a cell.
#include <tempo/layers/stacked_rnn_cells.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::cell<tempo::StackedRNNCellsCell>("StackedRNNCells",
                                                     "Cells one above the other, as one cell."))
