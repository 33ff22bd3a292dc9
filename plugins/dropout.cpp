#include <tempo/layers/dropout.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("dropout", "0.1.0",
             tempo::layer<tempo::DropoutLayer>(
                 "Dropout", "Sets elements to 0 at random in training (Srivastava et al., 2014)."))
