// SPDX-License-Identifier: Apache-2.0
// Makes layers and their inputs from rows, compares tensors, and collects all that a layer shows.
#include "check/subject.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <sstream>

#include <tempo/gradient.hpp>
#include <tempo/option.hpp>
#include <tempo/regularization.hpp>

#include "tensor/place.hpp"

namespace tempo::conformance {

namespace {

void add(sdk::OptionList& list, const Given& given) {
  const auto add_value = [&](const auto& value) {
    using Value = std::decay_t<decltype(value)>;
    if constexpr (std::is_same_v<Value, Given::MadeLayer>)
      list.add(given.name, value());
    else
      list.add(given.name, value);
  };
  std::visit(add_value, given.value);
}

// The bytes of a tensor as text: equal texts mean equal bits.
std::string bits(const Tensor& t) {
  std::string text = to_string(t.shape(), t.dtype()) + " ";
  for (const double value : t.to_vector()) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    text.append(bytes, sizeof bytes);
  }
  if (const Tensor mask = mask_of(t)) text += " masked " + bits(mask);
  return text;
}

// Sets all trainable weights to different values. Others keep their initial values.
void scatter(const Layer& layer) {
  int64_t seed = 70;
  for (const Tensor& w : layer.trainable_weights())
    assign(w, cast(random_normal(w.shape(), 0, 0.4, float64, seed++), w.dtype()));
}

Row row_by_default(const std::string& name, const tempo_layer_type& type) {
  Row row{.layer = name};
  if (const tempo_option* units = sdk::described(type, "units");
      units && units->kind == TEMPO_OPTION_INT)
    row.options.emplace_back("units", 5);
  return row;
}

}  // namespace

std::string registered_name(const tempo_layer_type& type) {
  return std::string(type.name) + (type.kind == TEMPO_CELL ? " cell" : "");
}

std::string to_string(const Given& given) {
  std::ostringstream text;
  text << given.name << "=";
  if (const auto* whole = std::get_if<int64_t>(&given.value)) text << *whole;
  if (const auto* real = std::get_if<double>(&given.value)) text << *real;
  if (const auto* word = std::get_if<std::string>(&given.value)) text << *word;
  if (const auto* list = std::get_if<std::vector<int64_t>>(&given.value))
    text << tempo::to_string(Shape(list->begin(), list->end()));
  if (const auto* layer = std::get_if<Given::MadeLayer>(&given.value))
    text << (*layer)().type_name();
  return text.str();
}

std::string Subject::name() const {
  return registered_name(*type_) + (row_.form.empty() ? "" : ", " + row_.form);
}

namespace {
// The options of the row that `more` does not replace, and `more`.
void add_all(sdk::OptionList& options, const Row& row, const std::vector<Given>& more) {
  const auto replaced = [&](const Given& given) {
    return std::any_of(more.begin(), more.end(),
                       [&](const Given& m) { return m.name == given.name; });
  };
  for (const Given& given : row.options)
    if (!replaced(given)) add(options, given);
  for (const Given& given : more) add(options, given);
}
}  // namespace

Layer Subject::make_alone(const std::vector<Given>& more) const {
  sdk::OptionList options;
  add_all(options, row_, more);
  return sdk::make_layer(*type_, options);
}

Layer Subject::make(const std::vector<Given>& more) const {
  sdk::OptionList options;
  add_all(options, row_, more);
  const Layer made = sdk::make_layer(*type_, options);
  if (!is_cell()) return made;
  const auto common = [&](const char* name, int64_t otherwise) {
    const tempo_attribute* const given = options.find(name);
    return given ? given->integer : otherwise;
  };
  return layer("RNN", {{"cell", made.handle()},
                       {"return_sequences", true},
                       {"trainable", common("trainable", 1)},
                       {"dtype", common("dtype", static_cast<int64_t>(DType::automatic))}});
}

Layer Subject::ready(const Tensors& x, const std::vector<Given>& more) const {
  std::vector<Given> options = more;
  options.emplace_back("dtype", static_cast<int64_t>(float64));
  const Layer layer = make(options);
  (void)layer.call(x);
  layer.reset_state();
  scatter(layer);
  return layer;
}

