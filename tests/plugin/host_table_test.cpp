// SPDX-License-Identifier: Apache-2.0
// Every function of the host table, called wrongly: a mistake of a plugin in C gives an error text,
// and never a signal.
#define BOOST_TEST_MODULE host_table
#include <cstring>
#include <fstream>
#include <functional>
#include <regex>
#include <set>

#include <tempo/tempo.hpp>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const tempo_host& host() { return sdk::host(); }

// The things that rows use: a tensor, a weight, types, a layer and a cell in use, room for results.
struct Things {
  Tensor x = ones({2, 3}), weight = parameter(ones({2, 3})), whole = zeros({2}, int64),
         sequence = ones({2, 4, 3});
  Layer dense = Dense({.units = 2}), cell = tempo::cell("LSTM", {{"units", 2}});
  tempo_type type = sdk::to_abi(float32, {2, 3});
  tempo_tensor* in[3] = {x.handle(), x.handle(), nullptr};
  tempo_tensor* none[1] = {nullptr};
  tempo_tensor* out[8] = {};
  tempo_type types[8] = {};
  tempo_layer* layer = nullptr;
  const tempo_op* op = nullptr;
  const tempo_function* function = nullptr;
  const void* extension = nullptr;
  tempo_attribute attribute{};
  tempo_call call{}, before{};
  tempo_inputs inputs{sizeof inputs, 1, &type};
  tempo_results results{sizeof results, 8, 0, out};
  tempo_result_types states{sizeof states, 8, 0, types};
  tempo_scan scan{};
  tempo_custom_gradient custom{sizeof custom, 1, x.handle(), in, &gives_nothing, nullptr};
  tempo_weight added{};
  tempo_view seen{};
  tempo_layer_view seen_layer{};
  tempo_layer_type no_type{};

  static tempo_status gives_nothing(void*, const tempo_rule*) { return TEMPO_OK; }

  Things() {
    dense.build({{2, 3}});
    attribute.size = sizeof attribute;
    attribute.name = "axis";
    call.size = sizeof call;
    call.n_inputs = 1;
    call.inputs = in;
    before.size = sizeof before;
    before.n_inputs = 1;
    before.types = &type;
    seen.size = sizeof seen;
    seen.path = "before";
    seen_layer.size = sizeof seen_layer;
    seen_layer.name = "before";
    scan.size = sizeof scan;
    scan.n_sequences = scan.n_outputs = 1;
    sequences[0] = sequence.handle();
    scan.sequences = sequences;
    scan.step = [](void*, const tempo_step* step) {
      return host().retain(step->results[0] = step->sequences[0]);
    };
    added.size = sizeof added;
    added.trainable = 1;
    added.name = "kernel";
    added.value = x.handle();
  }
  const tempo_function* tanh() {
    sdk::check(host().find_function(TEMPO_ACTIVATION, "tanh", &function));
    return function;
  }
  const tempo_op* named(const char* name) {
    const tempo_op* found = nullptr;
    sdk::check(host().find_op(name, &found));
    return found;
  }
  tempo_attribute* with(uint32_t kind) {
    std::memset(&attribute, 0x41, sizeof attribute);  // like a struct that nobody has zeroed
    attribute.size = sizeof attribute;
    attribute.kind = kind;
    attribute.name = "axis";
    attribute.text = nullptr;
    attribute.list = nullptr;
    return &attribute;
  }
  tempo_tensor* sequences[1];
};

struct Row {
  const char* function;
  const char* how;
  std::function<tempo_status(Things&)> call;
  const char* text;  // the error begins with it
};

// `call` may be several expressions; the last one is the status.
#define ROW(function, how, text, ...)                                                   \
  {                                                                                     \
    function, how, [](Things& t) -> tempo_status { return (void)t, __VA_ARGS__; }, text \
  }
