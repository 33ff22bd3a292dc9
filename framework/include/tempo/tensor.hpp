// SPDX-License-Identifier: Apache-2.0
// Tensor: the one class that users, layers and plugins see. A counted handle to a node of the
// graph: shape, dtype, a value, and the op and inputs it came from.
#pragma once

#include <iosfwd>
#include <type_traits>
#include <utility>
#include <vector>

#include <tempo/host.hpp>
#include <tempo/index.hpp>

namespace tempo TEMPO_HIDDEN {

/// An array of numbers of one dtype, [d0, d1, ...], and how it was made. Copies share the value,
/// which never changes. Several threads may read one; only one may assign to an object.
class Tensor {
 public:
  /// No tensor: stands for "not given"; false in a condition.
  Tensor() = default;
  /// Takes over one count of `handle`.
  explicit Tensor(tempo_tensor* handle) : handle_(handle) {}
  Tensor(const Tensor& other) : handle_(other.handle_) {
    if (handle_) sdk::host().retain(handle_);
  }
  Tensor(Tensor&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Tensor& operator=(Tensor other) & noexcept {  // `&`: no x[0] = y, as elements never change
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Tensor() {
    if (handle_) sdk::host().release(handle_);
  }

  explicit operator bool() const { return handle_ != nullptr; }
  tempo_tensor* handle() const { return handle_; }
  tempo_tensor* retained() const {
    if (handle_) sdk::host().retain(handle_);
    return handle_;
  }
  static Tensor borrowed(tempo_tensor* handle) {
    if (handle) sdk::host().retain(handle);
    return Tensor(handle);
  }

  Shape shape() const { return sdk::shape_of(view().type); }
  DType dtype() const { return sdk::dtype_of(view().type); }
  int rank() const { return static_cast<int>(view().type.rank); }
  int64_t count() const { return shape().count(); }
  /// The path of a weight, "lstm/kernel"; else "".
  std::string path() const { return view().path; }
  /// Whether a gradient can be asked for through it.
  bool tracked() const { return view().flags & TEMPO_TRACKED; }
  /// Whether code must not depend on its value, because a step is being traced: it is a
  /// placeholder, or a tensor that may be another one when the step runs.
  bool traced() const { return view().flags & TEMPO_TRACED; }
  /// Whether it has a value; a placeholder of a step that is being traced has none. A step that
  /// looks at a value is traced at each call.
  bool has_value() const { return view().data != nullptr; }

  /// The elements, row-major; valid while this tensor lives and is not assigned to. T is float,
  /// double, int32_t, int64_t or bool and must be the tensor's own dtype.
  template <class T>
  const T* data() const {
    const tempo_view v = readable();
    require_dtype<T>(sdk::dtype_of(v.type));
    return static_cast<const T*>(v.data);
  }
  /// The one element of a tensor of count 1, as a double.
  double item() const {
    if (count() != 1)
      throw ShapeError("item: needs a tensor with one element, got " + to_string(shape(), dtype()) +
                       ".\n  Reduce it first: sum(x), mean(x) or max(x).");
    return element(0);
  }
  /// The i-th element in row-major order, as a double.
  double element(int64_t i) const {
    const tempo_view v = readable();
    if (i < 0 || i >= count_of(v.type)) outside(i);
    return sdk::of_element(sdk::dtype_of(v.type), 0.0, [&](auto e) {
      return static_cast<double>(static_cast<const typename decltype(e)::Type*>(v.data)[i]);
    });
  }
  /// All elements in row-major order, each converted from its own dtype to T.
  template <class T = double>
  std::vector<T> to_vector() const {
    if (count() == 0) return {};
    const tempo_view v = readable();
    return sdk::of_element(sdk::dtype_of(v.type), std::vector<T>{}, [&](auto e) {
      const auto* const first = static_cast<const typename decltype(e)::Type*>(v.data);
      return std::vector<T>(first, first + count_of(v.type));
    });
  }

  /// Indexes the first axes, one index for each; the axes that are left stay whole. x[-1] is the
  /// last part, without its axis; x(all, slice(1, end)) leaves out the first place of the second
  /// axis. Defined in <tempo/movement.hpp>.
  Tensor operator[](const Index& i) const;
  template <class... More>
  Tensor operator()(const Index& first, const More&... more) const;

  tempo_view view() const {
    if (!handle_) throw Error("Tensor: this one was never given a value (it is Tensor{}).");
    tempo_view v{};
    v.size = sizeof v;
    sdk::check(sdk::host().view(handle_, &v));
    return v;
  }

 private:
  tempo_view readable() const {
    const tempo_view v = view();
    if (v.flags & TEMPO_PENDING) sdk::check(sdk::host().finish(handle_));
    if (!v.data)
      throw Error(
          "a value was read while a step is traced; there is none yet.\n"
          "  item(), data() and `if` on a tensor see no number there: use where(condition, "
          "a, b) to choose.");
    return v;
  }
  static int64_t count_of(const tempo_type& type) {
    uint64_t n = 1;  // it wraps around on the way to 0 only
    for (uint32_t axis = 0; axis < type.rank; ++axis) n *= static_cast<uint64_t>(type.shape[axis]);
    return static_cast<int64_t>(n);
  }
  [[noreturn, gnu::cold, gnu::noinline]] void outside(int64_t i) const {
    throw ShapeError("element: " + std::to_string(i) + " is outside " +
                     to_string(shape(), dtype()) + ", which has " + std::to_string(count()) +
                     " elements, counted from 0.");
  }
  template <class T>
  static void require_dtype(DType dtype) {
    constexpr DType wanted = sdk::dtype_for<T>();
    if (dtype != wanted)
      throw ShapeError(std::string("data: the tensor is ") + name_of(dtype) + ", asked for as " +
                       name_of(wanted) + ".\n  cast(x, " + name_of(wanted) + ") makes it so.");
  }

  tempo_tensor* handle_ = nullptr;
};

using Tensors = std::vector<Tensor>;

/// A tensor with a copy of `values`, row-major.
template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape, DType dtype = DType::automatic);

/// The dtype of tensors made without one: weights, arange, zeros, randn, ... float32 at first.
TEMPO_API void set_default_dtype(DType dtype);
TEMPO_API DType default_dtype();
/// Starts all random numbers anew; the same seed gives the same numbers on every machine.
TEMPO_API void set_seed(int64_t seed);
/// The number of threads that Tempo may use; results do not depend on it. Also TEMPO_NUM_THREADS.
TEMPO_API void set_threads(int threads);
TEMPO_API int threads();

/// The mask that rides on x (bool, true = use), or Tensor{}.
inline Tensor mask_of(const Tensor& x) { return Tensor::borrowed(x.view().mask); }

/// x with another mask; Tensor{} removes it.
inline Tensor with_mask(const Tensor& x, const Tensor& mask) {
  tempo_tensor* out = nullptr;
  sdk::check(sdk::host().with_mask(x.handle(), mask.handle(), &out));
  return Tensor(out);
}

/// A tensor that gradients can be asked for; `path` is its name in errors and files.
inline Tensor parameter(const Tensor& value, const std::string& path = "") {
  tempo_tensor* out = nullptr;
  sdk::check(sdk::host().parameter(value.handle(), path.c_str(), &out));
  return Tensor(out);
}

/// Gives a weight a new value; its version goes up.
inline void assign(const Tensor& weight, const Tensor& value) {
  sdk::check(sdk::host().assign(weight.handle(), value.handle()));
}

/// Prints shape, dtype and elements.
TEMPO_API std::ostream& operator<<(std::ostream& out, const Tensor& tensor);

namespace sdk {

/// A tensor of these elements; of zeros if data is null.
inline Tensor make(DType dtype, const Shape& shape, const void* data) {
  tempo_tensor* out = nullptr;
  const tempo_type type = to_abi(dtype, shape);
  check(host().make(&type, data, &out));
  return Tensor(out);
}

/// An attribute of an op or an option of a layer, on its way over the boundary.
class Attribute {
 public:
  Attribute(const char* name, int64_t value) : Attribute(name, Kind{TEMPO_INT64_VALUE}) {
    a_.integer = value;
  }
  Attribute(const char* name, int value) : Attribute(name, static_cast<int64_t>(value)) {}
  Attribute(const char* name, bool value) : Attribute(name, static_cast<int64_t>(value)) {}
  Attribute(const char* name, DType value) : Attribute(name, static_cast<int64_t>(value)) {}
  Attribute(const char* name, double value) : Attribute(name, Kind{TEMPO_DOUBLE_VALUE}) {
    a_.real = value;
  }
  Attribute(const char* name, const char* value) : Attribute(name, Kind{TEMPO_TEXT_VALUE}) {
    a_.text = value;
  }
  Attribute(const char* name, const Shape& value) : Attribute(name, Kind{TEMPO_LIST_VALUE}) {
    a_.list = value.data();
    a_.count = static_cast<uint64_t>(value.rank());
  }
  Attribute(const char* name, const std::vector<int64_t>& value)
      : Attribute(name, Kind{TEMPO_LIST_VALUE}) {
    a_.list = value.data();
    a_.count = value.size();
  }
  Attribute(const char* name, tempo_layer* value) : Attribute(name, Kind{TEMPO_LAYER_VALUE}) {
    a_.layer = value;
  }
  const tempo_attribute& abi() const { return a_; }

