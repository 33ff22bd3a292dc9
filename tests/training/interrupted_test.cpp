// SPDX-License-Identifier: Apache-2.0
// Trainings that are interrupted: killed and started again, ended by Ctrl-C or by NaN; and saved
// within an epoch.
#define BOOST_TEST_MODULE interrupted
#include <csignal>

#include <tempo/tempo.hpp>

#include "children.hpp"
#include "files.hpp"
#include "printed.hpp"

using namespace tempo;
using testing::check_same;
using testing::child;
using testing::error_of;
using testing::in_folder;
using testing::Printed;

namespace {

const Tensor x = random_normal({10, 4, 2}, 0, 1, float32, 1);
const Tensor y = random_normal({10, 1}, 0, 1, float32, 2);

// A model that draws random numbers at each step, and keeps a state from one batch to the next.
Sequential model_for(const Optimizer& optimizer = Adam({.learning_rate = 0.05})) {
  set_seed(3);
  Sequential model(
      {LSTM({.units = 3, .stateful = true}), Dropout({.rate = 0.3}), Dense({.units = 1})});
  model.compile({.optimizer = optimizer, .loss = "mse", .metrics = {"mae"}});
  return model;
}

struct Power : std::exception {};

// Acts after a batch of an epoch, both from 0; at batch -1, at the end of the epoch.
struct Cut : Callback {
  Cut(int its_epoch, int64_t its_batch, std::function<void()> what)
      : epoch(its_epoch), batch(its_batch), cut(std::move(what)) {}
  void on_epoch_begin(int e) override { now = e; }
  void on_train_batch_end(int64_t b, const Logs&) override {
    if (now == epoch && b == batch) cut();
  }
  void on_epoch_end(int e, const Logs&) override {
    if (e == epoch && batch < 0) cut();
  }
  int epoch, now = 0;
  int64_t batch;
  std::function<void()> cut;
};

void power_cut() { throw Power(); }
void ctrl_c() { std::raise(SIGINT); }

std::string handler_now() {
  struct sigaction now = {};
  sigaction(SIGINT, nullptr, &now);
  return now.sa_handler == SIG_DFL ? "default" : now.sa_handler == SIG_IGN ? "ignored" : "own";
}

}  // namespace

// --- Backups

BOOST_AUTO_TEST_CASE(a_training_that_was_killed_goes_on_as_if_it_had_not) {
  struct {
    const char* what;
    BackupAndRestoreOptions backup;
    FitOptions fit;
    int epoch;  // of the cut
    int64_t batch;
  } const cases[] = {
      {"between epochs", {}, {}, 1, 2},
      {"in the first epoch, without a backup", {}, {}, 0, 3},
      {"within an epoch", {.save_freq = 2}, {}, 2, 3},
      {"every batch", {.save_freq = "batch"}, {}, 1, 2},
      {"after an epoch", {.save_freq = 1}, {}, 2, -1},
      {"in order", {.save_freq = 3}, {.shuffle = false}, 1, 3},
      {"a seed", {.save_freq = 3}, {.seed = 4}, 1, 3},
      {"some steps", {.save_freq = 2}, {.steps_per_epoch = 3}, 2, 1},
      {"some steps, between epochs", {}, {.steps_per_epoch = 3}, 2, 1},
  };
  const Optimizer optimizers[] = {Adam({.learning_rate = 0.05}),
                                  Nadam({.use_ema = true, .gradient_accumulation_steps = 4})};
  for (const auto& c : cases)
    for (const Optimizer& given : optimizers) BOOST_TEST_CONTEXT(c.what << " " << given.name()) {
        const auto fresh = [&] { return model_for(Optimizer(given.text())); };
        FitOptions options = c.fit;
        options.batch_size = 2;
        options.epochs = 4;
        options.validation_split = 0.2;
        options.verbose = 0;
        Sequential whole = fresh();
        const History expected = whole.fit(x, y, options);

        BackupAndRestoreOptions backup = c.backup;
        backup.backup_dir = in_folder("backup");
        options.callbacks = {BackupAndRestore(backup)};
        FitOptions cut = options;
        // The backup after a batch is made before the interruption.
        cut.callbacks.push_back(Cut(c.epoch, c.batch, power_cut));
        {
          Sequential first = fresh();
          BOOST_CHECK_THROW(first.fit(x, y, cut), Power);
        }
        Sequential second = fresh();
        if (std::filesystem::exists(in_folder("backup/latest.tempo")))
          random_normal({5});  // another process would have another state
        const History rest = second.fit(x, y, options);
        for (std::size_t i = 0; i < whole.weights().size(); ++i)
          check_same("weight", second.weights()[i], whole.weights()[i]);
        BOOST_TEST(rest["loss"].back() == expected["loss"].back());
        BOOST_TEST(rest["val_loss"].back() == expected["val_loss"].back());
        BOOST_TEST(rest.epochs().back() == 3);
        BOOST_TEST(!std::filesystem::exists(backup.backup_dir));
      }
}

