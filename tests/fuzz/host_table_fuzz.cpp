// SPDX-License-Identifier: Apache-2.0
// The host table, called as a careless plugin in C may call it: NULL anywhere, structs of other
// sizes, counts that no list has, types and texts of any kind, callbacks that do the same and fail,
// handles kept beyond a step. Input: a byte of flags, then for each call its function and what it
// is given; callbacks take theirs from the same bytes. The host that watches a plugin (flag 1) is
// also given handles that were released. Of few calls and small tensors, but for one input in 64.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <memory>
#include <utility>

#include <tempo/tempo.hpp>

#include "fuzz.hpp"
#include "graph/op.hpp"
#include "plugin/debug/table.hpp"
#include "plugin/functions.hpp"
#include "plugin/kept.hpp"
#include "plugin/registry.hpp"

using namespace tempo;
using namespace tempo::fuzz;

namespace tempo::fuzz {

namespace {

constexpr const char* layer_names[] = {"Dense",         "LSTM",    "GRU",       "SimpleRNN", "RNN",
                                       "Bidirectional", "Dropout", "Embedding", "Masking"};
constexpr const char* option_names[] = {
    "units", "name",  "return_sequences", "activation", "layer", "cell",      "rate",
    "seed",  "dtype", "stateful",         "trainable",  "calls", "input_dim", "output_dim"};
constexpr const char* attribute_names[] = {
    "axis",  "axes",     "size",   "shape",  "reverse",   "stride",   "permutation",
    "value", "dilation", "begin",  "before", "after",     "keepdims", "end",
    "steps", "sizes",    "rows",   "extent", "exclusive", "dtype",    "depth",
    "bound", "seed",     "borrow", "rule"};
constexpr const char* texts[] = {"",
                                 "tanh",
                                 "relu",
                                 "zeros",
                                 "ones",
                                 "glorot_uniform(seed=3)",
                                 "constant(nan)",
                                 "a",
                                 "l2(1)",
                                 "max_norm(2)",
                                 "l1_l2",
                                 "unit_norm",
                                 "orthogonal(gain=2)",
                                 "\xff\xfe",
                                 "(",
                                 "a/b",
                                 "random_normal(",
                                 "float64",
                                 "sum",
                                 "non_neg",
                                 "kernel",
                                 "careless_function"};

// Extents are few, or so large that no tensor can have them.
int64_t most_elements = 64;
constexpr int64_t too_many = int64_t{1} << 42;

template <class Byte>
tempo_type some_type(Byte&& byte) {
  constexpr tempo_dtype odd_dtypes[] = {TEMPO_AUTOMATIC, TEMPO_FLOAT16, 7, INT32_MIN};
  constexpr uint32_t odd_ranks[] = {4, 8, 9, UINT32_MAX};
  constexpr int64_t odd_extents[] = {-1, too_many, INT64_MAX, INT64_MIN};
  tempo_type t{};
  const unsigned dtype = byte(), rank = byte(), rest = byte();
  t.size = rest >= 0xf8 ? rest - 0xf0 : sizeof t;
  t.device = rest == 0xf0;
  t.dtype = dtype < 0xe0 ? static_cast<tempo_dtype>(dtype % 5) : odd_dtypes[dtype % 4];
  t.rank = rank < 0xe0 ? rank % 4 : odd_ranks[rank % 4];
  double count = 1;
  for (uint32_t i = 0; i < std::min(t.rank, TEMPO_MAX_RANK); ++i) {
    const unsigned extent = byte();
    t.shape[i] = extent < 0xe8 ? extent % 6 : odd_extents[extent % 4];
    count *= static_cast<double>(t.shape[i]);
  }
  if (count > static_cast<double>(most_elements) && count < static_cast<double>(too_many))
    std::fill(std::begin(t.shape), std::end(t.shape), 1);
  return t;
}

/// 0 of what cannot be, too.
std::size_t elements_of(const tempo_type& type) {
  double count = type.rank <= TEMPO_MAX_RANK;
  for (uint32_t i = 0; i < std::min(type.rank, TEMPO_MAX_RANK); ++i)
    count *= static_cast<double>(std::max<int64_t>(0, type.shape[i]));
  return count <= static_cast<double>(most_elements) ? static_cast<std::size_t>(count) : 0;
}

}  // namespace

namespace callbacks {
tempo_status step(void* user, const tempo_step* asked);
tempo_status rule(void* user, const tempo_rule* asked);
tempo_layer_type layer();
tempo_layer_type cell();
tempo_op_type op();
tempo_function_type function();
}  // namespace callbacks

// The plugin: what it holds, and the bytes that say what it does next.
class Careless {
 public:
  Careless(const tempo_host& table, Input input, bool watched, int most_calls)
      : host_(table), input_(input), watched_(watched), most_calls_(most_calls) {}
  ~Careless() {
    for (tempo_tensor*& t : tensors_) let_go(t);
    for (tempo_layer*& l : layers_) let_go(l);
  }
  Careless(const Careless&) = delete;
  Careless& operator=(const Careless&) = delete;

