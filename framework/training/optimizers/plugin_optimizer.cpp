// SPDX-License-Identifier: Apache-2.0
// An optimizer whose formula is a plugin's, with the settings that all optimizers have.
#include "plugin/functions.hpp"
#include "plugin/registry.hpp"
#include "plugin/words.hpp"
#include "training/optimizers/optimizer_rule.hpp"

namespace tempo {

namespace {

struct PluginOptimizerOptions : CommonSettings {
  LearningRate learning_rate = 0.001;
  std::vector<std::pair<std::string, std::string>> own = {};  // by name, as texts
};

struct PluginRule : Rule<PluginRule, PluginOptimizerOptions> {
  PluginRule(const PluginOptimizerOptions& o, std::unique_ptr<const tempo_function> its)
      : Rule(o), function(std::move(its)), slot_names(words_of(function->type->slots)) {}
  static constexpr const char* names[] = {"optimizer"};
  static void describe_own(auto& setting, PluginOptimizerOptions& o) {
    for (auto& [key, text] : o.own) setting(key.c_str(), text);
  }

  std::string name() const override { return function ? function->name : names[0]; }
  Rates rates() const override { return {learning_rate, static_cast<double>(iterations + 1), 0}; }
  // Unknown for the formula of a plugin: the cautious answers.
  bool elementwise() const override { return false; }
  double least_divisor() const override { return 0; }
  Tensor next(const Tensor& w, const Tensor& g, const Tensors& n, Slots& slots) const override {
    Tensors x{w, g, n[0], n[1]};
    for (const std::string& slot : slot_names) x.push_back(slots(slot.c_str()));
    const Tensors made = call_function(*function, x, 1 + slot_names.size());
    for (std::size_t i = 0; i < made.size(); ++i) require_type(i, made[i], w);
    for (std::size_t i = 0; i < slot_names.size(); ++i) slots(slot_names[i].c_str()) = made[1 + i];
    return made[0];
  }

  std::unique_ptr<const tempo_function> function;
  std::vector<std::string> slot_names;

 private:
  void require_type(std::size_t i, const Tensor& made, const Tensor& w) const {
    if (made.shape() == w.shape() && made.dtype() == w.dtype()) return;
    throw PluginError("optimizer " + name() + ": of a weight " + to_string(w.shape(), w.dtype()) +
                      " it makes " + (i == 0 ? "one" : "the slot `" + slot_names[i - 1] + "`") +
                      " of " + to_string(made.shape(), made.dtype()) + ".");
  }
};

}  // namespace

OptimizerRef plugin_optimizer(SettingsReader& reader) {
  const std::string name = whole_function_name(TEMPO_OPTIMIZER, reader.spelled());
  if (name.empty()) return nullptr;
  const tempo_function_type& type = *find_function_type(TEMPO_OPTIMIZER, name);
  PluginOptimizerOptions options;
  for (uint32_t i = 0; i < type.n_options; ++i) {
    const tempo_option& o = *tempo_option_at(type.options, i);
    options.own.emplace_back(o.name, o.standard);
  }
  describe_optimizer<PluginRule>(reader, options);
  reader.finish();
  auto function =
      bound_function(TEMPO_OPTIMIZER, name, "optimizer `" + reader.text() + "`",
                     [&](const char*, std::size_t i) { return options.own.at(i).second; });
  return std::make_shared<PluginRule>(options, std::move(function));
}

}  // namespace tempo
