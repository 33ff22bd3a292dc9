// Losses and metrics against numbers worked out by hand or taken from Keras's own tests.
#define BOOST_TEST_MODULE loss
#include "testing.hpp"

#include <tempo/gradcheck.hpp>
#include <tempo/tempo.hpp>

using namespace tempo;
using testing::error_of;

namespace {

using Numbers = std::vector<double>;
const DType dtypes[] = {float32, float64};

struct LossCase {
  const char* loss;
  Shape shape;  // of y_true and y_pred
  Numbers y_true, y_pred;
  Numbers weight;
  Shape weight_shape;
  double expected;
};

const Numbers t6 = {1, 9, 2, -5, -2, 6}, p6 = {4, 8, 12, 8, 1, 3};
const Numbers labels = {1, 0, 1, 0}, probabilities = {1, 1, 1, 0};
const Numbers logits = {10, -10, 10, 10, 10, -10}, logit_labels = {1, 0, 1, 0, 1, 1};
const Numbers one_hot3 = {1, 0, 0, 0, 1, 0, 0, 0, 1};
const Numbers rows3 = {0.9, 0.05, 0.05, 0.05, 0.89, 0.06, 0.05, 0.01, 0.94};
const Numbers logits3 = {8, 1, 1, 0, 9, 1, 2, 3, 5};

const LossCase loss_cases[] = {
    {"mse", {2, 3}, t6, p6, {}, {}, 49.5},
    {"mse", {2, 3}, t6, p6, {2.3}, {}, 113.85},
    {"mse", {2, 3}, t6, p6, {1.2, 3.4}, {2, 1}, 127.96667},
    {"mse", {2, 3}, t6, p6, {1.2, 3.4}, {2}, 127.96667},
    {"mse(reduction=sum)", {2, 3}, t6, p6, {2.3}, {}, 227.7},
    {"mse(reduction=mean_with_sample_weight)", {2, 3}, t6, p6, {1.2, 3.4}, {2, 1}, 55.637681},
    {"mse", {2, 3, 1}, t6, p6, {3, 6, 5, 0, 4, 2}, {2, 3}, 97.833333},
    {"mae", {2, 3}, t6, p6, {}, {}, 5.5},
    {"mae", {2, 3}, t6, p6, {1.2, 3.4}, {2, 1}, 13.566667},
    {"mae", {2, 3}, t6, p6, {0}, {}, 0},
    // -log(1 - clip(1)) is 15.942385 in both dtypes
    {"binary_crossentropy", {2, 2}, labels, probabilities, {}, {}, 15.942385 / 4},
    {"binary_crossentropy", {2, 2}, labels, probabilities, {1.2, 3.4}, {2, 1}, 15.942385 * 1.2 / 4},
    {"binary_crossentropy(from_logits=true)", {2, 3}, logit_labels, logits, {}, {}, 3.3333787},
    {"binary_crossentropy(from_logits=true)", {2, 3}, logit_labels, logits, {4, 3}, {2}, 10.000159},
    {"binary_crossentropy(from_logits=true, label_smoothing=0.1)",
     {1, 3},
     {1, 0, 1},
     {10, -10, -10},
     {},
     {},
     3.5000454},
    {"binary_crossentropy(from_logits=true)", {1, 2}, {1, 0}, {-800, 800}, {}, {}, 800},
    {"categorical_crossentropy", {3, 3}, one_hot3, rows3, {}, {}, 0.094589911877},
    {"categorical_crossentropy(from_logits=true)", {3, 3}, one_hot3, logits3, {}, {}, 0.05737563},
    {"categorical_crossentropy(from_logits=true)",
     {3, 3},
     one_hot3,
     logits3,
     {1.2, 3.4, 5.6},
     {3, 1},
     0.31829468},
    {"categorical_crossentropy(from_logits=true, label_smoothing=0.1)",
     {1, 3},
     {1, 0, 0},
     {100, -100, -100},
     {},
     {},
     13.333333},
    {"categorical_crossentropy(from_logits=true)", {1, 2}, {1, 0}, {-1000, 1000}, {}, {}, 2000},
};

Tensor numbers(const Numbers& values, const Shape& shape, DType dtype) {
  return tensor(values, shape, dtype);
}

}  // namespace

BOOST_AUTO_TEST_CASE(losses_give_the_numbers_of_keras_in_both_dtypes) {
  for (const LossCase& c : loss_cases)
    for (const DType dtype : dtypes) {
      const Tensor weight = c.weight.empty() ? Tensor{} : numbers(c.weight, c.weight_shape, dtype);
      const Tensor value = Loss(c.loss)(numbers(c.y_true, c.shape, dtype),
                                        numbers(c.y_pred, c.shape, dtype), weight);
      testing::check_close(c.loss, value, full({}, c.expected, dtype), 2e-6);
    }
}

