// SPDX-License-Identifier: Apache-2.0
// Which short messages are spam: a SimpleRNN over their words. A message that is given is judged by
// the model of an earlier run.
//   spam
//   spam "Congratulations! Call now to claim your free prize"
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

void judge(const Model& model, const std::string& message) {
  auto words = Vocabulary::from_text(model.metadata("words"));
  const double spam = model.predict(pad_sequences(words.encode({message}), {.maxlen = 50})).item();
  std::cout << message << ": " << 100 * spam << " % spam\n";
}

int main(int argc, char** argv) {
  const bool brief = short_run(argc, argv);
  if (argc > 1 && !brief) return judge(load_model("spam.safetensors"), argv[1]), 0;
  set_seed(1);

  // v1 is ham or spam, v2 the message. A fifth of each kind is the test.
  const std::vector<std::string> kinds = {"ham", "spam"};
  const Table all = read_table(corpus("sms_spam"), {.encoding = "latin-1"});
  const auto [known, tested] =
      train_test_places(all.codes("v1", kinds), {.test_size = 0.2, .stratify = true});
  const Table train = all.select(known), test = all.select(tested);

  Vocabulary words(train.text("v2"), {.max_tokens = 5000});
  auto ids = [&](const Table& of) {
    return pad_sequences(words.encode(of.text("v2")), {.maxlen = 50});
  };
  auto labels = [&](const Table& of) { return reshape(of.codes("v1", kinds), {-1, 1}); };

  Sequential model({
      Embedding({.input_dim = words.size(), .output_dim = 32, .mask_zero = true}),
      SimpleRNN({.units = 32}),
      Dense({.units = 1, .activation = "sigmoid"}),
  });
  model.compile({.optimizer = Adam(), .loss = "binary_crossentropy", .metrics = {"accuracy"}});
  model.fit(ids(train), labels(train), {
      .batch_size = 64,
      .epochs = brief ? 2 : 10,
      .callbacks = {EarlyStopping({.patience = 2, .restore_best_weights = true})},
      .validation_split = 0.2,
  });
  model.set_metadata("words", words.text());
  model.save("spam.safetensors");

  const Tensor found = model.predict(ids(test)) > 0.5;
  std::cout << classification_report(labels(test), found, {.target_names = kinds})
            << heat_map(confusion_matrix(labels(test), found), "spam_confusion.svg",
                        {.title = "Messages", .x_label = "taken for", .y_label = "is",
                         .rows = kinds, .columns = kinds}) << '\n';
  judge(model, "Congratulations! Call now to claim your free prize");
  judge(model, "I will be home late, see you at dinner");
}
