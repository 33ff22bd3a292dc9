// SPDX-License-Identifier: Apache-2.0
// Models: layers and a function of them, with training, prediction, tables and files.
#pragma once

#include <tempo/layer.hpp>
#include <tempo/model_options.hpp>
#include <tempo/plugin.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {
/// A Tensor or Tensors of (const Tensors& inputs), or of inputs and const CallOptions&.
template <class F>
concept ModelFunction = std::is_invocable_v<const F&, const Tensors&> ||
    std::is_invocable_v<const F&, const Tensors&, const CallOptions&>;

/// What was thrown by this object's code and came back through the host as a text is thrown on as
/// what it was.
template <class F>
auto own_exceptions(const F& f) {
  try {
    return f();
  } catch (const Error& error) {
    uint64_t serial = 0;
    const std::string last = host().last_error(&serial);
    const InFlight& mine = in_flight();
    if (mine.exception && mine.serial == serial && last == error.what())
      std::rethrow_exception(mine.exception);
    throw;
  }
}
}  // namespace sdk

struct ModelState;
class ModelReader;

/// Layers and a function that uses them. A handle; copies are the same model. Several threads may
/// call it, predict and evaluate. compile, fit, load_weights and other changes need it alone.
class Model {
 public:
  /// What the function of a model is called with, as libtempo calls it.
  class Function {
   public:
    virtual ~Function() = default;
    virtual Tensors operator()(const Tensors& inputs, const CallOptions& call) const = 0;
  };

  /// `function` is a Tensor or Tensors of (const Tensors& inputs), or of inputs and
  /// const CallOptions&, which has `training`. `layers` are those whose weights are the model's.
  template <sdk::ModelFunction F>
  Model(const std::vector<Layer>& layers, F function, const std::string& name = "")
      : Model(layers, std::make_shared<Bound<F>>(std::move(function)), name) {}
  /// Its layers are those that the function calls, in the order of the first call; before that, or
  /// build, it has none.
  template <class F>
  requires(!std::is_base_of_v<Model, F> &&
           sdk::ModelFunction<F>) explicit Model(F function, const std::string& name = "")
      : Model(std::make_shared<Bound<F>>(std::move(function)), name) {}

  /// The model as a layer of others, which it is, too, in a list of layers or called by a model's
  /// function: Sequential({encoder, Dense({.units = 1})}). Always the same one as long as it is
  /// held; its weights are then on the paths "encoder/lstm/kernel".
  TEMPO_API operator Layer() const;

