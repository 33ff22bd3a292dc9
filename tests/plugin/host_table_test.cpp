// SPDX-License-Identifier: Apache-2.0
// Every function of the host table, called as it must not be: what a sloppy plugin in C does gives
// an error text, and never a signal.
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

// What the rows use: a tensor, a weight, types, a layer and a cell in use, room for results.
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
  uint32_t count = 0;
  tempo_attribute attribute{};
  tempo_call call{};
  tempo_scan scan{};
  tempo_weight added{};

  Things() {
    dense.build({{2, 3}});
    attribute.size = sizeof attribute;
    attribute.name = "axis";
    call.size = sizeof call;
    call.n_inputs = 1;
    call.inputs = in;
    scan.size = sizeof scan;
    scan.n_sequences = scan.n_outputs = 1;
    sequences[0] = sequence.handle();
    scan.sequences = sequences;
    scan.step = [](void*, tempo_tensor* const* now, tempo_tensor* const*, tempo_tensor** results) {
      host().retain(results[0] = now[0]);
      return tempo_status{TEMPO_OK};
    };
    added.size = sizeof added;
    added.trainable = 1;
    added.name = "kernel";
    added.value = x.handle();
  }
  const tempo_op* named(const char* name) {
    const tempo_op* found = nullptr;
    sdk::check(host().find_op(name, &found));
    return found;
  }
  tempo_attribute* with(uint32_t kind) {
    std::memset(&attribute, 0x41, sizeof attribute);  // as a struct that nobody has zeroed
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
  const char* text;  // that it begins with
};

// Functions that return no status say it by the thread's last error.
template <class F>
std::function<tempo_status(Things&)> silent(F call) {
  return [call](Things& t) {
    call(t);
    return tempo_status{TEMPO_ERROR};
  };
}

