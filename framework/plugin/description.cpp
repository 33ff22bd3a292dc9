// SPDX-License-Identifier: Apache-2.0
// The rules for descriptions of layers, cells, ops, functions and options.
#include "plugin/description.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <tempo/dtype.hpp>
#include <tempo/error.hpp>

#include "plugin/host.hpp"
#include "plugin/utf8.hpp"
#include "plugin/words.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

constexpr uint32_t most_options = 1000;

// Options that the host itself reads, if a layer has them.
struct OwnOption {
  const char* name;
  uint32_t kind;
  const char* kind_name;
};
const OwnOption own_options[] = {
    {"name", TEMPO_OPTION_TEXT, "a text"},
    {"trainable", TEMPO_OPTION_BOOL, "a bool"},
    {"dtype", TEMPO_OPTION_DTYPE, "a dtype"},
    {"activity_regularizer", TEMPO_OPTION_REGULARIZER, "a regularizer"},
    {"return_sequences", TEMPO_OPTION_BOOL, "a bool"},
    {"seed", TEMPO_OPTION_INT, "an integer"},
};

bool is_number(const char* text) {
  double value = 0;
  const char* const end = text + std::strlen(text);
  const auto [read, error] = std::from_chars(text, end, value);
  return error == std::errc() && read == end;
}

// Whether the default text can be read as a value of the option's kind.
bool fits_default(const tempo_option& option) {
  const std::string_view text = option.standard;
  switch (option.kind) {
    case TEMPO_OPTION_INT:
    case TEMPO_OPTION_REAL: return is_number(option.standard);
    case TEMPO_OPTION_BOOL: return text == "true" || text == "false";
    case TEMPO_OPTION_DTYPE: return text == "automatic" || dtype_named(option.standard);
    default: return true;
  }
}

void require_option(const std::string& who, const tempo_option& option) {
  const std::string its = who + "its option `" + option.name + "` ";
  if (!is_plain_name(option.name))
    throw PluginError(
        its + "has a name that is not of 1 to 64 letters, digits and `_`, the first no digit.");
  for (const OwnOption& own : own_options)
    if (std::string_view(own.name) == option.name && own.kind != option.kind)
      throw PluginError(its + "must be " + own.kind_name + ", as Tempo reads it, too.");
  const bool number = option.kind == TEMPO_OPTION_INT || option.kind == TEMPO_OPTION_REAL;
  if (number && !(option.at_least <= option.at_most))  // NaN, too
    throw PluginError(its + "must be at least " + std::to_string(option.at_least) +
                      " and at most " + std::to_string(option.at_most) +
                      ", which no number is.\n  Infinities leave a limit open.");
  if (option.choices && option.kind != TEMPO_OPTION_TEXT)
    throw PluginError(its + "has choices, and only texts can have them.");
  if (!fits_default(option))
    throw PluginError(its + "has the default `" + option.standard +
                      "`, which is none of its kind.");
  if (!is_utf8(option.sentence)) throw PluginError(its + "has a sentence that is not UTF-8.");
  if (!is_utf8(option.standard)) throw PluginError(its + "has a default that is not UTF-8.");
}

[[noreturn]] void incomplete_option(const std::string& who, uint32_t i) {
  throw PluginError(who + "the description of option " + std::to_string(i) +
                    " is incomplete (size, kind, name, sentence or standard).");
}

// The stride of the array of options is the size of its first element.
template <class Type>
const tempo_option& option_at(const Type& type, uint32_t i) {
  return *tempo_option_at(type.options, i);
}

template <class Type>
void require_options(const std::string& who, const Type& type) {
  if (type.n_options > most_options)
    throw PluginError(who + "it has " + std::to_string(type.n_options) + " options; at most " +
                      std::to_string(most_options) + " are possible.");
  if (type.n_options && !type.options)
    throw PluginError(who + "it has no table of options, only their number.");
  if (type.n_options && type.options[0].size > largest_element)
    throw PluginError(who + "the description of option 0 says that it has " +
                      std::to_string(type.options[0].size) + " bytes; at most " +
                      std::to_string(largest_element) +
                      " are possible.\n  Its field `size` is set by whoever provides it.");
  for (uint32_t i = 0; i < type.n_options; ++i) {
    if (type.options[0].size < TEMPO_OPTION_SIZE_1_0 ||
        type.options[0].size % alignof(tempo_option) != 0 ||
        option_at(type, i).size != type.options[0].size)
      incomplete_option(who, i);
    const tempo_option o = whole(option_at(type, i));
    if (!o.name || !o.sentence || !o.standard || o.kind > TEMPO_OPTION_CONSTRAINT)
      incomplete_option(who, i);
    require_option(who, o);
    for (uint32_t k = 0; k < i; ++k)
      if (std::string_view(option_at(type, k).name) == o.name)
        throw PluginError(who + "its option `" + o.name + "` is described twice.");
  }
}