 private:
  struct Kind {  // a type of its own: a bare enumerator would choose the constructor from int
    uint32_t value;
  };
  Attribute(const char* name, Kind kind) {
    a_.size = sizeof a_;
    a_.kind = kind.value;
    a_.name = name;
  }
  tempo_attribute a_{};
};
static_assert(sizeof(Attribute) == sizeof(tempo_attribute),
              "arrays of one are arrays of the other");

/// An op of the host, found by name once per shared object.
class Op {
 public:
  explicit Op(const char* name) : name_(name) { check(host().find_op(name, &op_)); }

  Tensor operator()(std::initializer_list<tempo_tensor*> inputs,
                    std::initializer_list<Attribute> attributes = {}) const {
    tempo_tensor* result = nullptr;
    run(inputs.begin(), inputs.size(), attributes, &result, 1);
    return Tensor(result);
  }
  Tensor operator()(const Tensor& x, std::initializer_list<Attribute> attributes = {}) const {
    return (*this)({x.handle()}, attributes);
  }
  Tensor operator()(const Tensor& a, const Tensor& b,
                    std::initializer_list<Attribute> attributes = {}) const {
    return (*this)({a.handle(), b.handle()}, attributes);
  }
  /// Applies it to any number of inputs, with any number of results.
  void run(tempo_tensor* const* inputs, std::size_t n, std::initializer_list<Attribute> attributes,
           tempo_tensor** results, std::size_t n_results) const {
    for (std::size_t i = 0; i < n; ++i)
      if (!inputs[i]) without_value(i);
    check(host().apply(op_, inputs, static_cast<uint32_t>(n),
                       reinterpret_cast<const tempo_attribute*>(attributes.begin()),
                       static_cast<uint32_t>(attributes.size()), results,
                       static_cast<uint32_t>(n_results)));
  }

