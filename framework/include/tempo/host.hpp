// SPDX-License-Identifier: Apache-2.0
// C++ across plugin.h: the host table of this shared object, and statuses to exceptions and back. A
// user's exception that passes through the host returns to its shared object unchanged.
#pragma once

#include <cstddef>
#include <exception>
#include <new>
#include <span>
#include <string>
#include <typeinfo>

#include <tempo/error.hpp>
#include <tempo/plugin.h>
#include <tempo/shape.hpp>

extern "C" const tempo_host* tempo_host_v1(void) __attribute__((weak));

namespace tempo TEMPO_HIDDEN {
namespace sdk {

/// Returns the table; throws PluginError if it lacks functions that these headers need.
inline const tempo_host* of_this_version(const tempo_host* table,
                                         uint32_t needed = TEMPO_ABI_MINOR) {
  if (!table || table->minor >= needed) return table;
  const auto version = [](uint32_t minor) {
    return std::to_string(TEMPO_ABI_MAJOR) + "." + std::to_string(minor);
  };
  throw PluginError("this program was compiled with version " + version(TEMPO_ABI_MINOR) +
                    " of the plugin ABI; its libtempo has version " + version(table->minor) +
                    ".\n  Install a newer libtempo, or compile it with the headers of that one.");
}

/// The host table of this shared object: set by the loader in a plugin, found at link time
/// elsewhere.
inline const tempo_host*& host_slot() {
  static const tempo_host* slot = of_this_version(tempo_host_v1 ? tempo_host_v1() : nullptr);
  return slot;
}

inline const tempo_host& host() {
  if (const tempo_host* table = host_slot()) return *table;
  throw PluginError(
      "Tempo's host is not there: this program is not linked with libtempo.\n"
      "  Link with `pkg-config --libs tempo`, or load this file as a plugin.");
}

struct InFlight {
  std::exception_ptr exception;
  uint64_t serial = 0;
};
inline InFlight& in_flight() {
  static thread_local InFlight current;
  return current;
}

/// The exception for TEMPO_OUT_OF_MEMORY: std::bad_alloc on its way over the boundary.
struct OutOfMemory : Error {
  static constexpr const char* no_words = "out of memory while allocating a result.";
  explicit OutOfMemory(const std::string& text = no_words) : Error(text) {}
};

/// Throws the exception that a failed status stands for.
inline void check(tempo_status status) {
  if (status == TEMPO_OK) return;
  uint64_t serial = 0;
  const std::string text = host().last_error(&serial);
  InFlight& mine = in_flight();
  if (mine.exception && mine.serial == serial) std::rethrow_exception(mine.exception);
  switch (status) {
    case TEMPO_SHAPE_ERROR: throw ShapeError(text);
    case TEMPO_PLUGIN_ERROR: throw PluginError(text);
    case TEMPO_FORMAT_ERROR: throw FormatError(text);
    case TEMPO_OUT_OF_MEMORY: throw OutOfMemory(text);
    default: throw Error(text);
  }
}

inline tempo_status keep(tempo_status category, const char* text) noexcept {
  const tempo_host* table = host_slot();
  if (!table) return category;
  table->fail(category, text);
  InFlight& mine = in_flight();
  mine.exception = std::current_exception();
  table->last_error(&mine.serial);
  return category;
}

/// Keeps the text alone, without an exception; the host may add where the error happened.
inline tempo_status keep_text(tempo_status category, const char* text) noexcept {
  const tempo_status status = keep(category, text);
  in_flight().exception = nullptr;
  return status;
}

/// Runs f for a C caller: an exception becomes a status and a text.
template <class F>
tempo_status guarded(F&& f) noexcept {
  try {
    f();
    return TEMPO_OK;
  } catch (const ShapeError& e) {
    return keep(TEMPO_SHAPE_ERROR, e.what());
  } catch (const PluginError& e) {
    return keep(TEMPO_PLUGIN_ERROR, e.what());
  } catch (const FormatError& e) {
    return keep(TEMPO_FORMAT_ERROR, e.what());
  } catch (const std::bad_alloc&) {
    return keep_text(TEMPO_OUT_OF_MEMORY, OutOfMemory::no_words);
  } catch (const OutOfMemory& e) {
    return keep_text(TEMPO_OUT_OF_MEMORY, e.what());
  } catch (const Error& e) {
    return typeid(e) == typeid(Error) ? keep_text(TEMPO_ERROR, e.what())
                                      : keep(TEMPO_ERROR, e.what());
  } catch (const std::exception& e) {
    return keep(TEMPO_ERROR, e.what());
  } catch (...) {
    return keep(TEMPO_ERROR, "an exception that is not a std::exception");
  }
}

inline tempo_type to_abi(DType dtype, const Shape& shape) {
  tempo_type type{sizeof(tempo_type),
                  static_cast<tempo_dtype>(dtype),
                  static_cast<uint32_t>(shape.rank()),
                  /*device=*/0,
                  {}};
  for (int i = 0; i < shape.rank(); ++i) type.shape[i] = shape[i];
  return type;
}
inline Shape shape_of(const tempo_type& type) { return Shape(type.shape, type.shape + type.rank); }
inline DType dtype_of(const tempo_type& type) { return static_cast<DType>(type.dtype); }

/// An array from across the boundary; its first element says how many bytes apart elements lie.
template <class T>
class Strided {
 public:
  Strided(const T* first, std::size_t n) : first_(first), n_(n) {}
  Strided(std::span<const T> all) : Strided(all.data(), all.size()) {}

  std::size_t size() const { return n_; }
  const T& operator[](std::size_t i) const {
    return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(first_) + i * first_->size);
  }

  class Iterator {
   public:
    Iterator(const Strided& all, std::size_t i) : all_(all), i_(i) {}
    const T& operator*() const { return all_[i_]; }
    Iterator& operator++() {
      ++i_;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return i_ != other.i_; }

   private:
    const Strided& all_;
    std::size_t i_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, n_}; }

 private:
  const T* first_;
  std::size_t n_;
};

}  // namespace sdk
}  // namespace tempo
