// SPDX-License-Identifier: Apache-2.0
// Metrics of values, of your own, of overlaps, of several labels, correlations; losses of overlaps
// and of pairs. Expected values are Keras's, or computed here in plain loops.
#define BOOST_TEST_MODULE more_metrics
#include <cmath>

#include <tempo/tempo.hpp>

#include "files.hpp"

using namespace tempo;
using testing::check_close;
using testing::error_of;
using testing::in_folder;

namespace {

Tensor numbers(const std::vector<double>& values, const Shape& shape) {
  return tensor<double>(values, shape, float64);
}
Tensor ids(const std::vector<int32_t>& values) {
  return tensor<int32_t>(values, {static_cast<int64_t>(values.size())});
}

double result(Metric metric, const Tensor& t, const Tensor& p, const Tensor& weight = {}) {
  metric.update(t, p, weight);
  return metric.result();
}

void check_number(double got, double expected, double tolerance = 1e-6) {
  BOOST_TEST(std::abs(got - expected) <= tolerance, got << " is not " << expected);
}

// The largest prediction, and the sum of the weights.
struct Largest {
  void update(const Tensor&, const Tensor& y_pred, const Tensor& weight) {
    const Tensor kept = weight ? where(equal(weight, 0), -1e30, squeezed(y_pred)) : y_pred;
    seen = std::max(seen, max(kept).item());
    counted += weight ? sum(weight).item() : static_cast<double>(y_pred.count());
  }
  double result() const { return seen; }
  static Tensor squeezed(const Tensor& p) { return p.rank() == 3 ? sum(p, -1) : reshape(p, {-1}); }
  double seen = -1e30, counted = 0;
};

struct OfTwo {
  void update(const Tensor& y_true, const Tensor& y_pred) {
    total += sum(abs(y_true - y_pred)).item();
  }
  double result() const { return total; }
  double total = 0;
};

}  // namespace

BOOST_AUTO_TEST_CASE(means_and_sums_of_values) {
  Mean of_values;
  of_values.update(numbers({1, 3, 5, 7}, {4}));
  BOOST_TEST(of_values.result() == 4);
  of_values.update(numbers({0}, {1}), numbers({4}, {1}));
  BOOST_TEST(of_values.result() == 2);
  BOOST_TEST(of_values.name() == "mean");
  Sum all;
  all.update(numbers({1, 3, 5, 7}, {2, 2}), numbers({1, 2}, {2}));
  all.update(scalar(2));
  BOOST_TEST(all.result() == 1 + 3 + 2 * 5 + 2 * 7 + 2);
  all.reset();
  BOOST_TEST(all.result() == 0);
  BOOST_TEST(Metric("sum(name=all)").name() == "all");
  Mean masked;
  masked.update(
      with_mask(numbers({1, 9, 5, 7}, {2, 2}), tensor<bool>({true, false, true, true}, {2, 2})));
  BOOST_TEST(masked.result() == 13 / 3.0);
}