 private:
  [[noreturn, gnu::cold, gnu::noinline]] void without_value(std::size_t input) const {
    throw Error(name_ + ": input " + std::to_string(input) +
                ", counted from 0, was never given a value (it is Tensor{}).\n"
                "  If it is a weight, build gives it one: kernel = add(\"kernel\", ...).");
  }

  std::string name_;
  const tempo_op* op_ = nullptr;
};

inline std::vector<tempo_tensor*> handles(const Tensors& tensors) {
  std::vector<tempo_tensor*> out;
  for (const Tensor& t : tensors) out.push_back(t.handle());
  return out;
}
inline Tensors adopt(std::span<tempo_tensor* const> owned) {
  Tensors out;
  for (tempo_tensor* t : owned) out.emplace_back(t);
  return out;
}
/// The tensors that a function of the host puts into the room that it is given.
template <class Fill>
Tensors results_of(Fill&& fill) {
  tempo_tensor* tensors[TEMPO_MAX_OUTPUTS] = {};
  tempo_results results{sizeof results, TEMPO_MAX_OUTPUTS, 0, tensors};
  check(fill(&results));
  return adopt({tensors, results.count});
}

}  // namespace sdk

template <class T>
Tensor tensor(const std::vector<T>& values, const Shape& shape, DType dtype) {
  sdk::require_shape("tensor", shape);
  if (static_cast<int64_t>(values.size()) != shape.count())
    throw ShapeError("tensor: " + std::to_string(values.size()) + " values do not fill " +
                     to_string(shape) + ", which has " + std::to_string(shape.count()) + ".");
  if (dtype == DType::automatic && !std::is_floating_point_v<T>) dtype = sdk::dtype_for<T>();
  Tensor made;
  if constexpr (std::is_same_v<T, bool>) {
    std::vector<unsigned char> bytes(values.begin(), values.end());
    made = sdk::make(bool_, shape, bytes.data());
  } else {
    made = sdk::make(sdk::dtype_for<T>(), shape, values.data());
  }
  static const sdk::Op cast("cast");
  return dtype == made.dtype() ? made : cast(made, {{"dtype", dtype}});
}

}  // namespace tempo
