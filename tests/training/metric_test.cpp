// SPDX-License-Identifier: Apache-2.0
// Metrics that are more than a mean of losses, against Keras's tests and numbers found by hand.
#define BOOST_TEST_MODULE metric
#include <thread>

#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using testing::error_of;

namespace {

using Numbers = std::vector<double>;

struct Case {
  Metric metric;
  Shape shape;  // of y_true and y_pred
  Numbers y_true, y_pred;
  Numbers weight;  // one for each sample
  double expected;
};

const Numbers labels = {1, 0, 1, 0}, said = {0.9, 0.6, 0.4, 0.2};
const Numbers curve_labels = {0, 0, 1, 1}, curve = {0, 0.5, 0.3, 0.9};
const Numbers order_labels = {0, 1, 0, 1}, order = {0.1, 0.4, 0.6, 0.9};
const Numbers f_labels = {1, 1, 1, 1, 0, 0, 1, 1, 0},
              f = {0.2, 0.6, 0.7, 0.2, 0.6, 0.6, 0.6, 0.8, 0};
const Numbers one_each = {0, 0, 1, 0, 1, 0, 1, 0, 0},
              guesses = {0.4, 0.9, 1.6, 0.1, 1.2, 0.6, 1.5, 0.8, 0.6},
              row_weights = {0.8, 0.1, 0.4};
const Numbers hot = {0, 0, 1, 0, 1, 0}, top = {0.1, 0.9, 0.8, 0.05, 0.95, 0};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {Precision(), {4}, labels, said, {}, 0.5},
      {Precision(), {4, 1}, labels, said, {3, 1, 1, 1}, 0.75},
      {Precision({.thresholds = 0.3}), {4}, labels, said, {}, 2.0 / 3},
      {Precision({.thresholds = 0.6}), {4}, labels, said, {}, 1},  // above it, not at it
      {Precision({.thresholds = 0.95}), {4}, labels, said, {}, 0},
      {Precision({.top_k = 1}), {2, 3}, hot, top, {}, 0.5},
      {Precision({.top_k = 2}), {2, 3}, hot, top, {}, 0.5},
      {Precision({.thresholds = 0.85, .top_k = 2}), {2, 3}, hot, top, {}, 0.5},
      {Precision({.class_id = 2}), {2, 3}, hot, top, {}, 1},
      {Recall(), {4}, labels, said, {}, 0.5},
      {Recall({.thresholds = 0.3}), {4}, labels, said, {}, 1},
      {Recall({.top_k = 1}), {2, 3}, hot, top, {}, 0.5},
      {Recall({.top_k = 2}), {2, 3}, hot, top, {}, 1},
      {TruePositives(), {4}, labels, said, {5, 1, 1, 1}, 5},
      {FalsePositives(), {4}, labels, said, {1, 2, 1, 1}, 2},
      {FalseNegatives(), {4}, labels, said, {1, 1, 3, 1}, 3},
      {TrueNegatives(), {4}, labels, said, {1, 1, 1, 4}, 4},
      {TruePositives({.thresholds = 0.3}), {4}, labels, said, {}, 2},
      {AUC({.num_thresholds = 3}), {4}, curve_labels, curve, {}, 0.75},
      {AUC({.num_thresholds = 3}), {4}, curve_labels, curve, {1, 0, 0, 1}, 1},
      {AUC({.num_thresholds = 3, .curve = "PR"}),
       {4},
       curve_labels,
       curve,
       {1, 2, 3, 4},
       (0.5 * (3 + 2 * std::log(2.5)) + 4) / 7},
      {AUC({.num_thresholds = 3, .curve = "PR", .summation_method = "minoring"}),
       {4},
       curve_labels,
       curve,
       {1, 2, 3, 4},
       0.3},
      {AUC({.num_thresholds = 3, .curve = "PR", .summation_method = "majoring"}),
       {4},
       curve_labels,
       curve,
       {1, 2, 3, 4},
       1},
      {AUC(), {4}, curve_labels, {0.1, 0.2, 0.3, 0.4}, {}, 1},
      {AUC({.from_logits = true}), {4}, curve_labels, {-5, 1, 0, 5}, {}, 0.75},
      {SensitivityAtSpecificity({.specificity = 0.5}), {4}, order_labels, order, {}, 1},
      {SensitivityAtSpecificity({.specificity = 1}), {4}, order_labels, order, {}, 0.5},
      {SpecificityAtSensitivity({.sensitivity = 1}), {4}, order_labels, order, {}, 0.5},
      {SpecificityAtSensitivity({.sensitivity = 0.5}), {4}, order_labels, order, {}, 1},
      {PrecisionAtRecall({.recall = 1}), {4}, order_labels, order, {}, 2.0 / 3},
      {PrecisionAtRecall({.recall = 0.5}), {4}, order_labels, order, {}, 1},
      {RecallAtPrecision({.precision = 1}), {4}, order_labels, order, {}, 0.5},
      {RecallAtPrecision({.precision = 0.6}), {4}, order_labels, order, {}, 1},
      {F1Score({.threshold = 0.5}), {3, 3}, f_labels, f, {}, (0.5 + 0.8 + 2.0 / 3) / 3},
      {F1Score({.average = "micro", .threshold = 0.5}), {3, 3}, f_labels, f, {}, 2.0 / 3},
      {F1Score({.average = "weighted", .threshold = 0.5}),
       {3, 3},
       f_labels,
       f,
       {},
       (1.5 + 1.6 + 2.0 / 3) / 6},
      {F1Score(), {2, 3}, hot, top, {}, (2.0 / 3) / 3},
      {F1Score({.average = "micro"}), {2, 3}, hot, top, {1, 3}, 0.75},
      {FBetaScore({.beta = 2, .threshold = 0.5}),
       {3, 3},
       f_labels,
       f,
       {},
       (5.0 / 13 + 10.0 / 11 + 2.5 / 3) / 3},
      {R2Score(), {3, 1}, {1, 4, 3}, {2, 4, 4}, {}, 4.0 / 7},
      {R2Score(), {2, 2}, {0, 1, 2, 3}, {0, 1, 2, 1}, {}, (1 - 1) / 2.0},
      {R2Score(), {3}, {1, 3, 100}, {1, 2, 0}, {1, 1, 0}, 0.5},
      {R2Score(), {3, 3}, one_each, guesses, row_weights, -3.0615367889404297},
      {R2Score({.class_aggregation = "variance_weighted_average"}),
       {3, 3},
       one_each,
       guesses,
       row_weights,
       -1.3710227272727273},
      {R2Score({.num_regressors = 1}), {3, 3}, one_each, guesses, row_weights, -7.123073577880859},
      {R2Score({.class_aggregation = "variance_weighted_average", .num_regressors = 1}),
       {3, 3},
       one_each,
       guesses,
       row_weights,
       1 - 2 * 2.3710227272727273},
      // With 3 samples there is none left for the adjustment.
      {R2Score({.num_regressors = 2}), {3, 3}, one_each, guesses, row_weights, -3.0615367889404297},
      {RootMeanSquaredError(), {2, 2}, {0, 1, 2, 3}, {0, 2, 2, 6}, {}, std::sqrt(10.0 / 4)},
      {RootMeanSquaredError(), {2}, {0, 1}, {3, 2}, {1, 3}, std::sqrt(12.0 / 4)},
      {CosineSimilarityMetric(), {2, 2}, {0, 1, 1, 1}, {1, 0, 1, 1}, {}, 0.5},
      {TopKCategoricalAccuracy({.k = 1}), {2, 3}, hot, top, {}, 0.5},
      {TopKCategoricalAccuracy({.k = 1}), {2, 3}, hot, top, {0.3, 0.7}, 0.7},
      {TopKCategoricalAccuracy({.k = 2}), {2, 3}, hot, top, {}, 1},
      {TopKCategoricalAccuracy(), {2, 3}, hot, top, {}, 1},
  };
  return all;
}

