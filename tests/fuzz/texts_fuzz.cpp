// SPDX-License-Identifier: Apache-2.0
// Texts of optimizers, losses, metrics, initializers and activations, which options and files have:
// a byte that says which, then the text.
#include <cmath>

#include <tempo/activation.hpp>
#include <tempo/loss.hpp>
#include <tempo/metric.hpp>
#include <tempo/optimizer.hpp>

#include "fuzz.hpp"
#include "ops/initializers.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace {

// What was read says what it is in a text that reads as the same.
template <class T>
bool read(const std::string& text) {
  std::string its_text;
  if (!answers([&] { its_text = T(text).text(); })) return false;
  std::string again;
  require(answers([&] { again = T(its_text).text(); }), "its own text is read", its_text);
  require(again == its_text, "its own text reads as the same", its_text + "\n" + again);
  return true;
}

void read_optimizer(const std::string& text) {
  if (!read<Optimizer>(text)) return;
  double rate = 0;  // there is none where the text says that it was a function of a program
  answers([&] { rate = Optimizer(text).learning_rate(); });
  require(std::isfinite(rate) && rate >= 0, "a learning rate is a number of at least 0", text);
}

void read_initializer(const std::string& text) {
  if (!answers([&] { require_initializer(text); })) return;
  answers([&] { initialize(text, {float32, {3, 2}}); });
}

}  // namespace

std::vector<std::string> fuzz::seeds() {
  const std::vector<std::string> texts[] = {
      {"adam", "Adam(learning_rate=0.1, beta_1=0.8, beta_2=0.9, epsilon=1e-6, amsgrad=true)",
       "sgd(0.1)", "SGD(momentum=0.9, nesterov=True, clipnorm=1)",
       "rmsprop(rho=0.9, centered=true, weight_decay=0.004, global_clipnorm=2)"},
      {"mse", "MeanSquaredError()", "mae", "mean_absolute_error(reduction=sum)",
       "binary_crossentropy(from_logits=true, label_smoothing=0.1)", "bce",
       "categorical_crossentropy(axis=-1)", "sparse_categorical_crossentropy(ignore_class=3)"},
      {"accuracy", "Accuracy", "Accuracy(name=a)", "acc", "binary_accuracy(threshold=0.4)", "ce",
       "crossentropy", "mse", "categorical_accuracy(name=c)", "sparse_categorical_accuracy"},
      {"zeros", "ones", "constant(0.1)", "random_uniform(minval=-0.05, maxval=0.05, seed=3)",
       "random_normal(0, 1)", "glorot_uniform", "he_normal(seed=1)", "orthogonal(gain=2)",
       "identity", "truncated_normal(stddev=0.1)", "lecun_uniform",
       "variance_scaling(scale=2, mode=fan_out, distribution=uniform)"},
      {"tanh", "sigmoid", "linear", "relu", "softmax", "leaky_relu", "hard_sigmoid"}};
  std::vector<std::string> out;
  for (char kind = 0; kind < 5; ++kind)
    for (const std::string& text : texts[static_cast<int>(kind)]) out.push_back(kind + text);
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  Input input(data, size);
  const unsigned kind = input.byte();
  const std::string text(input.rest());
  switch (kind % 5) {
    case 0: read_optimizer(text); break;
    case 1: read<Loss>(text); break;
    case 2: read<Metric>(text); break;
    case 3: read_initializer(text); break;
    default: answers([&] { Activation{text}; });
  }
  return 0;
}
