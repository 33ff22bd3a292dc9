// SPDX-License-Identifier: Apache-2.0
// Marks loops with independent iterations for which the compiler cannot see that.
#pragma once

#if defined(__clang__)
#define TEMPO_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define TEMPO_INDEPENDENT _Pragma("GCC ivdep")
#else
#define TEMPO_INDEPENDENT
#endif
