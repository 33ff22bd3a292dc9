// SPDX-License-Identifier: Apache-2.0
// Structs of another header: with fields that this one does not have yet, and without later fields
// at the end. Both are accepted, and the host keeps its own copy of what was registered.
#define BOOST_TEST_MODULE sizes_of_structs
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>

#include <tempo/tempo.hpp>

#include "plugin/host.hpp"
#include "plugin/registry.hpp"
#include "raw_layer.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const tempo_host& host() { return sdk::host(); }

// A struct as in a later header.
template <class Struct>
struct Later {
  Struct base;
  uint64_t more[3] = {~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}};
  explicit Later(const Struct& from) : base(from) { base.size = sizeof *this; }
};

// A struct of this many bytes, with no readable memory after it.
template <class Struct>
class Cut {
 public:
  Cut(const Struct& from, std::size_t size) : bytes_(new std::byte[size]) {
    std::memcpy(bytes_.get(), &from, size);
    const auto its = static_cast<uint32_t>(size);
    std::memcpy(bytes_.get(), &its, sizeof its);
  }
  const Struct* get() const { return reinterpret_cast<const Struct*>(bytes_.get()); }

 private:
  std::unique_ptr<std::byte[]> bytes_;
};

const double infinity = std::numeric_limits<double>::infinity();
tempo_option option(const char* name) {
  return {
      sizeof(tempo_option), TEMPO_OPTION_INT, name, "Of it.", "2", -infinity, infinity, nullptr};
}

// The host's copy of what was registered.
const tempo_layer_type* registered(const tempo_layer_type* type) {
  tempo_registry mine{"p", "1", "p.so", {}, {}};
  const Registering now(mine);
  sdk::check(host().register_layer(&mine, type));
  return mine.layers.at(0);
}

Layer made(const tempo_layer_type* type, const tempo_attribute* options, uint32_t n) {
  tempo_layer* out = nullptr;
  sdk::check(host().make_layer_of(type, options, n, &out));
  return Layer(out);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_layer_of_1_0_is_taken_and_what_is_less_is_refused) {
  RawLayer raw;
  const Cut<tempo_layer_type> cut(raw.type, TEMPO_LAYER_TYPE_SIZE_1_0);
  check_same("registered", made(registered(cut.get()), nullptr, 0)(ones({2, 3})), ones({2, 3}));
  check_same("of a program", made(cut.get(), nullptr, 0)(ones({2, 3})), ones({2, 3}));
  const Cut<tempo_layer_type> too_small(raw.type, TEMPO_LAYER_TYPE_SIZE_1_0 - sizeof(void*));
  BOOST_TEST(error_of([&] {
               registered(too_small.get());
             }).starts_with("register_layer: the description is incomplete"));
}

BOOST_AUTO_TEST_CASE(a_layer_of_a_later_header_is_taken) {
  RawLayer raw;
  const Later<tempo_option> options[] = {Later(option("first")), Later(option("second"))};
  raw.type.options = &options[0].base;
  raw.type.n_options = 2;
  const Later<tempo_layer_type> later(raw.type);
  for (const tempo_layer_type* type : {registered(&later.base), &later.base}) {
    const Later<tempo_attribute> given[] = {Later(sdk::Attribute("second", 5).abi()),
                                            Later(sdk::Attribute("first", 7).abi())};
    const Layer layer = made(type, &given[0].base, 2);
    const tempo_layer_view seen = layer.view();
    BOOST_TEST(seen.type->n_options == 2u);
    BOOST_TEST(seen.type->options[1].name == std::string("second"));
    BOOST_TEST(sdk::given(layer, "first")->integer == 7);
    BOOST_TEST(sdk::given(layer, "second")->integer == 5);
    check_same("called", layer(ones({2, 3})), ones({2, 3}));
  }
}

// --- a host of a later header, whose structs have a field more than those of 1.0

namespace {
struct LaterAttribute {
  uint32_t size, kind;
  unsigned char as_it_was[TEMPO_ATTRIBUTE_SIZE_1_0 - 8];
  uint64_t more;
};
}  // namespace

namespace tempo {
template <>
inline constexpr std::size_t least<LaterAttribute> = TEMPO_ATTRIBUTE_SIZE_1_0;
}  // namespace tempo