  /// The first result. Builds what is not built yet. It remembers how it was computed, so that a
  /// gradient can be asked for, for as long as it lives: that is for losses. `predict` remembers
  /// nothing, of one batch too, and so does a call while a NoGradient lives.
  Tensor operator()(const Inputs& x, const CallOptions& options = {}) const {
    return call(x, options).at(0);
  }
  Tensors call(const Inputs& x, const CallOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_call(x, options); });
  }
  TEMPO_OPTIONS(Tensor operator(), CallOptions, const Inputs&) const;
  TEMPO_MEMBER_OPTIONS(Tensors call, CallOptions, const Inputs&);

  /// From a callback: a fit that is running goes on with what it began with.
  void compile(const CompileOptions& options) { run_compile(options); }
  TEMPO_MEMBER_OPTIONS(void compile, CompileOptions);
  /// Trains on samples, which lie along the first axis of x and y. One thread at a time; a callback
  /// may call fit, evaluate, predict or save, which change neither what this fit counts nor
  /// whether it is to stop.
  /// Ctrl-C (SIGINT) ends it after the batch that runs, unless the program handles SIGINT itself:
  /// on_train_end is called, the history of whole epochs stays, and fit returns; a second one ends
  /// the process.
  History fit(const Inputs& x, const Inputs& y, const FitOptions& options = {}) {
    return sdk::own_exceptions([&] { return run_fit(x, y, options); });
  }
  TEMPO_OPTIONS(History fit, FitOptions, const Inputs&, const Inputs&) const;
  /// The same, on batches that a range or a function gives one after the other, for data larger
  /// than memory; an epoch ends with the range. They are made on a thread of their own, `.prefetch`
  /// ahead: what the range reads must not be written meanwhile, and random numbers that it draws
  /// are of a generator beside the global one, the same each time. What it throws comes out of fit
  /// as an Error that says at which batch, with the exception itself nested in it.
  ///
  /// Throws Error where a range that can be walked through once (std::ranges::input_range, no
  /// forward_range) is given for several epochs; with steps_per_epoch one walk goes through them.
  History fit(const BatchRange& batches, const FitOptions& options = {}) {
    return sdk::own_exceptions([&] { return run_fit(batches, options); });
  }
  TEMPO_OPTIONS(History fit, FitOptions, const BatchRange&) const;
  /// Whether Ctrl-C ended the latest fit.
  TEMPO_API bool interrupted() const;
  /// Loss and metrics by name: `model.evaluate(x, y)["loss"]`.
  Logs evaluate(const Inputs& x, const Inputs& y, const EvaluateOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_evaluate(x, y, options); });
  }
  TEMPO_OPTIONS(Logs evaluate, EvaluateOptions, const Inputs&, const Inputs&) const;
  Logs evaluate(const BatchRange& batches, const EvaluateOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_evaluate(batches, options); });
  }
  TEMPO_OPTIONS(Logs evaluate, EvaluateOptions, const BatchRange&) const;
  /// One update, by all these samples; the loss before it and the metrics, of this batch alone.
  Logs train_on_batch(const Inputs& x, const Inputs& y, const TrainOnBatchOptions& options = {}) {
    return sdk::own_exceptions([&] { return run_train_on_batch(x, y, options); });
  }
  TEMPO_MEMBER_OPTIONS(Logs train_on_batch, TrainOnBatchOptions, const Inputs&, const Inputs&);
  /// Loss and metrics of these samples, in one batch.
  Logs test_on_batch(const Inputs& x, const Inputs& y,
                     const TestOnBatchOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_test_on_batch(x, y, options); });
  }
  TEMPO_MEMBER_OPTIONS(Logs test_on_batch, TestOnBatchOptions, const Inputs&, const Inputs&);
  /// What the model gives for these samples, in one batch.
  Tensor predict_on_batch(const Inputs& x) const { return predict(x, {.batch_size = INT64_MAX}); }
  /// What the latest fit recorded, also of one that an exception ended; empty before there is one.
  TEMPO_API History history() const;
  /// The first result for all samples, batch by batch, without what a gradient would need.
  Tensor predict(const Inputs& x, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(x, options, false)[0]; });
  }
  /// All results of a model of several outputs.
  Tensors predict_all(const Inputs& x, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(x, options, true); });
  }
  TEMPO_OPTIONS(Tensors predict_all, PredictOptions, const Inputs&) const;
  TEMPO_OPTIONS(Tensor predict, PredictOptions, const Inputs&) const;
  /// The same for the x of batches; they need no y. The rows are in the order of the samples where
  /// the batches have places, as those of batches(x, y) and batches_by_length have.
  Tensor predict(const BatchRange& batches, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(batches, options, false)[0]; });
  }
  Tensors predict_all(const BatchRange& batches, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(batches, options, true); });
  }
  TEMPO_OPTIONS(Tensors predict_all, PredictOptions, const BatchRange&) const;
  TEMPO_OPTIONS(Tensor predict, PredictOptions, const BatchRange&) const;

  /// Makes the weights for inputs of these shapes; -1 stands for an extent that is not known, as
  /// the batch: `model.build({{-1, 15, 1}})`.
  void build(const Shapes& inputs, DType dtype = DType::automatic) {
    sdk::own_exceptions([&] { run_build(inputs, dtype); });
  }
  TEMPO_API bool built() const;
  /// The shapes it was built or first called with, the batch as -1, and the dtypes; empty before.
  TEMPO_API Shapes input_shapes() const;
  TEMPO_API std::vector<DType> input_dtypes() const;

  TEMPO_API std::string name() const;
  TEMPO_API const std::vector<Layer>& layers() const;
  /// What the layers are called in this model: "lstm", "dense", "dense_1", all different. A layer
  /// that is part of something else, too, may have another name() there.
  TEMPO_API std::vector<std::string> layer_names() const;
  /// Throws Error, with the nearest name, when there is none by this name.
  TEMPO_API Layer get_layer(const std::string& name) const;
  /// Each weight once, though layers share it or a layer is used twice.
  TEMPO_API Tensors weights() const;
  /// The same, each with its path in this model, which is its name in files: layer_names(), then
  /// the way to it, "encoder/lstm/kernel"; of a shared one, where it comes first. All different.
  TEMPO_API std::vector<std::pair<std::string, Tensor>> named_weights() const;
  /// Those that are not frozen.
  TEMPO_API Tensors trainable_weights() const;
  TEMPO_API int64_t count_params() const;
  /// Forgets the state that stateful layers keep between calls.
  TEMPO_API void reset_state() const;
  /// Freezes all of its layers, or lets optimizers change them again, also those that it gets
  /// later.
  TEMPO_API void set_trainable(bool trainable);

  /// The table of layers, output shapes and parameters, as text and on standard output.
  TEMPO_API std::string summary_text() const;
  TEMPO_API void summary() const;
  TEMPO_API void summary(std::ostream& out) const;

  /// From a callback: ends fit after this batch; of several inside one another, the innermost.
  TEMPO_API void stop_training(bool stop = true);

  /// Whether compile was called; and what it was given.
  TEMPO_API bool compiled() const;
  TEMPO_API Optimizer optimizer() const;
  TEMPO_API Loss loss() const;
  TEMPO_API const std::vector<Metric>& metrics() const;
  TEMPO_API const std::vector<Metric>& weighted_metrics() const;
  /// Whether it is a plain stack of layers, which a file can hold.
  TEMPO_API bool is_sequential() const;

  /// A text that save writes into the file beside the model, and load_model and load bring back: a
  /// vocabulary, the names of classes. "" takes it out. Throws Error for a name that is not one of
  /// files, or is Tempo's own, and for a text that is not UTF-8.
  TEMPO_API void set_metadata(const std::string& name, const std::string& text);
  /// Throws Error where there is none by this name, which lists those that there are.
  TEMPO_API std::string metadata(const std::string& name) const;
  TEMPO_API std::map<std::string, std::string> metadata() const;

  /// The epoch that fit finished last, counted from 1, also in another process before the model was
  /// saved: `.initial_epoch = model.epoch()` goes on. 0 before the first.
  TEMPO_API int epoch() const;

  /// One safetensors file with layers, weights, the states that stateful layers keep, and the state
  /// of training, written atomically: losses with their weights, metrics, the optimizer's settings
  /// and what it remembers of these weights, its learning rate of now, what is left out of weight
  /// decay, the number of epochs, where the random numbers stand. What a callback counts is not in
  /// it; what set_metadata was given is.
  TEMPO_API void save(const std::string& path) const;
  TEMPO_API void save_weights(const std::string& path) const;
  TEMPO_API void load_weights(const std::string& path);
  /// Goes on from a file of save, in a model made and compiled as that one was, also one of a
  /// function: weights, what the optimizer remembers, its iterations and learning rate, the epoch;
  /// the next fit draws the random numbers that the saved model would have drawn. Builds the
  /// model where it is not built. A model that is not compiled gets the file's optimizer.
  /// Throws FormatError, and changes nothing, where layers, their options, weights or the optimizer
  /// differ.
  TEMPO_API void load(const std::string& path);

 protected:
  /// A stack of layers.
  TEMPO_API Model(const std::vector<Layer>& layers, const std::string& name);
  TEMPO_API void add_layer(const Layer& layer);

 private:
  template <class F>
  struct Bound : Function {
    explicit Bound(F f) : function(std::move(f)) {}
    Tensors operator()(const Tensors& inputs, const CallOptions& call) const override {
      if constexpr (std::is_invocable_v<const F&, const Tensors&, const CallOptions&>)
        return Inputs(function(inputs, call));
      else
        return Inputs(function(inputs));
    }
    F function;
  };
  TEMPO_API Model(const std::vector<Layer>& layers, std::shared_ptr<const Function> function,
                  const std::string& name);
  TEMPO_API Model(std::shared_ptr<const Function> function, const std::string& name);

  TEMPO_API Tensors run_call(const Inputs& x, const CallOptions& options) const;
  TEMPO_API void run_compile(const CompileOptions& options);
  TEMPO_API History run_fit(const Inputs& x, const Inputs& y, const FitOptions& options);
  TEMPO_API History run_fit(const BatchRange& batches, const FitOptions& options);
  TEMPO_API Logs run_evaluate(const BatchRange& batches, const EvaluateOptions& options) const;
  TEMPO_API Tensors run_predict(const BatchRange& batches, const PredictOptions& options,
                                bool all) const;
  TEMPO_API Logs run_evaluate(const Inputs& x, const Inputs& y,
                              const EvaluateOptions& options) const;
  TEMPO_API Logs run_train_on_batch(const Inputs& x, const Inputs& y,
                                    const TrainOnBatchOptions& options);
  TEMPO_API Logs run_test_on_batch(const Inputs& x, const Inputs& y,
                                   const TestOnBatchOptions& options) const;
  TEMPO_API Tensors run_predict(const Inputs& x, const PredictOptions& options, bool all) const;
  TEMPO_API void run_build(const Shapes& inputs, DType dtype);

  friend class ModelReader;
  friend struct ModelAccess;
  std::shared_ptr<ModelState> state_;
};

