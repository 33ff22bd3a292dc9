// SPDX-License-Identifier: Apache-2.0
// Losses and metrics against numbers that were worked out by hand or taken from Keras's tests.
#define BOOST_TEST_MODULE loss
#include <set>

#include <tempo/gradcheck.hpp>
#include <tempo/tempo.hpp>

#include "testing.hpp"

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

const Numbers focal = {0.9, 0.8, 0.7, 0.2};

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
    {"mape", {2, 3}, t6, p6, {2.3}, {}, 487.259259259},
    {"mape", {2, 3, 1}, t6, p6, {3, 6, 5, 0, 4, 2}, {2, 3}, 694.444444444},
    {"mape", {1, 2}, {0, 1}, {1e-7, 1}, {}, {}, 50},
    {"msle", {2, 3}, t6, p6, {}, {}, 1.437042008683},
    {"msle", {2, 3}, t6, p6, {1.2, 3.4}, {2, 1}, 3.78563705046},
    {"huber", {2, 3}, {1, 0, 1, 1, 0, 0}, {0.9, 0.2, 0.2, 0.8, 0.4, 0.6}, {}, {}, 0.625 / 6},
    {"huber(delta=0.5)", {1, 3}, {0, 0, 0}, {0.4, -0.5, 2}, {}, {}, (0.08 + 0.125 + 0.875) / 3},
    {"log_cosh", {2, 3}, t6, p6, {}, {}, 4.829245330860},
    {"log_cosh", {2, 3}, t6, p6, {1.2, 3.4}, {2}, 12.001114667519},
    {"log_cosh", {1, 1}, {0}, {-5000}, {}, {}, 5000 - std::log(2.0)},
    {"poisson", {2, 3}, {4, 8, 12, 8, 1, 3}, {1, 9, 2, 5, 2, 6}, {}, {}, -3.306582170336},
    {"kl_divergence",
     {2, 3},
     {0.5, 0.8, 0.12, 0.7, 0.43, 0.8},
     {0.4, 0.9, 0.12, 0.36, 0.3, 0.4},
     {2.3},
     {},
     1.3709698},
    {"kl_divergence", {1, 2}, {0, 1}, {0, 2}, {}, {}, 0},
    {"cosine_similarity", {2, 3}, t6, p6, {2.3}, {}, -0.430603862947},
    {"cosine_similarity(axis=1)", {2, 3}, t6, p6, {}, {}, -0.187219070847},
    {"cosine_similarity(axis=0)", {2, 1}, {3, 4}, {4, 3}, {}, {}, -0.96},
    {"cosine_similarity", {1, 2}, {0, 0}, {4, 3}, {}, {}, 0},
    {"cosine_similarity", {1, 2}, {3e19, 4e19}, {4e19, 3e19}, {}, {}, -0.96},
    {"cosine_similarity", {1, 2}, {3e-5, 4e-5}, {4e30, 3e30}, {}, {}, -0.96},
    {"hinge", {2, 2}, {0, 1, 0, 0}, {0.6, 0.4, 0.4, 0.6}, {}, {}, 1.3},
    {"hinge", {2, 2}, {-1, 1, -1, -1}, {0.6, 0.4, 0.4, 0.6}, {}, {}, 1.3},
    {"hinge", {1, 2}, {0, -1}, {0.6, 2}, {}, {}, 2},
    {"squared_hinge", {2, 2}, {0, 1, 0, 0}, {0.6, 0.4, 0.4, 0.6}, {1, 0}, {2}, 0.73},
    {"categorical_hinge", {2, 2}, {0, 1, 0, 0}, {0.6, 0.4, 0.4, 0.6}, {}, {}, 1.4},
    {"binary_focal_crossentropy", {2, 2}, labels, focal, {}, {}, 0.268030112},
    {"binary_focal_crossentropy", {2, 2}, labels, focal, {1.2, 3.4}, {2, 1}, 0.344200702},
    // In the order of the samples: -log(0.9) 0.01, -log(0.2) 0.64, -log(0.7) 0.09, -log(0.8) 0.04
    {"binary_focal_crossentropy(apply_class_balancing=true, alpha=0.1)",
     {2, 2},
     labels,
     focal,
     {},
     {},
     (0.1 * (0.00105360516 + 0.03210074495) + 0.9 * (1.03004026399 + 0.00892574205)) / 4},
    {"binary_focal_crossentropy(gamma=1, from_logits=true)", {1, 1}, {1}, {0}, {}, {}, 0.34657359},
    {"categorical_focal_crossentropy(from_logits=true)",
     {3, 3},
     one_hot3,
     logits3,
     {},
     {},
     0.000345355287},
    {"categorical_focal_crossentropy(from_logits=true)",
     {3, 3},
     one_hot3,
     logits3,
     {1.2, 3.4, 5.6},
     {3, 1},
     0.001933987376},
    {"categorical_focal_crossentropy(from_logits=true, label_smoothing=0.1)",
     {1, 3},
     {1, 0, 0},
     {4.9, -0.5, 2.05},
     {},
     {},
     0.066851459},
    {"categorical_focal_crossentropy(gamma=0, alpha=1)",
     {3, 3},
     one_hot3,
     rows3,
     {},
     {},
     0.094589912},
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

BOOST_AUTO_TEST_CASE(
    a_generalized_crossentropy_lies_between_the_crossentropy_and_an_absolute_error) {
  const Tensor y = tensor<int64_t>({1, 0}, {2}),
               p = numbers({0.25, 0.75, 0.64, 0.36}, {2, 2}, float64);
  const auto at = [&](double q) {
    return CategoricalGeneralizedCrossEntropy({.q = q})(y, p).item();
  };
  const auto close = boost::test_tools::tolerance(1e-12);
  BOOST_TEST(at(1) == (0.25 + 0.36) / 2, close);
  BOOST_TEST(at(0.5) == (1 - std::sqrt(0.75) + 1 - 0.8), close);
  BOOST_TEST(at(1e-6) == -(std::log(0.75) + std::log(0.64)) / 2,
             boost::test_tools::tolerance(1e-5));
  BOOST_TEST(CategoricalGeneralizedCrossEntropy().text() ==
             "categorical_generalized_cross_entropy(q=0.5, reduction=sum_over_batch_size)");
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
  check("mape", "mape", target + 3, z);
  check("msle", "msle", target, p);
  check("huber", Huber({.delta = 0.4}), target, z);
  check("log_cosh", "log_cosh", target, z);
  check("poisson", "poisson", target, p);
  check("kl_divergence", "kl_divergence", 0.5 + 0.4 * target, p);
  check("cosine_similarity", "cosine_similarity", target, z);
  check("squared_hinge", "squared_hinge", classes, z);
  check("hinge", "hinge", classes, z);
  check("categorical_hinge", "categorical_hinge", classes, z);
  check("binary focal", "binary_focal_crossentropy", classes, p);
  check("binary focal logits", BinaryFocalCrossentropy({.from_logits = true}), classes, z);
  check("categorical focal", "categorical_focal_crossentropy", classes, p);
  check("categorical focal logits", CategoricalFocalCrossentropy({.from_logits = true}), classes,
        z);
  check("generalized", "categorical_generalized_cross_entropy", sparse, p);
  check("sparse logits", SparseCategoricalCrossentropy({.from_logits = true}), sparse, z);
}

