// SPDX-License-Identifier: Apache-2.0
// Models: layers and a function of them, with training, prediction, summaries and files.
#pragma once

#include <tempo/layer.hpp>
#include <tempo/model_options.hpp>
#include <tempo/plugin.hpp>

namespace tempo TEMPO_HIDDEN {

namespace sdk {
/// Takes (const Tensors& inputs), or these and const CallOptions&; returns Tensor or Tensors.
template <class F>
concept ModelFunction = std::is_invocable_v<const F&, const Tensors&> ||
    std::is_invocable_v<const F&, const Tensors&, const CallOptions&>;

/// Rethrows an exception of this shared object, which came back through the host as a text, as what
/// it was.
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
  /// The function of a model, as libtempo calls it.
  class Function {
   public:
    virtual ~Function() = default;
    virtual Tensors operator()(const Tensors& inputs, const CallOptions& call) const = 0;
  };

  /// `function` takes (const Tensors& inputs), or inputs and const CallOptions&, which has
  /// `training`, and returns a Tensor or Tensors. The weights of `layers` are the model's.
  template <sdk::ModelFunction F>
  Model(const std::vector<Layer>& layers, F function, const std::string& name = "")
      : Model(layers, std::make_shared<Bound<F>>(std::move(function)), name) {}
  /// The model's layers are those that the function calls, in the order of the first call. Before
  /// that, or before build, it has none.
  template <class F>
  requires(!std::is_base_of_v<Model, F> &&
           sdk::ModelFunction<F>) explicit Model(F function, const std::string& name = "")
      : Model(std::make_shared<Bound<F>>(std::move(function)), name) {}

  /// The model as a layer of others; a list of layers and a model's function convert it by
  /// themselves: Sequential({encoder, Dense({.units = 1})}). It is always the same layer as long as
  /// it is held; the paths of its weights are then "encoder/lstm/kernel".
  TEMPO_API operator Layer() const;

