// SPDX-License-Identifier: Apache-2.0
// Named entities in Korean sentences, character by character: a bidirectional LSTM whose tags are
// chosen one by one (softmax), then all together (CRF). A sentence that is given is tagged by the
// CRF of an earlier run.
//   ner
//   ner "손흥민은 8일 런던에서 두 골을 넣었다."
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

void tag(const Model& tagger, const std::string& sentence) {
  auto letters = Vocabulary::from_text(tagger.metadata("letters"));
  auto tags = Vocabulary::from_text(tagger.metadata("tags"));
  Tensor found = tagger.predict(pad_sequences(letters.encode({sentence})));
  std::cout << mark_entities(letters.split(sentence), tags.decode(found)[0]) << '\n';
}

int main(int argc, char** argv) {
  const bool brief = short_run(argc, argv);
  if (argc > 1 && !brief) return tag(load_model("ner.safetensors"), argv[1]), 0;
  set_seed(1);

  // A character and its tag on a line, "박 B-PS". The last fifth of the sentences is the test.
  const TaggedTexts all = read_tagged(corpus("klue_ner"), {.comment = "##"});
  const int64_t known = all.size() - all.size() / 5;
  const TaggedTexts train = all.slice(0, known), test = all.slice(known, all.size());

  Vocabulary letters(train.tokens, {.split = "character", .min_count = 2});
  Vocabulary tags(all.tags, {.padding = false, .unknown = false});
  auto rows = [](const auto& ids) { return pad_sequences(ids, {.padding = "post"}); };
  Tensor x = rows(letters.encode(train.tokens)), y = rows(tags.encode(train.tags));
  Tensor test_x = rows(letters.encode(test.tokens)), test_y = rows(tags.encode(test.tags));

  auto learn = [&](bool crf) {
    Sequential model({
        Embedding({.input_dim = letters.size(), .output_dim = 64, .mask_zero = true}),
        Bidirectional(LSTM({.units = 128,
                            .dropout = 0.5,
                            .recurrent_dropout = 0.25,
                            .return_sequences = true})),
        Dense({.units = tags.size(), .activation = crf ? "linear" : "softmax"}),
    });
    if (crf) model.add(CRF());
    model.compile({.optimizer = Adam({.learning_rate = 0.004}),
                   .loss = crf ? "crf_loss" : "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
    History history = model.fit(x, y, {.epochs = brief ? 1 : 10,
                                       .validation_data = {.x = test_x, .y = test_y}});
    Tensor found = crf ? model.predict(test_x) : argmax(model.predict(test_x));
    std::cout << (crf ? "\nCRF\n" : "\nsoftmax\n")
              << entity_report(test.tags, tags.decode(found, lengths_of(test.tags))) << std::endl;
    model.set_metadata("letters", letters.text());
    model.set_metadata("tags", tags.text());
    model.save("ner.safetensors");
    return history;
  };
  const std::vector<TrainingRun> runs = {{"softmax", learn(false)}, {"CRF", learn(true)}};
  std::cout << plot(runs, "val_accuracy", "ner_accuracy.svg",
                    {.title = "Tags of characters that are right", .x_label = "epoch"}) << '\n';
  tag(load_model("ner.safetensors"), "손흥민은 8일 런던에서 열린 경기에서 두 골을 넣었다.");
}
