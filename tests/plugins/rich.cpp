// SPDX-License-Identifier: Apache-2.0
// The plugin of rich.hpp; and, as LEAN, another one of which some names are the same.
#include "rich.hpp"

#if defined(LEAN)
TEMPO_PLUGIN("lean", "0.9.0", tempo::layer<rich::Promise>("Promise", "Another layer of that name."),
             tempo::activation<rich::Relu>("swoosh", "Another activation of that name."))
#else
TEMPO_PLUGIN_WITH("org.rich", "2.10.0", &rich::extension,
                  tempo::layer<rich::Meter>("Meter", "Keeps what it was given."),
                  tempo::layer<rich::Promise>("Promise", "Says what it gives."),
                  tempo::layer<rich::Dense>("Dense", "Twice x, under a name that Tempo has."),
                  tempo::activation<rich::Swoosh>("swoosh", "x sigmoid(beta x)."),
                  tempo::activation<rich::Relu>("relu", "100 x, under a name that Tempo has."),
                  tempo::initializer<rich::Stripes>("stripes", "0 and high in turn."),
                  tempo::loss<rich::Quartic>("quartic", "The fourth power of the error."),
                  tempo::metric<rich::Within>("within", "The share that is near.",
                                              tempo::Better::higher),
                  tempo::optimizer<rich::Heavy>("heavy", "Momentum."),
                  tempo::optimizer<rich::Shrinks>("shrinks", "Gives another shape."))
#endif