double result_of(const Metric& metric, const Tensor& y, const Tensor& p,
                 const Tensor& weight = {}) {
  Metric fresh = metric.fresh();
  fresh.update(y, p, weight);
  return fresh.result();
}

const auto near = boost::test_tools::tolerance(1e-6);

}  // namespace

BOOST_AUTO_TEST_CASE(metrics_give_the_numbers_of_keras) {
  for (const Case& c : cases())
    for (const DType dtype : {float32, float64}) BOOST_TEST_CONTEXT(c.metric.text()) {
        const Tensor y = tensor(c.y_true, c.shape, dtype), p = tensor(c.y_pred, c.shape, dtype);
        const Tensor weight =
            c.weight.empty() ? Tensor{}
                             : tensor(c.weight, {static_cast<int64_t>(c.weight.size())}, dtype);
        BOOST_TEST(std::abs(result_of(c.metric, y, p, weight) - c.expected) < 1e-6,
                   result_of(c.metric, y, p, weight) << " and not " << c.expected);
      }
}

BOOST_AUTO_TEST_CASE(metrics_of_batches_are_those_of_all_samples) {
  for (const Case& c : cases()) BOOST_TEST_CONTEXT(c.metric.text()) {
      const Tensor y = tensor(c.y_true, c.shape, float64), p = tensor(c.y_pred, c.shape, float64);
      Metric metric = c.metric.fresh();
      for (int64_t i = 0; i < c.shape[0]; ++i)
        metric.update(slice(y, 0, i, i + 1), slice(p, 0, i, i + 1));
      BOOST_TEST(metric.result() == result_of(c.metric, y, p), boost::test_tools::tolerance(1e-12));
      metric.reset();
      metric.update(y, p);
      BOOST_TEST(metric.result() == result_of(c.metric, y, p));
    }
}

