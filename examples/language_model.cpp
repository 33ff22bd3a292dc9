// SPDX-License-Identifier: Apache-2.0
// What comes next? First the words of one sentence, then the characters of a text: of a file, of
// tinyshakespeare, or, of no argument, of the C++ headers of this machine.
//   language_model [FILE or tinyshakespeare]
#include <algorithm>
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

// Each word is the target of those before it, and its own input only after that (teacher forcing).
void next_words(const std::string& sentence) {
  Vocabulary words({sentence}, {.padding = false, .unknown = false});
  const std::vector<int64_t> ids = words.encode(sentence);
  const auto n = static_cast<int64_t>(ids.size());
  Tensor all = tensor(ids, {1, n});
  Sequential model({Embedding({.input_dim = words.size(), .output_dim = 10}),
                    SimpleRNN({.units = 20, .return_sequences = true}),
                    Dense({.units = words.size()})});
  model.compile({.optimizer = Adam({.learning_rate = 0.02}),
                 .loss = SparseCategoricalCrossentropy({.from_logits = true})});
  model.fit(slice(all, 1, 0, n - 1), slice(all, 1, 1, n), {.epochs = 200, .verbose = 0});
  const auto found = generate(model, {ids.front()}, {.length = n - 1, .temperature = 0});
  std::cout << words.token(ids.front()) << ' ' << words.join(words.decode(found)) << '\n';
}

int main(int argc, char** argv) {
  const bool brief = short_run(argc, argv);
  set_seed(1);
  next_words("what will the fat cat sit on");

  const std::string given = argc > 1 && !brief ? argv[1] : "/usr/include/c++";
  const std::string text = read_text(given == "tinyshakespeare" ? corpus(given) : given,
                                     {.most = brief ? 20000 : 1000000});
  Vocabulary letters({text}, {.split = "character", .padding = false, .unknown = false});
  const std::vector<int64_t> ids = letters.encode(text);
  if (ids.size() <= 40) throw Error(given + " is shorter than 41 characters.");

  // 40 stretches of the text side by side, each read from its begin to its end: the last 8 are held
  // out. A character's target is the next one.
  const int64_t rows = 40, steps = (static_cast<int64_t>(ids.size()) - 1) / rows;
  Tensor all = tensor(ids, {static_cast<int64_t>(ids.size())});
  Tensor x = reshape(slice(all, 0, 0, rows * steps), {rows, steps});
  Tensor y = reshape(slice(all, 0, 1, rows * steps + 1), {rows, steps});

  Sequential model({Embedding({.input_dim = letters.size(), .output_dim = 64}),
                    LSTM({.units = brief ? 32 : 256, .return_sequences = true}),
                    Dense({.units = letters.size()})});
  model.compile({.optimizer = Adam({.learning_rate = 0.003}),
                 .loss = SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {Perplexity({.from_logits = true})}});
  History history = model.fit(x, y, {
      .epochs = brief ? 2 : 10,
      .callbacks = {EarlyStopping({.patience = 2, .restore_best_weights = true})},
      .validation_split = 0.2,
      .truncate = 64,  // gradients go back 64 steps, states go on
  });
  std::cout << "validation perplexity " << std::ranges::min(history["val_perplexity"]) << " of "
            << letters.size() << " characters\n"
            << plot(history, {"perplexity"}, "language_model.svg", {.title = "Perplexity"}) << '\n';
  const std::vector<int64_t> start(ids.begin(), ids.begin() + 40);
  for (const double temperature : {0.3, 0.7, 1.0}) {
    const auto more = generate(model, start, {.length = 300, .temperature = temperature});
    std::cout << "\nat temperature " << temperature << ": " << letters.join(letters.decode(more))
              << '\n';
  }
}