Tensors Subject::inputs(DType dtype, Size size, int64_t seed) const {
  Tensors all;
  for (const Input& input : row_.inputs) {
    Shape shape = input.shape;
    if (size.batch > 0) shape[0] = size.batch;
    if (input.has_time()) shape[1] += size.more_time;
    if (input.ids > 0) {
      const Tensor drawn =
          random_uniform(shape, 0, static_cast<double>(input.ids), float64, seed++);
      all.push_back(cast(drawn, int64));  // rounds towards 0
    } else {
      const Tensor drawn = random_normal(shape, 0, 1, float64, seed++);
      all.push_back(cast(input.positive ? abs(drawn) + 0.01 : drawn, dtype));
    }
  }
  return all;
}

Tensors Subject::masks(const Tensors& x) const {
  Tensors all;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!row_.inputs[i].has_time()) {
      all.emplace_back();
      continue;
    }
    const int64_t batch = x[i].shape()[0], time = x[i].shape()[1];
    std::vector<bool> counts;
    for (int64_t row = 0; row < batch; ++row)
      for (int64_t t = 0; t < time; ++t) {
        const bool padded = row % 3 == 1 && t >= time - 2;
        const bool hole = row % 3 == 2 && (row_.holes ? t == 0 || t == 2 : t == time - 1);
        counts.push_back(!padded && !hole);
      }
    all.push_back(tensor(counts, {batch, time}));
  }
  return all;
}

bool Subject::has_time() const {
  return std::any_of(row_.inputs.begin(), row_.inputs.end(),
                     [](const Input& input) { return input.has_time(); });
}

bool Subject::describes(const std::string& option) const {
  return std::any_of(type_->options, type_->options + type_->n_options,
                     [&](const tempo_option& o) { return option == o.name; });
}

std::string Subject::standard(const tempo_option& option) const {
  for (const Given& given : row_.options)
    if (given.name == option.name) {
      if (option.kind == TEMPO_OPTION_BOOL)
        return std::get<int64_t>(given.value) != 0 ? "true" : "false";
      const std::string text = to_string(given);
      return text.substr(text.find('=') + 1);
    }
  return option.standard;
}

Seen Subject::seen(const Sequential& model) const {
  Seen all;
  const Layer layer = model.layers().at(0);
  const auto add_all = [&](const std::string& what, const Tensors& tensors) {
    for (std::size_t i = 0; i < tensors.size(); ++i)
      all.parts.emplace_back(what + " " + std::to_string(i), bits(tensors[i]));
  };
  // An error of one form of the layer is recorded, too.
  const auto look = [&](const std::string& what, const std::function<Tensors()>& f) {
    set_seed(21);
    try {
      add_all(what, f());
    } catch (const Error& error) {
      all.parts.emplace_back(what, error.what());
    }
  };
  const DType dtype = static_cast<DType>(layer.view().dtype);
  const Tensors x = inputs(is_floating(dtype) ? dtype : default_dtype());
  look("result", [&] { return model.call(x); });
  all.parts.emplace_back("name", layer.name());
  all.parts.emplace_back("dtype", name_of(static_cast<DType>(layer.view().dtype)));
  all.parts.emplace_back("trainable weights", std::to_string(layer.trainable_weights().size()));
  for (const Tensor& w : layer.weights()) all.parts.emplace_back("weight " + w.path(), bits(w));
  look("result of a second call", [&] { return model.call(x); });
  layer.reset_state();
  look("masked result", [&] { return model.call(masked(x, masks(x))); });
  layer.reset_state();
  look("result in training", [&] {
    const AddedLosses added;
    Tensors seen = model.call(x, {.training = true});
    seen.push_back(added.total());
    return seen;
  });
  layer.reset_state();
  look("trained weight", [&] {
    Model trained = model;
    trained.compile({.optimizer = SGD({.learning_rate = 0.05}), .loss = "mse"});
    const Tensor y = trained(x);
    layer.reset_state();
    const Tensor target = random_normal(y.shape(), 0, 1, y.dtype(), 5);
    const History history = trained.fit(
        x, target, {.batch_size = y.shape()[0], .epochs = 2, .shuffle = false, .verbose = 0});
    Tensors after = layer.weights();
    after.push_back(scalar(history["loss"].back(), float64));
    return after;
  });
  layer.reset_state();
  return all;
}

