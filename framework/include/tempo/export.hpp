// SPDX-License-Identifier: Apache-2.0
// Visibility: the SDK's namespace is hidden, so that each shared object keeps its own copy of the
// inline functions it was compiled with; only what libtempo defines for scripts is visible.
#pragma once

#if defined(__GNUC__)
#define TEMPO_HIDDEN __attribute__((visibility("hidden")))
#define TEMPO_API __attribute__((visibility("default")))
#else
#define TEMPO_HIDDEN
#define TEMPO_API
#endif

// GCC warns if a visible class of the user has a member or base from a hidden namespace. Cells and
// layers have them on purpose, and each would cause the warning.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wattributes"
#endif