BOOST_AUTO_TEST_CASE(metrics_are_written_as_texts_and_read_back) {
  for (const Case& c : cases()) {
    const Metric again(c.metric.text());
    const Tensor y = tensor(c.y_true, c.shape, float64), p = tensor(c.y_pred, c.shape, float64);
    BOOST_TEST(again.name() == c.metric.name());
    BOOST_TEST(again.text() == c.metric.text());
    BOOST_TEST(result_of(again, y, p) == result_of(c.metric, y, p), c.metric.text());
  }
  BOOST_TEST(AUC({.curve = "PR", .name = "pr"}).text() ==
             "auc(num_thresholds=200, curve=PR, summation_method=interpolation, from_logits=false, "
             "name=pr)");
  BOOST_TEST(Metric("AUC").name() == "AUC");
  BOOST_TEST(Metric("F1Score").name() == "F1Score");
  BOOST_TEST(Precision({.thresholds = 0.25, .class_id = 1}).text() ==
             "precision(thresholds=[0.25], top_k=0, class_id=1, name=precision)");
}

BOOST_AUTO_TEST_CASE(perplexity_is_of_the_classes_that_count) {
  const Tensor y = tensor<int64_t>({0, 1, 1, 0}, {2, 2});
  const Tensor p = tensor<double>({0.5, 0.5, 0.75, 0.25, 0.5, 0.5, 0.125, 0.875}, {2, 2, 2});
  BOOST_TEST(result_of(Perplexity(), y, p) == std::pow(2 * 4 * 2 * 8, 0.25), near);
  BOOST_TEST(result_of(Perplexity({.ignore_class = 0}), y, p) == std::pow(4 * 2, 0.5), near);
  BOOST_TEST(result_of(Perplexity({.from_logits = true}), y, zeros({2, 2, 2})) == 2, near);
}

BOOST_AUTO_TEST_CASE(class_numbers_are_among_the_likeliest) {
  const Tensor y = tensor<int64_t>({2, 1}, {2}), p = tensor(top, {2, 3}, float64);
  BOOST_TEST(result_of(SparseTopKCategoricalAccuracy({.k = 1}), y, p) == 0.5);
  BOOST_TEST(result_of(SparseTopKCategoricalAccuracy({.k = 2}), y, p) == 1);
  const Tensor ids = tensor<int64_t>({1, 2, 0, 1, 0, 2}, {2, 3});
  BOOST_TEST(result_of(SparseTopKCategoricalAccuracy({.k = 1, .from_sorted_ids = true}), y, ids) ==
             0.5);
  BOOST_TEST(result_of(SparseTopKCategoricalAccuracy({.k = 2, .from_sorted_ids = true}), y, ids) ==
             1);
}

