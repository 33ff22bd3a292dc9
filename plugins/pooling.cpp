// SPDX-License-Identifier: Apache-2.0
// The layers that pool steps, as a plugin.
#include <tempo/layers/pooling.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::AveragePooling1DLayer>("AveragePooling1D",
                                                        "The mean of each window."),
             tempo::layer<tempo::GlobalAveragePooling1DLayer>("GlobalAveragePooling1D",
                                                              "The mean of all steps that count."),
             tempo::layer<tempo::GlobalMaxPooling1DLayer>("GlobalMaxPooling1D",
                                                          "The greatest of all steps."),
             tempo::layer<tempo::MaxPooling1DLayer>("MaxPooling1D", "The greatest of each window."))