BOOST_AUTO_TEST_CASE(a_killed_process_leaves_a_backup_that_another_one_goes_on_from) {
  const std::string folder = in_folder("killed");
  const auto fit = [&](std::vector<CallbackHandle> callbacks) {
    callbacks.push_back(BackupAndRestore({.backup_dir = folder, .save_freq = 3}));
    Sequential model = model_for();
    model.fit(x, y, {.batch_size = 2, .epochs = 4, .callbacks = callbacks, .verbose = 0});
    return model.weights()[0].to_vector();
  };
  BOOST_TEST(child([&] {
               fit({Cut(2, 1, [] { ::kill(::getpid(), SIGKILL); })});
               return 0;
             }) == "killed by signal 9");
  BOOST_TEST(std::filesystem::exists(folder + "/latest.tempo"));
  Sequential whole = model_for();
  whole.fit(x, y, {.batch_size = 2, .epochs = 4, .verbose = 0});
  BOOST_TEST(fit({}) == whole.weights()[0].to_vector());
}

BOOST_AUTO_TEST_CASE(a_backup_may_stay_and_must_fit) {
  const std::string folder = in_folder("stays");
  const BackupAndRestore stays({.backup_dir = folder, .delete_checkpoint = false});
  Sequential model = model_for();
  model.fit(x, y, {.batch_size = 2, .epochs = 2, .callbacks = {stays}, .verbose = 0});
  BOOST_TEST(std::filesystem::exists(folder + "/latest.tempo"));
  const std::vector<double> before = model.weights()[0].to_vector();
  Sequential again = model_for();
  const History nothing =
      again.fit(x, y, {.batch_size = 2, .epochs = 2, .callbacks = {stays}, .verbose = 0});
  BOOST_TEST(nothing.epochs().empty());  // it was done already
  BOOST_TEST(again.weights()[0].to_vector() == before);
  Sequential other({Dense({.units = 1})});
  other.compile({.optimizer = Adam(), .loss = "mse"});
  BOOST_TEST(error_of([&] {
               other.fit(ones({2, 1}), ones({2, 1}), {.callbacks = {stays}, .verbose = 0});
             }).find("its model is not made as sequential is; nothing was changed") !=
             std::string::npos);
  BOOST_TEST(error_of([] { BackupAndRestore({}); }) ==
             "BackupAndRestore: no backup_dir was given.");
  BOOST_TEST(error_of([] { BackupAndRestore({.backup_dir = "x", .save_freq = 0}); }) ==
             "BackupAndRestore: save_freq is 0; it must be \"epoch\", or a number of batches of at "
             "least 1.");
}

// --- Checkpoints within an epoch

BOOST_AUTO_TEST_CASE(a_checkpoint_is_saved_after_so_many_batches) {
  Sequential model = model_for();
  const std::string pattern = in_folder("at-{epoch}-{batch}.tempo");
  std::vector<double> third;
  const LambdaCallback watch({.on_train_batch_end = [&](int64_t batch, const Logs&) {
    if (third.empty() && batch == 2) third = model.weights()[0].to_vector();
  }});
  model.fit(x, y,
            {.batch_size = 2,
             .epochs = 2,
             .callbacks = {watch, ModelCheckpoint({.filepath = pattern, .save_freq = 3})},
             .verbose = 0});
  for (const char* name : {"1-3", "2-1", "2-4"})  // batches 3, 6 and 9 of 10
    BOOST_TEST(std::filesystem::exists(in_folder(std::string("at-") + name + ".tempo")), name);
  Sequential loaded = load_model(in_folder("at-1-3.tempo"));
  BOOST_TEST(loaded.weights()[0].to_vector() == third);
  BOOST_TEST(loaded.epoch() == 0);
  // Its epoch begins again.
  BOOST_TEST(loaded.fit(x, y, {.batch_size = 2, .verbose = 0}).epochs().size() == 1u);
  BOOST_TEST(
      error_of([] { ModelCheckpoint({.filepath = "x", .save_freq = "epochs"}); }) ==
      "frequency: it has no kind `epochs`; did you mean `epoch`?\n  There are epoch, batch.");
}

