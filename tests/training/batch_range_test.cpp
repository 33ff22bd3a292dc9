// SPDX-License-Identifier: Apache-2.0
// fit, evaluate and predict over ranges of batches give the same numbers as with samples in memory.
#define BOOST_TEST_MODULE batch_range
#include <algorithm>
#include <atomic>
#include <functional>
#include <list>
#include <set>
#include <thread>

#include <tempo/tempo.hpp>

#include "files.hpp"
#include "printed.hpp"
#include "testing.hpp"

using namespace tempo;
using testing::check_close;
using testing::check_same;
using testing::error_of;
using testing::in_folder;
using testing::Printed;

namespace {

const Tensor x = random_normal({10, 4, 2}, 0, 1, float32, 1);
const Tensor y = random_normal({10, 1}, 0, 1, float32, 2);
const Tensor weight = random_uniform({10}, 0.5, 2, float32, 3);

Tensor rows(const Tensor& t, int64_t begin, int64_t end) { return slice(t, 0, begin, end); }

// Batches of 4, 4 and 2 samples.
template <class B = Batch>
std::vector<B> parts() {
  std::vector<B> out;
  for (int64_t begin = 0; begin < 10; begin += 4) {
    const int64_t end = std::min<int64_t>(begin + 4, 10);
    out.push_back({rows(x, begin, end), rows(y, begin, end)});
  }
  return out;
}

// Returns each batch in turn, then nothing, then begins again.
auto by_function() {
  return [all = parts(), at = std::size_t{0}]() mutable -> std::optional<Batch> {
    if (at == all.size()) return at = 0, std::nullopt;
    return all[at++];
  };
}

// Like a generator or a file: a batch that was read is gone.
struct OnePass {
  struct Iterator {
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using iterator_concept = std::input_iterator_tag;
    OnePass* from;
    const Batch& operator*() const { return from->left.front(); }
    Iterator& operator++() {
      from->left.pop_front();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& a, std::default_sentinel_t) {
      return a.from->left.empty();
    }
  };
  explicit OnePass(int rounds = 1) {
    for (int i = 0; i < rounds; ++i)
      for (const Batch& b : parts()) left.push_back(b);
  }
  Iterator begin() { return {this}; }
  std::default_sentinel_t end() const { return {}; }

  std::list<Batch> left;
};

Sequential made() {
  set_seed(5);
  Sequential model({LSTM({.units = 3, .dropout = 0.2}), Dense({.units = 1})});
  model.build({{-1, -1, 2}});
  model.compile({.optimizer = Adam({.learning_rate = 0.05}), .loss = "mse", .metrics = {"mae"}});
  return model;
}

void check_equal(const std::string& what, const Model& got, const History& its,
                 const Model& expected, const History& history) {
  for (std::size_t i = 0; i < got.weights().size(); ++i)
    check_same(what, got.weights()[i], expected.weights()[i]);
  BOOST_REQUIRE(its.names() == history.names());
  for (const std::string& name : its.names())
    BOOST_TEST((its[name] == history[name]), what << ", " << name);
}

}  // namespace

BOOST_AUTO_TEST_CASE(any_range_trains_as_the_samples_in_memory_do) {
  const ValidationData held_out{.x = x, .y = y};
  Sequential expected = made();
  const History history = expected.fit(
      x, y,
      {.batch_size = 4, .epochs = 3, .validation_data = held_out, .shuffle = false, .verbose = 0});
  const std::vector<Batch> vector = parts();
  const std::list<Samples> list = [] {
    const std::vector<Samples> all = parts<Samples>();
    return std::list<Samples>(all.begin(), all.end());
  }();
  const Batches in_memory = batches(x, y, {.size = 4, .shuffle = false});
  const std::vector<std::pair<Tensor, Tensor>> pairs = parts<std::pair<Tensor, Tensor>>();
  const std::pair<const char*, std::function<BatchRange()>> cases[] = {
      {"a vector", [&] { return BatchRange(vector); }},
      {"a vector that is moved in", [&] { return BatchRange(parts()); }},
      {"a list of Samples", [&] { return BatchRange(list); }},
      {"pairs", [&] { return BatchRange(pairs); }},
      {"batches of tensors", [&] { return BatchRange(in_memory); }},
      {"a function", [] { return BatchRange(by_function()); }},
  };
  for (const auto& [what, range] : cases)
    for (const int64_t prefetch : {0, 1, 2, 7}) {
      Sequential model = made();
      const History its = model.fit(range(), {.epochs = 3,
                                              .validation_data = held_out,
                                              .prefetch = prefetch,
                                              .validation_batch_size = 4,
                                              .verbose = 0});
      check_equal(what + (", ahead " + std::to_string(prefetch)), model, its, expected, history);
    }
}