#define CALL [](Things & t) -> tempo_status
const Row rows[] = {{"fail", "without a text", CALL{return (void)t, host().fail(TEMPO_OK, nullptr);
}
, "(no text)"
}
,
    {"last_error", "without room for the serial", silent([](Things&) {
       host().fail(TEMPO_ERROR, "words");
       BOOST_TEST(host().last_error(nullptr) == std::string("words"));
     }),
     "words"},

    {"make", "without a type", CALL{return host().make(nullptr, nullptr, t.out);
}
, "make: `type` is NULL."
}
, {"make", "without room", CALL{return host().make(&t.type, nullptr, nullptr);
}
, "make: `out` is NULL."
}
, {"make", "of a type of no size",
   CALL{return t.type.size = 0, host().make(&t.type, nullptr, t.out);
}
, "its field `size` is 0, and it has 80 bytes."
}
, {"make", "of 9 axes", CALL{return t.type.rank = 9, host().make(&t.type, nullptr, t.out);
}
, "a tensor has at most 8 axes, not 9."
}
, {"make", "of no dtype", CALL{return t.type.dtype = 99, host().make(&t.type, nullptr, t.out);
}
, "there is no dtype with the number 99."
}
, {"make", "of a negative extent",
   CALL{return t.type.shape[0] = -1, host().make(&t.type, nullptr, t.out);
}
, "[-1, 3] is no shape"
}
, {"make", "of more than there is",
   CALL{return t.type.shape[0] = int64_t{1} << 45, host().make(&t.type, nullptr, t.out);
}
, "out of memory"
}
, {"make", "of bools that are none", CALL{t.type.dtype = TEMPO_BOOL;
return host().make(&t.type, "\0\1\1\7\0\0", t.out);
}
, "make: element 3 of the bools is 7; each is 0 or 1."
}
,

    {"view", "of nothing", silent([](Things&) {
       tempo_view seen{};
       seen.size = sizeof seen;
       seen.path = "before";
       host().view(nullptr, &seen);
       BOOST_TEST(!seen.path);
     }),
     "view: `tensor` is NULL."},
    {"view", "without room", silent([](Things& t) { host().view(t.x.handle(), nullptr); }),
     "view: `out` is NULL."},
    {"finish", "of nothing", CALL{return (void)t, host().finish(nullptr);
}
, "finish: the tensor was never given a value"
}
, {"with_mask", "of nothing", CALL{return host().with_mask(nullptr, nullptr, t.out);
}
, "with_mask: the tensor was never given a value"
}
, {"with_mask", "without room", CALL{return host().with_mask(t.x.handle(), nullptr, nullptr);
}
, "with_mask: `out` is NULL."
}
, {"with_mask", "that does not fit",
   CALL{return host().with_mask(t.x.handle(), t.x.handle(), t.out);
}
, "with_mask: the mask does not fit the tensor"
}
, {"parameter", "of nothing", CALL{return host().parameter(nullptr, "w", t.out);
}
, "parameter: its value was never given a value"
}
, {"parameter", "without room", CALL{return host().parameter(t.x.handle(), "w", nullptr);
}
, "parameter: `out` is NULL."
}
, {"parameter", "of integers", CALL{return host().parameter(t.whole.handle(), nullptr, t.out);
}
, "parameter: needs float32 or float64"
}
, {"assign", "to nothing", CALL{return host().assign(nullptr, t.x.handle());
}
, "assign: the weight was never given a value"
}
, {"assign", "of nothing", CALL{return host().assign(t.weight.handle(), nullptr);
}
, "assign: the value was never given a value"
}
, {"assign", "to what is no weight", CALL{return host().assign(t.x.handle(), t.x.handle());
}
, "assign: [2, 3] float32 is not a weight"
}
,

    {"find_op", "of no name", CALL{return host().find_op(nullptr, &t.op);
}
, "find_op: `name` is NULL."
}
, {"find_op", "without room", CALL{return (void)t, host().find_op("add", nullptr);
}
, "find_op: `out` is NULL."
}
, {"find_op", "of a name that nothing has", CALL{return host().find_op("nothing", &t.op);
}
, "there is no op named `nothing`"
}
, {"apply", "no op", CALL{return host().apply(nullptr, t.in, 1, nullptr, 0, t.out, 1);
}
, "apply: `op` is NULL."
}
, {"apply", "to no list",
   CALL{return host().apply(t.named("tanh"), nullptr, 1, nullptr, 0, t.out, 1);
}
, "apply: `inputs` is NULL."
}
, {"apply", "to nothing",
   CALL{return host().apply(t.named("tanh"), t.none, 1, nullptr, 0, t.out, 1);
}
, "input 0 was never given a value"
}
, {"apply", "to too few", CALL{return host().apply(t.named("add"), t.in, 1, nullptr, 0, t.out, 1);
}
, "add: needs 2 inputs, got 1"
}
, {"apply", "to more than can be",
   CALL{return host().apply(t.named("add"), t.in, 4000000000u, nullptr, 0, t.out, 1);
}
, "apply: there are 4000000000 `inputs`"
}
, {"apply", "without room",
   CALL{return host().apply(t.named("tanh"), t.in, 1, nullptr, 0, nullptr, 1);
}
, "apply: `results` is NULL."
}
, {"apply", "for no result",
   CALL{return host().apply(t.named("tanh"), t.in, 1, nullptr, 0, t.out, 0);
}
, "tanh: it gives 1 result, and is asked for 0."
}
, {"apply", "for 5 results of one",
   CALL{return host().apply(t.named("tanh"), t.in, 1, nullptr, 0, t.out, 5);
}
, "tanh: it gives 1 result, and is asked for 5."
}
, {"apply", "with no attributes",
   CALL{return host().apply(t.named("sum"), t.in, 1, nullptr, 1, t.out, 1);
}
, "apply: `attributes` is NULL."
}
, {"apply", "with an attribute without a name", CALL{t.attribute.name = nullptr;
return host().apply(t.named("sum"), t.in, 1, &t.attribute, 1, t.out, 1);
}
, "apply: `name of an attribute` is NULL."
}
, {"apply", "with an attribute of no size", CALL{t.attribute.size = 0;
return host().apply(t.named("sum"), t.in, 1, &t.attribute, 1, t.out, 1);
}
, "apply: a struct says that it has 0 bytes; it has 64.\n  Its field `size` is set by whoever "
  "provides it."
}
, {"apply", "with a text that is not there",
   CALL{return host().apply(t.named("sum"), t.in, 1, t.with(TEMPO_TEXT_VALUE), 1, t.out, 1);
}
, "apply: `text of an attribute` is NULL."
}
, {"apply", "with a list of a count that is none",
   CALL{return host().apply(t.named("sum"), t.in, 1, t.with(TEMPO_LIST_VALUE), 1, t.out, 1);
}
, "apply: there are 4702111234474983745 `list of an attribute`"
}
, {"apply", "with a layer",
   CALL{return host().apply(t.named("sum"), t.in, 1, t.with(TEMPO_LAYER_VALUE), 1, t.out, 1);
}
, "attribute `axis`: an op takes no layer."
}
, {"apply", "with a kind that is none",
   CALL{return host().apply(t.named("sum"), t.in, 1, t.with(77), 1, t.out, 1);
}
, "attribute `axis`: there is no kind with the number 77."
}
,

    {"scan", "nothing", CALL{return host().scan(nullptr, t.out);
}
, "scan: `scan` is NULL."
}
, {"scan", "without a step", CALL{return t.scan.step = nullptr, host().scan(&t.scan, t.out);
}
, "scan: `step` is NULL."
}
, {"scan", "of a struct of no size", CALL{return t.scan.size = 0, host().scan(&t.scan, t.out);
}
, "scan: `step` is NULL."
}
, {"scan", "over no list", CALL{return t.scan.sequences = nullptr, host().scan(&t.scan, t.out);
}
, "scan: `sequences` is NULL."
}
, {"scan", "over nothing", CALL{return t.sequences[0] = nullptr, host().scan(&t.scan, t.out);
}
, "scan: sequence 0 was never given a value"
}
, {"scan", "from states that are not there",
   CALL{return t.scan.n_states = 1, host().scan(&t.scan, t.out);
}
, "scan: `states` is NULL."
}
, {"scan", "with constants that are not there",
   CALL{return t.scan.n_constants = 1, host().scan(&t.scan, t.out);
}
, "scan: `constants` is NULL."
}
, {"scan", "without room", CALL{return host().scan(&t.scan, nullptr);
}
, "scan: `results` is NULL."
}
, {"scan", "with a step that gives nothing",
   CALL{t.scan.step = [](void*, tempo_tensor* const*, tempo_tensor* const*, tempo_tensor**) {
     return tempo_status{TEMPO_OK};
   };
return host().scan(&t.scan, t.out);
}
, "scan: the step left result 0 without a value."
}
, {"gradient", "of nothing", CALL{return host().gradient(nullptr, nullptr, t.in, 1, t.out);
}
, "gradient: y was never given a value"
}
, {"gradient", "to no list", CALL{return host().gradient(t.x.handle(), nullptr, nullptr, 1, t.out);
}
, "gradient: `inputs` is NULL."
}
, {"gradient", "to nothing", CALL{return host().gradient(t.x.handle(), nullptr, t.none, 1, t.out);
}
, "gradient: input 0 was never given a value"
}
, {"gradient", "without room", CALL{return host().gradient(t.x.handle(), nullptr, t.in, 1, nullptr);
}
, "gradient: `gradients` is NULL."
}
, {"custom_gradient", "of nothing",
   CALL{return host().custom_gradient(
       nullptr, t.in, 1, [](void*, tempo_tensor*, tempo_tensor**) { return tempo_status{0}; },
       nullptr, t.out);
}
, "custom_gradient: the value was never given a value"
}
, {"custom_gradient", "without a rule",
   CALL{return host().custom_gradient(t.x.handle(), t.in, 1, nullptr, nullptr, t.out);
}
, "custom_gradient: `rule` is NULL."
}
, {"custom_gradient", "of no list",
   CALL{return host().custom_gradient(
       t.x.handle(), nullptr, 1,
       [](void*, tempo_tensor*, tempo_tensor**) { return tempo_status{0}; }, nullptr, t.out);
}
, "custom_gradient: `inputs` is NULL."
}
, {"custom_gradient", "with a rule that fails without a word",
   CALL{return host().custom_gradient(
       t.weight.handle(), t.in, 0,
       [](void*, tempo_tensor*, tempo_tensor**) { return tempo_status{TEMPO_ERROR}; }, nullptr,
       nullptr);
}
, "custom_gradient: `out` is NULL."
}
,
    {"recording", "with a number that is no bool", silent([](Things&) {
       const int32_t before = host().recording(7);
       BOOST_TEST(host().recording(before) == 1);
       host().fail(TEMPO_ERROR, "nothing to say");
     }),
     "nothing to say"},
    {"initialize", "by nothing", CALL{return host().initialize(nullptr, &t.type, t.out);
}
, "initialize: `initializer` is NULL."
}
, {"initialize", "of no type", CALL{return host().initialize("zeros", nullptr, t.out);
}
, "initialize: `type` is NULL."
}
, {"initialize", "without room", CALL{return host().initialize("zeros", &t.type, nullptr);
}
, "initialize: `out` is NULL."
}
, {"initialize", "by a name that nothing has",
   CALL{return host().initialize("zeroes(", &t.type, t.out);
}
, ""
}
, {"random_key", "without room", CALL{return (void)t, host().random_key(1, nullptr);
}
, "random_key: `out` is NULL."
}
,

    {"make_layer", "of no name",
     CALL{return host().make_layer(TEMPO_LAYER, nullptr, nullptr, 0, &t.layer);
}
, "make_layer: `name` is NULL."
}
, {"make_layer", "of no kind", CALL{return host().make_layer(7, "Dense", nullptr, 0, &t.layer);
}
, "make_layer: there is no kind with the number 7."
}
, {"make_layer", "without room",
   CALL{return (void)t, host().make_layer(TEMPO_LAYER, "Dense", nullptr, 0, nullptr);
}
, "make_layer: `out` is NULL."
}
, {"make_layer", "with options that are not there",
   CALL{return host().make_layer(TEMPO_LAYER, "Dense", nullptr, 1, &t.layer);
}
, "make_layer: `options` is NULL."
}
, {"make_layer", "with an option without a name", CALL{t.attribute.name = nullptr;
return host().make_layer(TEMPO_LAYER, "Dense", &t.attribute, 1, &t.layer);
}
, "Dense: an option came without a name, a kind or its value."
}
, {"make_layer", "with an option of no size", CALL{t.attribute.size = 0;
return host().make_layer(TEMPO_LAYER, "Dense", &t.attribute, 1, &t.layer);
}
, "make_layer: a struct says that it has 0 bytes; it has 64."
}
, {"make_layer", "with a list of a count that is none",
   CALL{return host().make_layer(TEMPO_LAYER, "Dense", t.with(TEMPO_LIST_VALUE), 1, &t.layer);
}
, "Dense: an option came without a name, a kind or its value."
}
, {"make_layer_of", "no type", CALL{return host().make_layer_of(nullptr, nullptr, 0, &t.layer);
}
, "make_layer_of: `type` is NULL."
}
, {"make_layer_of", "a type that is not whole", CALL{const tempo_layer_type type{};
return host().make_layer_of(&type, nullptr, 0, &t.layer);
}
, "register_layer: the description is incomplete"
}
, {"make_layer_of", "without room",
   CALL{return host().make_layer_of(t.dense.view().type, nullptr, 0, nullptr);
}
, "make_layer_of: `out` is NULL."
}
,
    {"view_layer", "of nothing", silent([](Things&) {
       tempo_layer_view seen{};
       seen.size = sizeof seen;
       host().view_layer(nullptr, &seen);
       BOOST_TEST(!seen.name);
     }),
     "view_layer: `layer` is NULL."},
    {"view_layer", "without room",
     silent([](Things& t) { host().view_layer(t.dense.handle(), nullptr); }),
     "view_layer: `out` is NULL."},
    {"build_layer", "of nothing", CALL{return host().build_layer(nullptr, &t.type, 1);
}
, "build_layer: `layer` is NULL."
}
, {"build_layer", "for types that are not there",
   CALL{return host().build_layer(t.cell.handle(), nullptr, 1);
}
, "build_layer: `inputs` is NULL."
}
, {"build_layer", "for a type of no size", CALL{t.type.size = 8;
return host().build_layer(t.cell.handle(), &t.type, 1);
}
, "a list of types: a struct says that it has 8 bytes; it has 80."
}
, {"build_layer", "for no input", CALL{return host().build_layer(t.cell.handle(), nullptr, 0);
}
, "lstm: it is built without an input."
}
, {"call_layer", "of nothing", CALL{return host().call_layer(nullptr, &t.call, t.out, 8, &t.count);
}
, "call_layer: `layer` is NULL."
}
, {"call_layer", "without a call",
   CALL{return host().call_layer(t.dense.handle(), nullptr, t.out, 8, &t.count);
}
, "call_layer: `call` is NULL."
}
, {"call_layer", "without room",
   CALL{return host().call_layer(t.dense.handle(), &t.call, nullptr, 8, &t.count);
}
, "call_layer: `results` is NULL."
}
, {"call_layer", "without room for the count",
   CALL{return host().call_layer(t.dense.handle(), &t.call, t.out, 8, nullptr);
}
, "call_layer: `count` is NULL."
}
, {"call_layer", "with room for none",
   CALL{return host().call_layer(t.dense.handle(), &t.call, t.out, 0, &t.count);
}
, "dense: it returned 1 tensors, room was made for 0."
}
, {"call_layer", "of a struct of no size", CALL{t.call.size = 0;
return host().call_layer(t.dense.handle(), &t.call, t.out, 8, &t.count);
}
, "dense: called without an input."
}
, {"call_layer", "with inputs that are not there", CALL{t.call.inputs = nullptr;
return host().call_layer(t.dense.handle(), &t.call, t.out, 8, &t.count);
}
, "call_layer: `inputs` is NULL."
}
, {"call_layer", "with nothing as an input", CALL{t.call.inputs = t.none;
return host().call_layer(t.dense.handle(), &t.call, t.out, 8, &t.count);
}
, "dense: input 0 was never given a value"
}
, {"call_layer", "with states that are not there", CALL{t.call.n_states = 2;
return host().call_layer(t.cell.handle(), &t.call, t.out, 8, &t.count);
}
, "call_layer: `states` is NULL."
}
, {"call_layer", "with nothing as a state", CALL{t.call.n_states = 1;
t.call.states = t.none;
return host().call_layer(t.cell.handle(), &t.call, t.out, 8, &t.count);
}
, "lstm: state 0 was never given a value"
}
, {"layer_states", "of nothing",
   CALL{return host().layer_states(nullptr, &t.type, 1, t.types, 8, &t.count);
}
, "layer_states: `layer` is NULL."
}
, {"layer_states", "of a layer",
   CALL{return host().layer_states(t.dense.handle(), &t.type, 1, t.types, 8, &t.count);
}
, "dense: it is a layer, not a cell; it has no states."
}
, {"layer_states", "without room",
   CALL{return host().layer_states(t.cell.handle(), &t.type, 1, nullptr, 8, &t.count);
}
, "layer_states: `states` is NULL."
}
, {"layer_states", "with room for one of two",
   CALL{return host().layer_states(t.cell.handle(), &t.type, 1, t.types, 1, &t.count);
}
, "lstm: it has 2 states, room was made for 1."
}
, {"layer_states", "without room for the count",
   CALL{return host().layer_states(t.cell.handle(), &t.type, 1, t.types, 8, nullptr);
}
, "layer_states: `count` is NULL."
}
, {"layer_initial", "of nothing",
   CALL{return host().layer_initial(nullptr, &t.type, 1, &t.call, t.out, 8, &t.count);
}
, "layer_initial: `layer` is NULL."
}
, {"layer_initial", "without a call",
   CALL{return host().layer_initial(t.cell.handle(), &t.type, 1, nullptr, t.out, 8, &t.count);
}
, "layer_initial: `call` is NULL."
}
, {"layer_initial", "of a layer",
   CALL{return host().layer_initial(t.dense.handle(), &t.type, 1, &t.call, t.out, 8, &t.count);
}
, "dense: it is a layer, not a cell; it has no states."
}
, {"layer_once", "for types that are not there",
   CALL{return host().layer_once(t.cell.handle(), nullptr, 1, &t.call, t.out, 8, &t.count);
}
, "layer_once: `inputs` is NULL."
}
, {"layer_once", "without room for the count",
   CALL{return host().layer_once(t.cell.handle(), &t.type, 1, &t.call, t.out, 8, nullptr);
}
, "layer_once: `count` is NULL."
}
, {"reset_layer", "of nothing", CALL{return (void)t, host().reset_layer(nullptr);
}
, "reset_layer: `layer` is NULL."
}
,
    {"layer_weight", "of nothing",
     silent([](Things&) { BOOST_TEST(!host().layer_weight(nullptr, 0)); }),
     "layer_weight: `layer` is NULL."},
    {"layer_weight", "past the end", silent([](Things& t) {
       BOOST_TEST(!host().layer_weight(t.dense.handle(), 4000000000u));
       host().fail(TEMPO_ERROR, "nothing to say");
     }),
     "nothing to say"},
    {"layer_child", "of nothing",
     silent([](Things&) { BOOST_TEST(!host().layer_child(nullptr, 0)); }),
     "layer_child: `layer` is NULL."},
    {"add_weight", "to nothing", CALL{return host().add_weight(nullptr, &t.added, t.out);
}
, "add_weight: `self` is NULL."
}
, {"add_weight", "of nothing", CALL{return host().add_weight(t.cell.handle(), nullptr, t.out);
}
, "add_weight: `weight` is NULL."
}
, {"add_weight", "without room", CALL{return host().add_weight(t.cell.handle(), &t.added, nullptr);
}
, "add_weight: `out` is NULL."
}
, {"add_weight", "without a name", CALL{t.added.name = nullptr;
return host().add_weight(t.cell.handle(), &t.added, t.out);
}
, "lstm: a weight is added without a name."
}
, {"add_weight", "without a value", CALL{t.added.value = nullptr;
return host().add_weight(t.cell.handle(), &t.added, t.out);
}
, "lstm: weight `kernel` is added without a value (it is Tensor{})."
}
, {"add_weight", "when it is built already",
   CALL{return host().add_weight(t.dense.handle(), &t.added, t.out);
}
, "dense: weight `kernel` is added outside of its build."
}
, {"add_child", "to nothing", CALL{return host().add_child(nullptr, "a", t.dense.handle());
}
, "add_child: `self` is NULL."
}
, {"add_child", "without a name",
   CALL{return host().add_child(t.dense.handle(), nullptr, t.cell.handle());
}
, "add_child: `name` is NULL."
}
, {"add_child", "when it is made already",
   CALL{return host().add_child(t.dense.handle(), "a", t.cell.handle());
}
, "dense: child `a` is added when it is made already."
}
, {"register_layer", "nowhere", CALL{return host().register_layer(nullptr, t.dense.view().type);
}
, "register_layer: this registry is not that of an init that runs on this thread."
}
, {"register_layer", "into the registry of an init that is over",
   CALL{return host().register_layer(reinterpret_cast<tempo_registry*>(&t), t.dense.view().type);
}
, "register_layer: this registry is not that of an init that runs on this thread."
}
, {"register_op", "nowhere", CALL{return (void)t, host().register_op(nullptr, nullptr);
}
, "register_op: this registry is not that of an init that runs on this thread."
}
,

    {"penalize", "by nothing", CALL{return host().penalize(nullptr, t.x.handle(), t.out);
}
, "penalize: `regularizer` is NULL."
}
, {"penalize", "of nothing", CALL{return host().penalize("l2", nullptr, t.out);
}
, "a regularizer: the tensor was never given a value"
}
, {"penalize", "without room", CALL{return host().penalize("l2", t.x.handle(), nullptr);
}
, "penalize: `out` is NULL."
}
, {"constrain", "by nothing", CALL{return host().constrain(nullptr, t.x.handle(), t.out);
}
, "constrain: `constraint` is NULL."
}
, {"constrain", "of nothing", CALL{return host().constrain("non_neg", nullptr, t.out);
}
, "a constraint: the tensor was never given a value"
}
, {"constrain", "without room", CALL{return host().constrain("non_neg", t.x.handle(), nullptr);
}
, "constrain: `out` is NULL."
}
, {"add_loss", "of nothing", CALL{return (void)t, host().add_loss(nullptr);
}
, "add_loss: the loss was never given a value"
}
, {"add_loss", "of six numbers", CALL{return host().add_loss(t.x.handle());
}
, "add_loss: a loss is one number"
}
, {"set_trainable", "of nothing", CALL{return (void)t, host().set_trainable(nullptr, 1);
}
, "set_trainable: `layer` is NULL."
}
,
}
;

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

// free(NULL) does nothing, and neither do these.
BOOST_AUTO_TEST_CASE(to_count_nothing_does_nothing) {
  host().retain(nullptr);
  host().release(nullptr);
  host().retain_layer(nullptr);
  host().release_layer(nullptr);
}

BOOST_AUTO_TEST_CASE(every_function_of_the_table_has_a_row) {
  std::ifstream file(TEMPO_SOURCE_DIR "/framework/include/tempo/plugin.h");
  const std::string header(std::istreambuf_iterator<char>(file), {});
  const std::size_t from = header.find("typedef struct tempo_host {"),
                    to = header.find("} tempo_host;");
  BOOST_REQUIRE(to != header.npos);
  const std::string table = header.substr(from, to - from);
  std::set<std::string> known{"retain",        "release", "retain_layer",
                              "release_layer", "step",    "rule"};  // above, and arguments
  for (const Row& row : rows) known.insert(row.function);
  const std::regex function(R"(\(\*(\w+)\)\()");
  int n = 0;
  for (std::sregex_iterator at(table.begin(), table.end(), function), end; at != end; ++at, ++n)
    BOOST_TEST(known.count((*at)[1]) == 1u, (*at)[1] << " has no row");
  BOOST_TEST(n > 30);
}
