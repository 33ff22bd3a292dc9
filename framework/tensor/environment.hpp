// SPDX-License-Identifier: Apache-2.0
// Environment variables. Sole user of getenv.
#pragma once

#include <stdlib.h>  // secure_getenv

namespace tempo {

/// The value of a variable; null where it is not set. A program that runs with more rights than its
/// user has (setuid) has none: whoever started it must not say what it does.
inline const char* environment(const char* variable) { return secure_getenv(variable); }

}  // namespace tempo