  /// The first result; builds what is not built yet. As long as it lives, it remembers how it was
  /// computed, so that a gradient can be asked for: that is for losses. `predict`, even of one
  /// batch, remembers nothing, and neither does a call while a NoGradient lives.
  Tensor operator()(const Inputs& x, const CallOptions& options = {}) const {
    return call(x, options).at(0);
  }
  Tensors call(const Inputs& x, const CallOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_call(x, options); });
  }
  TEMPO_OPTIONS(Tensor operator(), CallOptions, const Inputs&) const;
  TEMPO_MEMBER_OPTIONS(Tensors call, CallOptions, const Inputs&);

  /// If a callback calls it, the running fit goes on with its old settings.
  void compile(const CompileOptions& options) { run_compile(options); }
  TEMPO_MEMBER_OPTIONS(void compile, CompileOptions);
  /// Trains on samples, which lie along the first axis of x and y. One thread at a time. A callback
  /// may call fit, evaluate, predict or save; these change neither what the outer fit counts nor
  /// whether it is to stop.
  /// Ctrl-C (SIGINT) ends fit after the current batch, unless the program handles SIGINT itself:
  /// on_train_end is called, the history of whole epochs stays, and fit returns. A second Ctrl-C
  /// ends the process.
  History fit(const Inputs& x, const Inputs& y, const FitOptions& options = {}) {
    return sdk::own_exceptions([&] { return run_fit(x, y, options); });
  }
  TEMPO_OPTIONS(History fit, FitOptions, const Inputs&, const Inputs&) const;
  /// The same, on batches from a range or a function, one after the other, for data larger than
  /// memory; an epoch ends with the range. Another thread makes them, `.prefetch` batches ahead:
  /// what the range reads must not be written meanwhile, and the random numbers that it draws are
  /// from a separate generator, the same ones each time. An exception of the range leaves fit as an
  /// Error that names the batch, with the exception itself nested in it.
  ///
  /// Throws Error if a range that can be iterated over only once (std::ranges::input_range, no
  /// forward_range) is given for several epochs; with steps_per_epoch they share one pass.
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
  /// Makes one update from all these samples; returns the loss before it and the batch's metrics.
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
  /// The first result of the model for these samples, in one batch.
  Tensor predict_on_batch(const Inputs& x) const { return predict(x, {.batch_size = INT64_MAX}); }
  /// The record of the latest fit, even if an exception ended it; empty before the first.
  TEMPO_API History history() const;
  /// The first result for all samples, batch by batch, without keeping what a gradient needs.
  Tensor predict(const Inputs& x, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(x, options, false)[0]; });
  }
  /// All results of a model with several outputs.
  Tensors predict_all(const Inputs& x, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(x, options, true); });
  }
  TEMPO_OPTIONS(Tensors predict_all, PredictOptions, const Inputs&) const;
  TEMPO_OPTIONS(Tensor predict, PredictOptions, const Inputs&) const;
  /// The same for the x of batches; they need no y. Rows are in the order of the samples if the
  /// batches have places, as those of batches(x, y) and batches_by_length do.
  Tensor predict(const BatchRange& batches, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(batches, options, false)[0]; });
  }
  Tensors predict_all(const BatchRange& batches, const PredictOptions& options = {}) const {
    return sdk::own_exceptions([&] { return run_predict(batches, options, true); });
  }
  TEMPO_OPTIONS(Tensors predict_all, PredictOptions, const BatchRange&) const;
  TEMPO_OPTIONS(Tensor predict, PredictOptions, const BatchRange&) const;

  /// Makes the weights for inputs of these shapes; -1 stands for an unknown extent, such as the
  /// batch: `model.build({{-1, 15, 1}})`.
  void build(const Shapes& inputs, DType dtype = DType::automatic) {
    sdk::own_exceptions([&] { run_build(inputs, dtype); });
  }
  TEMPO_API bool built() const;
  /// The shapes it was built or first called with, the batch as -1, and the dtypes; empty before.
  TEMPO_API Shapes input_shapes() const;
  TEMPO_API std::vector<DType> input_dtypes() const;

  TEMPO_API std::string name() const;
  TEMPO_API const std::vector<Layer>& layers() const;
  /// The names of the layers in this model, all different: "lstm", "dense", "dense_1". A layer that
  /// is also part of something else may have another name() there.
  TEMPO_API std::vector<std::string> layer_names() const;
  /// Throws Error, with the nearest name, if there is none of this name.
  TEMPO_API Layer get_layer(const std::string& name) const;
  /// Each weight once, even if layers share it or a layer is used twice.
  TEMPO_API Tensors weights() const;
  /// The same, each with its path, its name in files: the name in layer_names(), then the way to
  /// it, "encoder/lstm/kernel". A shared weight has the first of its paths. All differ.
  TEMPO_API std::vector<std::pair<std::string, Tensor>> named_weights() const;
  /// The weights that are not frozen.
  TEMPO_API Tensors trainable_weights() const;
  TEMPO_API int64_t count_params() const;
  /// Forgets the state that stateful layers keep between calls.
  TEMPO_API void reset_state() const;
  /// Freezes all of its layers, or lets optimizers change them again; the same holds for layers
  /// that it gets later.
  TEMPO_API void set_trainable(bool trainable);

  /// The table of layers, output shapes and parameters, as text and on standard output.
  TEMPO_API std::string summary_text() const;
  TEMPO_API void summary() const;
  TEMPO_API void summary(std::ostream& out) const;

  /// For callbacks: ends fit after this batch; of nested fits, the innermost.
  TEMPO_API void stop_training(bool stop = true);

  /// Whether compile was called, and the arguments that it was given.
  TEMPO_API bool compiled() const;
  TEMPO_API Optimizer optimizer() const;
  TEMPO_API Loss loss() const;
  TEMPO_API const std::vector<Metric>& metrics() const;
  TEMPO_API const std::vector<Metric>& weighted_metrics() const;
  /// Whether it is a plain stack of layers, which a file can hold.
  TEMPO_API bool is_sequential() const;

  /// A text that save writes into the file beside the model, and load_model and load read: a
  /// vocabulary, the names of classes. "" removes it. Throws Error for a name that files cannot
  /// have or that is Tempo's own, and for a text that is not UTF-8.
  TEMPO_API void set_metadata(const std::string& name, const std::string& text);
  /// Throws Error, with a list of the names, if there is none of this name.
  TEMPO_API std::string metadata(const std::string& name) const;
  TEMPO_API std::map<std::string, std::string> metadata() const;

  /// The last epoch that fit finished, counted from 1, even in another process before the model was
  /// saved: `.initial_epoch = model.epoch()` goes on. 0 before the first.
  TEMPO_API int epoch() const;

  /// Writes one safetensors file, atomically, with layers, weights, the states of stateful layers,
  /// the texts of set_metadata, and the state of training: losses with their weights, metrics, the
  /// optimizer's settings, its slots for these weights and its current learning rate, what is left
  /// out of weight decay, the number of epochs, and the state of the random numbers. What a
  /// callback counts is not in it.
  TEMPO_API void save(const std::string& path) const;
  TEMPO_API void save_weights(const std::string& path) const;
  TEMPO_API void load_weights(const std::string& path);
  /// Resumes from a file of save, in a model made and compiled as that one was, even one of a
  /// function: weights, the optimizer's slots, iterations and learning rate, the epoch; the next
  /// fit draws the random numbers that the saved model would have drawn. Builds the model if it is
  /// not built. A model that is not compiled gets the file's optimizer.
  /// Throws FormatError, and changes nothing, if layers, their options, weights or the optimizer
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
  /// Models one after the other; without this constructor, {encoder} would be a copy of the handle.
  /// It is a template, so that {} is a list of layers.
  template <int = 0>
  Sequential(std::initializer_list<Sequential> models, const std::string& name = "")
      : Model(std::vector<Layer>(models.begin(), models.end()), name) {}
  /// Adds a layer, before the model is built.
  void add(const Layer& layer) { add_layer(layer); }
};

/// Prints the summary.
inline std::ostream& operator<<(std::ostream& out, const Model& model) {
  model.summary(out);
  return out;
}

/// A function of this script that a loss or metric was made of, with its name in the file, "loss"
/// if it had none: {"mine", [](const Tensor& t, const Tensor& p) { return ...; }}
struct OwnLoss {
  template <class F>
  requires(std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&> &&
           !std::is_base_of_v<Loss, F>) OwnLoss(const std::string& its_name, F f)
      : name(its_name), loss(Loss(std::move(f), its_name)) {}
  OwnLoss(const std::string& its_name, const Loss& given) : name(its_name), loss(given) {}
  std::string name;
  Loss loss;
};

/// A metric of this script, with its name in the file.
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
  std::optional<LearningRate> learning_rate = {};  ///< the optimizer's, if it was a function
};

/// Loads the model that Model::save wrote, compiled as it was: fit goes on where it stopped, with
/// the random numbers that the saved model would have drawn, unless set_seed is called first; until
/// then the global generator is left alone. If its loss or metric is a function that is not given,
/// the model is not compiled, and its first fit says so; its optimizer() keeps its state. Throws
/// FormatError, and PluginError if a layer's plugin is missing. The file is not trusted: names and
/// shapes are compared before values are made, and no initializer runs. A file of a newer version
/// is refused; unknown entries of an equal version are ignored.
TEMPO_API Sequential load_model(const std::string& path, const LoadOptions& options = {});
TEMPO_OPTIONS(Sequential load_model, LoadOptions, const std::string&);

}  // namespace tempo
