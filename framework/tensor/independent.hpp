// SPDX-License-Identifier: Apache-2.0
// A mark on loops whose turns do not depend on each other although the compiler cannot see it.
#pragma once

#if defined(__clang__)
#define TEMPO_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define TEMPO_INDEPENDENT _Pragma("GCC ivdep")
#else
#define TEMPO_INDEPENDENT
#endif
