// SPDX-License-Identifier: Apache-2.0
// Makes compilers name misspelt options. For Adam({.beta = 3}), g++ and clang only say that braces
// do not become AdamOptions. With one more function that takes any braces, and fails, g++ names
// each option in them, clang points at each, and both name the struct.
#pragma once

#include <cstddef>

#include <tempo/export.hpp>

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// Made from anything that stands in the braces, which an error then shows.
template <class Options>
class MisspeltOptionOf {
 public:
#ifdef __clang__
  MisspeltOptionOf(...);
#else
  template <class... T>
  MisspeltOptionOf(const T&...) {
    refuse();
  }

 private:
  static void refuse() {
    static_assert(sizeof(Options) == 0,
                  "one of the options named above is misspelt, or its value is of another type: "
                  "with the name of their struct before the braces, Adam(AdamOptions{...}), the "
                  "compiler says which");
  }
#endif
};

/// Stands for a template's parameter; the template itself is the better match if both fit.
struct Whatever {
  template <class T>
  Whatever(const T&) {}
};

template <class Options, std::size_t n>
using Misspelt = const MisspeltOptionOf<Options> (&&)[n];

}  // namespace sdk

}  // namespace tempo

// TEMPO_OPTIONS(Adam, AdamOptions) stands beside `Adam(const AdamOptions&)`, and is chosen only
// if that does not match. The types of parameters before the options follow.
// TEMPO_MEMBER_OPTIONS is for a member function that is not overloaded: clang explains that best
// if it stays so.
#ifdef __clang__  // it counts no designators, but takes an array that is longer
#define TEMPO_OPTIONS(function, Options, ...)      \
  template <class = void, std::size_t number = 64> \
  function(__VA_OPT__(__VA_ARGS__, )::tempo::sdk::Misspelt<Options, number>)
#define TEMPO_MEMBER_OPTIONS(function, Options, ...) static_assert(sizeof(Options) > 0)
#else
#define TEMPO_OPTIONS(function, Options, ...) \
  template <class = void, std::size_t number> \
  function(__VA_OPT__(__VA_ARGS__, )::tempo::sdk::Misspelt<Options, number>)
#define TEMPO_MEMBER_OPTIONS(...) TEMPO_OPTIONS(__VA_ARGS__) const
#endif
