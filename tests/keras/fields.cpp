// SPDX-License-Identifier: Apache-2.0
// What Tempo has: layers and their options by their descriptions, everything else by asking the
// compiler for the fields of option structs and the members of Model. A name that is not there is
// no error here: it is not there.
#include <tempo/layers.hpp>
#include <tempo/option.hpp>
#include <tempo/tempo.hpp>

#include "here.hpp"

namespace tempo {

namespace {

using keras::Argument;
using keras::Here;

// An argument that comes before the options, or in place of them.
struct Positional {};

// A field's value, as a user would write it.
template <class T>
std::string text_of(const T& field) {
  if constexpr (std::is_same_v<T, Positional>) {
    return "not given";
  } else if constexpr (std::is_same_v<T, Frequency>) {
    return field.is_epoch() ? "epoch" : std::to_string(field.batches());
  } else if constexpr (std::is_same_v<T, DType>) {
    return field == DType::automatic ? "automatic" : name_of(field);
  } else if constexpr (std::is_same_v<T, bool>) {
    return field ? "true" : "false";
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::isnan(field) ? "not given" : sdk::shortest(field);
  } else if constexpr (std::is_integral_v<T>) {
    return std::to_string(field);
  } else if constexpr (requires { std::string(field); }) {
    return field;
  } else if constexpr (requires {
                         *field;
                         field.has_value();
                       }) {
    return field ? text_of(*field) : "none";
  } else if constexpr (std::is_same_v<T, LearningRate>) {
    return field.text();
  } else if constexpr (std::is_same_v<T, Optimizer>) {
    return field.name();
  } else if constexpr (requires { text_of(*field.begin()); }) {
    std::string list;
    for (const auto& each : field) list += (list.empty() ? "[" : ", ") + text_of(each);
    return list.empty() ? "none" : list + "]";
  } else if constexpr (requires { field.empty(); }) {
    return field.empty() ? "none" : "?";
  } else if constexpr (requires { static_cast<bool>(field); }) {
    return field ? "?" : "none";
  } else {
    return "?";
  }
}

template <class O, class Get>
void add(Here& here, const char* name, const Get& get) {
  if constexpr (requires(O o) { get(o); }) {
    const O defaults{};
    here.arguments.push_back({name, text_of(get(defaults))});
  }
}

#define KERAS_PARENTHESES ()
#define KERAS_EXPAND(...) KERAS_4(KERAS_4(KERAS_4(KERAS_4(__VA_ARGS__))))
#define KERAS_4(...) KERAS_3(KERAS_3(KERAS_3(__VA_ARGS__)))
#define KERAS_3(...) __VA_ARGS__
#define KERAS_EACH(M, ...) __VA_OPT__(KERAS_EXPAND(KERAS_NEXT(M, __VA_ARGS__)))
#define KERAS_NEXT(M, a, ...) M(a) __VA_OPT__(KERAS_AGAIN KERAS_PARENTHESES(M, __VA_ARGS__))
#define KERAS_AGAIN() KERAS_NEXT
#define KERAS_FIELD(name) \
  add<Options>(its, #name, [](const auto& o) -> decltype((o.name)) { return o.name; });

// An entry of the table: the fields of `options` among the names that follow.
#define FIELDS(section, class_name, options, ...)         \
  {                                                       \
    section "/" class_name, []() -> std::optional<Here> { \
      using Options [[maybe_unused]] = options;           \
      Here its;                                           \
      KERAS_EACH(KERAS_FIELD, __VA_ARGS__)                \
      return its;                                         \
    }                                                     \
  }

// The options of a member of Model, after what they come after.
template <class Options>
struct Call : Options {
  Positional x, y;
};

// The options of a function of sequences.
template <class Options>
struct OfSequences : Options {
  Positional sequences;
};

// Whether a class has a member of that name, be it overloaded or not: with another base that has
// one, the name is ambiguous.
#define KERAS_MEMBER(name)                \
  struct Has_##name {                     \
    int name;                             \
  };                                      \
  template <class T>                      \
  struct Both_##name : T, Has_##name {};  \
  template <class T>                      \
  constexpr bool has_##name = !requires { \
    &Both_##name<T>::name;                \
  };
KERAS_MEMBER(add)
KERAS_MEMBER(pop)
KERAS_MEMBER(build)
KERAS_MEMBER(predict_on_batch)
KERAS_MEMBER(summary)
KERAS_MEMBER(layers)
KERAS_MEMBER(get_layer)
KERAS_MEMBER(count_params)
KERAS_MEMBER(get_weights)
KERAS_MEMBER(set_weights)
KERAS_MEMBER(weights)
KERAS_MEMBER(trainable_weights)
KERAS_MEMBER(save)
KERAS_MEMBER(save_weights)
KERAS_MEMBER(load_weights)
KERAS_MEMBER(to_json)
KERAS_MEMBER(reset_state)
KERAS_MEMBER(stop_training)
#undef KERAS_MEMBER

// A member of Model with arguments that are not fields of options.
#define MEMBER(name, ...)                                                          \
  {                                                                                \
    "Models/" #name, []() -> std::optional<Here> {                                 \
      if (!has_##name<Sequential>) return {};                                      \
      Here its;                                                                    \
      for (const char* argument : std::initializer_list<const char*>{__VA_ARGS__}) \
        its.arguments.push_back({argument, "not given"});                          \
      return its;                                                                  \
    }                                                                              \
  }
#define POSITIONAL(section, class_name, holds, ...)       \
  {                                                       \
    section "/" class_name, []() -> std::optional<Here> { \
      static_assert(holds);                               \
      return Here{{__VA_ARGS__}};                         \
    }                                                     \
  }

struct Entry {
  const char* name;
  std::optional<Here> (*look)();
};

#define COMMON_OF_OPTIMIZERS                                                 \
  weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, \
      ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name

struct OnlyName {
  std::string name;
};

struct NoFields {};

// A loss in a list of metrics is the mean of it, and goes by its name.
#define LOSS_AS_METRIC(loss, ...)                         \
  {                                                       \
    "Metrics/" #loss, []() -> std::optional<Here> {       \
      static_assert(std::is_convertible_v<loss, Metric>); \
      using Options [[maybe_unused]] = loss##Options;     \
      Here its{{{"name", ""}}};                           \
      KERAS_EACH(KERAS_FIELD, __VA_ARGS__)                \
      return its;                                         \
    }                                                     \
  }