  static inline Careless* current = nullptr;
  static inline int64_t instances = 0;

  void run() {
    for (const int64_t rank : {2, 2, 3}) {
      const tempo_type its = sdk::to_abi(float32, rank == 2 ? Shape{2, 3} : Shape{2, 4, 3});
      makes("make", [&](auto out) { return host_.make(&its, nullptr, out); });
    }
    makes("parameter", [&](auto out) { return host_.parameter(tensors_[0], "w", out); });
    while (!input_.rest().empty() && calls_ < most_calls_) call_one();
  }

  // --- as the callbacks do

  unsigned byte() { return input_.byte(); }
  /// One in 16.
  bool is_odd() { return byte() % 16 == 15; }
  void call_some() {
    for (unsigned n = byte() % 4; n > 0 && calls_ < most_calls_; --n) call_one();
    inside_ = true;
  }
  tempo_status status() {
    inside_ = true;
    switch (const unsigned how = byte() % 32) {
      case 31: return host_.fail(TEMPO_SHAPE_ERROR, text());
      case 30: return static_cast<tempo_status>(byte()) - 8;
      case 29: return TEMPO_ERROR + static_cast<tempo_status>(how % 8);
      default: return TEMPO_OK;
    }
  }
  void keep(tempo_tensor* lent) {
    if (!lent || watched_) return;
    host_.retain(lent);
    put(lent);
  }
  /// With a count, or NULL.
  tempo_tensor* counted() {
    tempo_tensor* const t = tensor();
    if (watched_ && is_stale(t)) return nullptr;
    host_.retain(t);
    return t;
  }
  void fill(tempo_tensor** results, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) results[i] = counted();
  }
  void count(uint32_t& its, uint32_t capacity) {
    its = is_odd() ? byte() * 0x01010101u : byte() % 3;
    if (its > capacity && its < 1u << 24) its = capacity;
  }
  tempo_type type() {
    return some_type([this] { return byte(); });
  }
  tempo_status save_one(tempo_saving* to) {
    tempo_attribute a = attribute(option_names);
    if (byte() % 2) a.kind = byte() % 2 ? TEMPO_INT64_VALUE : TEMPO_TENSOR_VALUE;
    if (a.kind == TEMPO_TENSOR_VALUE && !a.tensor) a.tensor = tensor();
    return host_.save_value(to, sized(a));
  }

  /// While a callback of it runs.
  tempo_layer* self = nullptr;

 private:
  tempo_tensor* tensor() {
    const unsigned which = byte();
    if (which >= 0xf8) return nullptr;
    if (watched_ && which >= 0xe0) return stale_[which % std::size(stale_)];
    return tensors_[which % std::size(tensors_)];
  }
  bool is_stale(const tempo_tensor* t) const {
    return t && std::find(std::begin(tensors_), std::end(tensors_), t) == std::end(tensors_);
  }
  tempo_layer* layer() {
    const unsigned which = byte();
    if (which >= 0xf8) return nullptr;
    if (self && which >= 0x80) return self;
    return layers_[which % std::size(layers_)];
  }
  const char* text() {
    const unsigned which = byte();
    if (which >= 0xf8) return nullptr;
    if (which >= 0xf0) {
      own_texts_.push_back(std::make_unique<std::string>(input_.text()));
      return own_texts_.back()->c_str();
    }
    return texts[which % std::size(texts)];
  }
  template <std::size_t N>
  const char* one_of(const char* const (&names)[N]) {
    const unsigned which = byte();
    return which >= 0xf8 ? text() : names[which % N];
  }

  // A list of what `make` gives, with a count that is not its own now and then.
  template <class T, class Make>
  T* list(uint32_t& n, Make&& make, unsigned most = 4) {
    n = byte() % most;
    auto& all = keep_alive<std::vector<T>>(n);
    for (T& one : all) one = make();
    if (!is_odd()) return all.data();
    switch (byte() % 4) {
      case 0: return nullptr;
      case 1: n = UINT32_MAX; return all.data();
      case 2: n = (1u << 20) + 1; return all.data();
      default: n = 1; return nullptr;
    }
  }
  // Of structs that lie as many bytes apart as the first one says that it has.
  template <class T, class Make>
  T* list_of_structs(uint32_t& n, Make&& make) {
    T* const all = list<T>(n, make);
    if (!all || n == 0 || n > 4) return all;
    const std::size_t size = is_odd() ? odd_size(sizeof(T)) : sizeof(T);
    const std::size_t apart = std::max(size, sizeof(T));
    auto& room = keep_alive<std::vector<uint64_t>>((apart * n + 7) / 8, ~0ull);
    for (std::size_t i = 0; i < n; ++i) {
      all[i].size = i > 0 && is_odd() ? byte() : static_cast<uint32_t>(size);
      std::memcpy(reinterpret_cast<char*>(room.data()) + i * size, all + i, sizeof(T));
    }
    return reinterpret_cast<T*>(room.data());
  }
  std::size_t odd_size(std::size_t size) {
    const std::size_t sizes[] = {0, 4, 8, size - 8, size - 1, size + 1, size + 8, size + 64};
    return sizes[byte() % std::size(sizes)];
  }
  tempo_tensor* const* list_of_tensors(uint32_t& n) {
    return list<tempo_tensor*>(n, [this] { return tensor(); });
  }
  template <class T, class... A>
  T& keep_alive(A&&... arguments) {
    auto made = std::make_shared<T>(std::forward<A>(arguments)...);
    T& it = *made;
    alive_.push_back(std::move(made));
    return it;
  }
  /// A struct in as many bytes as it says that it has, NULL now and then.
  template <class T>
  T* sized(T value) {
    if (is_odd() && byte() % 2) return nullptr;
    std::size_t size = sizeof value;
    if (is_odd()) size = odd_size(size);
    value.size = static_cast<uint32_t>(size);
    auto& room = keep_alive<std::vector<uint64_t>>((std::max<std::size_t>(size, 4) + 7) / 8, ~0ull);
    std::memcpy(room.data(), &value, std::min(std::max<std::size_t>(size, 4), sizeof value));
    return reinterpret_cast<T*>(room.data());
  }

