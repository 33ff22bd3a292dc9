// What is behind an Optimizer: its numbers, and what it remembers of each weight.
#pragma once

#include "scan/fused.hpp"

#include <tempo/optimizer.hpp>

#include <map>
#include <optional>
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
  /// The i-th slot, given its next value.
  void become(std::size_t i, Tensor value) { slots_[i].second = std::move(value); }

  bool decays = true;
  std::optional<Fused> update;  // made at the first step

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
  /// The rate of this iteration, which may be corrected for how many there were.
  virtual double rate() const { return learning_rate; }
  /// The formula: the next value of a weight. It is traced once and run as one loop, so it reads no
  /// values, and `rate` is a tensor; C++ numbers are constants of it.
  virtual Tensor next(const Tensor& w, const Tensor& g, const Tensor& rate, Slots& slots) const = 0;

  /// Throws Error where the numbers make no sense.
  void check() const;
  Tensors clipped(const Tensors& gradients) const;
  void step(const Tensors& weights, const Tensors& gradients);
  Slots& slots_of(const Tensor& weight);
  Fused fused_update(const Tensor& weight, const Tensor& gradient, Slots& slots) const;
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
