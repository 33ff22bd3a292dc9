// SPDX-License-Identifier: Apache-2.0
// Initializers: compositions of random ops. Names, arguments and defaults are those of Keras.
#include "ops/initializers.hpp"

#include <functional>
#include <map>

#include <tempo/ops.hpp>

#include "ops/defaults.hpp"
#include "ops/initializer_text.hpp"

namespace tempo {

namespace {

int64_t seed_of(const InitializerText& text) { return text.integer("seed", -1); }

Tensor standard_normal(const TensorType& type, const Tensor& key) {
  static const sdk::Op op("random_normal");
  return op(key, {{"shape", type.shape}, {"dtype", type.dtype}});
}

// Standard normal numbers within [-2, 2]: those outside (1 in 22) are drawn again. After ten draws
// one in 10^13 is left outside; these are moved to the border.
Tensor truncated_standard_normal(const TensorType& type, int64_t seed) {
  Tensor z;
  for (int64_t draw = 0; draw < 10; ++draw) {
    const Tensor next = standard_normal(type, seed < 0 ? random_key(-1) : random_key(seed, draw));
    z = z ? where(abs(z) <= 2, z, next) : next;
  }
  return clip(z, -2, 2);
}

// fan_in and fan_out of a kernel [..., in, out]; the leading axes are its receptive field.
struct Fans {
  double in = 1, out = 1;
};
Fans fans_of(const Shape& shape) {
  if (shape.empty()) return {};
  const auto last = static_cast<double>(shape.back());
  if (shape.rank() == 1) return {last, last};
  const auto before = static_cast<double>(Shape(shape.begin(), shape.end() - 1).count());
  return {before, before / std::max(1.0, static_cast<double>(shape[-2])) * last};
}

// He et al., 2015, and special cases: the variance is scale / fan.
Tensor scaled(const TensorType& type, double scale, const std::string& mode,
              const std::string& distribution, const InitializerText& text) {
  const Fans fans = fans_of(type.shape);
  double fan = 0;
  if (mode == "fan_in")
    fan = fans.in;
  else if (mode == "fan_out")
    fan = fans.out;
  else if (mode == "fan_avg")
    fan = (fans.in + fans.out) / 2;
  else
    text.fail("`mode` is `" + mode + "`; it may be fan_in, fan_out or fan_avg");
  if (!(scale > 0)) text.fail("`scale` must be above 0");
  const double variance = scale / std::max(1.0, fan);
  const int64_t seed = seed_of(text);
  if (distribution == "uniform") {
    const double limit = std::sqrt(3 * variance);
    return random_uniform(type.shape, -limit, limit, type.dtype, seed);
  }
  if (distribution == "untruncated_normal")
    return random_normal(type.shape, 0, std::sqrt(variance), type.dtype, seed);
  if (distribution != "truncated_normal" && distribution != "normal")
    text.fail("`distribution` is `" + distribution +
              "`; it may be truncated_normal, untruncated_normal or uniform");
  // The deviation of a standard normal truncated at 2 is 0.8796...
  return truncated_standard_normal(type, seed) * (std::sqrt(variance) / 0.87962566103423978);
}

// Saxe et al., 2014: rows or columns are orthonormal, whichever are fewer.
Tensor orthogonal(const TensorType& type, double gain, const InitializerText& text) {
  if (type.shape.rank() < 2) text.fail("it needs two axes or more, not " + to_string(type));
  const int64_t columns = type.shape.back();
  const int64_t rows = Shape(type.shape.begin(), type.shape.end() - 1).count();
  const TensorType tall{type.dtype, {std::max(rows, columns), std::min(rows, columns)}};
  static const sdk::Op op("orthogonal");
  const Tensor q = op(standard_normal(tall, random_key(seed_of(text))));
  return reshape((rows < columns ? transpose(q) : q) * gain, type.shape);
}

Tensor identity(const TensorType& type, double gain, const InitializerText& text) {
  if (type.shape.rank() != 2) text.fail("it needs two axes, not " + to_string(type));
  std::vector<double> values(static_cast<std::size_t>(type.shape.count()));
  for (int64_t i = 0; i < std::min(type.shape[0], type.shape[1]); ++i)
    values[static_cast<std::size_t>(i * type.shape[1] + i)] = gain;
  return tensor(values, type.shape, type.dtype);
}

struct Definition {
  std::vector<std::string> arguments;
  std::function<Tensor(const TensorType&, const InitializerText&)> make;
};

Definition scaling(double scale, const char* mode, const char* distribution) {
  return {{"seed"}, [=](const TensorType& type, const InitializerText& text) {
            return scaled(type, scale, mode, distribution, text);
          }};
}

Definition constant(const std::vector<std::string>& arguments, double otherwise) {
  return {arguments, [=](const TensorType& type, const InitializerText& text) {
            return full(type.shape, text.number("value", otherwise), type.dtype);
          }};
}

const std::map<std::string, Definition>& definitions() {
  using Text = InitializerText;
  static const auto& all = *new const std::map<std::string, Definition>{
      {"zeros", constant({}, 0)},
      {"ones", constant({}, 1)},
      {"constant", constant({"value"}, 0)},
      {"random_normal",
       {{"mean", "stddev", "seed"},
        [](const TensorType& type, const Text& text) {
          return random_normal(type.shape, text.finite("mean", 0), text.deviation(0.05), type.dtype,
                               seed_of(text));
        }}},
      {"random_uniform",
       {{"minval", "maxval", "seed"},
        [](const TensorType& type, const Text& text) {
          const double least = text.finite("minval", -0.05), most = text.finite("maxval", 0.05);
          if (least > most) text.fail("`minval` must not be above `maxval`");
          return random_uniform(type.shape, least, most, type.dtype, seed_of(text));
        }}},
      {"truncated_normal",
       {{"mean", "stddev", "seed"},
        [](const TensorType& type, const Text& text) {
          return truncated_standard_normal(type, seed_of(text)) * text.deviation(0.05) +
                 text.finite("mean", 0);
        }}},
      {"variance_scaling",
       {{"scale", "mode", "distribution", "seed"},
        [](const TensorType& type, const Text& text) {
          return scaled(type, text.finite("scale", 1), text.word("mode", "fan_in"),
                        text.word("distribution", "truncated_normal"), text);
        }}},
      {"glorot_uniform", scaling(1, "fan_avg", "uniform")},  // Glorot and Bengio, 2010
      {"glorot_normal", scaling(1, "fan_avg", "truncated_normal")},
      {"he_uniform", scaling(2, "fan_in", "uniform")},  // He et al., 2015
      {"he_normal", scaling(2, "fan_in", "truncated_normal")},
      {"lecun_uniform", scaling(1, "fan_in", "uniform")},  // LeCun et al., 1998
      {"lecun_normal", scaling(1, "fan_in", "truncated_normal")},
      {"orthogonal",
       {{"gain", "seed"},
        [](const TensorType& type, const Text& text) {
          return orthogonal(type, text.finite("gain", 1), text);
        }}},
      {"identity",
       {{"gain"},
        [](const TensorType& type, const Text& text) {
          return identity(type, text.finite("gain", 1), text);
        }}},
  };
  return all;
}

struct Others {
  OtherInitializer (*find)(const std::string& text) = nullptr;
  std::vector<std::string> (*names)() = nullptr;
};
Others& others() {
  static Others its;
  return its;
}

// Finds the initializer that the text calls; checks and names its arguments.
const Definition& definition_of(InitializerText& text) {
  const auto at = definitions().find(text.name());
  if (at == definitions().end()) {
    std::vector<std::string> names = initializer_names();
    if (others().names)
      for (const std::string& name : others().names()) names.push_back(name);
    text.unknown(names);
  }
  text.expect(at->second.arguments);
  return at->second;
}

thread_local ValuesFromFile* innermost = nullptr;

// An initializer from elsewhere; empty if it is defined here, or nowhere.
OtherInitializer other_initializer(const InitializerText& parsed, const std::string& text) {
  if (definitions().contains(parsed.name()) || !others().find) return nullptr;
  return others().find(text);
}

}  // namespace

std::vector<std::string> initializer_names() {
  std::vector<std::string> names;
  for (const auto& [name, definition] : definitions()) names.push_back(name);
  return names;
}

void set_other_initializers(OtherInitializer (*find)(const std::string& text),
                            std::vector<std::string> (*names)()) {
  others() = {find, names};
}

// The limit is generous, as a layer may make more values than it keeps.
ValuesFromFile::ValuesFromFile(uint64_t bytes)
    : left_(4 * bytes + (1 << 20)), innermost_(innermost, this) {}
ValuesFromFile* ValuesFromFile::current() { return innermost; }

void ValuesFromFile::take(const TensorType& type) {
  uint64_t bytes = size_of(type.dtype);
  for (const int64_t extent : type.shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(extent), &bytes)) bytes = UINT64_MAX;
  if (bytes > left_)
    throw FormatError("a weight of " + to_string(type) + " is more than the file can hold.");
  left_ -= bytes;
}

void require_initializer(const std::string& text) {
  InitializerText parsed(text);
  if (!other_initializer(parsed, text)) definition_of(parsed);
}

Tensor initialize(const std::string& text, const TensorType& type) {
  InitializerText parsed(text);
  const OtherInitializer other = other_initializer(parsed, text);
  const Definition* const definition = other ? nullptr : &definition_of(parsed);
  const DType dtype = type.dtype == DType::automatic ? default_dtype() : type.dtype;
  if (ValuesFromFile* file = ValuesFromFile::current()) {
    file->take({dtype, type.shape});
    return zeros(type.shape, dtype);
  }
  return other ? other({dtype, type.shape}) : definition->make({dtype, type.shape}, parsed);
}

}  // namespace tempo