BOOST_AUTO_TEST_CASE(a_later_host_takes_structs_and_arrays_of_1_0) {
  const tempo_attribute given[] = {sdk::Attribute("first", 5).abi(),
                                   sdk::Attribute("second", 7).abi()};
  const auto* const first = reinterpret_cast<const LaterAttribute*>(&given[0]);
  const LaterAttribute one = whole(*first);
  BOOST_TEST(one.size == sizeof(LaterAttribute));
  BOOST_TEST(one.more == 0u);
  BOOST_TEST(std::memcmp(one.as_it_was, first->as_it_was, sizeof one.as_it_was) == 0);
  const Elements all(first, 2, "a test");
  BOOST_REQUIRE(all.all().size() == 2u);
  for (std::size_t i = 0; i < 2; ++i) {
    BOOST_TEST(all.all()[i].more == 0u);
    const auto& its = reinterpret_cast<const tempo_attribute&>(all.all()[i]);
    BOOST_TEST(its.name == std::string(given[i].name));
    BOOST_TEST(its.integer == given[i].integer);
  }
  tempo_attribute small = given[0];
  small.size = TEMPO_ATTRIBUTE_SIZE_1_0 - 8;
  BOOST_TEST(error_of([&] {
               Elements(reinterpret_cast<const LaterAttribute*>(&small), 1, "a test");
             }).starts_with("a test: a struct says that it has 64 bytes; it has 72."));
  // Its view ends where that of 1.0 does.
  struct {
    tempo_attribute room;
    uint64_t behind;
  } shown{given[0], 0x55};
  show(LaterAttribute{sizeof(LaterAttribute), 9, {}, 77},
       reinterpret_cast<LaterAttribute*>(&shown));
  BOOST_TEST(shown.room.kind == 9u);
  BOOST_TEST(shown.behind == 0x55u);
}

BOOST_AUTO_TEST_CASE(what_was_registered_need_not_stay) {
  char name[] = "Gone", summary[] = "For a while.", of_option[] = "size";
  const tempo_layer_type* kept = nullptr;
  const tempo_op_type* kept_op = nullptr;
  RawLayer raw;
  {
    tempo_option mine = option(of_option);
    tempo_layer_type type = raw.type;
    type.name = name;
    type.summary = summary;
    type.options = &mine;
    type.n_options = 1;
    kept = registered(&type);
    const auto does_nothing = [](void*, const tempo_op_call*) { return tempo_status{TEMPO_OK}; };
    tempo_op_type op{sizeof(tempo_op_type), 1, 1, 0, name, summary, nullptr, does_nothing,
                     does_nothing,          {}};
    tempo_registry registry{"p", "1", "p.so", {}, {}};
    const Registering now(registry);
    const Cut<tempo_op_type> of_1_0(op, TEMPO_OP_TYPE_SIZE_1_0);
    sdk::check(host().register_op(&registry, of_1_0.get()));
    kept_op = registry.ops.at(0);
    std::memset(&mine, 0x41, sizeof mine);
    std::memset(&type, 0x41, sizeof type);
    std::memset(&op, 0x41, sizeof op);
    for (char* text : {name, summary, of_option}) text[0] = '\0';
  }
  BOOST_TEST(kept->name == std::string("Gone"));
  BOOST_TEST(kept->summary == std::string("For a while."));
  BOOST_TEST(kept->options[0].name == std::string("size"));
  BOOST_TEST(kept_op->name == std::string("Gone"));
  BOOST_TEST(!kept_op->vjp);
  check_same("called", made(kept, nullptr, 0)(ones({2})), ones({2}));
}

BOOST_AUTO_TEST_CASE(what_a_layer_was_made_of_need_not_stay) {
  RawLayer raw;
  char name[] = "Passing", of_option[] = "size";
  Layer layer, same, other;
  {
    tempo_option mine = option(of_option);
    tempo_layer_type type = raw.type;
    type.name = name;
    type.options = &mine;
    type.n_options = 1;
    layer = made(&type, nullptr, 0);
    same = made(&type, nullptr, 0);
    BOOST_TEST(layer.view().type == same.view().type);
    mine.standard = "3";  // from here on it is another type
    other = made(&type, nullptr, 0);
    BOOST_TEST(layer.view().type != other.view().type);
    BOOST_TEST(made(layer.view().type, nullptr, 0).view().type == layer.view().type);
    std::memset(&mine, 0x41, sizeof mine);
    std::memset(&type, 0x41, sizeof type);
    name[0] = of_option[0] = '\0';
  }
  BOOST_TEST(layer.type_name() == "Passing");
  BOOST_TEST(layer.view().type->options[0].name == std::string("size"));
  BOOST_TEST(layer.view().type->options[0].standard == std::string("2"));
  check_same("called", layer(ones({2, 3})), ones({2, 3}));
}