BOOST_AUTO_TEST_CASE(a_prediction_of_nan_makes_the_result_nan) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor y = tensor<double>({0, 1}, {2, 1}), p = tensor<double>({0.2, nan}, {2, 1});
  const Tensor out = tensor<double>({1, 0}, {2});
  for (const char* text :
       {"precision", "recall", "auc", "true_positives", "f1_score(threshold=0.5)", "r2_score",
        "rmse", "precision_at_recall(recall=0.5)"}) {
    BOOST_TEST(std::isnan(result_of(text, y, p)), text);
    BOOST_TEST(!std::isnan(result_of(text, y, p, out)), text);
  }
  // NaN is no class, below no threshold and not among the largest, and no reduction hides it.
  const struct {
    Metric metric;
    Shape shape;
    Numbers y, p;
  } cases[] = {
      {BinaryIoU(), {3}, {0, 1, 1}, {0.1, nan, 0.9}},
      {MeanIoU({.num_classes = 2}), {3}, {0, 1, 1}, {0, nan, 1}},
      {OneHotMeanIoU({.num_classes = 2}), {2, 2}, {0, 1, 0, 1}, {nan, 0.9, 0.1, 0.9}},
      {OneHotMeanIoU({.num_classes = 2}), {2, 2}, {0, 1, 0, 1}, {0.9, nan, 0.1, 0.9}},
      {F1Score(), {2, 2}, {0, 1, 0, 1}, {nan, 0.9, 0.1, 0.9}},
      {TopKCategoricalAccuracy({.k = 1}), {2, 2}, {0, 1, 0, 1}, {nan, 0.9, 0.1, 0.9}},
      {Precision({.top_k = 1}), {1, 2}, {0, 1}, {0.5, nan}},
      {Recall({.top_k = 1}), {1, 2}, {0, 1}, {nan, 0.5}},
      {Recall({.top_k = 1, .class_id = 0}), {1, 2}, {0, 1}, {0.5, nan}},
      {R2Score(), {2}, {1, 1}, {1, nan}},
      {R2Score({.class_aggregation = "variance_weighted_average"}), {2}, {1, 1}, {1, nan}},
  };
  for (const auto& c : cases)
    for (const DType dtype : {float32, float64}) {
      const Tensor its_y = tensor(c.y, c.shape, dtype), its_p = tensor(c.p, c.shape, dtype);
      const Tensor of_row = sum(reshape(its_p, {c.shape[0], -1}), -1);
      BOOST_TEST(std::isnan(result_of(c.metric, its_y, its_p)), c.metric.text());
      BOOST_TEST(!std::isnan(result_of(c.metric, its_y, its_p, cast(equal(of_row, of_row), dtype))),
                 c.metric.text());
    }
  const SparseTopKCategoricalAccuracy sorted({.k = 2, .from_sorted_ids = true});
  BOOST_TEST(std::isnan(
      result_of(sorted, tensor<int64_t>({1}, {1}), tensor<double>({nan, 0, 1}, {1, 3}))));
}

