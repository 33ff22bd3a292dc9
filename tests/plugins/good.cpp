// SPDX-License-Identifier: Apache-2.0
// The plugin of good.hpp.
#include "good.hpp"

TEMPO_PLUGIN("good", "1.2.3", tempo::op<good::Squash>("test_squash", "x / sqrt(1 + x²)."),
             tempo::op<good::ScaleRows>("test_scale_rows", "Each row times its weight."),
             tempo::cell<good::SquashCell>("Squash", "A cell for tests."),
             tempo::layer<good::SquashLayer>("SquashDense", "A layer for tests."))