OtherWeights::OtherWeights(const Layer& layer) {
  std::set<std::string> trained;
  for (const Tensor& w : layer.trainable_weights()) trained.insert(w.path());
  for (const Tensor& w : layer.weights())
    if (!trained.contains(w.path())) weights_.push_back(w);
  for (const Tensor& w : weights_) values_.push_back(w.to_vector());
}
bool OtherWeights::moved() const {
  for (std::size_t i = 0; i < weights_.size(); ++i)
    if (weights_[i].to_vector() != values_[i]) return true;
  return false;
}
void OtherWeights::put_back() const {
  for (std::size_t i = 0; i < weights_.size(); ++i)
    assign(weights_[i],
           cast(tensor(values_[i], weights_[i].shape(), float64), weights_[i].dtype()));
}

std::string Seen::difference(const Seen& other) const {
  for (std::size_t i = 0; i < parts.size() || i < other.parts.size(); ++i) {
    if (i >= parts.size()) return other.parts[i].first;
    if (i >= other.parts.size() || parts[i] != other.parts[i]) return parts[i].first;
  }
  return "";
}

std::vector<Subject> subjects(const std::vector<PluginContents>& plugins,
                              const std::vector<Row>& known) {
  std::vector<Subject> all;
  for (const PluginContents& plugin : plugins)
    for (const tempo_layer_type* type : plugin.layers) {
      const std::size_t before = all.size();
      for (const Row& row : known)
        if (row.layer == registered_name(*type)) all.emplace_back(*type, row);
      if (all.size() == before)
        all.emplace_back(*type, row_by_default(registered_name(*type), *type), false);
    }
  return all;
}

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw Fault(otherwise);
}

void require_close(const std::string& what, const Tensor& got, const Tensor& expected,
                   double tolerance) {
  require(got.shape() == expected.shape() && got.dtype() == expected.dtype(),
          what + " is " + to_string(got.shape(), got.dtype()) + ", not " +
              to_string(expected.shape(), expected.dtype()));
  const std::vector<double> a = got.to_vector(), b = expected.to_vector();
  double scale = 1, worst = -1;
  std::size_t at = 0;
  for (const double value : b)
    if (std::isfinite(value)) scale = std::max(scale, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    double error = same ? 0 : std::abs(a[i] - b[i]);
    if (std::isnan(error)) error = HUGE_VAL;
    if (error <= worst) continue;
    worst = error;
    at = i;
  }
  if (worst <= tolerance * scale) return;
  std::ostringstream text;
  text.precision(tolerance > 1e-9 ? 9 : 17);
  text << what << " " << to_string(got.shape(), got.dtype()) << " at "
       << place_in(got.shape(), static_cast<int64_t>(at)) << " is " << a[at] << ", not " << b[at];
  throw Fault(text.str());
}

void require_close(const std::string& what, const Tensors& got, const Tensors& expected,
                   double tolerance) {
  require(got.size() == expected.size(), what + ": " + std::to_string(got.size()) +
                                             " tensors, not " + std::to_string(expected.size()));
  for (std::size_t i = 0; i < got.size(); ++i)
    require_close(what + (got.size() > 1 ? " " + std::to_string(i) : ""), got[i], expected[i],
                  tolerance);
}

std::string difference(const std::string& what, const Tensors& got, const Tensors& expected,
                       double tolerance) {
  try {
    require_close(what, got, expected, tolerance);
  } catch (const Fault& fault) {
    return fault.what();
  }
  return "";
}

Tensors results(const Layer& layer, const Tensors& x, bool training, int64_t seed) {
  set_seed(seed);
  return layer.call(x, {.training = training});
}

Tensors leaves(const Layer& layer, const Tensors& x) {
  Tensors all = layer.trainable_weights();
  for (const Tensor& t : x)
    if (t.tracked()) all.push_back(t);
  return all;
}

Tensors parameters(const Tensors& x) {
  Tensors all;
  for (const Tensor& t : x) all.push_back(is_floating(t.dtype()) ? parameter(t) : t);
  return all;
}

Tensor mixed(const Tensors& results) {
  Tensor total = scalar(0, float64);
  int64_t seed = 90;
  for (const Tensor& t : results) {
    if (!is_floating(t.dtype())) continue;
    total = total + sum(cast(t, float64) * random_normal(t.shape(), 0, 1, float64, seed++));
  }
  return total;
}

Tensors masked(const Tensors& x, const Tensors& masks) {
  Tensors all;
  for (std::size_t i = 0; i < x.size(); ++i)
    all.push_back(masks[i] ? with_mask(x[i], masks[i]) : x[i]);
  return all;
}

}  // namespace tempo::conformance