BOOST_AUTO_TEST_CASE(a_function_is_a_loss) {
  const Loss largest([](const Tensor& y, const Tensor& p) { return max(abs(y - p), -1); },
                     "largest_error");
  BOOST_TEST(largest.name() == "largest_error");
  BOOST_TEST(largest.text() == "");
  BOOST_TEST(largest(numbers(t6, {2, 3}, float32), numbers(p6, {2, 3}, float32)).item() ==
             (10.0 + 13) / 2);
  // Integers become the dtype of the predictions.
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
  BOOST_TEST(Loss("bce").text() == BinaryCrossentropy().text());
}

BOOST_AUTO_TEST_CASE(errors_of_losses_say_what_is_wrong) {
  BOOST_TEST(
      error_of([] { Loss("mean_square_error"); }) ==
      "loss `mean_square_error`: there is none by that name; did you mean `mean_squared_error`?\n"
      "  There are mean_squared_error, mse, mean_absolute_error, mae, "
      "mean_absolute_percentage_error, mape, mean_squared_logarithmic_error, msle, huber, "
      "log_cosh, "
      "logcosh, poisson, kl_divergence, kld, kullback_leibler_divergence, cosine_similarity, "
      "binary_crossentropy, bce, categorical_crossentropy, sparse_categorical_crossentropy, "
      "binary_focal_crossentropy, categorical_focal_crossentropy, "
      "categorical_generalized_cross_entropy, hinge, squared_hinge, categorical_hinge, dice, "
      "tversky, circle, crf_loss, crf, ctc.");
  BOOST_TEST(error_of([] { Huber({.delta = -1}); }) ==
             "huber: delta is -1; it must be a number of at least 0.");
  BOOST_TEST(error_of([] { CategoricalGeneralizedCrossEntropy({.q = 0}); }) ==
             "categorical_generalized_cross_entropy: q is 0; it must be a number of at least 1e-06 "
             "and of at most 1.");
  BOOST_TEST(error_of([] { Loss("mse(reduction=avg)"); }) ==
             "mean_squared_error: it has no reduction `avg`.\n"
             "  There are sum_over_batch_size, mean, sum, mean_with_sample_weight, none.");
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
             "sparse_categorical_crossentropy: y_true[1] is 3; it must be a class number, a whole "
             "number in [0, 2], as y_pred has 3 classes.\n"
             "  Classes count from 0; a mask, a sample_weight of 0 or ignore_class leaves a sample "
             "out.");
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

// --- What is left out ---------------------------------------------------------------------------

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

// The names that the error for an unknown one lists.
std::vector<std::string> names_in(const std::string& error) {
  std::string list = error.substr(error.find("There are ") + 10);
  std::vector<std::string> names;
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t end = list.find_first_of(",.", at);
    names.push_back(list.substr(at, end - at));
    at = list[end] == '.' ? list.size() : end + 2;
  }
  return names;
}

// y_true and y_pred of 2 samples of 3 steps, for a loss or a metric.
struct StepCase {
  const char* name;
  const char* settings;
  Tensor y, p;
  bool classes = false;  // y are class numbers

  std::string with(const std::string& last) const {
    return std::string(name) + "(" + settings + last + ")";
  }
  std::string text() const {
    const std::string all = settings;
    return all.empty() ? name : std::string(name) + "(" + all.substr(0, all.size() - 2) + ")";
  }
};

std::vector<StepCase> step_cases() {
  const Tensor z = testing::normal({2, 3, 4}, 5), unit = testing::uniform(0.1, 0.9, {2, 3, 4}, 6);
  const Tensor numbers_of_class = tensor<int64_t>({0, 3, 1, 2, 2, 0}, {2, 3});
  const Tensor hot = one_hot(numbers_of_class, 4, float64);
  const Tensor target = testing::normal({2, 3, 4}, 7), yes = cast(target > 0, float64);
  return {
      {"mse", "", target, z},
      {"mean_squared_error", "", target, z},
      {"mae", "", target, z},
      {"mean_absolute_error", "", target, z},
      {"binary_crossentropy", "", yes, unit},
      {"binary_crossentropy", "from_logits=true, ", yes, z},
      {"binary_crossentropy", "label_smoothing=0.1, ", yes, unit},
      {"categorical_crossentropy", "", hot, unit},
      {"categorical_crossentropy", "from_logits=true, ", hot, z},
      {"categorical_crossentropy", "label_smoothing=0.1, ", hot, unit},
      {"sparse_categorical_crossentropy", "", numbers_of_class, unit, true},
      {"sparse_categorical_crossentropy", "from_logits=true, ", numbers_of_class, z, true},
      {"sparse_categorical_crossentropy", "ignore_class=1, ", numbers_of_class, unit, true},
      {"sparse_categorical_crossentropy", "", cast(numbers_of_class, float32), unit, true},
      {"bce", "", yes, unit},
      {"mape", "", target, z},
      {"mean_absolute_percentage_error", "", target, z},
      {"msle", "", target, z},
      {"mean_squared_logarithmic_error", "", target, z},
      {"huber", "", target, z},
      {"log_cosh", "", target, z},
      {"logcosh", "", target, z},
      {"poisson", "", target, unit},
      {"kl_divergence", "", unit, unit},
      {"kld", "", unit, unit},
      {"kullback_leibler_divergence", "", unit, unit},
      {"cosine_similarity", "", target, z},
      {"hinge", "", yes, z},
      {"squared_hinge", "", yes, z},
      {"categorical_hinge", "", hot, z},
      {"binary_focal_crossentropy", "", yes, unit},
      {"binary_focal_crossentropy", "from_logits=true, ", yes, z},
      {"categorical_focal_crossentropy", "", hot, unit},
      {"categorical_focal_crossentropy", "from_logits=true, ", hot, z},
      {"categorical_generalized_cross_entropy", "", numbers_of_class, unit, true},
      {"dice", "axis=[2], ", yes, unit},
      {"tversky", "axis=[2], ", yes, unit},
  };
}

std::vector<StepCase> metric_cases() {
  std::vector<StepCase> cases = step_cases();
  const StepCase numbers = cases[0], binary = cases[4], one_hot_labels = cases[7],
                 sparse = cases[10];
  const auto add = [&](const char* name, const StepCase& like) {
    cases.push_back({name, "", like.y, like.p, like.classes});
  };
  for (const char* name : {"accuracy", "acc", "crossentropy", "ce"}) {
    add(name, one_hot_labels);
    add(name, sparse);
    cases.push_back({name, "", slice(binary.y, 2, 0, 1), slice(binary.p, 2, 0, 1)});
  }
  add("Accuracy", binary);
  add("binary_accuracy", binary);
  add("categorical_accuracy", one_hot_labels);
  add("sparse_categorical_accuracy", sparse);
  add("top_k_categorical_accuracy", one_hot_labels);
  for (const char* name : {"sparse_top_k_categorical_accuracy", "perplexity"}) add(name, sparse);
  for (const char* name : {"root_mean_squared_error", "rmse", "r2_score"}) add(name, numbers);
  for (const char* name :
       {"precision", "recall", "true_positives", "true_negatives", "false_positives",
        "false_negatives", "auc", "sensitivity_at_specificity", "specificity_at_sensitivity",
        "precision_at_recall", "recall_at_precision", "f1_score", "fbeta_score", "f_beta_score",
        "binary_iou", "BinaryIoU"})
    add(name, binary);
  for (const char* name : {"mean", "sum", "pearson_correlation", "concordance_correlation"})
    add(name, numbers);
  const Tensor said = tensor<double>({0, 1, 1, 2, 3, 3}, {2, 3});
  for (const char* name : {"iou", "IoU"})
    cases.push_back({name, "num_classes=4, target_class_ids=[0, 2], ", sparse.y, said, true});
  for (const char* name : {"mean_iou", "MeanIoU"})
    cases.push_back({name, "num_classes=4, ", sparse.y, said, true});
  for (const char* name : {"one_hot_iou", "OneHotIoU"})
    cases.push_back(
        {name, "num_classes=4, target_class_ids=[0, 2], ", one_hot_labels.y, one_hot_labels.p});
  for (const char* name : {"one_hot_mean_iou", "OneHotMeanIoU"})
    cases.push_back({name, "num_classes=4, ", one_hot_labels.y, one_hot_labels.p});
  return cases;
}

