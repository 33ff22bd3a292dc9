// SPDX-License-Identifier: Apache-2.0
// A layer under test: how it is made, what it is given, and what can be seen of it.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>

#include <tempo/gradcheck.hpp>
#include <tempo/model.hpp>

#include "check/conformance.hpp"

namespace tempo::conformance {

/// Thrown by a check that found a fault; the text says which.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Thrown by a check that knows too little of the layer, which a row would tell it.
struct NeedsRow : Fault {
  /// `row` says what to add where; `why` is what is wrong without it.
  NeedsRow(const std::string& row, std::string why_it_does)
      : Fault(row + (why_it_does.empty() ? "" : "; " + why_it_does)), why(std::move(why_it_does)) {}
  std::string why;
};
/// Thrown by a check that found what may be meant, as a row would say; the text says what.
struct MayBeMeant : Fault {
  using Fault::Fault;
};
/// Thrown by a check that has nothing to look at; the text says why.
struct Inapplicable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How large the inputs of a call are.
struct Size {
  int64_t batch = 0;  ///< 0: that of the row
  int64_t more_time = 0;
};

/// What can be seen of a layer, as texts: results, weights, what a fit makes of them.
struct Seen {
  std::vector<std::pair<std::string, std::string>> parts;
  /// The first thing that differs; "" where all is equal.
  std::string difference(const Seen& other) const;
};

/// "Squash cell": what it is called among the layers and cells of a plugin.
std::string registered_name(const tempo_layer_type& type);

class Subject {
 public:
  Subject(const tempo_layer_type& type, const Row& row, bool has_row = true)
      : type_(&type), row_(row), has_row_(has_row) {}

  const tempo_layer_type& type() const { return *type_; }
  const Row& row() const { return row_; }
  bool has_row() const { return has_row_; }
  bool is_cell() const { return type_->kind == TEMPO_CELL; }
  std::string name() const;

  /// A layer of this type with the row's options, after those the given ones; a cell is in an RNN.
  Layer make(const std::vector<Given>& more = {}) const;
  /// The same without an RNN around a cell.
  Layer make_alone(const std::vector<Given>& more = {}) const;
  /// The same in float64, built, with weights that are all different.
  Layer ready(const Tensors& x, const std::vector<Given>& more = {}) const;

  Tensors inputs(DType dtype, Size size = {}, int64_t seed = 1) const;
  /// One for each input with time, [batch, time]; Tensor{} for the others.
  Tensors masks(const Tensors& x) const;
  /// Whether any input has time.
  bool has_time() const;
  bool describes(const std::string& option) const;
  /// The value an option has when nothing is said of it, or that of the row.
  std::string standard(const tempo_option& option) const;

  /// All that can be seen of the layer of a model: it is called, masked, called again, and trained.
  Seen seen(const Sequential& model) const;
  Seen seen(const Layer& layer) const { return seen(Sequential({layer})); }

 private:
  const tempo_layer_type* type_;
  Row row_;
  bool has_row_;
};

/// What the weights of a layer are that no gradient changes, such as averages that training moves.
class OtherWeights {
 public:
  explicit OtherWeights(const Layer& layer);
  bool moved() const;
  void put_back() const;

 private:
  Tensors weights_;
  std::vector<std::vector<double>> values_;
};

/// The model of a layer of this kind, as a file gives it back.
Sequential saved_and_loaded(const Subject& subject, const Sequential& model);

/// The subjects of the plugins: a line for each row, or one by default.
std::vector<Subject> subjects(const std::vector<PluginContents>& plugins,
                              const std::vector<Row>& known);

/// Throws Fault where the shapes or dtypes differ or an element is further away than tolerance *
/// max(1, |largest expected element|). 0 asks for the same; NaN equals NaN.
void require_close(const std::string& what, const Tensor& got, const Tensor& expected,
                   double tolerance);
void require_close(const std::string& what, const Tensors& got, const Tensors& expected,
                   double tolerance);
/// Where they are not as close, in those words; "" where they are.
std::string difference(const std::string& what, const Tensors& got, const Tensors& expected,
                       double tolerance);
void require(bool holds, const std::string& otherwise);

/// All results of a call, with the random numbers of one seed.
Tensors results(const Layer& layer, const Tensors& x, bool training = false, int64_t seed = 33);
/// Its trainable weights, and then those of `x` that are floating.
Tensors leaves(const Layer& layer, const Tensors& x);
/// Each floating one as a parameter.
Tensors parameters(const Tensors& x);
/// Results as one number that depends on each floating element.
Tensor mixed(const Tensors& results);
/// x with these masks; Tensor{} leaves one without.
Tensors masked(const Tensors& x, const Tensors& masks);

}  // namespace tempo::conformance