const Entry entries[] = {
    FIELDS("Losses", "MeanSquaredError", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "MeanAbsoluteError", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "MeanAbsolutePercentageError", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "MeanSquaredLogarithmicError", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "CosineSimilarity", CosineSimilarityOptions, axis, reduction, name, dtype),
    FIELDS("Losses", "Huber", HuberOptions, delta, reduction, name, dtype),
    FIELDS("Losses", "LogCosh", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "KLDivergence", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "Poisson", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "Hinge", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "SquaredHinge", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "CategoricalHinge", MeanErrorOptions, reduction, name, dtype),
    FIELDS("Losses", "BinaryCrossentropy", BinaryCrossentropyOptions, from_logits, label_smoothing,
           axis, reduction, name, dtype),
    FIELDS("Losses", "CategoricalCrossentropy", CategoricalCrossentropyOptions, from_logits,
           label_smoothing, axis, reduction, name, dtype),
    FIELDS("Losses", "SparseCategoricalCrossentropy", SparseCategoricalCrossentropyOptions,
           from_logits, ignore_class, reduction, axis, name, dtype),
    FIELDS("Losses", "BinaryFocalCrossentropy", BinaryFocalCrossentropyOptions,
           apply_class_balancing, alpha, gamma, from_logits, label_smoothing, axis, reduction, name,
           dtype),
    FIELDS("Losses", "CategoricalFocalCrossentropy", CategoricalFocalCrossentropyOptions, alpha,
           gamma, from_logits, label_smoothing, axis, reduction, name, dtype),
    FIELDS("Losses", "CategoricalGeneralizedCrossEntropy",
           CategoricalGeneralizedCrossEntropyOptions, q, reduction, name, dtype),
    FIELDS("Losses", "CTC", CTCOptions, reduction, name, dtype),
    FIELDS("Losses", "Dice", DiceOptions, reduction, name, axis, dtype),
    FIELDS("Losses", "Tversky", TverskyOptions, alpha, beta, reduction, name, axis, dtype),
    FIELDS("Losses", "Circle", CircleOptions, gamma, margin, remove_diagonal, reduction, name,
           dtype),

    POSITIONAL("Metrics", "Accuracy", (std::is_constructible_v<Accuracy, std::string>),
               {"name", "accuracy"}),
    FIELDS("Metrics", "BinaryAccuracy", BinaryAccuracyOptions, name, dtype, threshold),
    POSITIONAL("Metrics", "CategoricalAccuracy",
               (std::is_constructible_v<CategoricalAccuracy, std::string>),
               {"name", "categorical_accuracy"}),
    FIELDS("Metrics", "SparseCategoricalAccuracy", SparseCategoricalAccuracyOptions, name, dtype),
    FIELDS("Metrics", "TopKCategoricalAccuracy", TopKCategoricalAccuracyOptions, k, name, dtype),
    FIELDS("Metrics", "SparseTopKCategoricalAccuracy", SparseTopKCategoricalAccuracyOptions, k,
           name, dtype, from_sorted_ids),
    FIELDS("Metrics", "RootMeanSquaredError", RootMeanSquaredErrorOptions, name, dtype),
    FIELDS("Metrics", "CosineSimilarity", CosineSimilarityMetricOptions, name, dtype, axis),
    FIELDS("Metrics", "R2Score", R2ScoreOptions, class_aggregation, num_regressors, name, dtype),
    FIELDS("Metrics", "AUC", AUCOptions, num_thresholds, curve, summation_method, name, dtype,
           thresholds, multi_label, num_labels, label_weights, from_logits),
    FIELDS("Metrics", "Precision", PrecisionOptions, thresholds, top_k, class_id, name, dtype),
    FIELDS("Metrics", "Recall", RecallOptions, thresholds, top_k, class_id, name, dtype),
    FIELDS("Metrics", "PrecisionAtRecall", PrecisionAtRecallOptions, recall, num_thresholds,
           class_id, name, dtype),
    FIELDS("Metrics", "RecallAtPrecision", RecallAtPrecisionOptions, precision, num_thresholds,
           class_id, name, dtype),
    FIELDS("Metrics", "SensitivityAtSpecificity", SensitivityAtSpecificityOptions, specificity,
           num_thresholds, class_id, name, dtype),
    FIELDS("Metrics", "SpecificityAtSensitivity", SpecificityAtSensitivityOptions, sensitivity,
           num_thresholds, class_id, name, dtype),
    FIELDS("Metrics", "TruePositives", CountOptions, thresholds, name, dtype),
    FIELDS("Metrics", "TrueNegatives", CountOptions, thresholds, name, dtype),
    FIELDS("Metrics", "FalsePositives", CountOptions, thresholds, name, dtype),
    FIELDS("Metrics", "FalseNegatives", CountOptions, thresholds, name, dtype),
    FIELDS("Metrics", "F1Score", F1ScoreOptions, average, threshold, name, dtype),
    FIELDS("Metrics", "FBetaScore", FBetaScoreOptions, average, beta, threshold, name, dtype),
    FIELDS("Metrics", "Mean", MeanOptions, name, dtype),
    FIELDS("Metrics", "Sum", SumOptions, name, dtype),
    FIELDS("Metrics", "IoU", IoUOptions, num_classes, target_class_ids, name, dtype, ignore_class,
           sparse_y_true, sparse_y_pred, axis),
    FIELDS("Metrics", "BinaryIoU", BinaryIoUOptions, target_class_ids, threshold, name, dtype),
    FIELDS("Metrics", "MeanIoU", MeanIoUOptions, num_classes, name, dtype, ignore_class,
           sparse_y_true, sparse_y_pred, axis),
    FIELDS("Metrics", "OneHotIoU", OneHotIoUOptions, num_classes, target_class_ids, name, dtype,
           ignore_class, sparse_y_pred, axis),
    FIELDS("Metrics", "OneHotMeanIoU", OneHotMeanIoUOptions, num_classes, name, dtype, ignore_class,
           sparse_y_pred, axis),
    LOSS_AS_METRIC(BinaryCrossentropy, dtype, from_logits, label_smoothing),
    LOSS_AS_METRIC(CategoricalCrossentropy, dtype, from_logits, label_smoothing, axis),
    LOSS_AS_METRIC(SparseCategoricalCrossentropy, dtype, from_logits, ignore_class, axis),
    FIELDS("Metrics", "PearsonCorrelation", CorrelationOptions, name, dtype, axis),
    FIELDS("Metrics", "ConcordanceCorrelation", CorrelationOptions, name, dtype, axis),

    FIELDS("Optimizers", "Optimizer", AdamOptions, learning_rate, COMMON_OF_OPTIMIZERS),
    FIELDS("Optimizers", "SGD", SGDOptions, learning_rate, momentum, nesterov),
    FIELDS("Optimizers", "RMSprop", RMSpropOptions, learning_rate, rho, momentum, epsilon,
           centered),
    FIELDS("Optimizers", "Adam", AdamOptions, learning_rate, beta_1, beta_2, epsilon, amsgrad),
    FIELDS("Optimizers", "AdamW", AdamWOptions, learning_rate, weight_decay, beta_1, beta_2,
           epsilon, amsgrad),
    FIELDS("Optimizers", "Adamax", AdamaxOptions, learning_rate, beta_1, beta_2, epsilon),
    FIELDS("Optimizers", "Nadam", NadamOptions, learning_rate, beta_1, beta_2, epsilon),
    FIELDS("Optimizers", "Adagrad", AdagradOptions, learning_rate, initial_accumulator_value,
           epsilon),
    FIELDS("Optimizers", "Adadelta", AdadeltaOptions, learning_rate, rho, epsilon),
    FIELDS("Optimizers", "Ftrl", FtrlOptions, learning_rate, learning_rate_power,
           initial_accumulator_value, l1_regularization_strength, l2_regularization_strength,
           l2_shrinkage_regularization_strength, beta),
    FIELDS("Optimizers", "Lion", LionOptions, learning_rate, beta_1, beta_2),
    FIELDS("Optimizers", "Lamb", LambOptions, learning_rate, beta_1, beta_2, epsilon),
    FIELDS("Optimizers", "Adafactor", AdafactorOptions, learning_rate, beta_2_decay, epsilon_1,
           epsilon_2, clip_threshold, relative_step),

    FIELDS("Schedules", "ExponentialDecay", ExponentialDecayOptions, initial_learning_rate,
           decay_steps, decay_rate, staircase, name),
    FIELDS("Schedules", "PiecewiseConstantDecay", PiecewiseConstantDecayOptions, boundaries, values,
           name),
    FIELDS("Schedules", "PolynomialDecay", PolynomialDecayOptions, initial_learning_rate,
           decay_steps, end_learning_rate, power, cycle, name),
    FIELDS("Schedules", "InverseTimeDecay", InverseTimeDecayOptions, initial_learning_rate,
           decay_steps, decay_rate, staircase, name),
    FIELDS("Schedules", "CosineDecay", CosineDecayOptions, initial_learning_rate, decay_steps,
           alpha, name, warmup_target, warmup_steps),
    FIELDS("Schedules", "CosineDecayRestarts", CosineDecayRestartsOptions, initial_learning_rate,
           first_decay_steps, t_mul, m_mul, alpha, name),

    FIELDS("Callbacks", "Callback", NoFields, ),
    FIELDS("Callbacks", "EarlyStopping", EarlyStoppingOptions, monitor, min_delta, patience,
           verbose, mode, baseline, restore_best_weights, start_from_epoch),
    FIELDS("Callbacks", "ModelCheckpoint", ModelCheckpointOptions, filepath, monitor, verbose,
           save_best_only, save_weights_only, mode, save_freq, initial_value_threshold),
    FIELDS("Callbacks", "ReduceLROnPlateau", ReduceLROnPlateauOptions, monitor, factor, patience,
           verbose, mode, min_delta, cooldown, min_lr),
    POSITIONAL(
        "Callbacks", "LearningRateScheduler",
        (std::is_constructible_v<LearningRateScheduler, std::function<double(int, double)>, int>),
        {"schedule", "not given"}, {"verbose", "0"}),
    FIELDS("Callbacks", "CSVLogger", CSVLoggerOptions, filename, separator, append),
    FIELDS("Callbacks", "LambdaCallback", LambdaCallbackOptions, on_epoch_begin, on_epoch_end,
           on_train_begin, on_train_end, on_train_batch_begin, on_train_batch_end),
    FIELDS("Callbacks", "TerminateOnNaN", TerminateOnNaNOptions, raise_error),
    FIELDS("Callbacks", "BackupAndRestore", BackupAndRestoreOptions, backup_dir, save_freq,
           double_checkpoint, delete_checkpoint),
    FIELDS("Callbacks", "TensorBoard", TensorBoardOptions, log_dir, histogram_freq, write_graph,
           write_images, write_steps_per_second, update_freq, profile_batch, embeddings_freq,
           embeddings_metadata),
    FIELDS("Callbacks", "SwapEMAWeights", SwapEMAWeightsOptions, swap_on_epoch),
    FIELDS("Callbacks", "History", NoFields, ),

    POSITIONAL("Models", "Sequential",
               (std::is_constructible_v<Sequential, std::vector<Layer>, std::string>),
               {"layers", "none"}, {"name", ""}),
    MEMBER(add, "layer"),
    MEMBER(pop),
    MEMBER(build, "input_shape"),
    FIELDS("Models", "compile", CompileOptions, optimizer, loss, loss_weights, metrics,
           weighted_metrics, run_eagerly, steps_per_execution, jit_compile, auto_scale_loss),
    FIELDS("Models", "fit", Call<FitOptions>, x, y, batch_size, epochs, verbose, callbacks,
           validation_split, validation_data, shuffle, class_weight, sample_weight, initial_epoch,
           steps_per_epoch, validation_steps, validation_batch_size, validation_freq),
    FIELDS("Models", "evaluate", Call<EvaluateOptions>, x, y, batch_size, verbose, sample_weight,
           steps, callbacks, return_dict),
    FIELDS("Models", "predict", Call<PredictOptions>, x, batch_size, verbose, steps, callbacks),
    FIELDS("Models", "train_on_batch", Call<TrainOnBatchOptions>, x, y, sample_weight, class_weight,
           return_dict),
    FIELDS("Models", "test_on_batch", Call<TestOnBatchOptions>, x, y, sample_weight, return_dict),
    MEMBER(predict_on_batch, "x"),
    MEMBER(summary),
    MEMBER(layers),
    MEMBER(get_layer, "name"),
    MEMBER(count_params),
    MEMBER(get_weights),
    MEMBER(set_weights, "weights"),
    MEMBER(weights),
    MEMBER(trainable_weights),
    MEMBER(save, "filepath"),
    MEMBER(save_weights, "filepath"),
    MEMBER(load_weights, "filepath"),
    POSITIONAL("Models", "load_model", (std::is_same_v<Sequential, decltype(load_model(""))>),
               {"filepath", "not given"}),
    MEMBER(to_json),
    MEMBER(reset_state),
    MEMBER(stop_training),

    FIELDS("Data", "pad_sequences", OfSequences<PadOptions>, sequences, maxlen, dtype, padding,
           truncating, value),
    POSITIONAL("Data", "to_categorical",
               (std::is_same_v<Tensor, decltype(to_categorical(Tensor{}, int64_t{}))>),
               {"x", "not given"}, {"num_classes", "none"}),
};