std::string who_is(const tempo_layer_type& type) {
  return std::string("register_layer: ") + (type.kind == TEMPO_CELL ? "cell" : "layer") + " `" +
         type.name + "`: ";
}

void require_plain_name(const std::string& who, const char* name) {
  if (!is_plain_name(name))
    throw PluginError(who +
                      "its name is not of 1 to 64 letters, digits and `_`, the first no digit.\n"
                      "  A model that has it could be saved and not be loaded.");
}

}  // namespace

const char* own_option(uint32_t i) {
  return i < std::size(own_options) ? own_options[i].name : nullptr;
}

bool is_plain_name(const std::string& name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return !name.empty() && name.size() <= 64 && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || digit(c); });
}

void require_whole(const tempo_layer_type* given) {
  const tempo_layer_type type =
      given && given->size >= TEMPO_LAYER_TYPE_SIZE_1_0 ? whole(*given) : tempo_layer_type{};
  if (!type.name || !*type.name || type.kind > TEMPO_CELL || !type.summary || !type.create ||
      !type.destroy || !type.build || !type.call || (type.kind == TEMPO_CELL && !type.states))
    throw PluginError(
        "register_layer: the description is incomplete (size, kind, name, summary, create, "
        "destroy, build, call or, of a cell, states).");
  const std::string who = who_is(type);
  if (type.kind == TEMPO_LAYER && (type.states || type.initial || type.once))
    throw PluginError(who + "only a cell has states, initial and once.");
  if (type.flags & ~uint32_t{TEMPO_TAKES_CONSTANTS} || type.reserved)
    throw PluginError(who + "it has a flag that this Tempo does not know.");
  if (!type.save != !type.load)
    throw PluginError(who + "it has one of save and load; what is saved is put back.");
  require_options(who, type);
}

void require_registrable(const tempo_layer_type* type) {
  require_whole(type);
  const std::string who = who_is(*type);
  require_plain_name(who, type->name);
  if (!is_utf8(type->summary)) throw PluginError(who + "its summary is not UTF-8.");
}

void require_registrable(const tempo_op_type* type) {
  if (!type || type->size < TEMPO_OP_TYPE_SIZE_1_0 || !type->name || !*type->name ||
      !type->summary || !type->infer || !type->kernel)
    throw PluginError(
        "register_op: the description is incomplete (size, name, summary, infer or kernel).");
  const std::string who = std::string("register_op: op `") + type->name + "`: ";
  require_plain_name(who, type->name);
  if (!is_utf8(type->summary)) throw PluginError(who + "its summary is not UTF-8.");
  if (type->n_inputs > TEMPO_MAX_INPUTS)
    throw PluginError(who + "it takes " + std::to_string(type->n_inputs) + " inputs; at most " +
                      std::to_string(TEMPO_MAX_INPUTS) + " are possible.");
  if (type->n_results > TEMPO_MAX_OUTPUTS)
    throw PluginError(who + "it gives " + std::to_string(type->n_results) + " results; at most " +
                      std::to_string(TEMPO_MAX_OUTPUTS) + " are possible.");
  if (type->flags) throw PluginError(who + "it has a flag that this Tempo does not know.");
}

namespace {

// The arguments of a text that the host itself reads, for each kind of function.
bool is_hosts_argument(uint32_t kind, std::string_view name) {
  switch (kind) {
    case TEMPO_INITIALIZER: return name == "seed";
    case TEMPO_LOSS: return name == "reduction";
    case TEMPO_METRIC: return name == "name";
    case TEMPO_OPTIMIZER:
      for (const std::string_view own :
           {"learning_rate", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "use_ema",
            "ema_momentum", "ema_overwrite_frequency", "loss_scale_factor",
            "gradient_accumulation_steps"})
        if (name == own) return true;
      return false;
    default: return false;
  }
}

void require_slots(const std::string& who, uint32_t kind, const char* slots) {
  if (!slots) return;
  if (kind != TEMPO_OPTIMIZER) throw PluginError(who + "only an optimizer has slots.");
  const std::vector<std::string> names = words_of(slots);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!is_plain_name(names[i]) || names[i] == "average" || names[i] == "gradient_accumulator" ||
        std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
            names.begin() + static_cast<std::ptrdiff_t>(i))
      throw PluginError(who + "its slots `" + slots +
                        "` are not names of letters, digits and `_`, joined by `|`, each once.");
}

}  // namespace