  template <std::size_t N>
  tempo_attribute attribute(const char* const (&names)[N]) {
    constexpr int64_t integers[] = {0,         1,        2, 3, 4, -1, -2, 7, int64_t{1} << 42,
                                    INT64_MAX, INT64_MIN};
    constexpr double reals[] = {0, 1, 0.5, -1, 1e300, INFINITY, NAN};
    tempo_attribute a{};
    a.size = sizeof a;
    a.kind = is_odd() ? byte() : byte() % 6;
    a.name = one_of(names);
    a.integer = integers[byte() % std::size(integers)];
    if (a.kind == TEMPO_DOUBLE_VALUE) a.real = reals[byte() % std::size(reals)];
    if (a.kind == TEMPO_TEXT_VALUE) a.text = text();
    if (a.kind == TEMPO_LAYER_VALUE) a.layer = layer();
    if (a.kind == TEMPO_TENSOR_VALUE) a.tensor = tensor();
    if (a.kind == TEMPO_LIST_VALUE) {
      uint32_t n = 0;
      a.list = list<int64_t>(n, [&] { return integers[byte() % std::size(integers)]; });
      a.count = n;
    }
    return a;
  }
  template <std::size_t N>
  const tempo_attribute* attributes(const char* const (&names)[N], uint32_t& n) {
    return list_of_structs<tempo_attribute>(n, [&] { return attribute(names); });
  }
  tempo_inputs inputs() {
    tempo_inputs it{};
    it.types = list<tempo_type>(
        it.count, [this] { return type(); }, 3);
    return it;
  }
  tempo_call a_call(bool before_steps) {
    tempo_call c{};
    c.training = static_cast<int32_t>(byte() % 4) - 1;
    if (before_steps)
      c.types = list<tempo_type>(
          c.n_inputs, [this] { return type(); }, 3);
    else
      c.inputs = list_of_tensors(c.n_inputs);
    if (byte() % 2) c.states = list_of_tensors(c.n_states);
    if (byte() % 4 == 3) c.constants = list_of_tensors(c.n_constants);
    if (byte() % 4 == 3) c.once = list_of_tensors(c.n_once);
    if (byte() % 4 == 3) c.mask = tensor();
    return c;
  }

  // --- what comes back

  void put(tempo_tensor* made) {
    tempo_tensor*& room = tensors_[next_tensor_++ % std::size(tensors_)];
    let_go(room);
    room = made;
  }
  void put(tempo_layer* made) {
    tempo_layer*& room = layers_[next_layer_++ % std::size(layers_)];
    let_go(room);
    room = made;
  }
  void let_go(tempo_tensor*& t) {
    if (t && watched_) stale_[next_stale_++ % std::size(stale_)] = t;
    host_.release(std::exchange(t, nullptr));
  }
  void let_go(tempo_layer*& l) { host_.release_layer(std::exchange(l, nullptr)); }
  // What is large is not kept, so that nothing grows without an end.
  void take(tempo_tensor* made) {
    if (!made) return;
    tempo_view seen{};
    seen.size = sizeof seen;
    require(host_.view(made, &seen) == TEMPO_OK, "what was made can be seen");
    if (sdk::shape_of(seen.type).count() <= most_elements)
      put(made);
    else
      host_.release(made);
  }
  bool went(tempo_status status, const char* function) {
    if (status == TEMPO_OK) return true;
    uint64_t serial = 0;
    const char* const words = host_.last_error(&serial);
    require(words && *words, "a failure has words", function);
    // The same words are the same error, and a callback's comes through, with more words.
    const bool passed_on = inside_ || last_words_ == words;
    require(serial != 0 && (std::exchange(last_serial_, serial) != serial || passed_on),
            "a failure has an error of its own", function);
    last_words_ = words;
    return false;
  }
  // A function that makes one tensor.
  template <class F>
  void makes(const char* function, F&& f) {
    const bool room = !is_odd();
    tempo_tensor* out = nullptr;
    const bool ok = went(f(room ? &out : nullptr), function);
    require(ok == (out != nullptr), "what succeeds makes something, and what fails nothing",
            function);
    take(out);
  }
  template <class F>
  void makes_layer(const char* function, F&& f) {
    const bool room = !is_odd();
    tempo_layer* out = nullptr;
    const bool ok = went(f(room ? &out : nullptr), function);
    require(ok == (out != nullptr), "what succeeds makes something, and what fails nothing",
            function);
    if (out) put(out);
  }
  // One that fills room for several.
  template <class F>
  void fills(const char* function, F&& f) {
    constexpr uint32_t capacity = 8;
    tempo_tensor* made[capacity] = {};
    tempo_results results{};
    results.capacity = is_odd() ? byte() % capacity : capacity;
    results.tensors = is_odd() ? nullptr : made;
    tempo_results* const room = sized(results);
    const bool ok = went(f(room), function);
    for (tempo_tensor* t : made) require(ok || !t, "what fails hands nothing over", function);
    for (tempo_tensor* t : made) take(t);
  }
  // `n` of a list, of which there is room for 8.
  template <class F>
  void makes_some(const char* function, uint64_t n, F&& f) {
    tempo_tensor* made[16] = {};
    tempo_tensor** const room = is_odd() || (n > std::size(made) && n <= 1u << 20) ? nullptr : made;
    if (!room && n == 0) return;
    const bool ok = went(f(room), function);
    for (tempo_tensor* t : made) require(ok || !t, "what fails hands nothing over", function);
    for (tempo_tensor* t : made) take(t);
  }

