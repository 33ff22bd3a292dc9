// SPDX-License-Identifier: Apache-2.0
// Masking as a plugin.
#include <tempo/layers/masking.hpp>
#include <tempo/plugin.hpp>
#include <tempo/version.hpp>

TEMPO_PLUGIN("tempo", TEMPO_VERSION,
             tempo::layer<tempo::MaskingLayer>("Masking", "Marks the steps that are padding."))
