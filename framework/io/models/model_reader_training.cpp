// SPDX-License-Identifier: Apache-2.0
// Reads the training part of a model file, and compiles a model by it.
#include <set>

#include "io/json_values.hpp"
#include "io/models/model_reader.hpp"
#include "ops/defaults.hpp"
#include "training/models/model_state.hpp"
#include "training/optimizers/optimizer_state.hpp"

namespace tempo {

using json = nlohmann::ordered_json;

namespace {

constexpr std::size_t most_metrics = 10000;

template <class Own>
const Own* own(const std::vector<Own>& given, const std::string& name) {
  for (const Own& g : given)
    if (g.name == name) return &g;
  return nullptr;
}

GeneratorState generator_of(const json& from) {
  return {.seed = integer_of(from.at("seed"), "the generator's seed"),
          .stream = integer_of(from.at("stream"), "the generator's stream")};
}

Place place_of(const json& from) {
  Place out{.batch = integer_of(from.at("batch"), "a batch"),
            .round = integer_of(from.at("round"), "a round"),
            .at = integer_of(from.at("at"), "a place"),
            .generator = generator_of(from.at("generator"))};
  if (out.batch < 0 || out.round < 0 || out.at < 0)
    throw FormatError("its place in an epoch is below 0.");
  return out;
}

double loss_weight_of(const json& from) {
  if (!from.is_number()) throw FormatError("the weight of a loss is no number.");
  return from.get<double>();
}

// The name of a user's function; none if the JSON is a text.
std::optional<std::string> name_of_own(const json& from) {
  if (from.is_object()) return text_of(from.at("own"), "the name of a function");
  if (text_of(from, "a loss or metric").empty()) return "loss";
  return {};
}

// The options, with the losses of several outputs if there are several.
CompileOptions options_of(const std::vector<Output>& outputs, CompileOptions options) {
  if (outputs.empty()) return options;
  std::vector<PerOutput<Loss>::Named> losses;
  std::vector<PerOutput<double>::Named> weights;
  for (const Output& of : outputs) {
    losses.push_back({of.name, of.loss});
    weights.push_back({of.name, of.weight});
    options.output_metrics.push_back({of.name, of.metrics, of.weighted_metrics});
  }
  options.loss = {};
  options.losses = PerOutput<Loss>(std::move(losses));
  options.loss_weights = PerOutput<double>(std::move(weights));
  return options;
}

}  // namespace

std::optional<Loss> ModelReader::loss(const json& from, std::string& missing) const {
  const auto name = name_of_own(from);
  if (!name) return Loss(from.get<std::string>());
  if (const OwnLoss* given = own(options_.losses, *name)) return given->loss;
  missing += (missing.empty() ? "the loss `" : ", the loss `") + *name + "`";
  return {};
}

std::optional<std::vector<Metric>> ModelReader::metrics(const json& from,
                                                        std::string& missing) const {
  std::vector<Metric> out;
  for (const json& entry : list_of(from, most_metrics, "metrics")) {
    const auto name = name_of_own(entry);
    const OwnMetric* given = name ? own(options_.metrics, *name) : nullptr;
    if (name && !given)
      missing += (missing.empty() ? "the metric `" : ", the metric `") + *name + "`";
    else
      out.push_back(given ? given->metric : Metric(entry.get<std::string>()));
  }
  return out;
}

std::vector<Output> ModelReader::outputs(const json& from, std::string& missing) const {
  std::vector<Output> out;
  for (const json& entry : list_of(from, most_metrics, "outputs")) {
    Output of;
    of.name = text_of(entry.at("name"), "the name of an output");
    if (!entry.at("loss").is_null())
      if (const auto found = loss(entry.at("loss"), missing)) of.loss = *found;
    of.weight = loss_weight_of(entry.at("weight"));
    of.metrics = *metrics(entry.at("metrics"), missing);
    of.weighted_metrics = *metrics(entry.at("weighted_metrics"), missing);
    out.push_back(std::move(of));
  }
  if (out.size() < 2) throw FormatError("its outputs are fewer than two.");
  return out;
}

ModelReader::Training ModelReader::training(const json& from,
                                            const Optimizer::NamedTensors& weights) const {
  Training out{.optimizer = Optimizer(text_of(from.at("optimizer"), "the optimizer"))};
  if (auto& rate = out.optimizer.required().schedule; rate && rate->is_own()) {
    if (options_.learning_rate)
      rate = *options_.learning_rate;
    else
      out.missing = "the function of its learning rate";
  }
  out.optimizer.restore(slots_, weights);
  if (from.contains("generator")) out.generator = generator_of(from.at("generator"));
  if (from.contains("place")) out.place = place_of(from.at("place"));
  if (from.contains("epoch")) out.epoch = integer_of(from.at("epoch"), "epoch");
  if (out.epoch < 0 || out.epoch > INT32_MAX)
    throw FormatError("epoch is " + std::to_string(out.epoch) + ".");
  if (from.contains("left_out_of_decay")) {
    const json& left_out = from.at("left_out_of_decay");
    for (const json& word : list_of(left_out.at("words"), most_metrics, "words"))
      out.words.push_back(text_of(word, "a word of exclude_from_weight_decay"));
    std::set<std::string> paths;
    for (const json& path : list_of(left_out.at("weights"), weights.size(), "weights"))
      paths.insert(text_of(path, "a weight of exclude_from_weight_decay"));
    for (const auto& [path, w] : weights)
      if (paths.contains(path)) out.left_out.push_back(w);
  }
  if (from.contains("outputs"))
    out.outputs = outputs(from.at("outputs"), out.missing);
  else if (const auto found = loss(from.at("loss"), out.missing))
    out.loss = *found;
  if (from.contains("loss_weight")) out.loss_weight = loss_weight_of(from.at("loss_weight"));
  out.metrics = *metrics(from.at("metrics"), out.missing);
  out.weighted_metrics = *metrics(from.at("weighted_metrics"), out.missing);
  if (!out.missing.empty()) {
    json needs = {{"loss", from.at("loss")},
                  {"metrics", from.at("metrics")},
                  {"weighted_metrics", from.at("weighted_metrics")}};
    for (const char* part : {"outputs", "loss_weight"})
      if (from.contains(part)) needs[part] = from.at(part);
    out.needs = needs.dump();
  }
  return out;
}

void ModelReader::compile(Model& model, const Training& training) const {
  ModelState& state = *model.state_;
  Optimizer optimizer = training.optimizer;
  optimizer.exclude_from_weight_decay(training.words);
  optimizer.exclude_from_weight_decay(training.left_out);
  if (training.missing.empty()) {
    model.compile(options_of(training.outputs, {.optimizer = optimizer,
                                                .loss = training.loss,
                                                .loss_weights = {training.loss_weight},
                                                .metrics = training.metrics,
                                                .weighted_metrics = training.weighted_metrics}));
  } else {
    state.optimizer = optimizer;
    state.needs = training.needs;
    state.not_compiled =
        path_ + " was saved with " + training.missing + ", which no file can hold.\n  " +
        (training.missing.starts_with("the function of its learning rate")
             ? "Give it: load_model(path, {.learning_rate = f})."
             : "Give it: load_model(path, {.losses = {{\"name\", f}}, .metrics = {{\"name\", "
               "g}}}); "
               "or call\n  model.compile({.optimizer = model.optimizer(), .loss = f}), which goes "
               "on with what the optimizer remembers.");
  }
  state.epoch = training.epoch;
  if (optimizer.iterations() > 0 || training.place)
    state.resumes = ModelState::Resumes{training.generator, seedings(), training.place};
}

}  // namespace tempo