/// Layers one after the other.
class Sequential : public Model {
 public:
  explicit Sequential(const std::string& name = "") : Model(std::vector<Layer>{}, name) {}
  Sequential(std::initializer_list<Layer> layers, const std::string& name = "")
      : Model(std::vector<Layer>(layers), name) {}
  explicit Sequential(const std::vector<Layer>& layers, const std::string& name = "")
      : Model(layers, name) {}
  /// Models one after the other; without this, {encoder} would be a copy of the handle. A template,
  /// so that {} is a list of layers.
  template <int = 0>
  Sequential(std::initializer_list<Sequential> models, const std::string& name = "")
      : Model(std::vector<Layer>(models.begin(), models.end()), name) {}
  /// Before it is built.
  void add(const Layer& layer) { add_layer(layer); }
};

/// Prints the summary.
inline std::ostream& operator<<(std::ostream& out, const Model& model) {
  model.summary(out);
  return out;
}

/// A function of this script that a loss or metric was made of, under its name in the file: "loss"
/// where it was given none. {"mine", [](const Tensor& t, const Tensor& p) { return ...; }}
struct OwnLoss {
  template <class F>
  requires(std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&> &&
           !std::is_base_of_v<Loss, F>) OwnLoss(const std::string& its_name, F f)
      : name(its_name), loss(Loss(std::move(f), its_name)) {}
  OwnLoss(const std::string& its_name, const Loss& given) : name(its_name), loss(given) {}
  std::string name;
  Loss loss;
};