std::vector<double> first_values(const std::string& initializer) {
  set_seed(5);
  return Initializer(initializer)(Shape{3, 3}, float64).to_vector();
}

// An initializer by its name alone, where its arguments are those that it has anyway.
std::string shortened(const std::string& initializer) {
  const std::string name = initializer.substr(0, initializer.find('('));
  return name != initializer && first_values(name) == first_values(initializer) ? name
                                                                                : initializer;
}

Here described(const tempo_option* options, uint32_t n) {
  Here its;
  for (const tempo_option& o : std::span(options, n))
    its.arguments.push_back(
        {o.name, o.kind == TEMPO_OPTION_INITIALIZER ? shortened(o.standard) : o.standard});
  return its;
}

std::optional<Here> layer_here(const std::string& name) {
  if (name == "Layer") {
    sdk::OptionTable table;
    sdk::CommonOptions common;
    sdk::visit_options(table, common);
    return described(table.options.data(), static_cast<uint32_t>(table.options.size()));
  }
  if (name == "Lambda") {  // no plugin has it: its function is one of the program
    static_assert(requires(Tensor(*function)(const Tensor&)) { Lambda(function); });
    return Here{{{"function", "not given"}}};
  }
  const bool cell = name.ends_with("Cell");
  for (const PluginContents& plugin : all_plugins().plugins)
    for (const tempo_layer_type* type : plugin.layers)
      if (name == "StackedRNNCells" && type->name == name)
        return Here{{{"cells", "not given"}}};  // its options hold one, and the next
      else if (type->kind == (cell ? TEMPO_CELL : TEMPO_LAYER) &&
               type->name == (cell ? name.substr(0, name.size() - 4) : name))
        return described(type->options, type->n_options);
  return {};
}

