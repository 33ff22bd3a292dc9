#include <tempo/layers/dense.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("dense", "0.1.0", tempo::layer<tempo::DenseLayer>("Dense", "A fully connected layer."))