const Tensor kept_steps() { return tensor<bool>({true, false, true, true, true, false}, {2, 3}); }

// x with `bad` at the steps that are left out.
Tensor poisoned(const Tensor& x, double bad) {
  Tensor kept = kept_steps();
  while (kept.rank() < x.rank()) kept = expand_dims(kept, -1);
  return where(kept, x, bad);
}

struct Way {
  const char* name;
  Tensor mask, weight;
};

std::vector<Way> ways(double bad) {
  const Tensor weight = tensor<double>({1.5, 2, 0.5, 3, 1, 0.25}, {2, 3});
  const Tensor zeros_there = where(kept_steps(), weight, 0);
  return {{"mask", kept_steps(), {}},
          {"zero weight", {}, zeros_there},
          {"mask and weights", kept_steps(), poisoned(weight, bad)},
          {"mask of some, zero weight of others",
           tensor<bool>({true, false, true, true, true, true}, {2, 3}), zeros_there}};
}

// The loss, its gradient, and the gradient of a projection of that.
Tensors derivatives(const Loss& loss, const Tensor& y, const Tensor& values, const Way& way) {
  const Tensor p = parameter(values), said = p + 0;
  const Tensor value = loss(y, way.mask ? with_mask(said, way.mask) : said, way.weight);
  const Tensor first = gradient(value, Tensors{p})[0];
  return {value, first, gradient(sum(first * testing::normal(values.shape(), 8)), Tensors{p})[0]};
}

const char* const orders[] = {"value", "gradient", "second order"};

}  // namespace

BOOST_AUTO_TEST_CASE(every_loss_has_a_row_and_so_has_every_metric) {
  // These are not losses of steps, but of whole sequences or of pairs: crf_test, ctc_test and
  // more_metrics_test check the same for them.
  const std::set<std::string> elsewhere = {"crf_loss", "crf", "ctc", "circle"};
  const auto require_all = [&](const std::string& error, const std::vector<StepCase>& cases) {
    for (const std::string& name : names_in(error))
      BOOST_TEST(
          (elsewhere.count(name) || std::any_of(cases.begin(), cases.end(),
                                                [&](const StepCase& c) { return c.name == name; })),
          "no row for " << name);
  };
  require_all(error_of([] { Loss("?"); }), step_cases());
  require_all(error_of([] { Metric("?"); }), metric_cases());
}

BOOST_AUTO_TEST_CASE(what_an_error_lists_is_read_and_what_is_written_reads_back) {
  const auto listed = [](const auto& f) { return names_in(error_of(f)); };
  for (const std::string& name : listed([] { Loss("?"); }))
    BOOST_TEST(Loss(Loss(name).text()).text() == Loss(name).text(), name);
  for (const std::string& name : listed([] { Loss("mse(reduction=?)"); }))
    BOOST_TEST(Loss("mse(reduction=" + name + ")").text() ==
               "mean_squared_error(reduction=" + name + ")");
  const std::vector<StepCase> cases = metric_cases();
  const auto with_what_must_be_given = [&](const std::string& name) {
    const auto found = std::find_if(cases.begin(), cases.end(), [&](const StepCase& c) {
      return c.name == name && std::string(c.settings).starts_with("num_classes");
    });
    return found == cases.end() ? name : found->text();
  };
  for (const std::string& name : listed([] { Metric("?"); })) {
    const std::string text = with_what_must_be_given(name);
    BOOST_TEST(Metric(Metric(text).text()).text() == Metric(text).text(), text);
  }
}

// The share of equal elements, however the name is set; "accuracy" depends on the shapes.
BOOST_AUTO_TEST_CASE(accuracy_with_a_capital_is_the_class) {
  struct Case {
    const char *text, *name, *written;
  };
  const Case cases[] = {
      {"Accuracy", "accuracy", "Accuracy(name=accuracy)"},
      {" Accuracy", "accuracy", "Accuracy(name=accuracy)"},
      {"Accuracy()", "accuracy", "Accuracy(name=accuracy)"},
      {"Accuracy(name=right)", "right", "Accuracy(name=right)"},
  };
  const Tensor y = numbers({1, 2}, {1, 2}, float64), said = numbers({1, 3}, {1, 2}, float64);
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.text) {
      Metric metric(c.text);
      BOOST_TEST(metric.name() == c.name);
      BOOST_TEST(metric.text() == c.written);
      metric.update(y, said);
      BOOST_TEST(metric.result() == 0.5);
    }
}

BOOST_AUTO_TEST_CASE(what_is_left_out_reaches_no_loss_and_no_gradient) {
  const std::vector<Way> clean = ways(2);
  for (const StepCase& c : step_cases())
    for (const char* reduction : {"sum_over_batch_size", "sum", "mean_with_sample_weight", "none"})
      for (std::size_t i = 0; i < clean.size(); ++i) {
        const Loss loss(c.with(std::string("reduction=") + reduction));
        const Tensors right = derivatives(loss, c.y, c.p, clean[i]);
        for (const double bad : {missing, inf, -1.0, 1e12}) {
          if (!is_floating(c.y.dtype()) && !(std::abs(bad) < inf)) continue;
          const Way way = ways(bad)[i];
          const std::string what =
              loss.text() + ", " + way.name + ", " + std::to_string(bad) + ": ";
          const Tensors got = derivatives(loss, poisoned(c.y, bad), poisoned(c.p, bad), way);
          for (std::size_t order = 0; order < right.size(); ++order) {
            testing::check_same(what + orders[order], got[order], right[order]);
            if (order > 0)
              testing::check_same(what + orders[order] + " of what is left out", got[order],
                                  poisoned(got[order], 0));
          }
        }
      }
}

BOOST_AUTO_TEST_CASE(a_masked_loss_is_that_of_the_steps_which_count) {
  const Tensor places = tensor<int64_t>({0, 2, 3, 4}, {4});
  for (const StepCase& c : step_cases()) {
    const Loss loss(c.name);
    const auto steps = [&](const Tensor& x) {
      Shape flat = x.shape().without_first();
      flat[0] = 6;
      return gather(reshape(x, flat), places);
    };
    if (std::string(c.settings) != "") continue;
    testing::check_close(c.name, loss(c.y, with_mask(c.p, kept_steps())),
                         loss(steps(c.y), steps(c.p)), 1e-12);
    const Tensor none =
        with_mask(poisoned(c.p, missing), tensor<bool>(std::vector<bool>(6), {2, 3}));
    BOOST_TEST(loss(c.y, none).item() == 0);
    BOOST_TEST(loss(c.y, poisoned(c.p, missing), zeros({2, 3})).item() == 0);
  }
}

