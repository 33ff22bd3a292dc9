// Making, building and calling layers through their C callbacks.
#include "plugin/layer.hpp"

#include "graph/trace.hpp"
#include "plugin/options.hpp"

#include <cctype>

namespace {
std::atomic<uint64_t> layer_ids{0};
}

tempo_layer::tempo_layer(const tempo_layer_type& kind, std::span<const tempo_attribute> given)
    : type(kind), options(given), id(++layer_ids) {
  if (const tempo_attribute* o = options.find("name"); o && *o->text) name = o->text;
  if (name.empty()) name = tempo::snake_case(type.name);
  if (const tempo_attribute* o = options.find("trainable")) trainable = o->integer != 0;
  if (const tempo_attribute* o = options.find("dtype")) dtype = static_cast<tempo::DType>(o->integer);
}

tempo_layer::~tempo_layer() {
  for (const tempo::Layer& child : children) child.handle()->parent = nullptr;
  if (instance) type.destroy(instance);
}

std::string tempo_layer::path() const { return parent ? parent->path() + "/" + name : name; }

std::vector<tempo::Value*> tempo_layer::weights() const {
  std::vector<tempo::Value*> all;
  for (const Weight& w : own) all.push_back(w.value.get());
  for (const tempo::Layer& child : children)
    for (tempo::Value* w : child.handle()->weights()) all.push_back(w);
  return all;
}

namespace tempo {

std::string snake_case(const std::string& name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto upper = [&](std::size_t k) { return std::isupper(static_cast<unsigned char>(name[k])) != 0; };
    const auto lower = [&](std::size_t k) {
      return k < name.size() && std::islower(static_cast<unsigned char>(name[k])) != 0;
    };
    if (i > 0 && upper(i) && name[i - 1] != '_' && (lower(i - 1) || lower(i + 1))) out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(name[i])));
  }
  return out;
}

namespace {

void refresh_paths(tempo_layer& layer) {
  for (const tempo_layer::Weight& w : layer.own) w.value->path = layer.path() + "/" + w.name;
  for (const Layer& child : layer.children) refresh_paths(*child.handle());
}

std::vector<tempo_type> to_abi(const std::vector<TensorType>& types) {
  std::vector<tempo_type> out;
  for (const TensorType& t : types) out.push_back(sdk::to_abi(t.dtype, t.shape));
  return out;
}

// A mismatch inside a layer that was built for other sizes has that as its likely cause.
[[noreturn]] void explain_sizes(const tempo_layer& layer, const ShapeError& error, const tempo_call& call) {
  std::string text = error.what();
  const Shape& built = layer.built_for.empty() ? Shape{} : layer.built_for[0].shape;
  const Shape given = Tensor::borrowed(call.inputs[0]).shape();
  if (!built.empty() && !given.empty() && built.back() != given.back() &&
      text.find("was built for") == std::string::npos)
    text += "\n  " + layer.path() + " was built for " + std::to_string(built.back()) +
            " features; this input has " + std::to_string(given.back()) + ".";
  throw ShapeError(text);
}

}  // namespace

Layer new_layer(const tempo_layer_type& type, std::span<const tempo_attribute> options) {
  check_options(type, options);
  Layer layer(new tempo_layer(type, options));
  tempo_layer& made = *layer.handle();
  const std::vector<tempo_attribute>& kept = made.options.all();
  sdk::check(type.create(type.user, &made, kept.data(), static_cast<uint32_t>(kept.size()), &made.instance));
  return layer;
}

void build(tempo_layer& layer, const std::vector<TensorType>& inputs) {
  if (layer.built) return;
  const TracePause pause;
  if (layer.dtype == DType::automatic) layer.dtype = default_dtype();
  const std::vector<tempo_type> types = to_abi(inputs);
  if (tempo_status status =
          layer.type.build(layer.instance, &layer, types.data(), static_cast<uint32_t>(types.size()))) {
    layer.own.clear();  // so that a second try starts afresh
    sdk::check(status);
  }
  layer.built_for = inputs;
  layer.built = true;
}

Tensors call(tempo_layer& layer, const tempo_call& call) {
  if (call.n_inputs == 0) throw Error(layer.path() + ": called without an input.");
  for (uint32_t i = 0; i < call.n_inputs; ++i)
    if (!call.inputs[i])
      throw Error(layer.path() + ": input " + std::to_string(i) + " was never given a value (it is Tensor{}).");
  if (!layer.built) {
    std::vector<TensorType> types;
    for (uint32_t i = 0; i < call.n_inputs; ++i) types.push_back(call.inputs[i]->type);
    build(layer, types);
  }
  tempo_tensor* results[TEMPO_MAX_OUTPUTS] = {};
  uint32_t count = 0;
  const tempo_status status =
      layer.type.call(layer.instance, &layer, &call, results, TEMPO_MAX_OUTPUTS, &count);
  if (status == TEMPO_OK && count > TEMPO_MAX_OUTPUTS)
    throw PluginError(layer.path() + ": its plugin says it returned " + std::to_string(count) +
                      " tensors; at most " + std::to_string(TEMPO_MAX_OUTPUTS) + " can be returned.");
  Tensors out;
  for (uint32_t i = 0; i < count; ++i) out.emplace_back(results[i]);
  try {
    sdk::check(status);
  } catch (const ShapeError& error) {
    explain_sizes(layer, error, call);
  }
  if (out.empty()) throw PluginError(layer.path() + ": its plugin returned no tensor from call.");
  for (const Tensor& t : out)
    if (!t) throw PluginError(layer.path() + ": its plugin returned a null tensor from call.");
  return out;
}

Tensor add_weight(tempo_layer& self, const char* name, const Tensor& value, bool trainable) {
  for (const tempo_layer::Weight& w : self.own)
    if (w.name == name) throw Error(self.path() + ": it has a weight `" + name + "` already.");
  if (value.traced())
    throw Error(self.path() + ": weight `" + name +
                "` was added while a step is traced; build the layer before it is used in a step.");
  Ref<Value> weight = make_value(value.handle()->array);
  weight->weight = true;
  weight->tracked = is_floating(value.dtype());
  for (const tempo_layer* layer = &self; layer; layer = layer->parent) trainable &= layer->trainable;
  weight->frozen = !trainable;
  weight->path = self.path() + "/" + name;
  self.own.push_back({name, weight});
  return to_tensor(std::move(weight));
}

void add_child(tempo_layer& self, const char* name, const Layer& child) {
  if (!child) throw Error(self.path() + ": child `" + name + "` was never given a value (it is Layer{}).");
  child.handle()->parent = &self;
  self.children.push_back(child);
  name_layer(child, name);
}

void name_layer(const Layer& layer, const std::string& name) {
  layer.handle()->name = name;
  refresh_paths(*layer.handle());
}

}  // namespace tempo