  // --- the functions, each as often as its number is there

  void call_one();
  void make() {
    const tempo_type wanted = type();
    const std::size_t n = elements_of(wanted);
    auto& data = keep_alive<std::vector<unsigned char>>(n * 8);
    for (std::size_t i = 0; i < data.size() && i < 64; ++i)
      data[i] = static_cast<unsigned char>(is_odd() ? byte() : byte() % 2);
    const bool zeros = n == 0 || byte() % 4 == 0;
    const tempo_type* const given = is_odd() ? nullptr : &wanted;
    makes("make", [&](auto out) { return host_.make(given, zeros ? nullptr : data.data(), out); });
  }
  void see() {
    tempo_tensor* const t = tensor();
    tempo_view* const seen = sized(tempo_view{});
    const bool ok = went(host_.view(t, seen), "view");
    if (!ok || seen->size < sizeof *seen) return;
    if (seen->mask) keep(seen->mask);
    if (!seen->data || (seen->flags & TEMPO_PENDING && !went(host_.finish(t), "finish"))) return;
    const auto* const bytes = static_cast<const unsigned char*>(seen->data);
    unsigned sum = 0;
    const std::size_t n = TensorType{sdk::dtype_of(seen->type), sdk::shape_of(seen->type)}.bytes();
    for (std::size_t i = 0; i < n; ++i) sum += bytes[i];
    require(sum < UINT32_MAX, "the data that is shown is there");
  }
  void apply_some() {
    uint32_t n_inputs = 0, n_attributes = 0;
    tempo_tensor* const* const given = list_of_tensors(n_inputs);
    const tempo_attribute* const a =
        byte() % 2 ? attributes(attribute_names, n_attributes) : nullptr;
    const tempo_op* const op = this->op();
    const uint32_t n = is_odd() ? byte() * 0x00101010u : 1;
    makes_some("apply", n, [&](auto room) {
      return host_.apply(op, given, n_inputs, a, n_attributes, room, n);
    });
  }
  static const OpDefinition* op_of(unsigned which) {
    static const std::vector<const OpDefinition*> all = all_ops();
    return all[which % all.size()];
  }
  // Its own, found, any, or none.
  const tempo_op* op() {
    const unsigned which = byte();
    if (which >= 0xf8) return nullptr;
    if (which >= 0xe0) return find_op("careless.careless_op");
    return which >= 0xc0 ? ops_[which % std::size(ops_)] : op_of(which);
  }
  void find() {
    const tempo_op* found = nullptr;
    const char* const name = is_odd() ? text() : op_of(byte())->name.c_str();
    if (went(host_.find_op(name, is_odd() ? nullptr : &found), "find_op"))
      ops_[next_op_++ % std::size(ops_)] = found;
  }
  void scan() {
    tempo_scan s{};
    s.sequences = list_of_tensors(s.n_sequences);
    s.states = list_of_tensors(s.n_states);
    if (byte() % 2) s.constants = list_of_tensors(s.n_constants);
    s.step = is_odd() ? nullptr : callbacks::step;
    s.step_id = byte() % 3;
    s.n_outputs = is_odd() ? byte() * 0x01010101u : byte() % 3;
    s.reverse = byte() % 2;
    s.last_only = byte() % 2;
    s.plain = byte() % 2;
    s.recompute = byte() % 2;
    const tempo_scan* const given = sized(s);
    makes_some("scan", uint64_t{s.n_outputs} + s.n_states,
               [&](auto room) { return host_.scan(given, room); });
  }
  void gradients() {
    uint32_t n = 0;
    tempo_tensor *const y = tensor(), *const dy = byte() % 2 ? tensor() : nullptr;
    tempo_tensor* const* const given = list_of_tensors(n);
    makes_some("gradient", n, [&](auto room) { return host_.gradient(y, dy, given, n, room); });
  }
  void custom() {
    tempo_custom_gradient c{};
    c.value = tensor();
    c.inputs = list_of_tensors(c.n_inputs);
    c.rule = is_odd() ? nullptr : callbacks::rule;
    const tempo_custom_gradient* const given = sized(c);
    makes("custom_gradient", [&](auto out) { return host_.custom_gradient(given, out); });
  }
  const tempo_layer_type* layer_type() {
    tempo_layer_type it = byte() % 2 ? callbacks::cell() : callbacks::layer();
    if (is_odd()) it.name = text();
    if (is_odd()) it.summary = text();
    if (is_odd()) it.kind = byte();
    if (is_odd()) it.flags = byte();
    if (is_odd()) it.call = nullptr;
    if (is_odd()) it.destroy = nullptr;
    if (is_odd()) it.save = nullptr;
    it.version = byte() % 4;
    if (byte() % 4 == 3) it.options = options(it.n_options);
    return sized(it);
  }
  const tempo_option* options(uint32_t& n) {
    return list_of_structs<tempo_option>(n, [this] {
      tempo_option o{};
      o.size = sizeof o;
      o.kind = byte() % 12;
      o.name = one_of(option_names);
      o.sentence = is_odd() ? text() : "";
      o.standard = is_odd() ? text() : "1";
      o.at_least = is_odd() ? NAN : 0;
      o.at_most = 10;
      o.choices = is_odd() ? text() : nullptr;
      return o;
    });
  }
  const tempo_function_type* function_type() {
    tempo_function_type it = callbacks::function();
    if (is_odd()) it.name = text();
    if (is_odd()) it.summary = text();
    if (is_odd()) it.slots = text();
    if (is_odd()) it.flags = byte();
    if (is_odd()) it.call = nullptr;
    if (byte() % 4 == 3) it.options = options(it.n_options);
    return sized(it);
  }
  void make_by_name() {
    uint32_t n = 0;
    const uint32_t kind = is_odd() ? byte() : uint32_t{TEMPO_LAYER};
    const char* const name = one_of(layer_names);
    const tempo_attribute* const options = attributes(option_names, n);
    makes_layer("make_layer",
                [&](auto out) { return host_.make_layer(kind, name, options, n, out); });
  }
  void make_of_type() {
    uint32_t n = 0;
    const tempo_layer_type* const its = layer_type();
    const tempo_attribute* const options = byte() % 4 == 3 ? attributes(option_names, n) : nullptr;
    makes_layer("make_layer_of",
                [&](auto out) { return host_.make_layer_of(its, options, n, out); });
  }
  void see_layer() {
    tempo_layer_view* const seen = sized(tempo_layer_view{});
    if (!went(host_.view_layer(layer(), seen), "view_layer") || seen->size < sizeof *seen) return;
    require(seen->name && seen->type, "a layer has a name and a type");
    for (uint32_t i = 0; i < seen->n_options; ++i)
      require(std::strlen(tempo_attribute_at(seen->options, i)->name) < 65, "options have names");
  }
  // What tells types: of states, or of outputs.
  void tells(const char* function,
             tempo_status (*tempo_host::*member)(tempo_layer*, const tempo_inputs*,
                                                 tempo_result_types*)) {
    tempo_type types[8] = {};
    for (tempo_type& t : types) t.size = sizeof t;
    tempo_result_types results{};
    results.capacity = is_odd() ? byte() % 8 : 8;
    results.types = is_odd() ? nullptr : types;
    tempo_layer* const its = layer();
    const tempo_inputs* const given = sized(inputs());
    went((host_.*member)(its, given, sized(results)), function);
  }
  // As a model file does, out of it and into it.
  void save_and_load() {
    tempo_layer* const its = layers_[byte() % std::size(layers_)];
    if (!its) return;
    if (!its->type.save) return;
    answers([&] {
      const Layer held = Layer::borrowed(its);
      put_back(*its, kept_by(*its), byte() % 4);
    });
  }
  void migrate_options() {
    tempo_layer* const its = layers_[byte() % std::size(layers_)];
    if (!its || !its->type.migrate) return;
    answers([&] {
      const Layer held = Layer::borrowed(its);
      sdk::OptionList made;
      migrate(its->type, "Careless", byte() % 4, its->options, made);
    });
  }
  void find_a_function() {
    const tempo_function* found = nullptr;
    const uint32_t kind = is_odd() ? byte() : uint32_t{TEMPO_ACTIVATION};
    const char* const words = text();
    if (went(host_.find_function(kind, words, is_odd() ? nullptr : &found), "find_function"))
      functions_[next_function_++ % std::size(functions_)] = found;
  }
  void call_a_function() {
    const unsigned which = byte();
    const tempo_function* const its = which < 0x40
                                          ? &lasting_function(TEMPO_ACTIVATION, "careless_function")
                                          : functions_[which % std::size(functions_)];
    uint32_t n_inputs = 0;
    tempo_tensor* const* const given = list_of_tensors(n_inputs);
    const uint32_t n = is_odd() ? byte() * 0x01010101u : 1;
    makes_some("call_function", n,
               [&](auto room) { return host_.call_function(its, given, n_inputs, room, n); });
  }
  void extensions() {
    host_.get_extension(text());
    const void* found = nullptr;
    tempo_layer* const its = layer();
    went(host_.layer_extension(its, text(), is_odd() ? nullptr : &found), "layer_extension");
  }
  void weight() {
    tempo_tensor* found = nullptr;
    if (went(host_.layer_weight(layer(), byte() % 8, is_odd() ? nullptr : &found), "layer_weight"))
      keep(found);
  }
  void child() {
    tempo_layer* found = nullptr;
    if (!went(host_.layer_child(layer(), byte() % 4, is_odd() ? nullptr : &found), "layer_child") ||
        !found)
      return;
    host_.retain_layer(found);
    put(found);
  }
  void add_weight() {
    tempo_weight w{};
    const tempo_type its = type();
    w.trainable = byte() % 2;
    w.name = text();
    if (byte() % 2) w.value = tensor();
    if (byte() % 2) w.type = &its;
    if (byte() % 2) w.initializer = text();
    if (byte() % 4 == 3) w.regularizer = text();
    if (byte() % 4 == 3) w.constraint = text();
    tempo_layer* const to = layer();
    const tempo_weight* const given = sized(w);
    makes("add_weight", [&](auto out) { return host_.add_weight(to, given, out); });
  }
  // Where it is none of an init that runs, or of one that is never over.
  void register_some() {
    static int left = 1000;  // what is taken in is kept for good
    tempo_registry mine{"careless", "1", "careless.so", {}, {}};
    const bool now = byte() % 4 == 3 && left > 0;
    tempo_registry* const where = now || byte() % 2 ? &mine : nullptr;
    tempo_op_type op = callbacks::op();
    if (is_odd()) op.name = text();
    if (is_odd()) op.n_inputs = byte() * 3;
    if (is_odd()) op.n_results = byte() * 3;
    if (is_odd()) op.flags = byte();
    if (is_odd()) op.infer = nullptr;
    const auto add = [&] {
      const auto one = [&] {
        switch (byte() % 3) {
          case 0: return went(host_.register_op(where, sized(op)), "register_op");
          case 1: return went(host_.register_layer(where, layer_type()), "register_layer");
          default: {
            const uint32_t kind = is_odd() ? byte() : byte() % 5;
            return went(host_.register_type(where, kind, function_type()), "register_type");
          }
        }
      };
      left -= one();
    };
    if (!now) return add();
    const Registering its_init(mine);
    add();
  }

