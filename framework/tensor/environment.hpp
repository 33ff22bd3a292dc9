// SPDX-License-Identifier: Apache-2.0
// Environment variables. The sole user of getenv.
#pragma once

#include <stdlib.h>  // secure_getenv

namespace tempo {

/// The value of a variable; null if it is not set. A program with more rights than its user
/// (setuid) sees no variables: its user must not control it.
inline const char* environment(const char* variable) { return secure_getenv(variable); }

}  // namespace tempo