BOOST_AUTO_TEST_CASE(sparse_categorical_crossentropy_is_the_categorical_one_of_class_numbers) {
  const Tensor y = tensor<int64_t>({0, 1, 2}, {3});
  const Tensor p = numbers(rows3, {3, 3}, float64), z = numbers(logits3, {3, 3}, float64);
  testing::check_close("probabilities", Loss("sparse_categorical_crossentropy")(y, p),
                       Loss("categorical_crossentropy")(numbers(one_hot3, {3, 3}, float64), p),
                       1e-12);
  testing::check_close(
      "logits", SparseCategoricalCrossentropy({.from_logits = true})(y, z),
      CategoricalCrossentropy({.from_logits = true})(numbers(one_hot3, {3, 3}, float64), z), 1e-12);
  testing::check_close("labels with an axis of 1",
                       Loss("sparse_categorical_crossentropy")(reshape(y, {3, 1}), p),
                       Loss("sparse_categorical_crossentropy")(y, p), 0);
}

BOOST_AUTO_TEST_CASE(an_ignored_class_does_not_count) {
  const Numbers z = {0.854, 0.698, 0.598, 0.088, 0.86, 0.018};
  const Tensor y = tensor<int64_t>({-1, 2}, {1, 2}), p = numbers(z, {1, 2, 3}, float64);
  const auto loss = [](const char* reduction) {
    return SparseCategoricalCrossentropy(
        {.from_logits = true, .ignore_class = -1, .reduction = reduction});
  };
  testing::check_close("none", loss("none")(y, p), numbers({0, 1.480129027392}, {1, 2}, float64),
                       1e-11);
  testing::check_close("mean over what counts", loss("sum_over_batch_size")(y, p),
                       full({}, 1.480129027392, float64), 1e-11);
}

BOOST_AUTO_TEST_CASE(an_axis_of_classes_may_lie_elsewhere) {
  const Numbers y = {1, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0},
                p = {.8, .1, .1, .8, .1, .1, .1, .8, .8, .1, .1, .1};
  const Tensor loss = CategoricalCrossentropy({.label_smoothing = 0.1, .axis = 1})(
      numbers(y, {2, 3, 2}, float64), numbers(p, {2, 3, 2}, float64));
  BOOST_TEST(loss.item() == 0.36177297, boost::test_tools::tolerance(1e-5));
}

BOOST_AUTO_TEST_CASE(a_mask_of_the_predictions_leaves_steps_out) {
  const Tensor y = numbers({1, 2, 3, 4}, {2, 2, 1}, float64);
  const Tensor mask = tensor<bool>({true, false, true, true}, {2, 2});
  const Tensor p = with_mask(numbers({2, 100, 5, 7}, {2, 2, 1}, float64), mask);
  BOOST_TEST(Loss("mse")(y, p).item() == (1.0 + 4 + 9) / 3, boost::test_tools::tolerance(1e-14));
  BOOST_TEST(Loss("mse(reduction=sum)")(y, p).item() == 14.0);
  const Tensor weight = numbers({2, 1}, {2}, float64);  // of the samples
  BOOST_TEST(Loss("mse")(y, p, weight).item() == (2.0 + 4 + 9) / 3,
             boost::test_tools::tolerance(1e-14));
  BOOST_TEST(
      Loss("mse(reduction=mean_with_sample_weight)")(y, p, weight).item() == (2.0 + 4 + 9) / 4,
      boost::test_tools::tolerance(1e-14));
  const Tensor nothing = with_mask(p, tensor<bool>({false, false, false, false}, {2, 2}));
  BOOST_TEST(Loss("mse")(y, nothing).item() == 0.0);
}

BOOST_AUTO_TEST_CASE(gradients_of_losses_hold_to_second_order) {
  const Tensor target = numbers({0, 1, 0.25, 0.5, 0.75, 1}, {2, 3}, float64);
  const Tensor classes = numbers({0, 1, 0, 1, 0, 0}, {2, 3}, float64);
  const Tensor sparse = tensor<int64_t>({1, 0}, {2});
  const auto check = [](const char* name, const Loss& loss, const Tensor& y, const Tensor& p) {
    const GradCheck report = gradcheck([&](const Tensors& in) { return loss(y, in[0]); }, {p});
    std::ostringstream text;
    text << report;
    BOOST_TEST(report.passed(), name << "\n" << text.str());
  };
  const Tensor z = testing::normal({2, 3}), p = testing::uniform(0.1, 0.9, {2, 3});
  check("mse", "mse", target, z);
  check("mae", "mae", target + 3, z);
  check("binary", "binary_crossentropy", target, p);
  check("binary logits", BinaryCrossentropy({.from_logits = true}), target, z);
  check("categorical", "categorical_crossentropy", classes, p);
  check("categorical logits", CategoricalCrossentropy({.from_logits = true}), classes, z);
  check("sparse", "sparse_categorical_crossentropy", sparse, p);
  check("sparse logits", SparseCategoricalCrossentropy({.from_logits = true}), sparse, z);
}