  const tempo_host& host_;
  Input input_;
  const bool watched_;
  const int most_calls_;
  int calls_ = 0;
  bool inside_ = false;  // whether a callback ran since the call began
  uint64_t last_serial_ = 0;
  std::string last_words_;
  tempo_tensor *tensors_[8] = {}, *stale_[8] = {};
  tempo_layer* layers_[4] = {};
  const tempo_op* ops_[4] = {};
  const tempo_function* functions_[4] = {};
  std::size_t next_tensor_ = 0, next_stale_ = 0, next_layer_ = 0, next_op_ = 0, next_function_ = 0;
  std::vector<std::unique_ptr<std::string>> own_texts_;
  std::vector<std::shared_ptr<void>> alive_;  // until all layers are gone
};

void Careless::call_one() {
  ++calls_;
  inside_ = false;
  switch (byte() % 56) {
    default: return make();
    case 4: host_.fail(static_cast<tempo_status>(byte()) - 4, text()); return;
    case 5: return let_go(tensors_[byte() % std::size(tensors_)]);
    case 6: return keep(tensors_[byte() % std::size(tensors_)]);
    case 7: return see();
    case 8: went(host_.finish(tensor()), "finish"); return;
    case 9: {
      tempo_tensor *const t = tensor(), *const mask = tensor();
      return makes("with_mask", [&](auto out) { return host_.with_mask(t, mask, out); });
    }
    case 10: {
      tempo_tensor* const t = tensor();
      const char* const path = text();
      return makes("parameter", [&](auto out) { return host_.parameter(t, path, out); });
    }
    case 11: {
      tempo_tensor* const t = tensor();
      went(host_.assign(t, tensor()), "assign");
      return;
    }
    case 12:
    case 13: return find();
    case 14:
    case 15:
    case 16:
    case 17: return apply_some();
    case 18: return scan();
    case 19: return gradients();
    case 20: return custom();
    case 21: {
      int32_t before = 7;
      host_.recording(byte() % 2, is_odd() ? nullptr : &before);
      return;
    }
    case 22: {
      const tempo_type its = type();
      const char* const by = text();
      return makes("initialize", [&](auto out) { return host_.initialize(by, &its, out); });
    }
    case 23: {
      const int64_t seed = byte();
      return makes("random_key", [&](auto out) { return host_.random_key(seed, out); });
    }
    case 24: return make_by_name();
    case 25:
    case 26:
    case 53:
    case 54:
    case 55: return make_of_type();
    case 27: {
      tempo_layer* const l = layers_[byte() % std::size(layers_)];
      if (!l) return;
      went(host_.retain_layer(l), "retain_layer");
      return put(l);
    }
    case 28: return let_go(layers_[byte() % std::size(layers_)]);
    case 29: return see_layer();
    case 30: {
      tempo_layer* const l = layer();
      went(host_.build_layer(l, sized(inputs())), "build_layer");
      return;
    }
    case 31:
    case 32: {
      tempo_layer* const l = layer();
      const tempo_call* const given = sized(a_call(false));
      return fills("call_layer", [&](auto room) { return host_.call_layer(l, given, room); });
    }
    case 33: return tells("layer_states", &tempo_host::layer_states);
    case 34: {
      tempo_layer* const l = layer();
      const tempo_call* const given = sized(a_call(true));
      return fills("layer_initial", [&](auto room) { return host_.layer_initial(l, given, room); });
    }
    case 35: {
      tempo_layer* const l = layer();
      const tempo_call* const given = sized(a_call(true));
      return fills("layer_once", [&](auto room) { return host_.layer_once(l, given, room); });
    }
    case 36: went(host_.reset_layer(layer()), "reset_layer"); return;
    case 37: return weight();
    case 38: return child();
    case 39: return add_weight();
    case 40: {
      tempo_layer* const to = layer();
      const char* const name = text();
      went(host_.add_child(to, name, layer()), "add_child");
      return;
    }
    case 41: return register_some();
    case 42: {
      const char* const by = text();
      tempo_tensor* const w = tensor();
      return makes("penalize", [&](auto out) { return host_.penalize(by, w, out); });
    }
    case 43: {
      const char* const by = text();
      tempo_tensor* const w = tensor();
      return makes("constrain", [&](auto out) { return host_.constrain(by, w, out); });
    }
    case 44: went(host_.add_loss(tensor()), "add_loss"); return;
    case 45: {
      tempo_layer* const l = layer();
      went(host_.set_trainable(l, byte() % 2), "set_trainable");
      return;
    }
    case 46: return tells("layer_outputs", &tempo_host::layer_outputs);
    case 47: return save_and_load();
    case 48: return migrate_options();
    case 49: return find_a_function();
    case 50: return call_a_function();
    case 51: return extensions();
    case 52: went(save_one(nullptr), "save_value"); return;
  }
}