template <class F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// Whether a text of that name stands for something: the error, if any, is another than of a name
// that nothing has.
template <class Make>
bool is_known(const Make& make, const std::string& name) {
  const std::string error = error_of([&] { make(name); });
  return error.find("there is none by that name") == error.npos;
}

const auto make_loss = [](const std::string& text) { Loss made(text); };
const auto make_metric = [](const std::string& text) { Metric made(text); };
const auto make_optimizer = [](const std::string& text) { Optimizer made(text); };
const auto make_schedule = [](const std::string& text) { (void)LearningRate::from_text(text); };
const auto make_initializer = [](const std::string& text) {
  (void)Initializer(text)(Shape{3, 3}, float64);
};

// An initializer has an argument if a text with it is understood; its default is what the text
// without it does. `standard` is Keras's, tried for being the same.
std::optional<Here> initializer_here(const std::string& name) {
  if (!is_known(make_initializer, name)) return {};
  Here its;
  const std::pair<const char*, const char*> tries[] = {
      {"value", "0"},     {"gain", "1"},       {"mean", "0"},
      {"stddev", "0.05"}, {"minval", "-0.05"}, {"maxval", "0.05"},
      {"scale", "1"},     {"mode", "fan_in"},  {"distribution", "truncated_normal"}};
  const auto call = [&](const std::string& key, const std::string& value) {
    return name + "(" + key + "=" + value + ")";
  };
  for (const auto& [key, value] : tries) {
    const std::string tried = call(key, value);
    if (!error_of([&] { make_initializer(tried); }).empty()) continue;
    const bool alone = error_of([&] { make_initializer(name); }).empty();
    its.arguments.push_back({key, !alone                                      ? "not given"
                                  : first_values(name) == first_values(tried) ? value
                                                                              : "another"});
  }
  if (error_of([&] { make_initializer(call("seed", "3")); }).empty())
    its.arguments.push_back({"seed", "-1"});
  return its;
}

