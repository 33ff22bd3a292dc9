// SPDX-License-Identifier: Apache-2.0
// "535+61" -> "596", letter by letter: sequence to sequence with teacher forcing, plain and with
// attention, whose weights are drawn.
//   addition [--short]
#include <cmath>
#include <iostream>
#include <random>
#include <set>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

int main(int argc, char** argv) {
  // Numbers from 1 to 999, of each length equally many. No sum comes twice; 61+535 is 535+61.
  std::mt19937 random(1);
  auto number = [&] { return static_cast<int>(std::pow(1000, std::ldexp(random(), -32))); };
  std::set<std::pair<int, int>> asked = {{535, 861}};
  std::vector<std::string> questions, answers;
  while (asked.size() < (short_run(argc, argv) ? 4000u : 60000u)) {
    const int a = number(), b = number();
    if (!asked.insert(std::minmax(a, b)).second) continue;
    questions.push_back(std::to_string(a) + "+" + std::to_string(b));
    answers.push_back("=" + std::to_string(a + b));  // "=" begins an answer, padding ends it
  }
  questions.push_back("535+861"), answers.push_back("=1396");  // the last one is shown at the end

  const auto letters = Vocabulary::of(characters("+=0123456789"), {.split = "character"});
  auto [train, unseen] = train_validation_split(  // ids, x [54000, 7], y [54000, 5]
      pad_sequences(letters.encode(questions), {.padding = "post"}),
      pad_sequences(letters.encode(answers), {.padding = "post"}), 0.1);
  auto hot = [](const Tensor& ids) { return one_hot(ids, 14); };

  for (const bool attention : {false, true}) {
    const int epochs = short_run(argc, argv) ? 2 : attention ? 15 : 30;  // it learns sooner by looking
    set_seed(1);
    auto encoder = LSTM({.units = 128, .return_sequences = true, .return_state = true});
    auto decoder = LSTM({.units = 128, .return_sequences = true});
    auto look = Attention({.return_attention_scores = true});
    auto letter = Dense({.units = 14, .activation = "softmax"});
    // What follows each letter of the answer in[1] to the question in[0], and what was looked at.
    auto next = [=](const Tensors& in) -> Tensors {
      auto [memory, h, c] = encoder.call<3>(reverse(hot(in[0]), 1));  // the ones first
      Tensor steps = decoder(hot(in[1]), {.initial_state = {h, c}});
      if (!attention) return {letter(steps)};
      auto [seen, weights] = look.call<2>({steps, memory});
      return {letter(concat({steps, seen})), weights};
    };
    Model seq2seq([=](const Tensors& in) { return next(in)[0]; });
    const CosineDecay rate({.initial_learning_rate = 0.003, .decay_steps = epochs * 422.0});
    seq2seq.compile({.optimizer = Adam({.learning_rate = rate}),
                     .loss = "sparse_categorical_crossentropy"});
    // Teacher forcing: it reads the true letters, up to the last but one, and learns the next ones.
    seq2seq.fit({train.x, train.y(all, slice(0, -1))}, train.y(all, slice(1, end)),
                {.batch_size = 128, .epochs = epochs});

    // On its own it reads the letters that it wrote itself, one more at each turn.
    Tensor begin = unseen.y(all, slice(0, 1)), said = begin;
    for (int i = 0; i < 4; ++i)
      said = concat({begin, cast(argmax(seq2seq.predict({unseen.x, said})), begin.dtype())});
    const double right = mean(min(cast(equal(said, unseen.y), float32), 1)).item();
    const Tensor question = unseen.x(slice(-1, end)), answer = unseen.y(slice(-1, end));
    std::cout << (attention ? "with attention: " : "plain: ") << 100 * right
              << " % of the unseen sums are right; 535+861"
              << letters.join(letters.decode(said).back()) << std::endl;
    if (!attention) continue;
    const Tensor weights = next({question, answer(all, slice(0, -1))})[1][0];  // [4, 7]
    std::cout << heat_map(reverse(weights, 1), "addition_attention.svg",
                          {.title = "What is looked at for each letter of the answer",
                           .rows = letters.decode(answer(all, slice(1, end)))[0],
                           .columns = letters.decode(question)[0]}) << '\n';
  }
}
