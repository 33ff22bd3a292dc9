// What is behind an Optimizer: its numbers, and what it remembers of each weight.
#pragma once

#include <tempo/optimizer.hpp>

#include <map>
#include <unordered_map>

namespace tempo {

/// The tensors that an optimizer remembers of one weight, by name; zeros at first.
class Slots {
 public:
  Slots(Tensor weight, std::string key) : weight_(std::move(weight)), key_(std::move(key)) {}
  Tensor& operator()(const char* name);
  /// The weight's path, or its number.
  const std::string& key() const { return key_; }
  const Tensor& weight() const { return weight_; }
  const std::vector<std::pair<std::string, Tensor>>& all() const { return slots_; }
  void begin_with(const std::string& name, Tensor value) {
    slots_.emplace_back(name, std::move(value));
  }
  void become(std::vector<std::pair<std::string, Tensor>> slots) { slots_ = std::move(slots); }

  bool decays = true;

 private:
  Tensor weight_;
  std::string key_;
  std::vector<std::pair<std::string, Tensor>> slots_;
};

/// The options that every optimizer has.
struct CommonOptions {
  double weight_decay = 0;
  double clipnorm = 0;
  double clipvalue = 0;
  double global_clipnorm = 0;
};

struct OptimizerState {
  virtual ~OptimizerState() = default;
  virtual std::string name() const = 0;
  virtual std::string text() const = 0;
  /// The formula: the next value of a weight. It is traced and run as one loop, so it reads no
  /// values, and numbers that change from step to step come in by `number`.
  virtual Tensor next(const Tensor& w, const Tensor& g, Slots& slots) const = 0;
  /// An input of the formula; a C++ number is a constant of it.
  static Tensor number(double value, DType dtype);

  /// Throws Error where the numbers make no sense.
  void check() const;
  Tensors clipped(const Tensors& gradients) const;
  void step(const Tensors& weights, const Tensors& gradients);
  Slots& slots_of(const Tensor& weight);
  void update(const Tensor& weight, const Tensor& gradient);

  double learning_rate = 0;
  CommonOptions common;
  int64_t iterations = 0;
  std::vector<std::string> exclude_words;
  Tensors exclude_weights;
  std::vector<Slots> memory;  // in the order of first use
  std::unordered_map<const tempo_tensor*, std::size_t> places;
  std::map<std::string, Tensor> restored;  // by "lstm/kernel/m", until their weight comes
};

}  // namespace tempo
