// SPDX-License-Identifier: Apache-2.0
// The errors Tempo throws. Each text says who failed and on which rule, the values by name, what
// was required, and the likely fix.
#pragma once

#include <stdexcept>
#include <string>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {

/// Anything Tempo refuses to do; the base of the more precise kinds below.
class TEMPO_API Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes, ranks or dtypes that do not fit an operation.
class TEMPO_API ShapeError : public Error {
 public:
  using Error::Error;
};

/// A plugin that cannot be found, loaded, registered, or that failed in a callback.
class TEMPO_API PluginError : public Error {
 public:
  using Error::Error;
};

/// A file that cannot be read, or is not what it should be.
class TEMPO_API FormatError : public Error {
 public:
  using Error::Error;
};

}  // namespace tempo
