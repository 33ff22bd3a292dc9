// SPDX-License-Identifier: Apache-2.0
// Scalers bring each column of a series to a range, or to mean 0 and deviation 1, and back.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <tempo/misspelt.hpp>
#include <tempo/tensor.hpp>

namespace tempo TEMPO_HIDDEN {

/// The base of scalers: z = (x - centre) / width, for each column of x [..., columns]; a series
/// [time] is one column. Fit it on the training part alone, or its scale tells the
/// model of numbers that it is to predict.
class TEMPO_API Scaler {
 public:
  Tensor transform(const Tensor& x) const;
  /// Brings z back to the original numbers. If z has only some of the columns, `columns` says
  /// which: with {0}, z [..., 1] is of column 0.
  Tensor inverse_transform(const Tensor& z, const std::vector<int64_t>& columns = {}) const;

  /// "centre" and "width", float64 [columns], for save_tensors; throws Error before it is fitted.
  std::map<std::string, Tensor> values() const;
  /// Takes the values of another scaler: `scaler.set_values(load_tensors("scaler.safetensors"))`.
  void set_values(const std::map<std::string, Tensor>& values);

 protected:
  explicit Scaler(const char* name) : name_(name) {}
  /// x as float64 [rows, columns]; throws Error if it holds no rows, or NaN.
  Tensor columns_of(const Tensor& x) const;

  const char* name_;
  Tensor centre_ = {}, width_ = {};

 private:
  void require_fitted(const char* what) const;
  void require_columns(const Tensor& x, int64_t columns) const;
};

struct MinMaxScalerOptions {
  double low = 0;  ///< the smallest number of a column becomes this
  double high = 1;
};

/// Brings each column to [low, high] (scikit-learn's MinMaxScaler); a constant column becomes low.
class TEMPO_API MinMaxScaler : public Scaler {
 public:
  explicit MinMaxScaler(const MinMaxScalerOptions& options = {});
  TEMPO_OPTIONS(explicit MinMaxScaler, MinMaxScalerOptions);
  MinMaxScaler& fit(const Tensor& x);
  Tensor fit_transform(const Tensor& x) { return fit(x).transform(x); }

 private:
  MinMaxScalerOptions options_;
};

struct StandardScalerOptions {
  bool with_mean = true;
  bool with_std = true;
};

/// Brings each column to mean 0 and standard deviation 1, of the whole population (scikit-learn's
/// StandardScaler); a constant column becomes 0. As a layer: Normalization.
class TEMPO_API StandardScaler : public Scaler {
 public:
  explicit StandardScaler(const StandardScalerOptions& options = {});
  TEMPO_OPTIONS(explicit StandardScaler, StandardScalerOptions);
  StandardScaler& fit(const Tensor& x);
  Tensor fit_transform(const Tensor& x) { return fit(x).transform(x); }

 private:
  StandardScalerOptions options_;
};

}  // namespace tempo