BOOST_AUTO_TEST_CASE(batches_bring_their_weights_and_validation_comes_in_batches_too) {
  Sequential expected = made(), model = made();
  const FitOptions options{.batch_size = 4,
                           .epochs = 2,
                           .validation_data = {.x = x, .y = y},
                           .shuffle = false,
                           .sample_weight = weight,
                           .validation_steps = 2,
                           .validation_batch_size = 4,
                           .verbose = 0};
  const History history = expected.fit(x, y, options);
  std::vector<Batch> weighted = parts();
  for (std::size_t i = 0; i < 3; ++i)
    weighted[i].sample_weight = rows(weight, static_cast<int64_t>(4 * i),
                                     std::min<int64_t>(static_cast<int64_t>(4 * i) + 4, 10));
  for (const bool function : {false, true}) {
    model = made();
    // A function would go on with the third batch in the next epoch, so it has only two.
    auto two = [all = parts(), at = 0]() mutable -> std::optional<Batch> {
      return all[static_cast<std::size_t>(at++ % 2)];
    };
    const BatchRange validation = function ? BatchRange(two) : BatchRange(parts());
    const History its = model.fit(
        weighted,
        {.epochs = 2, .validation_batches = validation, .validation_steps = 2, .verbose = 0});
    check_equal(function ? "a function" : "a vector", model, its, expected, history);
  }
}

BOOST_AUTO_TEST_CASE(classes_are_weighed_batch_by_batch) {
  // No sample of the first batch belongs to a class with a weight.
  const Tensor labels = tensor<int64_t>({0, 0, 0, 0, 1, 0, 1, 2, 0, 1}, {10});
  const auto model_for = [] {
    set_seed(5);
    Sequential model({LSTM({.units = 3})});
    model.build({{-1, 4, 2}});
    model.compile(
        {.optimizer = Adam(), .loss = SparseCategoricalCrossentropy({.from_logits = true})});
    return model;
  };
  Sequential expected = model_for(), model = model_for();
  const History history = expected.fit(
      x, labels,
      {.batch_size = 4, .shuffle = false, .class_weight = {{1, 3}, {2, 0.5}}, .verbose = 0});
  const History its = model.fit(batches(x, labels, {.size = 4, .shuffle = false}),
                                {.class_weight = {{1, 3}, {2, 0.5}}, .verbose = 0});
  check_equal("classes", model, its, expected, history);
  for (const FitOptions& options :
       {FitOptions{.epochs = 2, .class_weight = {{3, 5}}, .verbose = 0},
        FitOptions{.class_weight = {{3, 5}}, .steps_per_epoch = 2, .verbose = 0}})
    BOOST_TEST(error_of([&] { model_for().fit(batches(x, labels, {.size = 4}), options); }) ==
               "Sequential.fit, batches: class_weight was given, and y holds none of its classes.\n"
               "  Its keys are the class numbers: .class_weight = {{0, 1}, {1, 5}}.");
}

BOOST_AUTO_TEST_CASE(one_pass_goes_through_the_epochs_by_steps) {
  Sequential expected = made();
  const History history =
      expected.fit(x, y, {.batch_size = 4, .epochs = 3, .shuffle = false, .verbose = 0});
  Sequential model = made();
  OnePass three(3);
  const History its = model.fit(three, {.epochs = 3, .steps_per_epoch = 3, .verbose = 0});
  check_equal("one pass", model, its, expected, history);
  BOOST_TEST(its.params().steps == 3);
  BOOST_TEST(made().fit(by_function(), {.verbose = 0}).params().steps == 0);
  BOOST_TEST(made().fit(parts(), {.verbose = 0}).params().steps == 3);
}

BOOST_AUTO_TEST_CASE(evaluate_and_predict_walk_through_ranges) {
  Sequential model = made();
  const Logs expected = model.evaluate(x, y, {.batch_size = 4});
  OnePass one;
  for (const Logs& logs : {model.evaluate(parts()), model.evaluate(by_function()),
                           model.evaluate(one, {.prefetch = 0})})
    for (const char* name : {"loss", "mae"}) BOOST_TEST(logs[name] == expected[name]);
  std::vector<Batch> without_y;
  for (const Batch& b : parts()) without_y.push_back({.x = b.x});
  check_same("predict", model.predict(without_y), model.predict(x, {.batch_size = 4}));
  check_same("predict_all", model.predict_all(by_function())[0],
             model.predict(x, {.batch_size = 4}));
}

