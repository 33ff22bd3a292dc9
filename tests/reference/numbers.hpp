// SPDX-License-Identifier: Apache-2.0
// Numbers in the files: tensors from them, and comparison with them.
#pragma once

#include <nlohmann/json.hpp>

#include <tempo/ops.hpp>

#include "report.hpp"

using Json = nlohmann::ordered_json;

/// The entry of that name; null when there is none.
const Json& entry(const Json& object, const std::string& name);

/// From {"shape", "data"}, a nested list or a number.
tempo::Tensor tensor_from(const Json& json, tempo::DType dtype);

/// How far an element may be from the expected one.
struct Tolerance {
  double absolute = 1e-6;
  double relative = 1e-6;
  /// From "atol" and "rtol", or from "decimal".
  static Tolerance of(const Json& json);
};

/// Throws Mismatch, which names the worst element.
void compare(const std::string& what, const tempo::Tensor& got, const Json& expected,
             const Tolerance& tolerance);

/// As compare, to 1e-6 of the largest element expected.
void compare_scaled(const std::string& what, const tempo::Tensor& got, const Json& expected);

/// Sets the default dtype and puts the old one back.
class WithDType {
 public:
  explicit WithDType(tempo::DType dtype) : before_(tempo::default_dtype()) {
    tempo::set_default_dtype(dtype);
  }
  ~WithDType() { tempo::set_default_dtype(before_); }
  WithDType(const WithDType&) = delete;
  WithDType& operator=(const WithDType&) = delete;

 private:
  tempo::DType before_;
};