BOOST_AUTO_TEST_CASE(calls_scans_weights_and_attributes_of_a_later_header_are_taken) {
  const Tensor x = ones({2, 3}), sequence = ones({2, 4, 3});
  tempo_tensor *const in[] = {x.handle()}, *const sequences[] = {sequence.handle()};
  tempo_tensor* out[2] = {};

  tempo_call call{};
  call.n_inputs = 1;
  call.inputs = in;
  const Later<tempo_call> later_call(call);
  const Layer dense = Dense({.units = 2});
  Later<tempo_results> room(tempo_results{0, 2, 0, out});
  sdk::check(host().call_layer(dense.handle(), &later_call.base, &room.base));
  BOOST_TEST(room.base.count == 1u);
  BOOST_CHECK(Tensor(out[0]).shape() == (Shape{2, 2}));

  tempo_scan scan{};
  scan.n_sequences = scan.n_outputs = 1;
  scan.sequences = sequences;
  scan.step = [](void*, const tempo_step* step) {
    return host().retain(step->results[0] = step->sequences[0]);
  };
  const Later<tempo_scan> later_scan(scan);
  sdk::check(host().scan(&later_scan.base, out));
  check_same("scanned", Tensor(out[0]), sequence);

  const tempo_op* sum = nullptr;
  sdk::check(host().find_op("sum", &sum));
  const std::vector<int64_t> axes{-1};
  const Later<tempo_attribute> attributes[] = {Later(sdk::Attribute("axes", axes).abi()),
                                               Later(sdk::Attribute("keepdims", true).abi())};
  sdk::check(host().apply(sum, in, 1, &attributes[0].base, 2, out, 1));
  const Tensor summed(out[0]);
  check_same("summed", summed, tempo::sum(x, -1, true));

  RawLayer raw;
  raw.build = [&](tempo_layer* self) {
    const Later<tempo_type> type(sdk::to_abi(float64, {5}));
    tempo_weight weight{};
    weight.trainable = 1;
    weight.name = "w";
    weight.type = &type.base;
    weight.initializer = "ones";
    const Later<tempo_weight> later(weight);
    tempo_tensor* added = nullptr;
    const tempo_status status = host().add_weight(self, &later.base, &added);
    host().release(added);
    return status;
  };
  const Layer layer = raw.make();
  layer(x);
  check_same("weight", layer.weights().at(0), ones({5}, float64));

  const Later<tempo_type> types[] = {Later(sdk::to_abi(float32, {2, 3})),
                                     Later(sdk::to_abi(float32, {2, 3}))};
  const Later<tempo_inputs> inputs(tempo_inputs{0, 2, &types[0].base});
  const Layer together = tempo::layer("Concatenate");
  sdk::check(host().build_layer(together.handle(), &inputs.base));
  BOOST_TEST(together.built());
  const Layer lstm = tempo::cell("LSTM", {{"units", 4}});
  const Later<tempo_inputs> one(tempo_inputs{0, 1, &types[0].base});
  tempo_type of_states[3] = {};
  Later<tempo_result_types> states(tempo_result_types{0, 3, 0, of_states});
  sdk::check(host().layer_states(lstm.handle(), &one.base, &states.base));
  BOOST_TEST(states.base.count == 2u);
  BOOST_CHECK(sdk::shape_of(of_states[1]) == (Shape{2, 4}));

  const Tensor w = parameter(x);
  tempo_tensor* const in_w[] = {w.handle()};
  const Later<tempo_custom_gradient> custom(tempo_custom_gradient{
      0, 1, x.handle(), in_w,
      [](void*, const tempo_rule* rule) { return host().retain(rule->gradients[0] = rule->dy); },
      nullptr});
  sdk::check(host().custom_gradient(&custom.base, out));
  check_same("custom", gradient(tempo::sum(Tensor(out[0]) * 3), {w})[0], full({2, 3}, 3));
}

BOOST_AUTO_TEST_CASE(what_is_shown_to_a_later_header_ends_where_this_one_does) {
  const Tensor x = ones({2, 3});
  Later<tempo_view> view{tempo_view{}};
  host().view(x.handle(), &view.base);
  BOOST_TEST(view.base.size == sizeof view);
  BOOST_TEST(view.base.data == x.data<float>());
  BOOST_TEST(view.more[0] == ~uint64_t{0});
  Later<tempo_layer_view> seen{tempo_layer_view{}};
  const Layer dense = Dense({.units = 2, .name = "narrow"});
  host().view_layer(dense.handle(), &seen.base);
  BOOST_TEST(seen.base.name == std::string("narrow"));
  BOOST_TEST(seen.more[0] == ~uint64_t{0});
}
