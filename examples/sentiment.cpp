// SPDX-License-Identifier: Apache-2.0
// Whether a Korean film review is good or bad, read character by character. A review that is given
// is judged by the model of an earlier run.
//   sentiment
//   sentiment "배우들 연기가 정말 좋았다"
#include <cmath>
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

constexpr int64_t longest = 70;  // of the steps of a review

void judge(const Model& model, const std::string& review) {
  auto letters = Vocabulary::from_text(model.metadata("letters"));
  Tensor x = pad_sequences(letters.encode({review}), {.maxlen = longest, .padding = "post"});
  std::cout << review << ": " << 100 * model.predict(x).item() << " % good\n";
}

int main(int argc, char** argv) {
  const bool brief = short_run(argc, argv);
  if (argc > 1 && !brief) return judge(load_model("sentiment.safetensors"), argv[1]), 0;
  set_seed(1);

  // id, document and label, 1 for a good one. The last fifth of the reviews is the test.
  const Table all = read_table(corpus("nsmc"), {.separator = '\t', .quote = '\0'});
  const int64_t known = all.rows() - all.rows() / 5;
  Vocabulary letters(all.slice(0, known).text("document"), {.split = "character", .min_count = 2});
  auto part = [&](const Table& of) -> Samples {
    const auto ids = letters.encode(of.text("document"));
    return {pad_sequences(ids, {.maxlen = longest, .padding = "post"}), of.numbers({"label"})};
  };
  const auto [x, y] = part(all.slice(0, known));
  const Samples test = part(all.slice(known));

  Sequential model({
      Embedding({.input_dim = letters.size(), .output_dim = 64, .mask_zero = true}),
      Dropout({.rate = 0.3}),
      Conv1D({.filters = 128, .kernel_size = 3, .padding = "same", .activation = "relu"}),
      Bidirectional(LSTM({.units = 64})),
      Dropout({.rate = 0.5}),
      Dense({.units = 1, .activation = "sigmoid"}),
  });
  const int epochs = brief ? 1 : 4;
  const double steps = epochs * std::ceil(static_cast<double>(known) / 64);  // in which the rate falls to 0
  CosineDecay rate({.initial_learning_rate = 0.003, .decay_steps = steps});
  model.compile({.optimizer = Adam({.learning_rate = rate}),
                 .loss = "binary_crossentropy",
                 .metrics = {"accuracy"}});
  History history = model.fit(x, y, {
      .batch_size = 64,
      .epochs = epochs,
      .validation_data = {.x = test.x, .y = test.y},
  });
  model.set_metadata("letters", letters.text());
  model.save("sentiment.safetensors");

  const Tensor found = model.predict(test.x) > 0.5;
  std::cout << classification_report(test.y, found, {.target_names = {"bad", "good"}})
            << plot(history, {"accuracy"}, "sentiment_accuracy.svg", {.title = "Film reviews"})
            << '\n';
  judge(model, "배우들 연기가 정말 좋았다");
  judge(model, "시간이 아깝다. 지루하기만 하다");
}