BOOST_AUTO_TEST_CASE(a_function_is_a_loss) {
  const Loss largest([](const Tensor& y, const Tensor& p) { return max(abs(y - p), -1); },
                     "largest_error");
  BOOST_TEST(largest.name() == "largest_error");
  BOOST_TEST(largest.text() == "");
  BOOST_TEST(largest(numbers(t6, {2, 3}, float32), numbers(p6, {2, 3}, float32)).item() ==
             (10.0 + 13) / 2);
  // Integers come in the dtype of the predictions.
  BOOST_TEST(largest(tensor<int32_t>({1, 2}, {1, 2}), numbers({1.5, 2}, {1, 2}, float32)).item() ==
             0.5);
}

BOOST_AUTO_TEST_CASE(a_loss_is_written_as_a_text_and_read_back) {
  const Loss loss = BinaryCrossentropy({.from_logits = true, .label_smoothing = 0.1});
  BOOST_TEST(loss.text() ==
             "binary_crossentropy(from_logits=true, label_smoothing=0.1, axis=-1, "
             "reduction=sum_over_batch_size)");
  BOOST_TEST(Loss(loss.text()).text() == loss.text());
  BOOST_TEST(Loss("MSE").name() == "mean_squared_error");
  BOOST_TEST(Loss("MeanAbsoluteError").name() == "mean_absolute_error");
}

BOOST_AUTO_TEST_CASE(errors_of_losses_say_what_is_wrong) {
  BOOST_TEST(
      error_of([] { Loss("mean_square_error"); }) ==
      "loss `mean_square_error`: there is none by that name; did you mean `mean_squared_error`?\n"
      "  There are mse, mean_squared_error, mae, mean_absolute_error, binary_crossentropy, "
      "categorical_crossentropy, sparse_categorical_crossentropy.");
  BOOST_TEST(error_of([] { Loss("mse(reduction=avg)"); }) ==
             "mean_squared_error, reduction: there is none called `avg`.\n"
             "  There are sum_over_batch_size, sum, mean_with_sample_weight, none.");
  BOOST_TEST(error_of([] { Loss("binary_crossentropy(logits=true)"); }) ==
             "loss `binary_crossentropy(logits=true)`: it has no option `logits`; did you mean "
             "`from_logits`? It has "
             "from_logits, label_smoothing, axis, reduction.");
  const Tensor a = zeros({32, 3}), b = zeros({32, 1});
  BOOST_TEST(error_of<ShapeError>([&] { Loss("mse")(a, b); }) ==
             "mean_squared_error: y_true and y_pred do not fit\n"
             "  y_true  [32, 3] float32\n"
             "  y_pred  [32, 1] float32\n"
             "  The model's last layer must give as many values for a sample as y holds.");
  BOOST_TEST(error_of<ShapeError>([&] { Loss("categorical_crossentropy")(b, a); }) ==
             "categorical_crossentropy: y_true and y_pred do not fit\n"
             "  y_true  [32, 1] float32\n"
             "  y_pred  [32, 3] float32\n"
             "  For class numbers use sparse_categorical_crossentropy; this loss takes one-hot "
             "labels (one_hot "
             "makes them).");
  BOOST_TEST(error_of<ShapeError>([&] { Loss("sparse_categorical_crossentropy")(a, a); }) ==
             "sparse_categorical_crossentropy: y_true and y_pred do not fit\n"
             "  y_true  [32, 3] float32\n"
             "  y_pred  [32, 3] float32\n"
             "  For one-hot labels use categorical_crossentropy; this loss takes class numbers.");
  BOOST_TEST(error_of([&] {
               Loss("sparse_categorical_crossentropy")(tensor<int64_t>({0, 3}, {2}), zeros({2, 3}));
             }) ==
             "sparse_categorical_crossentropy: y_true holds the class number 3, and y_pred has 3 "
             "classes.\n"
             "  Class numbers lie in [0, 2]; ignore_class leaves one out.");
  BOOST_TEST(error_of<ShapeError>([&] { Loss("mse")(a, a, zeros({7})); }) ==
             "mean_squared_error: the weights do not fit the losses\n"
             "  weights  [7] float32\n"
             "  losses   [32] float32\n"
             "  sample_weight and masks are [batch], or [batch, time] for a loss at each step.");
  BOOST_TEST(error_of([] { Loss()(Tensor{}, Tensor{}); }) ==
             "Loss: this one was never given a value (it is Loss{}).");
  BOOST_TEST(error_of([&] { Loss("mse")(Tensor{}, a); }) ==
             "mean_squared_error: y_true was never given a value (it is Tensor{}).");
}