/// A metric of this script, under its name in the file.
struct OwnMetric {
  OwnMetric(const std::string& its_name, const Metric& given) : name(its_name), metric(given) {}
  OwnMetric(const std::string& its_name, const Loss& given) : name(its_name), metric(given) {}
  template <class F>
  requires(std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&> &&
           !std::is_base_of_v<Loss, F>) OwnMetric(const std::string& its_name, F f)
      : name(its_name), metric(Loss(std::move(f), its_name)) {}
  std::string name;
  Metric metric;
};

struct LoadOptions {
  std::vector<Registration> cells = {};   ///< classes of this script: {cell<MyCell>("My")}
  std::vector<Registration> layers = {};  ///< likewise: {layer<MyLayer>("My")}
  std::vector<OwnLoss> losses = {};       ///< functions of this script: {{"mine", f}}
  std::vector<OwnMetric> metrics =
      {};  ///< likewise, and classes: {{"mine", Metric(Mine(), "mine")}}
  std::optional<LearningRate> learning_rate = {};  ///< the optimizer's, where that was a function
};

/// The model that Model::save wrote, compiled as it was: fit goes on where it stopped, with the
/// random numbers that the saved model would have drawn, unless set_seed is called first; until
/// then the global generator is left alone. A model whose loss or metric is a function that is not
/// given comes uncompiled, and its first fit says so; its optimizer() remembers what it did.
/// Throws FormatError, PluginError where a layer's plugin is missing. The file is believed nothing:
/// names and shapes are compared before values are made, and no initializer runs. A file of a newer
/// version is refused; what an equal version has besides is passed over.
TEMPO_API Sequential load_model(const std::string& path, const LoadOptions& options = {});
TEMPO_OPTIONS(Sequential load_model, LoadOptions, const std::string&);

}  // namespace tempo