BOOST_AUTO_TEST_CASE(what_is_left_out_reaches_no_metric) {
  for (const StepCase& c : metric_cases())
    for (const double bad : {missing, inf, -1.0, 1e12}) {
      if (!is_floating(c.y.dtype()) && !(std::abs(bad) < inf)) continue;
      const std::vector<Way> clean = ways(2), dirty = ways(bad);
      for (std::size_t i = 0; i < clean.size(); ++i) {
        const auto result = [&](const Tensor& y, const Tensor& p, const Way& way) {
          Metric metric(c.text());
          metric.update(y, way.mask ? with_mask(p, way.mask) : p, way.weight);
          return metric.result();
        };
        const double right = result(c.y, c.p, clean[i]);
        const double got = result(poisoned(c.y, bad), poisoned(c.p, bad), dirty[i]);
        BOOST_TEST(got == right, c.name << ", " << dirty[i].name << ", " << bad << ": " << got
                                        << " for " << right);
        BOOST_TEST(std::isfinite(right));
      }
    }
  for (const char* name : {"accuracy", "mse"}) {
    Metric metric(name);
    metric.update(zeros({0, 1}), zeros({0, 1}));
    metric.update(zeros({2, 0, 1}), zeros({2, 0, 1}));
    metric.update(zeros({2, 1, 1}),
                  with_mask(full({2, 1, 1}, missing), tensor<bool>({false, false}, {2, 1})));
    BOOST_TEST(metric.result() == 0, name);
  }
}

BOOST_AUTO_TEST_CASE(a_tracked_weight_of_0_gets_its_gradient) {
  const Tensor weight = parameter(zeros({2}, float64));
  const Tensor loss =
      Loss("mse(reduction=sum)")(zeros({2, 1}, float64), numbers({2, 3}, {2, 1}, float64), weight);
  testing::check_same("of the weights", gradient(loss, Tensors{weight})[0],
                      numbers({4, 9}, {2}, float64));
}

// --- Labels -------------------------------------------------------------------------------------