const Row rows[] = {
    ROW("fail", "without a text", "(no text)", host().fail(TEMPO_OK, nullptr)),
    ROW("fail", "with a part of the last words", "of another failure, which lie on the heap",
        (host().fail(TEMPO_ERROR, "words of another failure, which lie on the heap"),
         host().fail(TEMPO_ERROR, host().last_error(nullptr) + 6))),
    ROW("last_error", "without room for the serial", "words",
        (host().fail(TEMPO_ERROR, "words"), host().last_error(nullptr), TEMPO_ERROR)),
    ROW("make", "without a type", "make: `type` is NULL.", host().make(nullptr, nullptr, t.out)),
    ROW("make", "without room", "make: `out` is NULL.", host().make(&t.type, nullptr, nullptr)),
    ROW("make", "of a type of no size", "its field `size` is 0, and it has 80 bytes.",
        t.type.size = 0, host().make(&t.type, nullptr, t.out)),
    ROW("make", "of 9 axes", "a tensor has at most 8 axes, not 9.", t.type.rank = 9,
        host().make(&t.type, nullptr, t.out)),
    ROW("make", "of no dtype", "there is no dtype with the number 99.", t.type.dtype = 99,
        host().make(&t.type, nullptr, t.out)),
    ROW("make", "of bfloat16", "bfloat16 has a number, and no tensor can have it yet.",
        t.type.dtype = TEMPO_BFLOAT16, host().make(&t.type, nullptr, t.out)),
    ROW("make", "on another device",
        "its field `device` is 3, and tensors lie in the processor's memory alone, 0.",
        t.type.device = 3, host().make(&t.type, nullptr, t.out)),
    ROW("make", "of a negative extent", "[-1, 3] is no shape", t.type.shape[0] = -1,
        host().make(&t.type, nullptr, t.out)),
    ROW("make", "of more than there is", "out of memory", t.type.shape[0] = int64_t{1} << 45,
        host().make(&t.type, nullptr, t.out)),
    ROW("make", "of bools that are none", "make: element 3 of the bools is 7; each is 0 or 1.",
        t.type.dtype = TEMPO_BOOL, host().make(&t.type, "\0\1\1\7\0\0", t.out)),
    ROW("view", "of nothing", "view: `tensor` is NULL.", host().view(nullptr, &t.seen)),
    ROW("view", "without room", "view: `out` is NULL.", host().view(t.x.handle(), nullptr)),
    ROW("finish", "of nothing", "finish: the tensor was never given a value",
        host().finish(nullptr)),
    ROW("with_mask", "of nothing", "with_mask: the tensor was never given a value",
        host().with_mask(nullptr, nullptr, t.out)),
    ROW("with_mask", "without room", "with_mask: `out` is NULL.",
        host().with_mask(t.x.handle(), nullptr, nullptr)),
    ROW("with_mask", "that does not fit", "with_mask: the mask does not fit the tensor",
        host().with_mask(t.x.handle(), t.x.handle(), t.out)),
    ROW("parameter", "of nothing", "parameter: its value was never given a value",
        host().parameter(nullptr, "w", t.out)),
    ROW("parameter", "without room", "parameter: `out` is NULL.",
        host().parameter(t.x.handle(), "w", nullptr)),
    ROW("parameter", "of integers", "parameter: needs float32 or float64",
        host().parameter(t.whole.handle(), nullptr, t.out)),
    ROW("assign", "to nothing", "assign: the weight was never given a value",
        host().assign(nullptr, t.x.handle())),
    ROW("assign", "of nothing", "assign: the value was never given a value",
        host().assign(t.weight.handle(), nullptr)),
    ROW("assign", "to what is no weight", "assign: [2, 3] float32 is not a weight",
        host().assign(t.x.handle(), t.x.handle())),
    ROW("find_op", "of no name", "find_op: `name` is NULL.", host().find_op(nullptr, &t.op)),
    ROW("find_op", "without room", "find_op: `out` is NULL.", host().find_op("add", nullptr)),
    ROW("find_op", "of a name that nothing has", "there is no op named `nothing`",
        host().find_op("nothing", &t.op)),
    ROW("apply", "no op", "apply: `op` is NULL.",
        host().apply(nullptr, t.in, 1, nullptr, 0, t.out, 1)),
    ROW("apply", "to no list", "apply: `inputs` is NULL.",
        host().apply(t.named("tanh"), nullptr, 1, nullptr, 0, t.out, 1)),
    ROW("apply", "to nothing", "input 0 was never given a value",
        host().apply(t.named("tanh"), t.none, 1, nullptr, 0, t.out, 1)),
    ROW("apply", "to too few", "add: needs 2 inputs, got 1",
        host().apply(t.named("add"), t.in, 1, nullptr, 0, t.out, 1)),
    ROW("apply", "to more than can be", "apply: there are 4000000000 `inputs`",
        host().apply(t.named("add"), t.in, 4000000000u, nullptr, 0, t.out, 1)),
    ROW("apply", "without room", "apply: `results` is NULL.",
        host().apply(t.named("tanh"), t.in, 1, nullptr, 0, nullptr, 1)),
    ROW("apply", "for no result", "tanh: it gives 1 result, and is asked for 0.",
        host().apply(t.named("tanh"), t.in, 1, nullptr, 0, t.out, 0)),
    ROW("apply", "for 5 results of one", "tanh: it gives 1 result, and is asked for 5.",
        host().apply(t.named("tanh"), t.in, 1, nullptr, 0, t.out, 5)),
    ROW("apply", "with no attributes", "apply: `attributes` is NULL.",
        host().apply(t.named("sum"), t.in, 1, nullptr, 1, t.out, 1)),
    ROW("apply", "with an attribute without a name", "apply: `name of an attribute` is NULL.",
        t.attribute.name = nullptr,
        host().apply(t.named("sum"), t.in, 1, &t.attribute, 1, t.out, 1)),
    ROW("apply", "with an attribute of no size",
        "apply: a struct says that it has 0 bytes; it has 72.\n  Its field `size` is set by "
        "whoever provides it.",
        t.attribute.size = 0, host().apply(t.named("sum"), t.in, 1, &t.attribute, 1, t.out, 1)),
    ROW("apply", "with an attribute of a size that would put the next one askew",
        "apply: a struct of an array says that it has 75 bytes; it has a multiple of 8.\n  Its "
        "field `size` is set by whoever provides it.",
        t.attribute.size = 75, host().apply(t.named("sum"), t.in, 1, &t.attribute, 1, t.out, 1)),
    ROW("apply", "with a text that is not there", "apply: `text of an attribute` is NULL.",
        host().apply(t.named("sum"), t.in, 1, t.with(TEMPO_TEXT_VALUE), 1, t.out, 1)),
    ROW("apply", "with a list of a count that is none",
        "apply: there are 4702111234474983745 `list of an attribute`",
        host().apply(t.named("sum"), t.in, 1, t.with(TEMPO_LIST_VALUE), 1, t.out, 1)),
    ROW("apply", "with a layer", "attribute `axis`: an op takes no layer or tensor.",
        host().apply(t.named("sum"), t.in, 1, t.with(TEMPO_LAYER_VALUE), 1, t.out, 1)),
    ROW("apply", "with a kind that is none",
        "attribute `axis`: there is no kind with the number 77.",
        host().apply(t.named("sum"), t.in, 1, t.with(77), 1, t.out, 1)),
    ROW("scan", "nothing", "scan: `scan` is NULL.", host().scan(nullptr, t.out)),
    ROW("scan", "without a step", "scan: `step` is NULL.", t.scan.step = nullptr,
        host().scan(&t.scan, t.out)),
    ROW("scan", "of a struct of no size", "scan: a struct says that it has 0 bytes; it has 80.",
        t.scan.size = 0, host().scan(&t.scan, t.out)),
    ROW("scan", "over no list", "scan: `sequences` is NULL.", t.scan.sequences = nullptr,
        host().scan(&t.scan, t.out)),
    ROW("scan", "over nothing", "scan: sequence 0 was never given a value",
        t.sequences[0] = nullptr, host().scan(&t.scan, t.out)),
    ROW("scan", "from states that are not there", "scan: `states` is NULL.", t.scan.n_states = 1,
        host().scan(&t.scan, t.out)),
    ROW("scan", "with constants that are not there", "scan: `constants` is NULL.",
        t.scan.n_constants = 1, host().scan(&t.scan, t.out)),
    ROW("scan", "without room", "scan: `results` is NULL.", host().scan(&t.scan, nullptr)),
    ROW(
        "scan", "with a step that gives nothing", "scan: the step left result 0 without a value.",
        t.scan.step = [](void*, const tempo_step*) { return tempo_status{TEMPO_OK}; },
        host().scan(&t.scan, t.out)),
    ROW("gradient", "of nothing", "gradient: y was never given a value",
        host().gradient(nullptr, nullptr, t.in, 1, t.out)),
    ROW("gradient", "to no list", "gradient: `inputs` is NULL.",
        host().gradient(t.x.handle(), nullptr, nullptr, 1, t.out)),
    ROW("gradient", "to nothing", "gradient: input 0 was never given a value",
        host().gradient(t.x.handle(), nullptr, t.none, 1, t.out)),
    ROW("gradient", "without room", "gradient: `gradients` is NULL.",
        host().gradient(t.x.handle(), nullptr, t.in, 1, nullptr)),
    ROW("custom_gradient", "of nothing", "custom_gradient: the value was never given a value",
        t.custom.value = nullptr, host().custom_gradient(&t.custom, t.out)),
    ROW("custom_gradient", "without a rule", "custom_gradient: `rule` is NULL.",
        t.custom.rule = nullptr, host().custom_gradient(&t.custom, t.out)),
    ROW("custom_gradient", "of no list", "custom_gradient: `inputs` is NULL.",
        t.custom.inputs = nullptr, host().custom_gradient(&t.custom, t.out)),
    ROW("custom_gradient", "that is not there", "custom_gradient: `custom` is NULL.",
        host().custom_gradient(nullptr, t.out)),
    ROW("custom_gradient", "without room", "custom_gradient: `out` is NULL.",
        host().custom_gradient(&t.custom, nullptr)),
    ROW("initialize", "by nothing", "initialize: `initializer` is NULL.",
        host().initialize(nullptr, &t.type, t.out)),
    ROW("initialize", "of no type", "initialize: `type` is NULL.",
        host().initialize("zeros", nullptr, t.out)),
    ROW("initialize", "without room", "initialize: `out` is NULL.",
        host().initialize("zeros", &t.type, nullptr)),
    ROW("initialize", "by a name that nothing has", "",
        host().initialize("zeroes(", &t.type, t.out)),
    ROW("random_key", "without room", "random_key: `out` is NULL.", host().random_key(1, nullptr)),
    ROW("make_layer", "of no name", "make_layer: `name` is NULL.",
        host().make_layer(TEMPO_LAYER, nullptr, nullptr, 0, &t.layer)),
    ROW("make_layer", "of no kind", "make_layer: there is no kind with the number 7.",
        host().make_layer(7, "Dense", nullptr, 0, &t.layer)),
    ROW("make_layer", "without room", "make_layer: `out` is NULL.",
        host().make_layer(TEMPO_LAYER, "Dense", nullptr, 0, nullptr)),
    ROW("make_layer", "with options that are not there", "make_layer: `options` is NULL.",
        host().make_layer(TEMPO_LAYER, "Dense", nullptr, 1, &t.layer)),
    ROW("make_layer", "with an option without a name",
        "Dense: an option came without a name, a kind or its value.", t.attribute.name = nullptr,
        host().make_layer(TEMPO_LAYER, "Dense", &t.attribute, 1, &t.layer)),
    ROW("make_layer", "with an option of no size",
        "make_layer: a struct says that it has 0 bytes; it has 72.", t.attribute.size = 0,
        host().make_layer(TEMPO_LAYER, "Dense", &t.attribute, 1, &t.layer)),
    ROW("make_layer", "with an option of a size that no struct has",
        "make_layer: a struct of an array says that it has 1610612736 bytes; at most 4096 are "
        "possible.\n  Its field `size` is set by whoever provides it.",
        t.attribute.size = 0x60000000,
        host().make_layer(TEMPO_LAYER, "Dense", &t.attribute, 1, &t.layer)),
    ROW("make_layer", "with a list of a count that is none",
        "Dense: an option came without a name, a kind or its value.",
        host().make_layer(TEMPO_LAYER, "Dense", t.with(TEMPO_LIST_VALUE), 1, &t.layer)),
    ROW("make_layer_of", "no type", "make_layer_of: `type` is NULL.",
        host().make_layer_of(nullptr, nullptr, 0, &t.layer)),
    ROW("make_layer_of", "a type that is not whole",
        "register_layer: the description is incomplete",
        host().make_layer_of(&t.no_type, nullptr, 0, &t.layer)),
    ROW("make_layer_of", "without room", "make_layer_of: `out` is NULL.",
        host().make_layer_of(t.dense.view().type, nullptr, 0, nullptr)),
    ROW("view_layer", "of nothing", "view_layer: `layer` is NULL.",
        host().view_layer(nullptr, &t.seen_layer)),
    ROW("view_layer", "without room", "view_layer: `out` is NULL.",
        host().view_layer(t.dense.handle(), nullptr)),
    ROW("build_layer", "of nothing", "build_layer: `layer` is NULL.",
        host().build_layer(nullptr, &t.inputs)),
    ROW("build_layer", "without inputs", "build_layer: `inputs` is NULL.",
        host().build_layer(t.cell.handle(), nullptr)),
    ROW("build_layer", "for types that are not there", "build_layer: `types` is NULL.",
        t.inputs.types = nullptr, host().build_layer(t.cell.handle(), &t.inputs)),
    ROW("build_layer", "for a type of no size",
        "a list of types: a struct says that it has 8 bytes; it has 80.", t.type.size = 8,
        host().build_layer(t.cell.handle(), &t.inputs)),
    ROW("build_layer", "for a type of a size that no struct has",
        "a list of types: a struct of an array says that it has 1610612736 bytes",
        t.type.size = 0x60000000, host().build_layer(t.cell.handle(), &t.inputs)),
    ROW("build_layer", "for no input", "lstm: it is built without an input.", t.inputs.count = 0,
        host().build_layer(t.cell.handle(), &t.inputs)),
    ROW("call_layer", "of nothing", "call_layer: `layer` is NULL.",
        host().call_layer(nullptr, &t.call, &t.results)),
    ROW("call_layer", "without a call", "call_layer: `call` is NULL.",
        host().call_layer(t.dense.handle(), nullptr, &t.results)),
    ROW("call_layer", "without room", "call_layer: `results` is NULL.",
        host().call_layer(t.dense.handle(), &t.call, nullptr)),
    ROW("call_layer", "into room without a list", "call_layer: `tensors` is NULL.",
        t.results.tensors = nullptr, host().call_layer(t.dense.handle(), &t.call, &t.results)),
    ROW("call_layer", "into room of no size",
        "call_layer: a struct says that it has 8 bytes; it has 24.", t.results.size = 8,
        host().call_layer(t.dense.handle(), &t.call, &t.results)),
    ROW("call_layer", "with room for none", "dense: it returned 1 tensors, room was made for 0.",
        t.results.capacity = 0, host().call_layer(t.dense.handle(), &t.call, &t.results)),
    ROW("call_layer", "of a struct of no size",
        "call_layer: a struct says that it has 0 bytes; it has 72.", t.call.size = 0,
        host().call_layer(t.dense.handle(), &t.call, &t.results)),
    ROW("call_layer", "with inputs that are not there", "call_layer: `inputs` is NULL.",
        t.call.inputs = nullptr, host().call_layer(t.dense.handle(), &t.call, &t.results)),
    ROW("call_layer", "with nothing as an input", "dense: input 0 was never given a value",
        t.call.inputs = t.none, host().call_layer(t.dense.handle(), &t.call, &t.results)),
    ROW("call_layer", "with states that are not there", "call_layer: `states` is NULL.",
        t.call.n_states = 2, host().call_layer(t.cell.handle(), &t.call, &t.results)),
    ROW("call_layer", "with nothing as a state", "lstm: state 0 was never given a value",
        t.call.n_states = 1, t.call.states = t.none,
        host().call_layer(t.cell.handle(), &t.call, &t.results)),
    ROW("layer_states", "of nothing", "layer_states: `layer` is NULL.",
        host().layer_states(nullptr, &t.inputs, &t.states)),
    ROW("layer_states", "of a layer", "dense: it is a layer, not a cell; it has no states.",
        host().layer_states(t.dense.handle(), &t.inputs, &t.states)),
    ROW("layer_states", "without room", "layer_states: `states` is NULL.",
        host().layer_states(t.cell.handle(), &t.inputs, nullptr)),
    ROW("layer_states", "with room for one of two", "lstm: it has 2 states, room was made for 1.",
        t.states.capacity = 1, host().layer_states(t.cell.handle(), &t.inputs, &t.states)),
    ROW("layer_states", "into room without a list", "layer_states: `types` is NULL.",
        t.states.types = nullptr, host().layer_states(t.cell.handle(), &t.inputs, &t.states)),
    ROW("layer_initial", "of nothing", "layer_initial: `layer` is NULL.",
        host().layer_initial(nullptr, &t.before, &t.results)),
    ROW("layer_initial", "without a call", "layer_initial: `call` is NULL.",
        host().layer_initial(t.cell.handle(), nullptr, &t.results)),
    ROW("layer_initial", "of a layer", "dense: it is a layer, not a cell; it has no states.",
        host().layer_initial(t.dense.handle(), &t.before, &t.results)),
    ROW("layer_once", "for types that are not there", "layer_once: `types` is NULL.",
        t.before.types = nullptr, host().layer_once(t.cell.handle(), &t.before, &t.results)),
    ROW("layer_once", "without room", "layer_once: `results` is NULL.",
        host().layer_once(t.cell.handle(), &t.before, nullptr)),
    ROW("reset_layer", "of nothing", "reset_layer: `layer` is NULL.", host().reset_layer(nullptr)),
    ROW("layer_weight", "of nothing", "layer_weight: `layer` is NULL.",
        host().layer_weight(nullptr, 0, t.out)),
    ROW("layer_weight", "without room", "layer_weight: `out` is NULL.",
        host().layer_weight(t.dense.handle(), 0, nullptr)),
    ROW("layer_child", "of nothing", "layer_child: `layer` is NULL.",
        host().layer_child(nullptr, 0, &t.layer)),
    ROW("layer_child", "without room", "layer_child: `out` is NULL.",
        host().layer_child(t.dense.handle(), 0, nullptr)),
    ROW("add_weight", "to nothing", "add_weight: `self` is NULL.",
        host().add_weight(nullptr, &t.added, t.out)),
    ROW("add_weight", "of nothing", "add_weight: `weight` is NULL.",
        host().add_weight(t.cell.handle(), nullptr, t.out)),
    ROW("add_weight", "without room", "add_weight: `out` is NULL.",
        host().add_weight(t.cell.handle(), &t.added, nullptr)),
    ROW("add_weight", "without a name", "lstm: a weight is added without a name.",
        t.added.name = nullptr, host().add_weight(t.cell.handle(), &t.added, t.out)),
    ROW("add_weight", "without a value",
        "lstm: weight `kernel` is added without a value (it is Tensor{}).", t.added.value = nullptr,
        host().add_weight(t.cell.handle(), &t.added, t.out)),
    ROW("add_weight", "with a type and no initializer",
        "lstm: weight `kernel` is added without a value (it is Tensor{}).", t.added.value = nullptr,
        t.added.type = &t.type, host().add_weight(t.cell.handle(), &t.added, t.out)),
    ROW("add_weight", "with a value and an initializer",
        "lstm: weight `kernel` is added with a value and with a type or an initializer.",
        t.added.initializer = "zeros", host().add_weight(t.cell.handle(), &t.added, t.out)),
    ROW("add_weight", "of a type that cannot be",
        "lstm: weight `kernel` has a type that cannot be: a tensor has at most 8 axes, not 9.",
        t.added.value = nullptr, t.added.initializer = "zeros", t.type.rank = 9,
        t.added.type = &t.type, host().add_weight(t.cell.handle(), &t.added, t.out)),
    ROW("add_weight", "of an initializer that nothing has", "", t.added.value = nullptr,
        t.added.initializer = "zeroes", t.added.type = &t.type,
        host().add_weight(t.cell.handle(), &t.added, t.out)),
    ROW("add_weight", "when it is built already",
        "dense: weight `kernel` is added outside of its build.",
        host().add_weight(t.dense.handle(), &t.added, t.out)),
    ROW("add_child", "to nothing", "add_child: `self` is NULL.",
        host().add_child(nullptr, "a", t.dense.handle())),
    ROW("add_child", "without a name", "add_child: `name` is NULL.",
        host().add_child(t.dense.handle(), nullptr, t.cell.handle())),
    ROW("add_child", "when it is made already",
        "dense: child `a` is added when it is made already.",
        host().add_child(t.dense.handle(), "a", t.cell.handle())),
    ROW("register_layer", "nowhere",
        "register_layer: this registry is not that of an init that runs on this thread.",
        host().register_layer(nullptr, t.dense.view().type)),
    ROW("register_layer", "into the registry of an init that is over",
        "register_layer: this registry is not that of an init that runs on this thread.",
        host().register_layer(reinterpret_cast<tempo_registry*>(&t), t.dense.view().type)),
    ROW("register_op", "nowhere",
        "register_op: this registry is not that of an init that runs on this thread.",
        host().register_op(nullptr, nullptr)),
    ROW("penalize", "by nothing", "penalize: `regularizer` is NULL.",
        host().penalize(nullptr, t.x.handle(), t.out)),
    ROW("penalize", "of nothing", "a regularizer: the tensor was never given a value",
        host().penalize("l2", nullptr, t.out)),
    ROW("penalize", "without room", "penalize: `out` is NULL.",
        host().penalize("l2", t.x.handle(), nullptr)),
    ROW("constrain", "by nothing", "constrain: `constraint` is NULL.",
        host().constrain(nullptr, t.x.handle(), t.out)),
    ROW("constrain", "of nothing", "a constraint: the tensor was never given a value",
        host().constrain("non_neg", nullptr, t.out)),
    ROW("constrain", "without room", "constrain: `out` is NULL.",
        host().constrain("non_neg", t.x.handle(), nullptr)),
    ROW("add_loss", "of nothing", "add_loss: the loss was never given a value",
        host().add_loss(nullptr)),
    ROW("add_loss", "of six numbers", "add_loss: a loss is one number",
        host().add_loss(t.x.handle())),
    ROW("set_trainable", "of nothing", "set_trainable: `layer` is NULL.",
        host().set_trainable(nullptr, 1)),
    ROW("layer_outputs", "of nothing", "layer_outputs: `layer` is NULL.",
        host().layer_outputs(nullptr, &t.inputs, &t.states)),
    ROW("layer_outputs", "without inputs", "layer_outputs: `inputs` is NULL.",
        host().layer_outputs(t.dense.handle(), nullptr, &t.states)),
    ROW("layer_outputs", "without room", "layer_outputs: `outputs` is NULL.",
        host().layer_outputs(t.dense.handle(), &t.inputs, nullptr)),
    ROW("layer_outputs", "into room without a list", "layer_outputs: `types` is NULL.",
        t.states.types = nullptr, host().layer_outputs(t.dense.handle(), &t.inputs, &t.states)),
    ROW("layer_outputs", "with room for none", "dense: it has 1 outputs, room was made for 0.",
        t.states.capacity = 0, host().layer_outputs(t.dense.handle(), &t.inputs, &t.states)),
    ROW("layer_outputs", "for types that it does not take", "matmul: inner sizes differ",
        t.type.shape[1] = 7, host().layer_outputs(t.dense.handle(), &t.inputs, &t.states)),
    ROW("save_value", "into nothing", "save_value: `to` is NULL.",
        host().save_value(nullptr, &t.attribute)),
    ROW("save_value", "of nothing", "save_value: `value` is NULL.",
        host().save_value(reinterpret_cast<tempo_saving*>(&t), nullptr)),
    ROW("save_value", "into that of a save that is over",
        "save_value: `to` is not that of a save or a migrate that runs on this thread.",
        host().save_value(reinterpret_cast<tempo_saving*>(&t), &t.attribute)),
    ROW("layer_extension", "of nothing", "layer_extension: `layer` is NULL.",
        host().layer_extension(nullptr, "a/1", &t.extension)),
    ROW("layer_extension", "of no name", "layer_extension: `id` is NULL.",
        host().layer_extension(t.dense.handle(), nullptr, &t.extension)),
    ROW("layer_extension", "without room", "layer_extension: `out` is NULL.",
        host().layer_extension(t.dense.handle(), "a/1", nullptr)),
    ROW("register_type", "nowhere",
        "register_type: this registry is not that of an init that runs on this thread.",
        host().register_type(nullptr, TEMPO_LOSS, nullptr)),
    ROW("find_function", "of no text", "find_function: `text` is NULL.",
        host().find_function(TEMPO_ACTIVATION, nullptr, &t.function)),
    ROW("find_function", "without room", "find_function: `out` is NULL.",
        host().find_function(TEMPO_ACTIVATION, "tanh", nullptr)),
    ROW("find_function", "of another kind",
        "find_function: of the kinds, activations alone are found by plugins.",
        host().find_function(TEMPO_LOSS, "mse", &t.function)),
    ROW("find_function", "of a name that nothing has",
        "activation `tahn`: there is none by that name",
        host().find_function(TEMPO_ACTIVATION, "tahn", &t.function)),
    ROW("call_function", "of nothing", "call_function: `function` is NULL.",
        host().call_function(nullptr, t.in, 1, t.out, 1)),
    ROW("call_function", "of no list", "call_function: `inputs` is NULL.",
        host().call_function(t.tanh(), nullptr, 1, t.out, 1)),
    ROW("call_function", "of nothing as an input", "input 0 was never given a value",
        host().call_function(t.tanh(), t.none, 1, t.out, 1)),
    ROW("call_function", "without room", "call_function: `results` is NULL.",
        host().call_function(t.tanh(), t.in, 1, nullptr, 1)),
    ROW("call_function", "of two inputs",
        "call_function: an activation has one input and one result.",
        host().call_function(t.tanh(), t.in, 2, t.out, 1)),
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_function_that_is_called_as_it_must_not_be_says_so) {
  for (const Row& row : rows) BOOST_TEST_CONTEXT(row.function << " " << row.how) {
      Things things;
      sdk::host().fail(TEMPO_ERROR, "words of another failure");
      const tempo_status status = row.call(things);
      BOOST_TEST(status != TEMPO_OK);
      const std::string text = host().last_error(nullptr);
      BOOST_TEST(text.starts_with(row.text), text << "\n  must begin with\n" << row.text);
      BOOST_TEST(text != "words of another failure");
      for (const tempo_tensor* out : things.out) BOOST_TEST(!out);
      BOOST_TEST(!things.layer);
    }
}