// --- the callbacks do what the bytes say

namespace callbacks {

namespace {
// What runs when it is over does nothing.
Careless& it() {
  static Careless idle(sdk::host(), Input(nullptr, 0), false, 0);
  return Careless::current ? *Careless::current : idle;
}
// While a callback of a layer runs.
struct Inside {
  explicit Inside(tempo_layer* self) : before(std::exchange(it().self, self)) {}
  ~Inside() { it().self = before; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  tempo_layer* before;
};
tempo_status results_of(void*, void*, tempo_layer* self, const tempo_call* call,
                        tempo_results* results) {
  const Inside inside(self);
  for (uint32_t i = 0; call->inputs && i < call->n_inputs; ++i) it().keep(call->inputs[i]);
  for (uint32_t i = 0; i < call->n_states; ++i) it().keep(call->states[i]);
  it().call_some();
  it().count(results->count, results->capacity);
  it().fill(results->tensors, std::min(results->count, results->capacity));
  return it().status();
}
tempo_status create(void*, tempo_layer* self, const tempo_creation*, void** instance) {
  const Inside inside(self);
  it().call_some();
  if (!it().is_odd()) {
    *instance = new char;
    ++Careless::instances;
  }
  return it().status();
}
tempo_status destroy(void*, void* instance) {
  delete static_cast<char*>(instance);
  --Careless::instances;
  return TEMPO_OK;
}
tempo_status build(void*, void*, tempo_layer* self, const tempo_inputs*) {
  const Inside inside(self);
  it().call_some();
  return it().status();
}
tempo_status types(void*, void*, tempo_layer*, const tempo_inputs* inputs,
                   tempo_result_types* room) {
  it().count(room->count, room->capacity);
  for (uint32_t i = 0; i < std::min(room->count, room->capacity); ++i)
    room->types[i] = it().is_odd() || inputs->count == 0 ? it().type() : inputs->types[0];
  return it().status();
}
tempo_status reset(void*, void*, tempo_layer* self) {
  const Inside inside(self);
  it().call_some();
  return it().status();
}
tempo_status save(void*, void*, tempo_layer* self, tempo_saving* to) {
  const Inside inside(self);
  it().call_some();
  for (unsigned n = it().byte() % 4; n > 0; --n)
    if (const tempo_status status = it().save_one(to); status != TEMPO_OK) return status;
  return it().status();
}
tempo_status load(void*, void*, tempo_layer* self, const tempo_saved* saved) {
  const Inside inside(self);
  for (uint32_t i = 0; i < saved->n_values; ++i)
    it().keep(tempo_attribute_at(saved->values, i)->tensor);
  it().call_some();
  return it().status();
}
tempo_status migrate(void*, const tempo_saved*, tempo_saving* to) {
  return save(nullptr, nullptr, it().self, to);
}
const void* get_extension(void*, const char* id) { return it().is_odd() ? nullptr : id; }
tempo_status function_call(void*, const tempo_function_call* call) {
  for (uint32_t i = 0; i < call->n_inputs; ++i) it().keep(call->inputs[i]);
  it().call_some();
  it().fill(call->results, call->n_results);
  return it().status();
}
tempo_status infer(void*, const tempo_op_call* call) {
  for (uint32_t i = 0; i < call->n_results; ++i)
    call->result_types[i] =
        it().is_odd() || call->n_inputs == 0 ? it().type() : call->input_types[0];
  return it().status();
}
tempo_status kernel(void*, const tempo_op_call* call) {
  for (uint32_t i = 0; i < call->n_results; ++i)
    if (const tempo_type& t = call->result_types[i]; elements_of(t) > 0)
      std::memset(call->results[i], 0, TensorType{sdk::dtype_of(t), sdk::shape_of(t)}.bytes());
  return it().status();
}
tempo_status vjp(void*, const tempo_op_gradient* asked) {
  it().call_some();
  it().fill(asked->gradients, asked->n_inputs);
  return it().status();
}
}  // namespace

tempo_status step(void*, const tempo_step* asked) {
  for (uint32_t i = 0; i < asked->n_sequences; ++i) it().keep(asked->sequences[i]);
  for (uint32_t i = 0; i < asked->n_states; ++i) it().keep(asked->states[i]);
  it().call_some();
  it().fill(asked->results, asked->n_outputs + asked->n_states);
  return it().status();
}
tempo_status rule(void*, const tempo_rule* asked) {
  it().keep(asked->dy);
  it().call_some();
  it().fill(asked->gradients, asked->n_inputs);
  return it().status();
}
tempo_layer_type layer() {
  tempo_layer_type type{};
  type.kind = TEMPO_LAYER;
  type.name = "Careless";
  type.summary = "";
  type.create = create;
  type.destroy = destroy;
  type.build = build;
  type.call = results_of;
  type.reset = reset;
  type.outputs = types;
  type.save = save;
  type.load = load;
  type.migrate = migrate;
  type.get_extension = get_extension;
  return type;
}
tempo_layer_type cell() {
  tempo_layer_type type = layer();
  type.kind = TEMPO_CELL;
  type.states = types;
  type.initial = results_of;
  type.once = results_of;
  return type;
}
tempo_op_type op() {
  tempo_op_type type{};
  type.n_inputs = 2;
  type.name = "careless_op";
  type.summary = "";
  type.infer = infer;
  type.kernel = kernel;
  type.vjp = vjp;
  return type;
}
tempo_function_type function() {
  tempo_function_type type{};
  type.name = "careless_function";
  type.summary = "";
  type.call = function_call;
  return type;
}

}  // namespace callbacks

}  // namespace tempo::fuzz

