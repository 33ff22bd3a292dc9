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

// GCC warns when a visible class of a user's has a member or base from a hidden namespace. Cells
// and layers are just that, on purpose; the warning would be in each of them.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wattributes"
#endif
