#include <tempo/layers/masking.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("masking", "0.1.0",
             tempo::layer<tempo::MaskingLayer>("Masking", "Marks the steps that are padding."))
