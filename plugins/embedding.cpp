#include <tempo/layers/embedding.hpp>
#include <tempo/plugin.hpp>

TEMPO_PLUGIN("embedding", "0.1.0",
             tempo::layer<tempo::EmbeddingLayer>("Embedding",
                                                 "A vector for each id (Bengio et al., 2003)."))