// --- Ctrl-C

BOOST_AUTO_TEST_CASE(ctrl_c_ends_fit_in_good_order) {
  Sequential model = model_for(SGD({.learning_rate = 0.01}));
  bool ended = false;
  std::vector<std::vector<double>> weights;  // at the end of each epoch
  const LambdaCallback watch(
      {.on_train_end = [&](const Logs&) { ended = true; },
       .on_epoch_end = [&](int,
                           const Logs&) { weights.push_back(model.weights()[0].to_vector()); }});
  const EarlyStopping stopping(
      {.monitor = "loss", .patience = 5, .mode = "max", .restore_best_weights = true});
  BOOST_TEST(handler_now() == "default");
  Printed told(std::cerr), printed;
  const History history = model.fit(x, y,
                                    {.batch_size = 2,
                                     .epochs = 5,
                                     .callbacks = {watch, stopping, Cut(2, 1, ctrl_c)},
                                     .shuffle = false,
                                     .verbose = 0});
  BOOST_TEST(told.text() ==
             "tempo: Sequential.fit: Ctrl-C ended it in epoch 3, after batch 2; the weights and "
             "the history so far are kept.\n");
  BOOST_TEST(ended);
  BOOST_TEST(model.interrupted());
  BOOST_TEST(history.epochs().size() == 2u);
  BOOST_TEST(model.epoch() == 2);
  BOOST_TEST(model.history()["loss"].size() == 2u);
  BOOST_TEST(model.weights()[0].to_vector() ==
             weights.at(static_cast<std::size_t>(stopping.best_epoch())));
  BOOST_TEST(handler_now() == "default");
  model.fit(x, y, {.batch_size = 2, .initial_epoch = 0, .verbose = 0});
  BOOST_TEST(!model.interrupted());
}

BOOST_AUTO_TEST_CASE(ctrl_c_in_validation_leaves_the_epoch_out) {
  struct InTest : Callback {
    int batches = 0;
    void on_test_batch_end(int64_t, const Logs&) override {
      if (batches++ == 0) ctrl_c();
    }
  };
  const auto in_test = std::make_shared<InTest>();
  Sequential model = model_for();
  Printed told(std::cerr), printed;
  const History history = model.fit(x, y,
                                    {.batch_size = 2,
                                     .epochs = 3,
                                     .callbacks = {in_test},
                                     .validation_data = {.x = x, .y = y},
                                     .verbose = 0});
  BOOST_TEST(in_test->batches == 1);
  BOOST_TEST(history.epochs().empty());
  BOOST_TEST(model.interrupted());
}

BOOST_AUTO_TEST_CASE(a_backup_outlives_ctrl_c) {
  const std::string folder = in_folder("interrupted");
  const FitOptions options{.batch_size = 2,
                           .epochs = 4,
                           .callbacks = {BackupAndRestore({.backup_dir = folder})},
                           .verbose = 0};
  FitOptions cut = options;
  cut.callbacks.push_back(Cut(2, 1, ctrl_c));
  Sequential whole = model_for();
  whole.fit(x, y, {.batch_size = 2, .epochs = 4, .verbose = 0});
  {
    Printed told(std::cerr), printed;
    model_for().fit(x, y, cut);
  }
  Sequential second = model_for();
  second.fit(x, y, options);
  check_same("weight", second.weights()[0], whole.weights()[0]);
}

BOOST_AUTO_TEST_CASE(a_second_ctrl_c_ends_the_process) {
  BOOST_TEST(child([] {
               Printed told(std::cerr), printed;
               model_for().fit(x, y,
                               {.batch_size = 2,
                                .callbacks = {Cut(0, 1,
                                                  [] {
                                                    ctrl_c();
                                                    ctrl_c();
                                                  })},
                                .verbose = 0});
               return 0;
             }) == "killed by signal 2");
}

