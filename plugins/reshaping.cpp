// SPDX-License-Identifier: Apache-2.0
// The layers that put elements elsewhere, as a plugin.
#include <tempo/layers/reshaping.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN(
    "tempo", TEMPO_VERSION,
    tempo::layer<tempo::Cropping1DLayer>("Cropping1D", "Cuts steps off both ends of a sequence."),
    tempo::layer<tempo::FlattenLayer>("Flatten", "All elements of a sample side by side."),
    tempo::layer<tempo::PermuteLayer>("Permute", "The axes of a sample in another order."),
    tempo::layer<tempo::RepeatVectorLayer>("RepeatVector", "The same vector at each of n steps."),
    tempo::layer<tempo::ReshapeLayer>("Reshape", "Samples in another shape."),
    tempo::layer<tempo::UpSampling1DLayer>("UpSampling1D", "Each step of a sequence repeated."),
    tempo::layer<tempo::ZeroPadding1DLayer>("ZeroPadding1D", "Zeros around a sequence."))