// EarlyStopping and others rely on this.
BOOST_AUTO_TEST_CASE(a_metric_knows_whether_larger_is_better) {
  for (const char* text : {"accuracy",
                           "Accuracy",
                           "binary_accuracy",
                           "categorical_accuracy",
                           "sparse_categorical_accuracy",
                           "top_k_categorical_accuracy",
                           "sparse_top_k_categorical_accuracy",
                           "precision",
                           "recall",
                           "true_positives",
                           "true_negatives",
                           "auc",
                           "sensitivity_at_specificity",
                           "specificity_at_sensitivity",
                           "precision_at_recall",
                           "recall_at_precision",
                           "f1_score",
                           "fbeta_score",
                           "r2_score",
                           "cosine_similarity"})
    BOOST_TEST((Metric(text).higher_is_better() == true), text);
  for (const char* text : {"mse", "rmse", "mape", "huber", "perplexity", "false_positives",
                           "false_negatives", "crossentropy", "hinge"})
    BOOST_TEST((Metric(text).higher_is_better() == false), text);
  const auto own = [](const Tensor& y, const Tensor& p) { return mean(abs(y - p), -1); };
  BOOST_TEST(!Metric(Loss(own, "f1")).higher_is_better().has_value());

  const auto fit = [&](const EarlyStoppingOptions& options) {
    Sequential model({Dense({.units = 1})});
    model.compile({.optimizer = "sgd", .loss = "mse", .metrics = {Loss(own, "f1")}});
    model.fit(cast(testing::normal({8, 2}, 1), float32), cast(testing::normal({8, 1}, 2), float32),
              {.epochs = 2, .callbacks = {EarlyStopping(options)}, .verbose = 0});
  };
  BOOST_TEST(error_of([&] { fit({.monitor = "f1"}); }) ==
             "EarlyStopping: whether `f1` should become smaller or larger is not known.\n"
             "  Set .mode = \"min\" or \"max\".");
  BOOST_TEST(error_of([&] { fit({.monitor = "f1", .mode = "max"}); }) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(scales_and_offsets_cancel_nowhere) {
  for (const double s : {1e-200, 1e-30, 1e-4, 1.0, 1e30, 1e200}) BOOST_TEST_CONTEXT(s) {
      const Tensor y = tensor<double>({0, s, 2 * s, 3 * s}, {1, 4}, float64);
      BOOST_TEST(result_of(PearsonCorrelation(), y, y) == 1, near);
      BOOST_TEST(result_of(PearsonCorrelation(), y, -y) == -1, near);
      BOOST_TEST(result_of(ConcordanceCorrelation(), y, y) == 1, near);
      // Variances 5/4 and 5, covariance 5/2, means 3/2 and 3.
      BOOST_TEST(result_of(ConcordanceCorrelation(), y, 2 * y) == 5 / (1.25 + 5 + 2.25), near);
      // A constant correlates with nothing.
      for (const Tensor& same : {y * 0, full({1, 4}, 0.1 * s, float64)}) {
        BOOST_TEST(result_of(PearsonCorrelation(), y, same) == 0);
        BOOST_TEST(result_of(PearsonCorrelation(), same, y) == 0);
        BOOST_TEST(result_of(ConcordanceCorrelation(), same, same) == 0);
      }
    }
  for (const double far : {0.0, 1e3, 1e6, 1e9}) BOOST_TEST_CONTEXT(far) {
      const Tensor y = reshape(arange(0, 4, 1, float64), {4, 1}) + far;
      BOOST_TEST(result_of(R2Score(), y, y + 0.5) == 1 - 4 * 0.25 / 5, near);
      BOOST_TEST(
          result_of(R2Score(), y, y + 0.5, tensor<double>({0, 1, 1, 0}, {4})) == 1 - 2 * 0.25 / 0.5,
          near);
    }
  for (const double value : {0.1, 0.3, 1000.1}) {  // without spread
    const Tensor y = full({7, 1}, value, float32);
    BOOST_TEST(result_of(R2Score(), y, y + 1) == 0);
  }
}

// As a loss and, in a list of metrics, as its mean.
BOOST_AUTO_TEST_CASE(the_classes_may_be_another_axis) {
  const Tensor p = softmax(testing::normal({2, 4, 3}, 5)),
               t = tensor<int>({0, 2, 1, 1, 2, 0, 0, 1}, {2, 4});
  const Loss last = SparseCategoricalCrossentropy();
  for (const int axis : {1, -2}) {
    const Loss middle = SparseCategoricalCrossentropy({.axis = axis});
    BOOST_TEST(middle(t, swap_axes(p, 1, 2)).item() == last(t, p).item());
    const Loss read = Loss(middle.text());
    BOOST_TEST(read(t, swap_axes(p, 1, 2)).item() == last(t, p).item());
  }
  Metric metric = SparseCategoricalCrossentropy({.axis = 1});
  metric.update(t, swap_axes(p, 1, 2));
  BOOST_TEST(metric.result() == last(t, p).item(), boost::test_tools::tolerance(1e-12));
  BOOST_TEST(
      error_of([&] {
        SparseCategoricalCrossentropy({.axis = 3})(t, p);
      }).find("sparse_categorical_crossentropy: axis is 3, and y_pred is [2, 4, 3] float64.") ==
      0u);
}

// Numbers of Keras's tests, in one column of three.
BOOST_AUTO_TEST_CASE(the_best_of_one_class) {
  const Numbers values = {0.0, 0.1, 0.2, 0.3, 0.4, 0.01, 0.02, 0.25, 0.26, 0.26};
  const Tensor column = tensor(values, {10, 1}), others = 1 - column;
  const Tensor p = concat({others, column, others}),
               t = one_hot(tensor<int64_t>({0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, {10}), 3);
  const auto of_class = [&](Metric metric) {
    metric.update(t, p);
    return metric.result();
  };
  BOOST_TEST(of_class(SpecificityAtSensitivity({.sensitivity = 0.4, .class_id = 1})) == 0.6);
  BOOST_TEST(of_class(SpecificityAtSensitivity({.sensitivity = 0.4})) != 0.6);
  BOOST_TEST(of_class(SensitivityAtSpecificity({.specificity = 0.4, .class_id = 1})) == 0.6);
  BOOST_TEST(of_class(RecallAtPrecision({.precision = 0.5, .class_id = 1})) == 1);
  BOOST_TEST(of_class(PrecisionAtRecall({.recall = 0.6, .class_id = 1})) == 0.6);
  BOOST_TEST(Metric("recall_at_precision(precision=0.7, class_id=1)").text() ==
             "recall_at_precision(precision=0.7, class_id=1)");
}

BOOST_AUTO_TEST_CASE(of_several_thresholds_a_metric_has_a_number_each) {
  const Tensor t = tensor(labels, {4, 1}), p = tensor(said, {4, 1});
  Metric precision = Precision({.thresholds = {0.3, 0.6, 0.95}}), count = FalsePositives();
  precision.update(t, p);
  count.update(t, p);
  BOOST_TEST(precision.results() == (Numbers{2.0 / 3, 1, 0}), boost::test_tools::per_element());
  BOOST_TEST(count.results() == (Numbers{1}), boost::test_tools::per_element());
  std::vector<std::string> names;
  for (const Metric& part : precision.parts()) names.push_back(part.name() + " of " + part.text());
  const std::vector<std::string> expected{
      "precision_0.3 of precision(thresholds=[0.3], top_k=0, name=precision_0.3)",
      "precision_0.6 of precision(thresholds=[0.6], top_k=0, name=precision_0.6)",
      "precision_0.95 of precision(thresholds=[0.95], top_k=0, name=precision_0.95)"};
  BOOST_TEST(names == expected, boost::test_tools::per_element());
  BOOST_REQUIRE_EQUAL(count.parts().size(), 1u);
  BOOST_TEST(count.parts()[0].name() == "false_positives");
  BOOST_TEST(count.parts()[0].result() == 0);
}

// The model returns its input, so the counts are known.
BOOST_AUTO_TEST_CASE(a_model_logs_each_threshold_and_a_file_keeps_them) {
  const Tensor x = tensor(said, {4, 1}, float32), y = tensor(labels, {4, 1}, float32);
  const auto check = [&](const Logs& logs) {
    BOOST_TEST(logs["precision_0.3"] == 2.0 / 3);
    BOOST_TEST(logs["precision_0.6"] == 1);
    BOOST_TEST(logs["hits_0.3"] == 2);
    BOOST_TEST(logs["hits_0.7"] == 1);
  };
  Sequential model({Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones"})});
  model.compile(
      {.optimizer = "sgd",
       .loss = "mse",
       .metrics = {Precision({.thresholds = {0.3, 0.6}}),
                   "true_positives(thresholds=[0.3, 0.7], name=hits)", Recall({.thresholds = 1})}});
  check(model.evaluate(x, y));
  const History history = model.fit(
      x, y,
      {.callbacks = {EarlyStopping({.monitor = "precision_0.6", .patience = 1})}, .verbose = 0});
  BOOST_TEST(history["recall"].size() == 1u);
  const std::string path = testing::in_folder("thresholds.safetensors");
  Sequential same({Dense({.units = 1, .use_bias = false, .kernel_initializer = "ones"})});
  same.compile({.optimizer = "sgd",
                .loss = "mse",
                .metrics = {Precision({.thresholds = {0.3, 0.6}}),
                            "true_positives(thresholds=[0.3, 0.7], name=hits)"}});
  (void)same(x);
  same.save(path);
  check(load_model(path).evaluate(x, y));
}

BOOST_AUTO_TEST_CASE(errors_of_metrics_say_what_is_wrong) {
  const Tensor y = tensor<double>({0, 1}, {2, 1});
  const std::pair<std::string, std::function<void()>> errors[] = {
      {"auc: it has no curve `ROCK`; did you mean `ROC`?", [] { AUC({.curve = "ROCK"}); }},
      {"auc: it has no summation_method `sum`.", [] { AUC({.summation_method = "sum"}); }},
      {"auc: num_thresholds is 1; it must be a number of at least 2.",
       [] { AUC({.num_thresholds = 1}); }},
      {"f1_score: it has no average `none`.", [] { F1Score({.average = "none"}); }},
      {"precision: a threshold is 2; it must lie in [0, 1].", [] { Precision({.thresholds = 2}); }},
      {"auc: a prediction is 3; it must be a probability, in [0, 1].",
       [&] {
         AUC().update(y, full({2, 1}, 3.0));
       }},
      {"precision: class_id is 1, and y_pred has the classes 0 to 0.",
       [&] { Precision({.class_id = 1}).update(y, y); }},
      {"recall: y_true[1] is 2; it must be 0 or 1.", [&] { Recall().update(y * 2, y); }},
      {"f1_score: y_pred has 2 classes, and had 1 before.",
       [&] {
         F1Score metric({.threshold = 0.5});
         metric.update(y, y);
         metric.update(ones({2, 2}), ones({2, 2}));
       }},
      {"top_k_categorical_accuracy: k is 0; it must be a number of at least 1.",
       [] { TopKCategoricalAccuracy({.k = 0}); }},
      {"metric `auk`: there is none by that name; did you mean `auc`?", [] { Metric("auk"); }},
      {"it has no option `threshold`; did you mean `thresholds`?",
       [] { Metric("precision(threshold=0.5)"); }},
      {"recall: thresholds do not rise; each must be above the one before it.",
       [] {
         Recall({.thresholds = {0.5, 0.5}});
       }},
      {"true_positives: it has 2 thresholds, and a number for each.\n  results() gives all of "
       "them.",
       [] {
         (void)TruePositives({.thresholds = {0.3, 0.7}}).result();
       }},
      {"auc: num_labels is 3, and y_pred has 1 labels.",
       [&] { AUC({.multi_label = true, .num_labels = 3}).update(y, y); }},
      {"auc: num_labels is 3; it is a number of labels, those of multi_label = true.",
       [] { AUC({.num_labels = 3}); }},
      {"r2_score: it has no class_aggregation `average`; did you mean `uniform_average`?",
       [] { R2Score({.class_aggregation = "average"}); }},
  };
  for (const auto& [text, throws] : errors)
    BOOST_TEST(error_of(throws).find(text) != std::string::npos, error_of(throws));
}

BOOST_AUTO_TEST_CASE(a_metric_is_updated_in_one_thread_at_a_time) {
  const Tensor y = ones({2, 1}), p = zeros({2, 1});
  std::string text;
  std::optional<Metric> metric;
  bool nested = false;
  metric.emplace(Loss([&](const Tensor& a, const Tensor& b) {
    if (!std::exchange(nested, true))
      std::thread([&] { text = error_of([&] { metric->update(y, p); }); }).join();
    return mean(square(a - b), -1);
  }));
  metric->update(y, p);
  BOOST_TEST(text.find("while another thread is in the middle of an update of it") != text.npos,
             text);
  metric->update(y, p);
  BOOST_TEST(metric->result() == 1);
}
