// SPDX-License-Identifier: Apache-2.0
// A layer under test: how it is made, its inputs, and all that can be observed of it.
#pragma once

#include <map>
#include <optional>
#include <stdexcept>

#include <tempo/gradcheck.hpp>
#include <tempo/model.hpp>

#include "check/conformance.hpp"

namespace tempo::conformance {

/// Thrown by a check that found a fault, with its text.
struct Fault : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Thrown by a check that needs to know more about the layer, from a row.
struct NeedsRow : Fault {
  /// `row` says what to add to the row; `why` is what is wrong without it.
  NeedsRow(const std::string& row, std::string why_it_does)
      : Fault(row + (why_it_does.empty() ? "" : "; " + why_it_does)), why(std::move(why_it_does)) {}
  std::string why;
};
/// Thrown for a finding that may be intended, as a row can say; with its text.
struct MayBeMeant : Fault {
  using Fault::Fault;
};
/// Thrown by a check that does not apply, with the reason.
struct Inapplicable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The size of the inputs of a call.
struct Size {
  int64_t batch = 0;  ///< 0: that of the row
  int64_t more_time = 0;
};

/// All that can be observed of a layer, as texts: results, weights, the weights after a fit.
struct Seen {
  std::vector<std::pair<std::string, std::string>> parts;
  /// The first difference; "" if all parts are equal.
  std::string difference(const Seen& other) const;
};

/// The name of a type among the layers and cells of a plugin: "Squash cell".
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

  /// A layer of this type with the row's options, replaced by `more`; a cell is put into an RNN.
  Layer make(const std::vector<Given>& more = {}) const;
  /// The same without an RNN around a cell.
  Layer make_alone(const std::vector<Given>& more = {}) const;
  /// The same in float64 and built, with weights that all differ.
  Layer ready(const Tensors& x, const std::vector<Given>& more = {}) const;

  Tensors inputs(DType dtype, Size size = {}, int64_t seed = 1) const;
  /// A mask [batch, time] for each input with time; Tensor{} for the others.
  Tensors masks(const Tensors& x) const;
  /// Whether any input has time.
  bool has_time() const;
  bool describes(const std::string& option) const;
  /// The default of an option, or its value in the row.
  std::string standard(const tempo_option& option) const;

  /// Observes the layer of a model: it is called, called again, masked, and trained.
  Seen seen(const Sequential& model) const;
  Seen seen(const Layer& layer) const { return seen(Sequential({layer})); }

 private:
  const tempo_layer_type* type_;
  Row row_;
  bool has_row_;
};

/// The weights of a layer that have no gradient, such as averages that training moves.
class OtherWeights {
 public:
  explicit OtherWeights(const Layer& layer);
  bool moved() const;
  void put_back() const;

 private:
  Tensors weights_;
  std::vector<std::vector<double>> values_;
};

/// A model of this kind of layer after it was saved to a file and loaded.
Sequential saved_and_loaded(const Subject& subject, const Sequential& model);

/// The subjects in the plugins: one for each row, or one by default.
std::vector<Subject> subjects(const std::vector<PluginContents>& plugins,
                              const std::vector<Row>& known);

/// Throws Fault if shapes or dtypes differ, or if an element differs by more than tolerance *
/// max(1, |largest expected element|). Tolerance 0 demands equality; NaN equals NaN.
void require_close(const std::string& what, const Tensor& got, const Tensor& expected,
                   double tolerance);
void require_close(const std::string& what, const Tensors& got, const Tensors& expected,
                   double tolerance);
/// The same comparison as a text; "" if they are close.
std::string difference(const std::string& what, const Tensors& got, const Tensors& expected,
                       double tolerance);
void require(bool holds, const std::string& otherwise);

/// All results of a call, with random numbers of one seed.
Tensors results(const Layer& layer, const Tensors& x, bool training = false, int64_t seed = 33);
/// Its trainable weights, followed by the tensors of `x` that are floating.
Tensors leaves(const Layer& layer, const Tensors& x);
/// The tensors, each floating one as a parameter.
Tensors parameters(const Tensors& x);
/// A number that depends on each floating element of the results.
Tensor mixed(const Tensors& results);
/// x with these masks; Tensor{}: no mask.
Tensors masked(const Tensors& x, const Tensors& masks);

}  // namespace tempo::conformance
