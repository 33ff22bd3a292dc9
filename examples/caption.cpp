// SPDX-License-Identifier: Apache-2.0
// One to many: a noisy picture of a seven-segment digit, and its English name, letter by letter.
//   caption [--short]
#include <iostream>
#include <tempo/tempo.hpp>

#include "data.hpp"
using namespace tempo;

const std::vector<std::string> names = {"zero", "one", "two",   "three", "four",
                                        "five", "six", "seven", "eight", "nine"};
// The segments of `display` that are lit, digit by digit.
const std::vector<std::string> lit = {"abcdef", "bc",     "abged", "abgcd",   "fgbc",
                                      "afgcd",  "afgedc", "abc",   "abcdefg", "abcdfg"};
const std::string display = " aaa "
                            "f   b"
                            "f   b"
                            " ggg "
                            "e   c"
                            "e   c"
                            " ddd ";

int main(int argc, char** argv) {
  set_seed(1);

  std::vector<bool> pixels;
  for (const std::string& segments : lit)
    for (const char c : display) pixels.push_back(segments.find(c) != std::string::npos);
  const Tensor digits = cast(tensor(pixels, {10, 7, 5}), float32);
  const Vocabulary letters(names, {.split = "character", .unknown = false});
  const Tensor text = pad_sequences(letters.encode(names), {.padding = "post"});  // [10, 5]

  auto noisy = [&](int64_t n) {
    Tensor which = cast(random_uniform({n}, 0, 10), int64);
    return Samples{gather(digits, which) + random_normal({n, 7, 5}, 0, 0.3), gather(text, which)};
  };
  auto [x, y] = noisy(10000);
  auto [unseen, truth] = noisy(2000);

  Sequential model({
      Flatten(),
      Dense({.units = 64, .activation = "relu"}),
      RepeatVector({.n = 5}),
      LSTM({.units = 64, .return_sequences = true}),
      Dense({.units = letters.size(), .activation = "softmax"}),
  });
  model.compile({.optimizer = Adam(), .loss = "sparse_categorical_crossentropy"});
  model.fit(x, y, {.epochs = short_run(argc, argv) ? 3 : 15});
  model.summary();

  Tensor said = argmax(model.predict(unseen));  // [2000, 5]
  const std::string first = letters.join(letters.decode(said)[0]);
  std::cout << "right in every letter: "
            << 100 * mean(min(cast(equal(said, cast(truth, said.dtype())), float32), 1)).item()
            << " % of " << said.shape()[0] << " unseen pictures\n"
            << heat_map(unseen[0], "caption.svg",
                        {.title = "Read as \"" + first + "\"", .values = false, .width = 450, .height = 500})
            << '\n';
}
