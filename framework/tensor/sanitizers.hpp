// SPDX-License-Identifier: Apache-2.0
// Detects the sanitizer that the compiler builds for; g++ and clang define different macros.
#pragma once

#if defined(__has_feature)
#define TEMPO_HAS_FEATURE(x) __has_feature(x)
#else
#define TEMPO_HAS_FEATURE(x) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || TEMPO_HAS_FEATURE(address_sanitizer)
#define TEMPO_ADDRESS_SANITIZER 1
#else
#define TEMPO_ADDRESS_SANITIZER 0
#endif

#if defined(__SANITIZE_THREAD__) || TEMPO_HAS_FEATURE(thread_sanitizer)
#define TEMPO_THREAD_SANITIZER 1
#else
#define TEMPO_THREAD_SANITIZER 0
#endif

// For a function that calls code made at run time. Without it clang's sanitizer reads a mark before
// the code, where no memory may be.
#if defined(__clang__)
#define TEMPO_CALLS_MADE_CODE __attribute__((no_sanitize("function")))
#else
#define TEMPO_CALLS_MADE_CODE
#endif