BOOST_AUTO_TEST_CASE(an_object_of_ones_own_is_a_metric) {
  const Metric metric(Largest(), "largest", true);
  BOOST_TEST(metric.name() == "largest");
  BOOST_TEST(metric.text() == "");
  BOOST_TEST(*metric.higher_is_better());
  BOOST_TEST(!Metric(OfTwo(), "two").higher_is_better().has_value());

  Metric counted = metric;
  counted.update(zeros({2, 1}), numbers({3, -5}, {2, 1}));
  counted.update(zeros({2, 1}), numbers({1, 2}, {2, 1}));
  BOOST_TEST(counted.result() == 3);
  counted.reset();
  counted.update(zeros({2, 1}), numbers({1, 2}, {2, 1}));
  BOOST_TEST(counted.result() == 2);
  BOOST_TEST(counted.fresh().result() == -1e30);
  // A weight of 0 and a mask leave elements out.
  BOOST_TEST(result(metric, zeros({2, 1}), numbers({7, 2}, {2, 1}), numbers({0, 1}, {2})) == 2);
  const Tensor steps =
      with_mask(numbers({1, 2, 9, 4}, {2, 2, 1}), tensor<bool>({true, true, false, true}, {2, 2}));
  BOOST_TEST(result(metric, zeros({2, 2, 1}), steps) == 4);

  const Tensor x = ones({4, 1}), y = numbers({1, 2, 3, 4}, {4, 1});
  const auto compiled = [&] {
    Sequential model({Dense({.units = 1, .kernel_initializer = "ones"})});
    model.compile({.optimizer = SGD({.learning_rate = 0.5}),
                   .loss = "mse",
                   .metrics = {Metric(Largest(), "largest", true), Metric(OfTwo(), "two")}});
    return model;
  };
  Sequential model = compiled();
  const History history = model.fit(x, cast(y, float32),
                                    {.batch_size = 2,
                                     .epochs = 3,
                                     .callbacks = {EarlyStopping({.monitor = "largest"})},
                                     .shuffle = false,
                                     .verbose = 0});
  // At first y_pred is 1, then w = 1.5 and b = 0.5 make it 2.
  BOOST_TEST(history["two"][0] == 0 + 1 + 1 + 2);
  BOOST_TEST(history["largest"][0] == 2);
  const std::string path = in_folder("own.tempo");
  model.save(path);
  Sequential loaded = load_model(path, {.metrics = {{"largest", Metric(Largest(), "largest", true)},
                                                    {"two", Metric(OfTwo(), "two")}}});
  BOOST_TEST(loaded.evaluate(x, cast(y, float32))["two"] ==
             model.evaluate(x, cast(y, float32))["two"]);
  BOOST_TEST(error_of([&] {
               load_model(path).evaluate(x, y);
             }).find("was saved with the metric `largest`, the metric `two`, which no file") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(overlaps_are_keras_numbers) {
  const Tensor t = ids({0, 0, 1, 1}), p = ids({0, 1, 0, 1});
  const Tensor w = numbers({0.3, 0.3, 0.3, 0.1}, {4});
  check_number(result(IoU({.num_classes = 2, .target_class_ids = {0}}), t, p), 0.33333334);
  check_number(result(IoU({.num_classes = 2, .target_class_ids = {0}}), t, p, w), 0.33333334);
  check_number(result(MeanIoU({.num_classes = 2}), t, p), 0.33333334);
  check_number(result(MeanIoU({.num_classes = 2}), t, p, w), 0.23809525);
  const Tensor bt = ids({0, 1, 0, 1}), bp = numbers({0.1, 0.2, 0.4, 0.7}, {4});
  const Tensor bw = numbers({0.2, 0.3, 0.4, 0.1}, {4});
  check_number(result(BinaryIoU({.threshold = 0.3}), bt, bp), 0.33333334);
  check_number(result(BinaryIoU({.threshold = 0.3}), bt, bp, bw), 0.17361113);
  const Tensor ot = numbers({0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 0, 0}, {4, 3});
  const Tensor op = numbers({0.2, 0.3, 0.5, 0.1, 0.2, 0.7, 0.5, 0.3, 0.1, 0.1, 0.4, 0.5}, {4, 3});
  const Tensor ow = numbers({0.1, 0.2, 0.3, 0.4}, {4});
  check_number(result(OneHotIoU({.num_classes = 3, .target_class_ids = {0, 2}}), ot, op, ow),
               0.07142857);
  check_number(result(OneHotMeanIoU({.num_classes = 3}), ot, op, ow), 0.047619047);
}

BOOST_AUTO_TEST_CASE(overlaps_of_many_classes_over_batches_are_those_of_a_loop) {
  const int classes = 4;
  std::vector<int32_t> t, p;
  for (int i = 0; i < 60; ++i) {
    t.push_back(i * 7 % 5 % classes);
    p.push_back(i * 11 % 13 % classes);
  }
  double total = 0;
  for (int c = 0; c < classes; ++c) {
    double both = 0, either = 0;
    for (std::size_t i = 0; i < t.size(); ++i) {
      if (t[i] == 3) continue;  // ignored
      both += t[i] == c && p[i] == c;
      either += t[i] == c || p[i] == c;
    }
    total += both / either;
  }
  MeanIoU metric({.num_classes = classes, .ignore_class = 3});
  metric.update(ids({t.begin(), t.begin() + 20}), ids({p.begin(), p.begin() + 20}));
  metric.update(ids({t.begin() + 20, t.end()}), ids({p.begin() + 20, p.end()}));
  check_number(metric.result(), total / classes, 1e-12);
  metric.reset();
  BOOST_TEST(metric.result() == 0);
  // A class that neither contains does not count.
  check_number(result(MeanIoU({.num_classes = 9}), ids({0, 1}), ids({0, 1})), 1);
  // [batch, time] with a mask, and class numbers from probabilities.
  const Tensor probabilities = with_mask(one_hot(tensor<int32_t>({0, 1, 1, 0}, {2, 2}), 2),
                                         tensor<bool>({true, true, true, false}, {2, 2}));
  check_number(result(MeanIoU({.num_classes = 2, .sparse_y_pred = false}),
                      tensor<int32_t>({0, 1, 1, 1}, {2, 2}), probabilities),
               1);
}

BOOST_AUTO_TEST_CASE(overlaps_need_classes) {
  BOOST_TEST(error_of([] { MeanIoU({}); }) ==
             "mean_iou: num_classes is 0; it must be given, and lie in [2, 10000].");
  BOOST_TEST(error_of([] { IoU({.num_classes = 2}); }) ==
             "iou: no target_class_ids were given; these are the classes whose overlaps count.");
  BOOST_TEST(error_of([] { IoU({.num_classes = 2, .target_class_ids = {2}}); }) ==
             "iou: a target class is 2; it must lie in [0, 1].");
  BOOST_TEST(error_of([] {
               result(MeanIoU({.num_classes = 2}), ids({0, 1}), numbers({0, 0.7}, {2}));
             }) ==
             "mean_iou: a prediction is 0.7; it must be a class number, a whole number in [0, 1].\n"
             "  For probabilities of each class set sparse_y_pred to false.");
  BOOST_TEST(error_of([] {
               result(MeanIoU({.num_classes = 2}), ids({0, 5}), ids({0, 1}));
             }).starts_with("mean_iou: y_true[1] is 5; it must be a class number"));
  BOOST_TEST(error_of([] {
               result(OneHotMeanIoU({.num_classes = 2}), numbers({0, NAN, 1, 0}, {2, 2}),
                      numbers({0, 1, 1, 0}, {2, 2}));
             }).starts_with("one_hot_mean_iou: y_true[0] is NaN; it must be a class number"));
  for (const char* text :
       {"iou(num_classes=3, target_class_ids=[0, 2])", "MeanIoU(num_classes=3, ignore_class=-1)",
        "binary_iou(target_class_ids=[1], threshold=0.25, name=mine)",
        "one_hot_mean_iou(num_classes=3)", "pearson_correlation(axis=1)",
        "auc(multi_label=true, label_weights=[1, 3], thresholds=[0.25])"})
    BOOST_TEST(Metric(Metric(text).text()).text() == Metric(text).text(), text);
  BOOST_TEST(IoU({.num_classes = 3, .target_class_ids = {0, 2}}).text() ==
             "iou(num_classes=3, target_class_ids=[0, 2], sparse_y_true=true, sparse_y_pred=true, "
             "axis=-1, name=iou)");
}

BOOST_AUTO_TEST_CASE(several_labels_have_an_area_each) {
  const Tensor t = numbers({0, 1, 1, 1, 0, 0, 1, 0}, {4, 2});
  const Tensor p = numbers({0.2, 0.6, 0.7, 0.3, 0.4, 0.5, 0.1, 0.2}, {4, 2});
  const auto of_label = [&](int64_t label, const AUCOptions& options) {
    return result(AUC(options), slice(t, 1, label, label + 1), slice(p, 1, label, label + 1));
  };
  for (const char* curve : {"ROC", "PR"}) {
    const double a = of_label(0, {.curve = curve}), b = of_label(1, {.curve = curve});
    BOOST_TEST(a != b);
    check_number(result(AUC({.curve = curve, .multi_label = true}), t, p), (a + b) / 2, 1e-12);
    AUC weighted({.curve = curve, .multi_label = true, .label_weights = {1, 3}});
    weighted.update(slice(t, 0, 0, 1), slice(p, 0, 0, 1));
    weighted.update(slice(t, 0, 1, 4), slice(p, 0, 1, 4));
    check_number(weighted.result(), (a + 3 * b) / 4, 1e-12);
  }
  // By hand, for thresholds 0, 0.25 and 1: (false, true) positives (1, 1), (1/2, 1/2), (0, 0).
  check_number(of_label(0, {.thresholds = {0.25}}), 0.5, 1e-12);
  BOOST_TEST(error_of([&] {
               result(AUC({.multi_label = true, .label_weights = {1, 2, 3}}), t, p);
             }) == "auc: there are 3 label_weights, and y_pred has 2 labels.");
  BOOST_TEST(error_of([] { AUC({.label_weights = {1}}); }) ==
             "auc: label_weights are those of multi_label = true, which is not set.");
  BOOST_TEST(error_of([] { AUC({.thresholds = {1.5}}); }) ==
             "auc: a threshold is 1.5; it must lie in [0, 1].");
}

BOOST_AUTO_TEST_CASE(correlations_are_those_of_a_loop) {
  const std::vector<double> t{1, 2, 4, 3, -1, 0, 5, 2}, p{0.5, 2.5, 3, 3, 2, 0, 1, 2};
  double pearson = 0, concordance = 0;
  for (std::size_t row = 0; row < 2; ++row) {
    double tm = 0, pm = 0, tt = 0, pp = 0, tp = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      tm += t[row * 4 + i] / 4;
      pm += p[row * 4 + i] / 4;
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const double a = t[row * 4 + i] - tm, b = p[row * 4 + i] - pm;
      tt += a * a / 4;
      pp += b * b / 4;
      tp += a * b / 4;
    }
    pearson += tp / std::sqrt(tt * pp) / 2;
    concordance += 2 * tp / (tt + pp + (tm - pm) * (tm - pm)) / 2;
  }
  check_number(result(PearsonCorrelation(), numbers(t, {2, 4}), numbers(p, {2, 4})), pearson);
  check_number(result(ConcordanceCorrelation(), numbers(t, {2, 4}), numbers(p, {2, 4})),
               concordance);
  BOOST_TEST(PearsonCorrelation().name() == "pearson_correlation");
}

// --- Losses

BOOST_AUTO_TEST_CASE(losses_of_areas_are_keras_numbers) {
  const Tensor t = numbers({1, 1, 0, 0, 1, 1, 0, 0}, {2, 2, 2, 1});
  const Tensor p = numbers({0, 1, 0, 1, 0.4, 0, 0, 0.9}, {2, 2, 2, 1});
  check_close("dice", Dice({.axis = {1, 2, 3}, .reduction = "none"})(t, p),
              numbers({0.5, 0.75757575}, {2}), 1e-6);
  check_number(Dice()(t, p).item(), 1 - 2 * 1.4 / (4 + 3.3));
  const double both = 1.4, too_much = 1 + 0.9, missed = 1 + 0.6 + 1;
  check_number(Tversky()(t, p).item(), 1 - both / (both + 0.5 * too_much + 0.5 * missed));
  check_number(Tversky({.alpha = 0.2, .beta = 0.7})(t, p).item(),
               1 - both / (both + 0.2 * too_much + 0.7 * missed));
  check_number(Tversky({.axis = {-1, 1, 2}})(t, p).item(),
               (1 - 1 / (1 + 0.5 + 0.5) + 1 - 0.4 / (0.4 + 0.45 + 0.8)) / 2);
  // Masked elements belong to no area.
  const Tensor masked = with_mask(numbers({1, 0.5, 0.25, 9}, {2, 2}),
                                  tensor<bool>({true, true, true, false}, {2, 2}));
  check_number(Dice()(numbers({1, 0, 1, 7}, {2, 2}), masked).item(), 1 - 2 * 1.25 / (2 + 1.75));
  BOOST_TEST(error_of([&] { Dice({.axis = {4}})(t, p); }) ==
             "dice: axis holds 4, and y_pred is [2, 2, 2, 1] float64.\n  Its axes count from 0, or "
             "from -1 at the end; each comes once.");
  for (const char* text : {"dice(axis=[1, 2])", "tversky(alpha=0.25, beta=1)", "circle(gamma=8)"})
    BOOST_TEST(Loss(Loss(text).text()).text() == Loss(text).text(), text);
  BOOST_TEST(Tversky({.axis = {1}}).text() ==
             "tversky(alpha=0.5, beta=0.5, axis=[1], reduction=sum_over_batch_size)");
}

BOOST_AUTO_TEST_CASE(what_is_left_out_is_in_no_pair) {
  const double missing = std::numeric_limits<double>::quiet_NaN();
  const Tensor rows = random_normal({6, 3}, 0, 1, float64, 4), labels = ids({0, 1, 0, 1, 1, 0});
  const Tensor in = tensor<bool>({true, true, false, true, true, true}, {6});
  const Tensor places = ids({0, 1, 3, 4, 5});
  const Circle circle({.gamma = 4}), each({.gamma = 4, .reduction = "none"});
  const double right = circle(gather(labels, places), gather(rows, places)).item();
  for (const double bad : {missing, 1e12, 3.0}) {
    const Tensor p = parameter(where(expand_dims(in, -1), rows, bad));
    const Tensor masked = circle(labels, with_mask(p + 0, in));
    check_number(masked.item(), right, 1e-12);
    const Tensor g = gradient(masked, Tensors{p})[0];
    BOOST_TEST(std::isfinite(sum(g).item()));
    BOOST_TEST(sum(abs(slice(g, 0, 2, 3))).item() == 0);
    // A weight of 0 also leaves a sample out, but the sample stays in the count.
    check_number(circle(labels, p, cast(in, float64)).item(), right * 5 / 6, 1e-12);
    BOOST_TEST(each(labels, with_mask(p + 0, in)).to_vector()[2] == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_loss_of_pairs_is_that_of_a_loop) {
  const std::vector<int> label{0, 1, 0, 2, 1};  // 2 has no partner
  Tensor x = random_normal({5, 3}, 0, 1, float64, 4);
  x = x / sqrt(sum(square(x), -1, true));
  const std::vector<double> v = x.to_vector();
  for (const double gamma : {80.0, 2.0})
    for (const bool remove : {true, false}) {
      const double m = 0.4;
      double total = 0;
      int counted = 0;
      for (std::size_t i = 0; i < 5; ++i) {
        double near = 0, far = 0;
        bool friends = false;
        for (std::size_t j = 0; j < 5; ++j) {
          double d = 1;
          for (std::size_t k = 0; k < 3; ++k) d -= v[i * 3 + k] * v[j * 3 + k];
          d = std::max(d, 0.0);
          if (label[i] == label[j] && !(remove && i == j)) {
            near += std::exp(-gamma * (m + d) * (m - d));
            friends = true;
          }
          if (label[i] != label[j]) far += std::exp(gamma * std::max(1 + m - d, 0.0) * (1 - m - d));
        }
        if (!friends) continue;
        total += std::log1p(near * far);
        ++counted;
      }
      const Circle circle({.gamma = gamma, .remove_diagonal = remove});
      check_number(circle(ids({0, 1, 0, 2, 1}), x).item(), total / counted, 1e-6 * total);
    }
  // Training pulls classes together.
  // All can converge from here: a sample whose class is behind the other one would stay there.
  const Tensor w = parameter(tensor<float>({1, -1, 1, 0, 1, 1, 0.5, 1, 0, 1, -1, 1}, {6, 2}), "w");
  Adam adam({.learning_rate = 0.1});
  const auto loss = [&] {
    const Tensor unit = w / sqrt(sum(square(w), -1, true));
    return Circle({.gamma = 4})(ids({0, 0, 0, 1, 1, 1}), unit);
  };
  const double before = loss().item();
  for (int i = 0; i < 30; ++i) adam.step({w}, gradient(loss(), Tensors{w}));
  BOOST_TEST(before > 3.5);
  BOOST_TEST(loss().item() < 1.1);
}