// free(NULL) does nothing, and neither do these functions.
BOOST_AUTO_TEST_CASE(to_count_nothing_does_nothing) {
  BOOST_TEST(host().retain(nullptr) == TEMPO_OK);
  BOOST_TEST(host().release(nullptr) == TEMPO_OK);
  BOOST_TEST(host().retain_layer(nullptr) == TEMPO_OK);
  BOOST_TEST(host().release_layer(nullptr) == TEMPO_OK);
}

BOOST_AUTO_TEST_CASE(of_nothing_nothing_is_shown) {
  Things things;
  BOOST_TEST(host().view(nullptr, &things.seen) != TEMPO_OK);
  BOOST_TEST(!things.seen.path);
  BOOST_TEST(host().view_layer(nullptr, &things.seen_layer) != TEMPO_OK);
  BOOST_TEST(!things.seen_layer.name);
}

BOOST_AUTO_TEST_CASE(past_the_last_weight_and_child_there_is_none) {
  Things things;
  tempo_tensor* weight = things.x.handle();
  BOOST_TEST(host().layer_weight(things.dense.handle(), 4000000000u, &weight) == TEMPO_OK);
  BOOST_TEST(!weight);
  tempo_layer* child = things.cell.handle();
  BOOST_TEST(host().layer_child(things.dense.handle(), 4000000000u, &child) == TEMPO_OK);
  BOOST_TEST(!child);
}