// A regularizer or constraint by its text, likewise: what it makes of a matrix.
template <class F>
std::optional<Here> weight_function_here(const std::string& text, const std::string& name) {
  const Tensor w = random_normal({3, 3}, 0, 3, float64, 5);
  const auto values = [&](const std::string& of) { return F(of)(w).to_vector(); };
  if (!is_known(values, text)) return {};
  const std::pair<const char*, const char*> tries[] = {{"l1", name == "L1" ? "0.01" : "0"},
                                                       {"l2", name == "L2" ? "0.01" : "0"},
                                                       {"factor", "0.01"},
                                                       {"mode", "rows"},
                                                       {"max_value", name == "MaxNorm" ? "2" : "1"},
                                                       {"min_value", "0"},
                                                       {"rate", "1"},
                                                       {"axis", "0"}};
  Here its;
  for (const auto& [key, value] : tries) {
    const std::string call = text + "(" + key + "=" + value + ")";
    if (!error_of([&] { values(call); }).empty()) continue;
    its.arguments.push_back({key, values(text) == values(call) ? value : "another"});
  }
  return its;
}

std::optional<Here> activation_here(const std::string& name) {
  for (const sdk::ActivationFunction& function : sdk::activations) {
    if (name != function.name) continue;
    Here its;
    for (const auto& [key, standard] : sdk::ActivationText::parts(function.arguments))
      its.arguments.push_back({key, standard.empty() ? "not given" : standard});
    return its;
  }
  return {};
}

}  // namespace

}  // namespace tempo

