#include <tempo/layers/bidirectional.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("bidirectional", "0.1.0",
             tempo::layer<tempo::BidirectionalLayer>(
                 "Bidirectional",
                 "A recurrent layer in both directions (Schuster and Paliwal, 1997)."))