BOOST_AUTO_TEST_CASE(recording_is_on_for_every_number_but_0_and_tells_what_it_was) {
  int32_t before = 7;
  BOOST_TEST(host().recording(7, &before) == TEMPO_OK);
  BOOST_TEST(before == 1);
  BOOST_TEST(host().recording(0, nullptr) == TEMPO_OK);
  BOOST_TEST(host().recording(1, &before) == TEMPO_OK);
  BOOST_TEST(before == 0);
}

BOOST_AUTO_TEST_CASE(every_function_of_the_table_has_a_row) {
  std::ifstream file(TEMPO_SOURCE_DIR "/framework/include/tempo/plugin.h");
  const std::string header(std::istreambuf_iterator<char>(file), {});
  const std::size_t from = header.find("typedef struct tempo_host {"),
                    to = header.find("} tempo_host;");
  BOOST_REQUIRE(to != header.npos);
  const std::string table = header.substr(from, to - from);
  std::set<std::string> known{"retain",    "release",      "retain_layer", "release_layer",
                              "recording", "get_extension"};  // here and in functions_test
  for (const Row& row : rows) known.insert(row.function);
  const std::regex function(R"(\(\*(\w+)\)\()");
  int n = 0;
  for (std::sregex_iterator at(table.begin(), table.end(), function), end; at != end; ++at, ++n)
    BOOST_TEST(known.count((*at)[1]) == 1u, (*at)[1] << " has no row");
  BOOST_TEST(n > 30);
}