namespace {

// How y_true and y_pred lie, and where in y_true a label is tried.
struct LabelForm {
  Numbers before;  // the labels before it
  Shape y, p;
  const char* place;
  double said = 0.5;  // everywhere in y_pred
};

const LabelForm of_each{{0, 1}, {3, 1}, {3, 1}, "[2]"}, of_classes{{0, 1}, {3}, {3, 2}, "[2]"},
    of_rows{{1, 0, 0}, {2, 2}, {2, 2}, "[1, 1]"}, of_said{{0, 1}, {3}, {3}, "[2]", 0},
    by_row{{1, 0, 0}, {2, 2}, {2, 2}, "[1]"}, of_chain{{0, 1}, {1, 3}, {1, 3, 2, 2}, "[0, 2]"},
    of_alignments{{1, 1}, {1, 3}, {1, 9, 2}, "[0, 2]"};

struct LabelCase {
  std::vector<const char*> names;
  const char* settings;
  LabelForm form;
  Numbers good, bad;
};

std::vector<LabelCase> label_cases() {
  const Numbers no_class = {missing, inf, -inf, 0.7, -1, 2, 1e12, 1e300};
  const Numbers probability = {0, 1, 0.7, 1 + 1e-7, -1e-7};
  const Numbers no_probability = {missing, inf, -inf, -1, 2, -0.1, 1.5, 1e12, 1e300};
  const Numbers not_0_or_1 = {missing, inf, -inf, -1, 2, 0.7, 1e12, 1e300};
  const Numbers number = {0, 1, 0.7, -1, 2, -0.1, 1e12, 1e300, inf, -inf};
  // Of a number that is missing, the loss is not known either.
  const Numbers any = {missing, 0, 1, 0.7, -1, 2, -0.1, 1e12, 1e300, inf, -inf};
  return {
      {{"mean_squared_error", "mse", "mean_absolute_error", "mae", "mean_absolute_percentage_error",
        "mape", "huber", "log_cosh", "logcosh", "poisson", "cosine_similarity",
        "root_mean_squared_error", "rmse", "mean", "sum"},
       "",
       of_each,
       any,
       {}},
      {{"mean_squared_logarithmic_error", "msle", "hinge", "squared_hinge", "categorical_hinge",
        "r2_score", "Accuracy"},
       "",
       of_each,
       number,
       {missing}},
      {{"categorical_hinge", "r2_score", "pearson_correlation", "concordance_correlation"},
       "",
       of_rows,
       number,
       {missing}},
      {{"circle"}, "", of_classes, number, {missing}},
      {{"binary_crossentropy", "bce", "crossentropy", "ce", "binary_focal_crossentropy",
        "kl_divergence", "kld", "kullback_leibler_divergence", "dice", "tversky"},
       "",
       of_each,
       probability,
       no_probability},
      {{"binary_crossentropy", "binary_focal_crossentropy"},
       "from_logits=true",
       of_each,
       probability,
       no_probability},
      {{"binary_crossentropy", "binary_focal_crossentropy"},
       "label_smoothing=0.1",
       of_each,
       probability,
       no_probability},
      {{"categorical_crossentropy", "categorical_focal_crossentropy", "crossentropy", "ce",
        "binary_crossentropy", "kl_divergence", "dice", "tversky", "accuracy", "acc",
        "categorical_accuracy", "top_k_categorical_accuracy"},
       "",
       of_rows,
       probability,
       no_probability},
      {{"categorical_crossentropy", "categorical_focal_crossentropy"},
       "from_logits=true",
       of_rows,
       probability,
       no_probability},
      {{"categorical_crossentropy", "categorical_focal_crossentropy"},
       "label_smoothing=0.1",
       of_rows,
       probability,
       no_probability},
      {{"top_k_categorical_accuracy"}, "k=1", of_rows, probability, no_probability},
      {{"dice", "tversky"}, "axis=[1]", of_rows, probability, no_probability},
      {{"accuracy", "acc", "binary_accuracy", "precision", "recall", "true_positives",
        "true_negatives", "false_positives", "false_negatives", "auc", "sensitivity_at_specificity",
        "specificity_at_sensitivity", "precision_at_recall", "recall_at_precision"},
       "",
       of_each,
       {0, 1},
       not_0_or_1},
      {{"f1_score", "fbeta_score", "f_beta_score"}, "", of_rows, {0, 1}, not_0_or_1},
      {{"f1_score", "fbeta_score", "f_beta_score"}, "threshold=0.5", of_each, {0, 1}, not_0_or_1},
      {{"auc"}, "from_logits=true", of_each, {0, 1}, not_0_or_1},
      {{"auc"}, "multi_label=true", of_rows, {0, 1}, not_0_or_1},
      {{"precision", "recall"}, "top_k=1", of_rows, {0, 1}, not_0_or_1},
      {{"sparse_categorical_crossentropy", "crossentropy", "ce", "perplexity",
        "categorical_generalized_cross_entropy", "accuracy", "acc", "sparse_categorical_accuracy",
        "sparse_top_k_categorical_accuracy"},
       "",
       of_classes,
       {0, 1},
       no_class},
      {{"sparse_categorical_crossentropy", "perplexity"},
       "from_logits=true",
       of_classes,
       {0, 1},
       no_class},
      {{"sparse_categorical_crossentropy", "sparse_categorical_accuracy", "perplexity"},
       "ignore_class=-1",
       of_classes,
       {0, 1, -1},
       {missing, inf, -inf, 0.7, 2, 1e12, 1e300}},
      {{"sparse_categorical_crossentropy", "sparse_categorical_accuracy", "perplexity"},
       "ignore_class=0",
       of_classes,
       {0, 1},
       no_class},
      {{"sparse_top_k_categorical_accuracy"},
       "from_sorted_ids=true",
       of_classes,
       {0, 1, 7},
       {missing, inf, -inf, 0.7, -1}},
      {{"iou", "IoU"}, "num_classes=2, target_class_ids=[0]", of_said, {0, 1}, no_class},
      {{"mean_iou", "MeanIoU"}, "num_classes=2", of_said, {0, 1}, no_class},
      {{"mean_iou", "MeanIoU"},
       "num_classes=2, ignore_class=-1",
       of_said,
       {0, 1, -1},
       {missing, inf, -inf, 0.7, 2, 1e12, 1e300}},
      {{"binary_iou", "BinaryIoU"}, "", of_each, {0, 1}, no_class},
      // The largest of a row is its class, however large.
      {{"one_hot_iou", "OneHotIoU"},
       "num_classes=2, target_class_ids=[0]",
       by_row,
       number,
       {missing}},
      {{"one_hot_mean_iou", "OneHotMeanIoU"}, "num_classes=2", by_row, number, {missing}},
      {{"crf_loss", "crf"}, "", of_chain, {0, 1}, no_class},
      {{"ctc"}, "", of_alignments, {0, 1, -1}, {missing, inf, -inf, 0.7, 2, -2, 1e12, 1e300}},
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(labels_that_are_none_are_refused_by_losses_and_metrics) {
  const auto listed = [](const std::string& error) {
    const std::vector<std::string> names = names_in(error);
    return std::set<std::string>(names.begin(), names.end());
  };
  const std::set<std::string> losses = listed(error_of([] { Loss("?"); })),
                              metrics = listed(error_of([] { Metric("?"); }));
  std::set<std::string> seen;
  for (const LabelCase& c : label_cases())
    for (const std::string name : c.names) BOOST_TEST_CONTEXT(name << "(" << c.settings << ")") {
        seen.insert(name);
        const std::string text = name + "(" + c.settings + ")";
        const auto errors = [&](double label, DType dtype) {
          Numbers values = c.form.before;
          values.push_back(label);
          const Tensor y = numbers(values, c.form.y, dtype), p = full(c.form.p, c.form.said);
          std::vector<std::string> all;
          if (losses.contains(name)) all.push_back(error_of([&] { Loss{text}(y, p); }));
          if (metrics.contains(name)) all.push_back(error_of([&] { Metric(text).update(y, p); }));
          BOOST_TEST(!all.empty());
          return all;
        };
        for (const DType dtype : {float32, float64, int32, int64}) {
          const auto is_held = [&](double label) {
            return is_floating(dtype) || (label == std::floor(label) && std::abs(label) < 1e9);
          };
          for (const double good : c.good)
            if (is_held(good))
              for (const std::string& error : errors(good, dtype))
                BOOST_TEST(error == "nothing was thrown", name_of(dtype) << " " << good);
          for (const double bad : c.bad)
            if (is_held(bad))
              for (const std::string& error : errors(bad, dtype))
                BOOST_TEST(
                    error.find(": y_true" + std::string(c.form.place) + " is ") != error.npos,
                    name_of(dtype) << " " << bad << ": " << error);
        }
      }
  for (const std::set<std::string>& names : {losses, metrics})
    for (const std::string& name : names)
      BOOST_TEST(seen.contains(name), "no row of labels for " << name);
  BOOST_TEST(error_of([] {
               Loss("sparse_categorical_crossentropy")(tensor<int64_t>({0, int64_t{1} << 40}, {2}),
                                                       ones({2, 2}));
             }).find("y_true[1] is 1099511627776;") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(errors_of_labels_say_where_what_and_the_way_out) {
  const auto of = [](const char* loss, const Tensor& y, const Tensor& p) {
    return error_of([&] { Loss{loss}(y, p); });
  };
  BOOST_TEST(of("sparse_categorical_crossentropy", numbers({0, 0, 1, missing}, {2, 2}, float32),
                ones({2, 2, 3})) ==
             "sparse_categorical_crossentropy: y_true[1, 1] is NaN; it must be a class number, a "
             "whole number in [0, 2], as y_pred has 3 classes.\n"
             "  Fill in missing labels, or leave their samples out: by a mask, or a sample_weight "
             "of 0.");
  BOOST_TEST(of("sparse_categorical_crossentropy", numbers({0.7}, {1}, float32), ones({1, 2})) ==
             "sparse_categorical_crossentropy: y_true[0] is 0.7; it must be a class number, a "
             "whole number in [0, 1], as y_pred has 2 classes.\n"
             "  For a probability of each class use categorical_crossentropy, for numbers mse.");
  BOOST_TEST(of("binary_crossentropy", numbers({-1, 1}, {2, 1}, float32), ones({2, 1})) ==
             "binary_crossentropy: y_true[0] is -1; it must be 0, 1 or a probability between "
             "them.\n  Make 0 of -1: (y + 1) / 2.");
  BOOST_TEST(of("binary_crossentropy", numbers({1, 3}, {2, 1}, float32), ones({2, 1})) ==
             "binary_crossentropy: y_true[1] is 3; it must be 0, 1 or a probability between "
             "them.\n  For class numbers use sparse_categorical_crossentropy, with a unit for each "
             "class.");
  BOOST_TEST(error_of([] {
               Metric("accuracy").update(numbers({1, 0.7}, {2, 1}, float32), ones({2, 1}));
             }) ==
             "accuracy: y_true[1] is 0.7; it must be 0 or 1.\n"
             "  Only classes are right or wrong: watch binary_crossentropy for probabilities, mae "
             "for numbers.");
}

BOOST_AUTO_TEST_CASE(a_prediction_of_nan_is_neither_right_nor_wrong) {
  struct Case {
    const char* name;
    Shape y, p;
    Numbers y_true, y_pred;
  };
  const Case cases[] = {
      {"binary_accuracy", {2, 1}, {2, 1}, {0, 1}, {missing, 1}},
      {"accuracy", {2, 1}, {2, 1}, {0, 1}, {missing, 1}},
      {"Accuracy", {2, 1}, {2, 1}, {0, 1}, {missing, 1}},
      {"accuracy", {2}, {2, 2}, {0, 1}, {missing, 1, 0, 1}},
      {"accuracy", {2}, {2, 2}, {0, 1}, {0, missing, 0, 1}},
      {"categorical_accuracy", {2, 2}, {2, 2}, {1, 0, 0, 1}, {0, missing, 0, 1}},
      {"mse", {2, 1}, {2, 1}, {0, 1}, {missing, 1}},
  };
  for (const Case& c : cases) {
    Metric metric(c.name);
    metric.update(numbers(c.y_true, c.y, float32), numbers(c.y_pred, c.p, float32));
    BOOST_TEST(std::isnan(metric.result()), c.name);
  }
  Metric certain("sparse_categorical_accuracy");  // an infinite logit is a valid prediction
  certain.update(numbers({1}, {1}, float32), numbers({-inf, inf}, {1, 2}, float32));
  BOOST_TEST(certain.result() == 1);
  Metric fraction = Accuracy();  // a whole label does not equal the whole part of a prediction
  fraction.update(tensor<int32_t>({1, 2}, {2, 1}), numbers({1.7, 2}, {2, 1}, float32));
  BOOST_TEST(fraction.result() == 0.5);
}

BOOST_AUTO_TEST_CASE(an_ignored_class_counts_in_no_accuracy) {
  Metric metric = SparseCategoricalAccuracy({.ignore_class = -1});
  metric.update(tensor<int64_t>({-1, 1, 0, -1}, {4}),
                numbers({1, 0, 0, 1, 0, 1, missing, 0}, {4, 2}, float32));
  BOOST_TEST(metric.result() == 0.5);
  BOOST_TEST(Metric(metric.text()).text() == metric.text());
}

// --- Ruled-out classes --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_class_that_is_ruled_out_costs_nothing_where_its_label_is_0) {
  struct Case {
    const char* loss;
    Numbers y, p, gradient;  // a loss of NaN has none
    double value;
  };
  const double half = std::log(2.0), e = std::exp(1.0);
  const Case cases[] = {
      {"categorical_crossentropy(from_logits=true)", {0, 1}, {-inf, 0}, {0, 0}, 0},
      {"categorical_crossentropy(from_logits=true)", {0, 1, 0}, {-inf, 0, 0}, {0, -.5, .5}, half},
      {"categorical_crossentropy(from_logits=true)",
       {0, .5, .5},
       {-inf, 1, 0},
       {0, e / (1 + e) - .5, 1 / (1 + e) - .5},
       std::log(1 + e) - .5},
      {"categorical_crossentropy(from_logits=true)", {1, 0}, {-inf, 0}, {-1, 1}, inf},
      {"categorical_crossentropy(from_logits=true)", {1, 0}, {0, -inf}, {0, 0}, 0},
      {"categorical_crossentropy(from_logits=true)", {1, 0}, {-inf, -inf}, {}, missing},
      {"categorical_crossentropy(from_logits=true)", {0, 1}, {inf, 0}, {}, missing},
      {"categorical_crossentropy(from_logits=true)", {0, 1}, {missing, 0}, {}, missing},
      {"categorical_crossentropy(from_logits=true, label_smoothing=0.5)",
       {0, 1},
       {-inf, 0},
       {-.25, .25},
       inf},
      {"categorical_crossentropy", {0, 1}, {0, 1}, {0, 0}, 1.1920929665620834e-7},
      {"sparse_categorical_crossentropy(from_logits=true)", {1}, {-inf, 0}, {0, 0}, 0},
      {"sparse_categorical_crossentropy(from_logits=true)", {1}, {-inf, 0, 0}, {0, -.5, .5}, half},
      {"sparse_categorical_crossentropy(from_logits=true)", {0}, {-inf, 0}, {-1, 1}, inf},
      {"sparse_categorical_crossentropy(from_logits=true)", {0}, {-inf, -inf}, {}, missing},
      {"sparse_categorical_crossentropy(from_logits=true)", {1}, {inf, 0}, {}, missing},
      {"binary_crossentropy(from_logits=true)", {0}, {-inf}, {0}, 0},
      {"binary_crossentropy(from_logits=true)", {1}, {inf}, {0}, 0},
      {"binary_crossentropy(from_logits=true)", {1}, {-inf}, {-1}, inf},
      {"binary_crossentropy(from_logits=true)", {0}, {inf}, {1}, inf},
      {"binary_crossentropy(from_logits=true)", {.5}, {inf}, {.5}, inf},
      {"binary_crossentropy(from_logits=true)", {.5}, {-inf}, {-.5}, inf},
      {"binary_crossentropy(from_logits=true)", {0, 1}, {-inf, 0}, {0, -.25}, half / 2},
      {"binary_crossentropy(from_logits=true, label_smoothing=0.5)", {1}, {inf}, {.25}, inf},
      {"binary_crossentropy(from_logits=true)", {0}, {missing}, {}, missing},
  };
  for (const Case& c : cases)
    for (const DType dtype : dtypes) {
      const auto n = static_cast<int64_t>(c.p.size());
      const bool sparse = std::string(c.loss).starts_with("sparse");
      const Tensor y = sparse ? numbers(c.y, {1}, dtype) : numbers(c.y, {1, n}, dtype);
      const Tensor p = parameter(numbers(c.p, {1, n}, dtype));
      const Tensor value = Loss(c.loss)(y, p), first = gradient(value, Tensors{p})[0];
      testing::check_close(c.loss, value, full({}, c.value, dtype), 1e-6);
      if (std::isnan(c.value)) continue;
      testing::check_close(std::string(c.loss) + ", gradient", first,
                           numbers(c.gradient, {1, n}, dtype), 1e-6);
      if (std::string(c.loss).find("logits") != std::string::npos) {
        const Tensor second = gradient(sum(first), Tensors{p})[0];
        for (const double v : second.to_vector()) BOOST_TEST(std::isfinite(v), c.loss);
      }
    }
}

// --- Losses of users ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_function_may_give_a_loss_of_any_rank_under_a_mask_and_weights) {
  const Tensor y = testing::normal({2, 3, 1}, 1), p = testing::normal({2, 3, 1}, 2);
  const Tensor weight = numbers({2, 0.5}, {2}, float64);
  const Tensor of_steps = numbers({2, 1, 3, 0.5, 0, 1}, {2, 3}, float64);
  const Loss steps([](const Tensor& t, const Tensor& s) { return abs(t - s); });
  const Loss cut([](const Tensor& t, const Tensor& s) { return squeeze(abs(t - s), -1); });
  const Loss samples([](const Tensor& t, const Tensor& s) { return mean(abs(t - s), Axes{1, 2}); });
  const Loss one([](const Tensor& t, const Tensor& s) { return mean(abs(t - s)); });
  const Loss reading([](const Tensor& t, const Tensor& s) {
    const Tensor real = cast(expand_dims(mask_of(s), -1), s.dtype());
    return sum(abs(t - s) * real) / sum(real);
  });
  const Tensor masked = with_mask(p, kept_steps());
  for (const Tensor& w : {Tensor{}, weight, of_steps}) {
    const Tensor right = Loss("mae")(y, masked, w);
    testing::check_close("[batch, time, 1]", steps(y, masked, w), right, 1e-14);
    testing::check_close("[batch, time]", cut(y, masked, w), right, 1e-14);
  }
  testing::check_close("[batch]", samples(y, masked), Loss("mae")(y, p), 1e-14);
  testing::check_close("[batch], weights", samples(y, masked, weight), Loss("mae")(y, p, weight),
                       1e-14);
  testing::check_close("[]", one(y, masked), Loss("mae")(y, p), 1e-14);
  testing::check_close("[], reading the mask", reading(y, masked), Loss("mae")(y, masked), 1e-14);
  for (const Loss& loss : {steps, cut, samples, one, reading}) {
    const Tensor nothing = parameter(full({2, 3, 1}, missing, float64));
    const Tensor value =
        loss(y, with_mask(nothing + 0, tensor<bool>(std::vector<bool>(6), {2, 3})));
    BOOST_TEST(value.item() == 0);
    testing::check_same("no gradient", gradient(value, Tensors{nothing})[0],
                        zeros({2, 3, 1}, float64));
  }
  // A loss of each step does not read steps that are left out.
  for (const Loss& loss : {steps, cut}) {
    const Way way{"", kept_steps(), {}};
    const Tensors right = derivatives(loss, y, p, way);
    const Tensors got = derivatives(loss, poisoned(y, missing), poisoned(p, missing), way);
    for (std::size_t order = 0; order < 2; ++order)
      testing::check_same(orders[order], got[order], right[order]);
  }
  const Loss classes(
      [](const Tensor& t, const Tensor& s) { return cross_entropy(s, cast(t, int64)); });
  BOOST_TEST(std::isfinite(classes(numbers({1, -1, 0, 2, 0, missing}, {2, 3}, float64),
                                   with_mask(testing::normal({2, 3, 3}), kept_steps()))
                               .item()));

  BOOST_TEST(error_of<ShapeError>([&] { one(y, p, weight); }) ==
             "loss: sample_weight was given, and the loss is one number for the batch\n"
             "  sample_weight  [2] float64\n"
             "  losses         [] float64\n"
             "  Weights need a loss for each sample, [batch]: take the mean over the other axes "
             "only, or leave sample_weight out.");
  const Loss flat([](const Tensor& t, const Tensor& s) { return reshape(abs(t - s), {6}); });
  BOOST_TEST(error_of<ShapeError>([&] { flat(y, masked); }) ==
             "loss: the loss function gave [6] float64 for 2 samples\n"
             "  y_pred  [2, 3, 1] float64\n"
             "  It must give one for each sample, [batch], or for each step, [batch, time], or one "
             "number: mean(square(y - p), -1), say.");
  const Loss wide([](const Tensor& t, const Tensor& s) { return concat({t - s, t - s}, 1); });
  BOOST_TEST(error_of<ShapeError>([&] { wide(y, masked); }) ==
             "loss: the mask of y_pred does not fit the losses\n"
             "  mask    [2, 3] bool\n"
             "  losses  [2, 6, 1]\n"
             "  A loss is one number, or one for each sample, [batch], or step, [batch, time]; "
             "with_mask(y_pred, {}) takes the mask off.");
}

// --- Shapes, sizes and settings -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(axes_of_extent_1_at_the_end_come_or_go) {
  const Numbers t = {0, 1, 1}, p = {0.2, 0.6, 0.9};
  const Shape shapes[] = {{3}, {3, 1}, {3, 1, 1}};
  for (const Shape& of_y : shapes)
    for (const Shape& of_p : shapes) {
      const Tensor y = numbers(t, of_y, float64), said = numbers(p, of_p, float64);
      const Tensor weight = numbers({1, 0, 2}, {3}, float64);
      const std::string what = to_string(of_y) + " and " + to_string(of_p);
      BOOST_TEST(Loss("mse")(y, said).item() == (.04 + .16 + .01) / 3,
                 boost::test_tools::tolerance(1e-12));
      BOOST_TEST(Loss("mae")(y, said, weight).item() == (.2 + .2) / 3,
                 boost::test_tools::tolerance(1e-12));
      BOOST_TEST(Loss("bce")(y, said).item() == -std::log(.8 * .6 * .9) / 3,
                 boost::test_tools::tolerance(1e-12));
      const Loss own([](const Tensor& a, const Tensor& b) { return square(a - b); });
      BOOST_TEST(own(y, said).item() == (.04 + .16 + .01) / 3, boost::test_tools::tolerance(1e-12));
      for (const char* name : {"accuracy", "binary_accuracy"}) {
        Metric metric(name);
        metric.update(y, said);
        BOOST_TEST(metric.result() == 1, what);
      }
    }
  const std::pair<Shape, Shape> misfits[] = {// weights and losses
                                             {{3}, {2, 3, 1}},
                                             {{7}, {1, 1}},
                                             {{3, 3}, {3, 1, 1}}};
  for (const auto& misfit : misfits)
    BOOST_TEST(error_of<ShapeError>([&] {
                 Loss("mse")(zeros(misfit.second), zeros(misfit.second), ones(misfit.first));
               }).find("the weights do not fit the losses") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_mask_tells_elements_of_the_last_axis_apart) {
  const Tensor y = numbers({1, 2, 3, 4}, {2, 2}, float64);
  const Tensor p = with_mask(numbers({2, missing, 5, 7}, {2, 2}, float64),
                             tensor<bool>({true, false, true, true}, {2, 2}));
  BOOST_TEST(Loss("mse")(y, p).item() == (1.0 + 4 + 9) / 3, boost::test_tools::tolerance(1e-12));
}

// A loss that reduces an axis as a whole cannot leave out some of its elements.
BOOST_AUTO_TEST_CASE(a_mask_along_the_axis_that_is_taken_together_is_refused) {
  const Shape shape{2, 4};
  const Tensor mask = tensor<bool>({true, true, true, false, true, true, false, false}, shape);
  const Tensor of_samples = tensor<bool>({true, true}, {2});
  const Tensor hot = numbers({0, 1, 0, 0, 1, 0, 0, 0}, shape, float64);
  const Tensor sparse = tensor<int64_t>({1, 0}, {2}), share = full(shape, 0.25, float64);
  const struct {
    const char* name;
    Tensor y;
    bool is_loss = true;
  } cases[] = {
      {"categorical_crossentropy", hot},
      {"categorical_crossentropy(from_logits=true)", hot},
      {"categorical_focal_crossentropy", hot},
      {"kl_divergence", hot},
      {"cosine_similarity", hot},
      {"categorical_hinge", hot},
      {"sparse_categorical_crossentropy", sparse},
      {"categorical_generalized_cross_entropy", sparse},
      {"circle", sparse},
      {"accuracy", hot, false},
      {"categorical_accuracy", hot, false},
      {"sparse_categorical_accuracy", sparse, false},
      {"top_k_categorical_accuracy", hot, false},
      {"sparse_top_k_categorical_accuracy", sparse, false},
      {"pearson_correlation", hot, false},
      {"concordance_correlation", hot, false},
      {"f1_score", hot, false},
      {"r2_score", hot, false},
      {"one_hot_mean_iou(num_classes=4)", hot, false},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.name) {
      const auto metric = [&](const Tensor& p) {
        return error_of<ShapeError>([&] { Metric(c.name).update(c.y, p); });
      };
      const auto loss = [&](const Tensor& p) {
        return error_of<ShapeError>([&] { Loss(c.name)(c.y, p); });
      };
      const std::string refusal = "the mask of y_pred tells elements apart along axis 1";
      BOOST_TEST(metric(with_mask(share, mask)).find(refusal) != std::string::npos);
      BOOST_TEST(metric(with_mask(share, of_samples)) == "nothing was thrown");
      if (!c.is_loss) continue;
      BOOST_TEST(loss(with_mask(share, mask)).find(refusal) != std::string::npos);
      BOOST_TEST(loss(with_mask(share, of_samples)) == "nothing was thrown");
    }
  BOOST_TEST(
      error_of<ShapeError>(
          [&] { Loss("categorical_crossentropy")(hot, with_mask(share, mask)); }) ==
      "categorical_crossentropy: the mask of y_pred tells elements apart along axis 1, and these "
      "are "
      "taken together\n"
      "  y_pred  [2, 4] float64\n"
      "  mask    [2, 4] bool\n"
      "  A mask says which samples or steps count, here [2]. Numbers of steps need an axis behind "
      "that of the steps: expand_dims(y, -1).\n"
      "  Where it rules classes out, Softmax gives these a share of 0, and with_mask(y, {}) then "
      "takes it off.");
  // A masked step is not the feature of the same number.
  const Tensor square = full({2, 3, 3}, 0.5, float64);
  BOOST_TEST(
      error_of<ShapeError>([&] {
        CosineSimilarity({.axis = 1})(square, with_mask(square, slice(mask, 1, 0, 3)));
      }).starts_with("cosine_similarity: the mask of y_pred tells elements apart along axis 1"));
}

BOOST_AUTO_TEST_CASE(one_class_is_refused) {
  const Tensor y = numbers({0, 1, 0, 1}, {4, 1}, float32), p = full({4, 1}, 0.4, float32);
  for (const char* name : {"categorical_crossentropy", "categorical_crossentropy(from_logits=true)",
                           "categorical_focal_crossentropy"})
    BOOST_TEST(error_of<ShapeError>([&] { Loss{name}(y, p); }).find("binary_crossentropy") !=
                   std::string::npos,
               name);
  for (const char* name : {"categorical_accuracy", "top_k_categorical_accuracy"})
    BOOST_TEST(error_of<ShapeError>([&] { Metric(name).update(y, p); }).find("binary_accuracy") !=
                   std::string::npos,
               name);
  for (const char* name : {"f1_score", "fbeta_score"})
    BOOST_TEST(error_of<ShapeError>([&] { Metric(name).update(y, p); }).find(".threshold = 0.5") !=
                   std::string::npos,
               name);
  BOOST_TEST(
      error_of<ShapeError>([&] { Loss("categorical_crossentropy")(y, p); }) ==
      "categorical_crossentropy: y_pred is [4, 1] float32, with one class along axis 1, whose "
      "share is always the whole.\n  For two classes the last layer has one unit with a "
      "sigmoid, and the loss is binary_crossentropy; or it has a unit for each class.");
  BOOST_TEST(error_of([&] { F1Score({.threshold = 0.5}).update(y, p); }) == "nothing was thrown");
}

BOOST_AUTO_TEST_CASE(a_prediction_that_is_certain_has_a_finite_gradient) {
  const auto slope = [](const Loss& loss, const Tensor& y, const Tensor& p) {
    const Tensor at = parameter(p);
    return gradient(loss(y, at), Tensors{at})[0];
  };
  for (const DType dtype : {float32, float64}) {
    const Tensor y = numbers({1, 0, 0, 1}, {2, 2}, dtype);
    for (const double gamma : {0.0, 0.5, 1.0, 2.0}) {
      const Tensor got = slope(BinaryFocalCrossentropy({.gamma = gamma}), y, y);
      for (const double value : got.to_vector()) BOOST_TEST(std::abs(value) < 1e-3, gamma);
    }
    // A probability that underflows; the slope of the loss by a logit is that of (1 - e^(q z)) / q.
    const Tensor apart = parameter(numbers({1000, 0}, {1, 2}, dtype));
    for (const double q : {1e-6, 0.5, 1.0}) {
      const Tensor loss =
          CategoricalGeneralizedCrossEntropy({.q = q})(tensor<int64_t>({1}, {1}), softmax(apart));
      BOOST_TEST(std::isfinite(loss.item()), q);
      for (const double value : gradient(loss, Tensors{apart})[0].to_vector())
        BOOST_TEST(std::abs(value) < 1e-3, q);
    }
  }
}

BOOST_AUTO_TEST_CASE(means_of_many_losses_are_exact) {
  const int64_t n = 20'000'000;
  const Tensor y = zeros({n, 1}), p = full({n, 1}, 0.1), weight = full({n}, 3);
  const auto close = boost::test_tools::tolerance(1e-6);
  BOOST_TEST(Loss("mse")(y, p).item() == 0.01, close);
  BOOST_TEST(Loss("mse")(y, p, weight).item() == 0.03, close);
  BOOST_TEST(Loss("mse(reduction=mean_with_sample_weight)")(y, p, weight).item() == 0.01, close);
  Metric metric("mae");
  metric.update(y, p, weight);
  metric.update(y, p, weight);
  BOOST_TEST(metric.result() == 0.1, close);
}

BOOST_AUTO_TEST_CASE(settings_out_of_range_are_refused) {
  for (const char* text :
       {"bce(label_smoothing=nan)", "bce(label_smoothing=-1)", "bce(label_smoothing=2)",
        "bce(label_smoothing=inf)", "categorical_crossentropy(label_smoothing=1.01)",
        "categorical_crossentropy(label_smoothing=nan)", "bce(from_logits=maybe)",
        "bce(from_logits=true, from_logits=true)", "bce(axis=1.5)", "bce(axis=)",
        "sparse_categorical_crossentropy(ignore_class=x)", "mse(reduction=)"})
    BOOST_TEST(error_of([&] { Loss loss(text); }) != "nothing was thrown", text);
  BOOST_TEST(error_of([] { BinaryCrossentropy({.label_smoothing = 2}); }) ==
             "binary_crossentropy: label_smoothing is 2; it must lie in [0, 1].");
  BOOST_TEST(error_of([] { BinaryAccuracy({.threshold = missing}); }) ==
             "binary_accuracy: threshold is NaN; it must be a number.");
  BOOST_TEST(error_of([] { Metric("binary_accuracy(threshold=nan)"); }) ==
             "binary_accuracy: threshold is NaN; it must be a number.");
  BOOST_TEST(error_of([] { Accuracy("right, mostly"); }) ==
             "metric: the name `right, mostly` could not be read back from a file.\n"
             "  Leave out commas, quotes, and blanks at its ends.");
  BOOST_TEST(Metric(BinaryAccuracy({.name = "at (0.5) = half"}).text()).name() ==
             "at (0.5) = half");
  const Metric never = BinaryAccuracy({.threshold = inf});
  BOOST_TEST(Metric(never.text()).text() == never.text());
  BOOST_TEST(error_of<ShapeError>([] {
               CategoricalCrossentropy({.axis = 2})(zeros({3, 3}), zeros({3, 3}));
             }) ==
             "categorical_crossentropy: axis is 2, and y_pred is [3, 3] float32.\n"
             "  It must lie in [-2, 1].");
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
  BOOST_TEST((error.higher_is_better() == false));
  BOOST_TEST((binary.higher_is_better() == true));
  Metric plain = Accuracy();
  plain.update(tensor<int64_t>({1, 2, 3, 4}, {4, 1}), tensor<int64_t>({0, 2, 3, 4}, {4, 1}));
  BOOST_TEST(plain.result() == 0.75);
  BOOST_TEST(Metric("crossentropy").result() == 0);
}

BOOST_AUTO_TEST_CASE(errors_of_metrics_say_what_is_wrong) {
  BOOST_TEST(error_of([] { Metric("acuracy"); }) ==
             "metric `acuracy`: there is none by that name; did you mean `accuracy`?\n"
             "  There are accuracy, acc, Accuracy, binary_accuracy, categorical_accuracy, "
             "sparse_categorical_accuracy, top_k_categorical_accuracy, "
             "sparse_top_k_categorical_accuracy, crossentropy, ce, "
             "root_mean_squared_error, rmse, cosine_similarity, perplexity, precision, "
             "recall, true_positives, true_negatives, false_positives, false_negatives, "
             "auc, sensitivity_at_specificity, specificity_at_sensitivity, "
             "precision_at_recall, recall_at_precision, f1_score, fbeta_score, "
             "f_beta_score, r2_score, mean, sum, pearson_correlation, "
             "concordance_correlation, iou, IoU, mean_iou, MeanIoU, one_hot_iou, OneHotIoU, "
             "one_hot_mean_iou, OneHotMeanIoU, binary_iou, BinaryIoU, mean_squared_error, mse, "
             "mean_absolute_error, mae, "
             "mean_absolute_percentage_error, mape, mean_squared_logarithmic_error, msle, "
             "huber, log_cosh, logcosh, poisson, kl_divergence, kld, "
             "kullback_leibler_divergence, binary_crossentropy, bce, "
             "categorical_crossentropy, sparse_categorical_crossentropy, "
             "binary_focal_crossentropy, categorical_focal_crossentropy, "
             "categorical_generalized_cross_entropy, hinge, squared_hinge, "
             "categorical_hinge, dice, tversky, circle, crf_loss, crf, ctc.");
  Metric metric = BinaryAccuracy();
  BOOST_TEST(error_of<ShapeError>([&] {
               metric.update(zeros({4, 2}), zeros({4, 3}));
             }) ==
             "binary_accuracy: y_true and y_pred do not fit\n"
             "  y_true  [4, 2] float32\n"
             "  y_pred  [4, 3] float32\n"
             "  A metric compares one value of y_true with each of y_pred.");
}