BOOST_AUTO_TEST_CASE(a_fit_inside_a_fit_ends_with_it) {
  Sequential outer = model_for(), inner = model_for();
  int inner_epochs = 0;
  const LambdaCallback nested({.on_epoch_end = [&](int, const Logs&) {
    inner.fit(
        x, y,
        {.batch_size = 2,
         .epochs = 3,
         .callbacks = {Cut(1, 0, ctrl_c),
                       LambdaCallback({.on_epoch_end = [&](int, const Logs&) { ++inner_epochs; }})},
         .verbose = 0});
  }});
  Printed told(std::cerr), printed;
  const History history =
      outer.fit(x, y, {.batch_size = 2, .epochs = 3, .callbacks = {nested}, .verbose = 0});
  BOOST_TEST(inner_epochs == 1);
  BOOST_TEST(history.epochs().size() == 1u);  // the epoch during whose end the inner fit ran
  BOOST_TEST(outer.interrupted());
  BOOST_TEST(inner.interrupted());
}

namespace {
volatile std::sig_atomic_t own_count = 0;
}
BOOST_AUTO_TEST_CASE(a_program_that_handles_ctrl_c_itself_keeps_that) {
  struct sigaction own = {}, before = {};
  own.sa_handler = [](int) { own_count = own_count + 1; };
  sigaction(SIGINT, &own, &before);
  Sequential model = model_for();
  const History history = model.fit(
      x, y, {.batch_size = 2, .epochs = 2, .callbacks = {Cut(0, 1, ctrl_c)}, .verbose = 0});
  BOOST_TEST(own_count == 1);
  BOOST_TEST(history.epochs().size() == 2u);
  BOOST_TEST(!model.interrupted());
  BOOST_TEST(handler_now() == "own");
  ::signal(SIGINT, SIG_IGN);
  model.fit(x, y, {.batch_size = 2, .callbacks = {Cut(0, 1, ctrl_c)}, .verbose = 0});
  BOOST_TEST(!model.interrupted());
  BOOST_TEST(handler_now() == "ignored");
  sigaction(SIGINT, &before, nullptr);
  // A handler that a callback sets stays, too.
  model.fit(
      x, y,
      {.batch_size = 2, .callbacks = {Cut(0, 1, [] { ::signal(SIGINT, SIG_IGN); })}, .verbose = 0});
  BOOST_TEST(handler_now() == "ignored");
  sigaction(SIGINT, &before, nullptr);
}

BOOST_AUTO_TEST_CASE(an_exception_puts_the_handler_back) {
  Sequential model = model_for();
  BOOST_CHECK_THROW(model.fit(x, y, {.callbacks = {Cut(0, 0, power_cut)}, .verbose = 0}), Power);
  BOOST_TEST(handler_now() == "default");
}

// --- NaN

BOOST_AUTO_TEST_CASE(training_ends_where_the_loss_is_nan) {
  const Tensor bad =
      concat({ones({4, 1}), full({2, 1}, std::numeric_limits<double>::quiet_NaN())}, 0);
  const auto line = [] {
    Sequential model({Dense({.units = 1, .kernel_initializer = "zeros"})});
    model.compile({.optimizer = SGD({.learning_rate = 0.1}), .loss = "mse"});
    return model;
  };
  const auto options = [](const TerminateOnNaNOptions& o) {
    return FitOptions{.batch_size = 2,
                      .epochs = 3,
                      .callbacks = {TerminateOnNaN(o)},
                      .shuffle = false,
                      .verbose = 0};
  };
  Sequential model = line(), two_batches = line();
  two_batches.fit(ones({4, 1}), ones({4, 1}), {.batch_size = 2, .shuffle = false, .verbose = 0});
  const Printed printed;
  const History history = model.fit(ones({6, 1}), bad, options({}));
  BOOST_TEST(printed.text() == "Batch 2: Invalid loss, terminating training\n");
  BOOST_TEST(history.epochs().size() == 1u);
  BOOST_TEST(std::isnan(history["loss"][0]));
  check_same("weight", model.weights()[0], two_batches.weights()[0]);
  BOOST_TEST(error_of([&] {
               line().fit(ones({6, 1}), bad, options({.raise_error = true}));
             }).starts_with("Sequential.fit: the loss is NaN in epoch 1, batch 3.\n"));
}