void require_registrable(uint32_t kind, const tempo_function_type* given) {
  static const char* const kinds[] = {"initializer", "activation", "loss", "metric", "optimizer"};
  const tempo_function_type type =
      given && given->size >= TEMPO_FUNCTION_TYPE_SIZE_1_0 ? whole(*given) : tempo_function_type{};
  if (!type.name || !*type.name || !type.summary || !type.call)
    throw PluginError(
        "register_type: the description is incomplete (size, name, summary or call).");
  const std::string who = std::string("register_type: ") + kinds[kind] + " `" + type.name + "`: ";
  require_plain_name(who, type.name);
  if (!is_utf8(type.summary)) throw PluginError(who + "its summary is not UTF-8.");
  require_options(who, type);
  for (uint32_t i = 0; i < type.n_options; ++i) {
    const tempo_option o = whole(option_at(type, i));
    if (o.kind > TEMPO_OPTION_TEXT)
      throw PluginError(who + "its option `" + o.name +
                        "` is neither an integer, a number, a bool nor a text.");
    if (is_hosts_argument(kind, o.name))
      throw PluginError(who + "its option `" + o.name + "` is one that Tempo reads itself.");
  }
  require_slots(who, kind, type.slots);
  const uint32_t known = kind == TEMPO_METRIC ? TEMPO_HIGHER_IS_BETTER | TEMPO_LOWER_IS_BETTER : 0;
  if (type.flags & ~known || type.reserved)
    throw PluginError(who + "it has a flag that this Tempo does not know.");
}

bool is_plugin_name(const std::string& name) {
  bool begins = true;
  for (const char c : name) {
    const bool between = c == '.' || c == '-';
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    if (begins ? !letter : !(letter || digit || between)) return false;
    begins = between;
  }
  return !begins && name.size() <= 64;
}

namespace {

// A description that the host keeps. It is never freed: plugins are never unloaded.
struct Kept {
  std::deque<std::string> texts;
  std::vector<tempo_option> options;
  tempo_layer_type layer{};
  tempo_op_type op{};
  tempo_function_type function{};

  const char* text(const char* given) { return given ? texts.emplace_back(given).c_str() : given; }
};
Kept& one_more() {
  static auto& all = *new std::deque<Kept>;
  const ProcessLock lock(ProcessLock::registry);
  return all.emplace_back();
}
std::unordered_set<const tempo_layer_type*>& kept_layers() {
  static auto& all = *new std::unordered_set<const tempo_layer_type*>;
  return all;
}

}  // namespace

namespace {
template <class Type>
void keep_texts_and_options(Type& type, Kept& mine) {
  for (uint32_t i = 0; i < type.n_options; ++i) {
    tempo_option& o = mine.options.emplace_back(whole(option_at(type, i)));
    o.name = mine.text(o.name);
    o.sentence = mine.text(o.sentence);
    o.standard = mine.text(o.standard);
    o.choices = mine.text(o.choices);
  }
  type.name = mine.text(type.name);
  type.summary = mine.text(type.summary);
  type.options = mine.options.data();
}
}  // namespace

const tempo_layer_type& kept(const tempo_layer_type& whole_type) {
  Kept& mine = one_more();
  tempo_layer_type& type = mine.layer = whole(whole_type);
  keep_texts_and_options(type, mine);
  const ProcessLock lock(ProcessLock::registry);
  kept_layers().insert(&type);
  return type;
}

const tempo_function_type& kept(const tempo_function_type& whole_type) {
  Kept& mine = one_more();
  tempo_function_type& type = mine.function = whole(whole_type);
  keep_texts_and_options(type, mine);
  type.slots = mine.text(type.slots);
  return type;
}

const tempo_op_type& kept(const tempo_op_type& whole_type) {
  Kept& mine = one_more();
  tempo_op_type& type = mine.op = whole(whole_type);
  type.name = mine.text(type.name);
  type.summary = mine.text(type.summary);
  return type;
}

namespace {
// The whole content of a description as bytes, whatever its addresses are.
std::string contents_of(const tempo_layer_type& given) {
  std::string out;
  const auto add = [&out](const auto& plain) {
    out.append(reinterpret_cast<const char*>(&plain), sizeof plain);
  };
  const auto add_text = [&out](const char*& text) {
    out += text ? '"' : '-';
    if (text) out.append(text, std::strlen(text) + 1);
    text = nullptr;
  };
  tempo_layer_type type = whole(given);
  for (uint32_t i = 0; i < type.n_options; ++i) {
    tempo_option o = whole(option_at(type, i));
    for (const char** text : {&o.name, &o.sentence, &o.standard, &o.choices}) add_text(*text);
    add(o);
  }
  for (const char** text : {&type.name, &type.summary}) add_text(*text);
  type.options = nullptr;
  add(type);
  return out;
}
}  // namespace

const tempo_layer_type& hosts_own(const tempo_layer_type& whole_type) {
  static auto& copies = *new std::map<std::string, const tempo_layer_type*>;
  const ProcessLock lock(ProcessLock::registry);
  if (kept_layers().count(&whole_type)) return whole_type;
  const tempo_layer_type*& copy = copies[contents_of(whole_type)];
  if (!copy) copy = &kept(whole_type);
  return *copy;
}

}  // namespace tempo
