// SPDX-License-Identifier: Apache-2.0
// Makes, builds and calls layers through their C callbacks.
#include "plugin/layer.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include <tempo/movement.hpp>
#include <tempo/option.hpp>

#include "graph/trace.hpp"
#include "ops/regularizers.hpp"
#include "ops/snake_case.hpp"
#include "plugin/carried_states.hpp"
#include "plugin/description.hpp"
#include "plugin/layer_callback.hpp"
#include "plugin/layer_errors.hpp"
#include "plugin/layer_name.hpp"
#include "plugin/options.hpp"
#include "plugin/side_effects.hpp"

namespace {

std::atomic<uint64_t> layer_ids{0};

// The option return_sequences of a layer, or of the layer among its options.
std::optional<bool> returns_sequences(const tempo_layer_type& type,
                                      const tempo::sdk::OptionList& options) {
  if (const tempo_option* o = tempo::sdk::described(type, "return_sequences")) {
    const tempo_attribute* given = options.find("return_sequences");
    return given ? given->integer != 0 : o->standard && o->standard == std::string("true");
  }
  for (const tempo_attribute& o : options.all())
    if (o.kind == TEMPO_LAYER_VALUE && o.layer && o.layer->over_time) return !o.layer->last_only;
  return std::nullopt;
}

}  // namespace

tempo_layer::tempo_layer(const tempo_layer_type& kind, std::span<const tempo_attribute> given)
    : type(kind), options(given), id(++layer_ids) {
  if (const tempo_attribute* o = options.find("name"); o && o->text && *o->text) name = o->text;
  if (name.empty())
    name = tempo::snake_case(type.name);
  else
    tempo::require_name(std::string(type.name) + ", name", name);
  if (const tempo_attribute* o = options.find("trainable")) trainable = o->integer != 0;
  dtype = given_dtype();
  if (const tempo_attribute* o = options.find("activity_regularizer"); o && o->text)
    activity_penalty = tempo::regularizer(o->text);
  name.reserve(tempo::longest_name);  // its text must not move: views show it
  const std::optional<bool> sequences = returns_sequences(type, options);
  over_time = sequences.has_value();
  last_only = sequences == false;
}

tempo_layer::~tempo_layer() {
  tempo::let_go_of_children(*this);
  if (!instance) return;
  count = ended;
  const tempo::ErrorSetAside of_who_lets_go;
  tempo::status_of([&] { return type.destroy(type.user, std::exchange(instance, nullptr)); },
                   /*at_any_depth=*/true);
}

tempo::DType tempo_layer::given_dtype() const {
  const tempo_attribute* const o = options.find("dtype");
  return o ? static_cast<tempo::DType>(o->integer) : tempo::DType::automatic;
}

std::string tempo_layer::path() const {
  return holders.empty() ? name : holders.front()->path() + "/" + name;
}

bool tempo_layer::is_trainable() const {
  return trainable && std::all_of(holders.begin(), holders.end(),
                                  [](const tempo_layer* h) { return h->is_trainable(); });
}

namespace tempo {

namespace {

thread_local tempo_layer* innermost = nullptr;
thread_local bool training_now = false;

// The latest result on this thread that was the last output of a layer with return_sequences off.
// It has no destructor: layers in static variables may be called after those of the thread ran. It
// copies the path, as the layer may be gone by then; each call does it, so without a string.
struct LastOutput {
  uint64_t number;
  std::size_t length;
  char path[256];

  void keep(Value& result, const tempo_layer& layer) {
    static std::atomic<uint64_t> last{0};
    result.last_step = number = ++last;
    length = 0;
    add(layer);
  }
  std::string layer() const { return {path, length}; }
  bool is(const Value& value) const { return value.last_step != 0 && value.last_step == number; }