// --- Metrics ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(accuracy_is_chosen_by_the_shapes) {
  struct Case {
    Shape true_shape, pred_shape;
    Numbers y_true, y_pred;
    double expected;
  };
  const Case cases[] = {
      {{4, 1}, {4, 1}, {1, 1, 0, 0}, {0.98, 0.4, 0.1, 0.6}, 0.5},  // binary
      {{4}, {4, 1}, {1, 1, 0, 0}, {0.98, 1, 0, 0.6}, 0.75},        // binary, ranks made equal
      {{2, 3}, {2, 3}, {0, 0, 1, 0, 1, 0}, {0.1, 0.1, 0.8, 0.05, 0, 0.95}, 0.5},
      {{2, 1}, {2, 3}, {2, 1}, {0.1, 0.1, 0.8, 0.05, 0.9, 0.05}, 1},
      {{2}, {2, 3}, {2, 2}, {0.1, 0.1, 0.8, 0.05, 0.9, 0.05}, 0.5},
  };
  for (const Case& c : cases) {
    Metric metric("accuracy");
    metric.update(numbers(c.y_true, c.true_shape, float32),
                  numbers(c.y_pred, c.pred_shape, float32));
    BOOST_TEST(metric.result() == c.expected);
    BOOST_TEST(metric.name() == "accuracy");
  }
}

BOOST_AUTO_TEST_CASE(metrics_are_means_over_all_samples_weighted_and_masked) {
  Metric metric = CategoricalAccuracy();
  const Tensor y = numbers({0, 0, 1, 0, 1, 0}, {2, 3}, float64);
  const Tensor p = numbers({0.1, 0.9, 0.8, 0.05, 0.95, 0}, {2, 3}, float64);
  metric.update(y, p, numbers({0.7, 0.3}, {2}, float64));
  BOOST_TEST(metric.result() == 0.3, boost::test_tools::tolerance(1e-12));
  metric.reset();
  metric.update(y, p);
  metric.update(slice(y, 0, 1, 2), slice(p, 0, 1, 2));
  BOOST_TEST(metric.result() == 2.0 / 3, boost::test_tools::tolerance(1e-12));

  Metric binary = BinaryAccuracy();
  const Tensor steps = numbers({1, 1, 0, 0}, {2, 2, 1}, float64);
  const Tensor said = with_mask(numbers({0.9, 0.1, 0.8, 0.2}, {2, 2, 1}, float64),
                                tensor<bool>({true, false, true, true}, {2, 2}));
  binary.update(steps, said);
  BOOST_TEST(binary.result() == 2.0 / 3, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(BinaryAccuracy({.threshold = 0.9}).text() ==
             "binary_accuracy(threshold=0.9, name=binary_accuracy)");

  Metric error("mae");
  error.update(numbers(t6, {2, 3}, float64), numbers(p6, {2, 3}, float64));
  BOOST_TEST(error.result() == 5.5);
  BOOST_TEST(error.name() == "mae");
  BOOST_TEST(!error.higher_is_better());
  BOOST_TEST(binary.higher_is_better());
  Metric plain = Accuracy();
  plain.update(tensor<int64_t>({1, 2, 3, 4}, {4, 1}), tensor<int64_t>({0, 2, 3, 4}, {4, 1}));
  BOOST_TEST(plain.result() == 0.75);
  BOOST_TEST(Metric("crossentropy").result() == 0);
}

BOOST_AUTO_TEST_CASE(errors_of_metrics_say_what_is_wrong) {
  BOOST_TEST(
      error_of([] { Metric("acuracy"); }) ==
      "metric `acuracy`: there is none by that name; did you mean `accuracy`?\n"
      "  There are accuracy, acc, binary_accuracy, categorical_accuracy, "
      "sparse_categorical_accuracy, "
      "crossentropy, mse, mean_squared_error, mae, mean_absolute_error, binary_crossentropy, "
      "categorical_crossentropy, sparse_categorical_crossentropy.");
  Metric metric = BinaryAccuracy();
  BOOST_TEST(error_of<ShapeError>([&] {
               metric.update(zeros({4, 2}), zeros({4, 3}));
             }) ==
             "binary_accuracy: y_true and y_pred do not fit\n"
             "  y_true  [4, 2] float32\n"
             "  y_pred  [4, 3] float32\n"
             "  A metric compares one value of y_true with each of y_pred.");
}