std::vector<std::string> fuzz::seeds() {
  std::vector<std::string> out;
  for (int function = 0; function < 56; ++function)
    for (const char filler : {'\0', '\1', '\3'}) {
      std::string calls(1, '\0');
      for (int i = 0; i < 3; ++i) calls += std::string(1, '\0') + std::string(20, filler);
      calls += static_cast<char>(function) + std::string(40, filler);
      out.push_back(calls);
      calls[0] = '\1';
      out.push_back(calls);
    }
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  // An op of its own that can be applied, and an activation.
  static const bool defined = [] {
    tempo_op_type op = callbacks::op();
    op.size = sizeof op;
    tempo_registry registry{"careless", "1", "careless.so", {}, {}};
    const Registering now(registry);
    add(&registry, &op);
    tempo_function_type function = callbacks::function();
    function.size = sizeof function;
    add(&registry, TEMPO_ACTIVATION, &function);
    commit(registry);
    return true;
  }();
  require(defined, "the op is defined");
  // The watching host keeps each tensor for good.
  static int watched_left = 2000;
  static const tempo_host watching = debug::watching_table(sdk::host());
  Input input(data, size);
  const bool large = by_file(data, size);
  most_elements = large ? 4096 : 64;
  const bool watched = input.byte() & 1 && watched_left > 0;
  watched_left -= watched;
  {
    Careless plugin(watched ? watching : sdk::host(), input, watched, large ? 64 : 16);
    Careless::current = &plugin;
    plugin.run();
    Careless::current = nullptr;
  }
  int32_t recorded = 0;
  sdk::host().recording(1, &recorded);
  require(Careless::instances == 0, "each instance is destroyed once");
  if (!by_file(data, size)) return 0;
  const Tensor w = parameter(full({2}, 3));
  const Tensor dw = gradient(sum(w * w), {w})[0];
  require(min(dw).item() == 6 && max(dw).item() == 6, "the host goes on as before");
  return 0;
}
