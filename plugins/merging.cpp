// SPDX-License-Identifier: Apache-2.0
// The layers of several inputs, as a plugin.
#include <tempo/layers/merging.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION, tempo::layer<tempo::AddLayer>("Add", "The sum of its inputs."),
             tempo::layer<tempo::AverageLayer>("Average", "The mean of its inputs, elementwise."),
             tempo::layer<tempo::ConcatenateLayer>("Concatenate", "Its inputs side by side."),
             tempo::layer<tempo::DotLayer>("Dot", "Sums of products along an axis of each input."),
             tempo::layer<tempo::MaximumLayer>("Maximum", "The greatest of its inputs."),
             tempo::layer<tempo::MinimumLayer>("Minimum", "The smallest of its inputs."),
             tempo::layer<tempo::MultiplyLayer>("Multiply", "The product of its inputs."),
             tempo::layer<tempo::SubtractLayer>("Subtract", "Its first input less its second."))