BOOST_AUTO_TEST_CASE(predictions_are_in_the_order_of_the_samples) {
  const Sequential model = made();
  const Tensor lengths = tensor(std::vector<int64_t>{4, 1, 3, 2, 4, 1, 2, 3, 3, 1}, {10});
  const Tensor masked = with_mask(x, mask_of_lengths(lengths, 4));
  std::vector<Batch> backwards = parts();
  std::reverse(backwards.begin(), backwards.end());
  for (std::size_t i = 0; i < 3; ++i)
    for (int64_t at = 0; at < (i == 0 ? 2 : 4); ++at)
      backwards[i].places.push_back(static_cast<int64_t>(2 - i) * 4 + at);
  const struct {
    const char* what;
    BatchRange range;
    Tensor of;
  } cases[] = {
      {"batches", batches(x, y, {.size = 4}), x},
      {"in order", batches(x, y, {.size = 4, .shuffle = false}), x},
      {"by length", batches_by_length(x, lengths, y, {.size = 4}), masked},
      {"sorted by length", batches_by_length(x, lengths, y, {.size = 4, .shuffle = false}), masked},
      {"with places", backwards, x},
  };
  for (const auto& c : cases)
    for (const int64_t prefetch : {0, 2})
      check_close(c.what, model.predict(c.range, {.prefetch = prefetch}), model.predict(c.of),
                  1e-6);
  Sequential at_each_step({GRU({.units = 3, .return_sequences = true})});
  const auto refusal = error_of([&] {
    at_each_step.predict(batches_by_length(x, lengths, y, {.size = 4, .shuffle = false}));
  });
  BOOST_TEST(refusal ==
             "Sequential.predict: batch 2 gives [4, 3, 3], and batch 1 [4, 2, 3]: they do not make "
             "one tensor.\n  Predict sequences padded to one length; or batch by batch, for (const "
             "Batch& b : batches) model.predict(b.x).");
  backwards[0].places.pop_back();
  BOOST_TEST(error_of([&] { model.predict(backwards); }) ==
             "Sequential.predict, batches, batch 1 of epoch 1: it has 2 samples and 1 places; each "
             "sample has one, or none has.");
}

BOOST_AUTO_TEST_CASE(a_fit_of_some_steps_takes_no_more_batches_than_it_needs) {
  const auto losses = [](int64_t prefetch) {
    int64_t number = 0;
    const auto next = [&]() -> std::optional<Batch> {
      return Batch{.x = x, .y = y + static_cast<double>(number++)};
    };
    Sequential model = made();
    std::vector<double> out;
    for (const int epochs : {2, 1}) {
      const History history = model.fit(
          next, {.epochs = epochs, .steps_per_epoch = 3, .prefetch = prefetch, .verbose = 0});
      out.insert(out.end(), history["loss"].begin(), history["loss"].end());
    }
    BOOST_TEST(number == 9);
    return out;
  };
  const std::vector<double> expected = losses(0);
  for (const int64_t prefetch : {1, 2, 7}) BOOST_TEST(losses(prefetch) == expected);
}