 private:
  void add(const tempo_layer& layer) {
    if (!layer.holders.empty()) {
      add(*layer.holders.front());
      if (length < sizeof path) path[length++] = '/';
    }
    length += layer.name.copy(path + length, sizeof path - length);
  }
};
thread_local LastOutput last_output{};

void require_states(tempo_layer& cell, const tempo_call& call) {
  for (uint32_t i = 0; i < call.n_states; ++i)
    if (!call.states[i])
      throw Error(cell.path() + ": state " + std::to_string(i) +
                  " was never given a value (it is Tensor{}).");
  const Shape& x = call.inputs[0]->type.shape;
  if (x.empty())
    throw ShapeError(cell.path() + ": a step needs [batch, ...], got " +
                     to_string(call.inputs[0]->type) + ".");
  const StatesOfCell known = cell.states_of_cell.load(std::memory_order_relaxed);
  uint32_t needed = known.count;
  if (known.sequences != call.n_inputs) {
    std::vector<TensorType> types;
    for (uint32_t i = 0; i < call.n_inputs; ++i) types.push_back(call.inputs[i]->type);
    needed = static_cast<uint32_t>(states(cell, types).size());
    cell.states_of_cell.store({call.n_inputs, needed}, std::memory_order_relaxed);
  }
  if (needed != call.n_states)
    throw ShapeError(cell.path() + ": its step needs " + sdk::counted(needed, "state") +
                     ", was given " + std::to_string(call.n_states) +
                     ".\n  state_shapes(cell, batch) tells their shapes.");
}

// y, with 0 where its mask leaves it out.
Tensor counted(const Tensor& y) {
  Tensor mask = mask_of(y);
  if (!mask) return y;
  while (mask.rank() < y.rank()) mask = expand_dims(mask, -1);
  return where(mask, y, 0);
}

// Divided by the batch size, so that a larger batch does not weigh more, as Keras documents it.
// Steps that a mask leaves out are ignored: padding may be NaN.
void add_activity_losses(const tempo_layer& layer, const Tensors& outputs) {
  Trace::tie_to_call();
  if (!SideEffects::current()) return;
  for (const Tensor& y : outputs) {
    if (!is_floating(y.dtype())) continue;
    const Shape& shape = y.handle()->type.shape;
    const auto batch = static_cast<double>(shape.empty() ? 1 : std::max<int64_t>(1, shape[0]));
    try {
      SideEffects::current()->add_loss(layer.activity_penalty(counted(y)) / batch);
    } catch (const Error& error) {
      throw Error(layer.path() + ", activity_regularizer: " + error.what());
    }
  }
}

}  // namespace

Layer new_layer(const tempo_layer_type& given, std::span<const tempo_attribute> options) {
  require_whole(&given);
  const tempo_layer_type& type = hosts_own(given);
  sdk::OptionList checked;
  check_options(type, options, checked);
  Layer layer(new tempo_layer(type, checked.all()));
  tempo_layer& made = *layer.handle();
  const std::vector<tempo_attribute>& kept = made.options.all();
  run_callback(
      [&] {
        void* instance = nullptr;
        const tempo_creation creation{sizeof creation, static_cast<uint32_t>(kept.size()),
                                      kept.data()};
        const tempo_status status = type.create(type.user, &made, &creation, &instance);
        made.instance = instance;
        return status;
      },
      [&] { return callee_of(made, "creation"); });
  if (!made.instance) throw PluginError(at_fault(made) + "its create made nothing.");
  return layer;
}

namespace {
// Whether this thread must build the layer. If another thread is building it, this one waits.
bool is_to_be_built(tempo_layer& layer) {
  if (layer.built()) return false;
  switch (layer.building.ask()) {
    case Claim::done: return false;
    case Claim::mine: return true;
    case Claim::inner: throw Error(layer.path() + ": it is called by its own build.");
    case Claim::lost: break;
  }
  throw Error(layer.path() +
              ": another thread was building it when this process was forked, and that thread is "
              "not here.\n  Build layers before the fork.");
}
}  // namespace

void build(tempo_layer& layer, const std::vector<TensorType>& inputs, DType asked) {
  if (layer.built()) return;
  if (inputs.empty())
    throw Error(layer.path() + ": it is built without an input.\n  Give the shape of each: " +
                "layer.build({{batch, features}}).");
  if (!is_to_be_built(layer)) return;
  const TracePause pause;
  if (layer.dtype == DType::automatic) layer.dtype = asked;
  if (layer.dtype == DType::automatic && !layer.holders.empty())
    layer.dtype = layer.holders.front()->dtype.load();
  if (layer.dtype == DType::automatic) layer.dtype = default_dtype();
  try {
    const std::vector<tempo_type> types = to_abi(inputs);
    const tempo_inputs given = inputs_of(types);
    run_callback_of(layer, "build", [&] {
      return layer.type.build(layer.type.user, layer.instance, &layer, &given);
    });
    layer.built_for = inputs;
  } catch (...) {
    forget_build(layer);
    layer.building.failed();
    throw;
  }
  layer.building.made();
}

void unbuild(tempo_layer& layer) noexcept {
  forget_build(layer);
  layer.built_for.clear();
  layer.steps.clear();
  layer.dtype = layer.given_dtype();
  layer.building.failed();
}

bool in_training() { return training_now; }
InTraining::InTraining(int32_t told) : before_(training_now, told < 0 ? training_now : told != 0) {}

Tensors call(tempo_layer& layer, const tempo_call& given) {
  require_inputs(layer, given);
  require_keeps_state(layer);
  const InTraining mode(given.training);
  tempo_call call = given;
  call.training = training_now;
  const bool is_cell = layer.type.kind == TEMPO_CELL;
  Results results;
  const BeingCalled being_called(layer);
  try {
    if (!layer.built()) {
      std::vector<TensorType> types;
      for (uint32_t i = 0; i < call.n_inputs; ++i) types.push_back(call.inputs[i]->type);
      build(layer, types);
    }
    if (is_cell) require_states(layer, call);
    run_callback_of(layer, is_cell ? "step" : "call", [&] {
      return layer.type.call(layer.type.user, layer.instance, &layer, &call, &results.abi);
    });
  } catch (const ShapeError& error) {
    if (last_output.is(*call.inputs[0])) explain_lost_time(layer, error, last_output.layer());
    if (!layer.built()) throw;
    explain_dtypes(layer, error, call);
    explain_sizes(layer, error, call);
  }
  const Tensors out = results.take();
  require_results(layer, out, results.abi.count);
  if (is_cell) require_step(layer, out, call);
  const Shape& shape = out[0].handle()->type.shape;
  if (GivenShapes* given_now = GivenShapes::innermost())
    given_now->note(layer, being_called.before(), shape);
  if (CarriedStates* carried = CarriedStates::current(); carried && !is_cell)
    carried->note(layer, out[0]);
  if (layer.last_only && shape.rank() < call.inputs[0]->type.shape.rank())
    last_output.keep(*out[0].handle(), layer);
  if (layer.activity_penalty) add_activity_losses(layer, out);
  const Shape& x = call.inputs[0]->type.shape;
  if (!out[0].traced() && !x.empty()) layer.batch.store(x[0], std::memory_order_relaxed);
  return out;
}

BeingCalled::BeingCalled(tempo_layer& layer) : innermost_(innermost, &layer) {}
tempo_layer* called_layer() { return innermost; }

bool takes_constants(const tempo_layer& layer) {
  return (layer.type.flags & TEMPO_TAKES_CONSTANTS) ||
         std::any_of(layer.children.begin(), layer.children.end(),
                     [](const Layer& child) { return takes_constants(*child.handle()); });
}

void reset(tempo_layer& layer) {
  if (layer.type.reset)
    run_callback_of(layer, "reset",
                    [&] { return layer.type.reset(layer.type.user, layer.instance, &layer); });
  layer.batch.store(0, std::memory_order_relaxed);
  for (const Layer& child : layer.children) reset(*child.handle());
}

}  // namespace tempo