namespace keras {

const Argument* Here::find(const std::string& name) const {
  for (const Argument& a : arguments)
    if (a.name == name) return &a;
  return nullptr;
}

std::optional<Here> here(const std::string& section, const std::string& name) {
  if (section == "Layers") return tempo::layer_here(name);
  if (section == "Initializers") return tempo::initializer_here(name);
  const std::pair<const char*, const char*> texts[] = {
      {"L1", "l1"},
      {"L2", "l2"},
      {"L1L2", "l1_l2"},
      {"OrthogonalRegularizer", "orthogonal_regularizer"},
      {"MaxNorm", "max_norm"},
      {"NonNeg", "non_neg"},
      {"UnitNorm", "unit_norm"},
      {"MinMaxNorm", "min_max_norm"}};
  for (const auto& [its, text] : texts) {
    if (name != its) continue;
    if (section == "Regularizers")
      return tempo::weight_function_here<tempo::Regularizer>(text, name);
    if (section == "Constraints") return tempo::weight_function_here<tempo::Constraint>(text, name);
  }
  if (section == "Activations") return tempo::activation_here(name);
  const std::string entry = section + "/" + name;
  for (const tempo::Entry& e : tempo::entries)
    if (entry == e.name) return e.look();
  // A metric that is the mean of a loss has no options of its own.
  if (section == "Metrics" && tempo::is_known(tempo::make_loss, name))
    return Here{{{"name", tempo::Loss(name).name()}}};
  return {};
}

std::string unlisted(const std::string& section, const std::string& name) {
  const bool known = (section == "Losses" && tempo::is_known(tempo::make_loss, name)) ||
                     (section == "Metrics" && tempo::is_known(tempo::make_metric, name)) ||
                     (section == "Optimizers" && name != "Optimizer" &&
                      tempo::is_known(tempo::make_optimizer, name)) ||
                     (section == "Schedules" && tempo::is_known(tempo::make_schedule, name));
  return known ? section + "/" + name + " is there; list its fields in tests/keras/fields.cpp" : "";
}

bool is_nothing(const std::string& standard) {
  for (const char* word :
       {"", "none", "not given", "automatic", "-1", "0", "linear", "[]", "inf", "channels_last"})
    if (standard == word) return true;
  return false;
}

}  // namespace keras