BOOST_AUTO_TEST_CASE(a_range_stands_at_one_place) {
  const BatchRange range = parts();
  const std::string text =
      " is being walked through already, and a BatchRange stands at one place.\n  Give the range "
      "that it was made of, or another BatchRange of that.";
  const auto evaluating = [&](const BatchRange& other) {
    return error_of([&] {
      Sequential model = made();
      model.fit(range, {.callbacks = {LambdaCallback(
                            {.on_epoch_end = [&](int, const Logs&) { model.evaluate(other); }})},
                        .verbose = 0});
    });
  };
  BOOST_TEST(evaluating(range) == "Sequential.evaluate: batches" + text);
  BOOST_TEST(evaluating(parts()) == "nothing was thrown");
  BOOST_TEST(error_of([&] { made().fit(range, {.validation_batches = range}); }) ==
             "Sequential.fit: batches" + text);
  BOOST_TEST(error_of([&] { made().evaluate(range); }) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(what_a_range_draws_is_the_same_each_time_and_ahead_or_not) {
  // The range and dropout draw different numbers, whichever comes first.
  const auto noisy = [left = 3]() mutable -> std::optional<Batch> {
    if (left-- == 0) return left = 3, std::nullopt;
    return Batch{.x = x + random_normal(x.shape(), 0, 0.1), .y = y};
  };
  std::vector<History> all;
  Sequential first = made();
  const History expected = first.fit(noisy, {.epochs = 2, .prefetch = 0, .verbose = 0});
  for (const int64_t prefetch : {1, 4}) {
    Sequential model = made();
    const History its = model.fit(noisy, {.epochs = 2, .prefetch = prefetch, .verbose = 0});
    check_equal("noise", model, its, first, expected);
  }
}

BOOST_AUTO_TEST_CASE(what_a_range_draws_is_new_in_each_epoch) {
  // The model draws nothing, so the global generator stands still.
  for (const int64_t prefetch : {0, 2}) {
    std::vector<double> drawn;
    Sequential model({Dense({.units = 1})});
    model.compile({.optimizer = SGD(), .loss = "mse"});
    const auto range = [&, left = 2]() mutable -> std::optional<Batch> {
      if (left-- == 0) return left = 2, std::nullopt;
      drawn.push_back(random_normal({1}).item());
      return Batch{.x = y, .y = y};
    };
    set_seed(5);
    model.fit(range, {.epochs = 3, .prefetch = prefetch, .verbose = 0});
    BOOST_TEST(drawn.size() == 6u);
    BOOST_TEST(std::set<double>(drawn.begin(), drawn.end()).size() == 6u);
  }
}

BOOST_AUTO_TEST_CASE(batches_are_made_on_a_thread_of_their_own_and_no_more_than_asked_for) {
  const std::thread::id here = std::this_thread::get_id();
  for (const int64_t prefetch : {0, 2}) {
    std::atomic<int> made_so_far{0}, elsewhere{0}, most_ahead{0};
    int used = 0;
    const auto range = [&]() -> std::optional<Batch> {
      if (made_so_far == 12) return {};
      elsewhere += std::this_thread::get_id() != here;
      ++made_so_far;
      return parts()[0];
    };
    struct Counts : Callback {
      explicit Counts(std::function<void()> its_f) : f(std::move(its_f)) {}
      void on_train_batch_begin(int64_t) override { f(); }
      std::function<void()> f;
    };
    made().fit(range, {.callbacks = {Counts([&] {
                         ++used;
                         most_ahead = std::max<int>(most_ahead, made_so_far - used);
                       })},
                       .prefetch = prefetch,
                       .verbose = 0});
    BOOST_TEST(used == 12);
    BOOST_TEST(elsewhere == (prefetch == 0 ? 0 : 12));
    // Batches in the queue, and one that is being made.
    BOOST_TEST(most_ahead <= (prefetch == 0 ? 0 : prefetch + 1));
  }
}

namespace {

struct Power : std::exception {};

}  // namespace

BOOST_AUTO_TEST_CASE(a_training_goes_on_in_the_middle_of_an_epoch) {
  struct Cut : Callback {
    explicit Cut(int its_at) : at(its_at) {}
    void on_train_batch_end(int64_t, const Logs&) override {
      if (at-- == 0) throw Power();
    }
    int at;
  };
  const Tensor lengths = tensor(std::vector<int64_t>{4, 1, 3, 2, 4, 1, 2, 3, 3, 1}, {10});
  const auto by_length = [&](int64_t seed) {
    return batches_by_length(x, lengths, y, {.size = 4, .seed = seed});
  };
  const Batches seeded = batches(x, y, {.size = 4, .seed = 1});
  const std::tuple<const char*, std::function<BatchRange()>, FitOptions> cases[] = {
      {"in an order that is drawn", [] { return batches(x, y, {.size = 4}); }, {}},
      {"with a seed", [&] { return seeded; }, {}},
      {"a range that was walked through before",
       [&] {
         for (const auto& [xb, yb] : seeded) BOOST_TEST(xb.shape()[0] <= 4);
         return BatchRange(seeded);
       },
       {}},
      {"some steps", [&] { return seeded; }, {.steps_per_epoch = 2}},
      {"by length", [&] { return by_length(-1); }, {}},
      {"by length, with a seed", [&] { return by_length(1); }, {}},
  };
  for (const auto& [what, range, given] : cases)
    for (const int cut : {2, 4}) BOOST_TEST_CONTEXT(what << ", " << cut) {
        FitOptions options = given;
        options.epochs = 3;
        options.verbose = 0;
        Sequential whole = made();
        whole.fit(range(), options);
        const std::string folder = in_folder("backup_of_a_range");
        options.callbacks = {BackupAndRestore({.backup_dir = folder, .save_freq = 2}), Cut(cut)};
        BOOST_CHECK_THROW(made().fit(range(), options), Power);
        set_seed(99);
        Sequential again = made();
        options.callbacks.pop_back();
        again.fit(range(), options);
        for (std::size_t i = 0; i < whole.weights().size(); ++i)
          check_same("goes on", again.weights()[i], whole.weights()[i]);
      }
}

BOOST_AUTO_TEST_CASE(a_backup_is_never_behind_the_last_batch_of_an_epoch) {
  // A function does not say in advance that its third batch is the last.
  for (const int frequency : {1, 3}) BOOST_TEST_CONTEXT(frequency) {
      const std::string folder = in_folder("backup_of_a_function");
      const auto options = [&] {
        return FitOptions{
            .epochs = 3,
            .callbacks = {EarlyStopping({.monitor = "loss", .patience = 9}),
                          BackupAndRestore({.backup_dir = folder, .save_freq = frequency})},
            .validation_data = {.x = x, .y = y},
            .verbose = 0};
      };
      struct CutInValidation : Callback {
        void on_test_begin() override {
          if (--left == 0) throw Power();
        }
        int left = 2;
      };
      Sequential whole = made();
      const History expected = whole.fit(by_function(), options());
      FitOptions cut = options();
      cut.callbacks.push_back(CutInValidation());
      BOOST_CHECK_THROW(made().fit(by_function(), cut), Power);
      Sequential again = made();
      const History rest = again.fit(by_function(), options());
      BOOST_TEST(rest["loss"].back() == expected["loss"].back());
      for (std::size_t i = 0; i < whole.weights().size(); ++i)
        check_same("goes on", again.weights()[i], whole.weights()[i]);
    }
}

BOOST_AUTO_TEST_CASE(long_sequences_of_a_range_are_trained_in_pieces) {
  const Tensor targets = random_normal({10, 4, 1}, 0, 1, float32, 4);
  const auto model_for = [] {
    set_seed(5);
    Sequential model({GRU({.units = 3, .return_sequences = true}), Dense({.units = 1})});
    model.build({{-1, 4, 2}});
    model.compile({.optimizer = Adam(), .loss = "mse"});
    return model;
  };
  Sequential expected = model_for(), model = model_for();
  expected.fit(x, targets, {.batch_size = 5, .shuffle = false, .truncate = 3, .verbose = 0});
  model.fit(batches(x, targets, {.size = 5, .shuffle = false}), {.truncate = 3, .verbose = 0});
  for (std::size_t i = 0; i < model.weights().size(); ++i)
    check_same("pieces", model.weights()[i], expected.weights()[i]);
}

// --- What is shown

BOOST_AUTO_TEST_CASE(the_number_of_steps_is_shown_when_it_is_known) {
  const auto shown = [](const BatchRange& range, int verbose) {
    const Printed printed;
    made().fit(range, {.epochs = 2, .verbose = verbose});
    return printed.text();
  };
  BOOST_TEST(shown(by_function(), 1).find("1/?") != std::string::npos);
  BOOST_TEST(shown(parts(), 1).find("1/3") != std::string::npos);
  BOOST_TEST(shown(by_function(), 2).find("3/3") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_a_range_throws_says_at_which_batch_and_is_nested) {
  struct Torn : std::runtime_error {
    using std::runtime_error::runtime_error;
  };
  for (const int64_t prefetch : {0, 3}) {
    const auto range = [at = 0]() mutable -> std::optional<Batch> {
      if (++at == 3) return std::nullopt;
      if (at == 5) throw Torn("part-7 is torn");
      return parts()[0];
    };
    Sequential model = made();
    bool nested = false;
    try {
      model.fit(range, {.epochs = 3, .prefetch = prefetch, .verbose = 0});
    } catch (const Error& error) {
      BOOST_TEST(
          error.what() ==
          std::string("Sequential.fit: batches threw at batch 2 of epoch 2: part-7 is torn"));
      try {
        std::rethrow_if_nested(error);
      } catch (const Torn&) {
        nested = true;
      }
    }
    BOOST_TEST(nested);
    BOOST_TEST(model.optimizer().iterations() == 3);  // the batches before it were trained
  }
}

BOOST_AUTO_TEST_CASE(what_a_range_cannot_do_is_said) {
  OnePass one, two(2), three(3);
  std::vector<Batch> wrong = parts();
  wrong[1].y = rows(y, 0, 3);
  const auto fit = [&](const BatchRange& range, FitOptions options) {
    options.verbose = 0;
    return error_of([&] { made().fit(range, options); });
  };
  BOOST_TEST(fit(one, {.epochs = 3}) ==
             "Sequential.fit: batches can be walked through once, and there are 3 epochs.\n"
             "  Set steps_per_epoch, which spreads one walk over them; or give a range that begins "
             "again, a std::vector or a function.");
  BOOST_TEST(fit(two, {.epochs = 3, .steps_per_epoch = 4}) ==
             "Sequential.fit: batches ended before batch 3 of epoch 2, which needs 4 "
             "(steps_per_epoch).\n  It can be walked through once: set fewer steps or epochs, or "
             "give a range that begins again.");
  BOOST_TEST(fit(std::vector<Batch>{}, {}) ==
             "Sequential.fit: batches gave no batch in epoch 1.\n  An epoch ends with the range. A "
             "range must begin again in each epoch, and a function after it gave std::nullopt; or "
             "set steps_per_epoch.");
  BOOST_TEST(
      fit(parts(), {.prefetch = -1}) ==
      "Sequential.fit: prefetch is -1; it must be at least 0, the number of batches that are "
      "made ahead.");
  BOOST_TEST(
      fit(parts(), {.sample_weight = weight}) ==
      "Sequential.fit: sample_weight was given, which is of samples in memory, and these are "
      "batches of a range.\n  Each Batch has its own: Batch{.x = x, .y = y, .sample_weight = "
      "w}.");
  const std::pair<const char*, FitOptions> of_samples[] = {
      {"batch_size", {.batch_size = 2}},
      {"shuffle", {.shuffle = false}},
      {"seed", {.seed = 0}},
      {"validation_batch_size", {.validation_batches = parts(), .validation_batch_size = 2}},
  };
  for (const auto& [option, options] : of_samples)
    BOOST_TEST(fit(parts(), options)
                   .starts_with("Sequential.fit: " + std::string(option) +
                                " was given, which is of samples in memory, and these are batches "
                                "of a range.\n  A range has its own"));
  BOOST_TEST(error_of([&] {
               made().predict(parts(), {.batch_size = 2});
             }).starts_with("Sequential.predict: batch_size was given"));
  BOOST_TEST(error_of([&] {
               made().evaluate(parts(), {.batch_size = 2});
             }).starts_with("Sequential.evaluate: batch_size was given"));
  Sequential stateful({LSTM({.units = 2, .stateful = true}), Dense({.units = 1})});
  stateful.compile({.loss = "mse"});
  const std::string uneven =
      ", batches, batch 3 of epoch 1: `lstm` is stateful, and this batch has 2 samples, the first "
      "one 4.\n  It keeps a state for each sequence of a batch: leave out the smaller batch, or "
      "give batches of one size.";
  BOOST_TEST(error_of([&] { stateful.fit(parts(), {.verbose = 0}); }) == "Sequential.fit" + uneven);
  BOOST_TEST(error_of([&] { stateful.predict(parts()); }) == "Sequential.predict" + uneven);
  BOOST_TEST(error_of([&] {
               stateful.predict(x, {.batch_size = 4});
             }).starts_with("Sequential.predict: `lstm` is stateful, and 10 samples are not"));
  BOOST_TEST(
      error_of([&] {
        stateful.fit(
            x, y,
            {.batch_size = 5, .validation_data = {.x = x, .y = y}, .validation_batch_size = 4});
      }).starts_with("Sequential.fit, validation: `lstm` is stateful, and 10 samples are "));
  BOOST_TEST(fit(parts(), {.validation_split = 0.5}) ==
             "Sequential.fit: validation_split was given, which is of samples in memory, and these "
             "are batches of a range.\n  Give validation_batches, or validation_data.");
  BOOST_TEST(
      fit(parts(), {.validation_data = {.x = x, .y = y}, .validation_batches = parts()}) ==
      "Sequential.fit: validation_batches was given, and validation_data, too.\n  Give one of "
      "them.");
  BOOST_TEST(fit(parts(), {.epochs = 2, .validation_batches = three}) ==
             "Sequential.fit: validation_batches can be walked through once, and there are 2 "
             "epochs.\n  Set steps_per_epoch, which spreads one walk over them; or give a range "
             "that begins again, a std::vector or a function.");
  BOOST_TEST(fit(wrong, {}).find(
                 "Sequential.fit, batches, batch 2 of epoch 1: these hold different numbers") == 0);
}
