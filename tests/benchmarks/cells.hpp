// SPDX-License-Identifier: Apache-2.0
// The cells that are timed: their weights, in Keras's order and layout, and their arithmetic.
#pragma once

#include <cmath>

#include "protocol.hpp"

namespace bench {

/// A weight by its name; its values are uniform around `centre`.
struct Weight {
  std::string name;
  std::vector<int64_t> shape;
  double centre = 0;
  int64_t rows = 1;  ///< rows that a step multiplies with it, per sequence

  int64_t count() const;
  /// 1 / sqrt(rows) for a matrix, or several, so that states neither vanish nor saturate.
  double spread() const;
};

struct Cell {
  const char* name;
  const char* onednn;  ///< the same cell in oneDNN, or ""
  std::vector<Weight> (*weights)(int64_t features, int64_t units);
  bool draws = false;  ///< it draws random numbers, so no peer has the same results
};

extern const std::vector<Cell> cells;
/// For the cells that have heads.
inline constexpr int heads = 4;
inline constexpr int low_rank = 16;          ///< for RWKV7
inline constexpr int state_size = 16;        ///< for Mamba2
inline constexpr int convolution_width = 4;  ///< for Mamba2 and M2RNN
/// Throws Unsupported if there is no such cell.
const Cell& cell_named(const std::string& name);
std::vector<Weight> weights_of(const Job& job);

/// The number of steps of each sequence of EndingLSTM: spread evenly up to all steps, in no order.
std::vector<int64_t> lengths_of(const Size& size);
/// Whether each step counts in a MaskedLSTM, [batch, time]: nine of ten do, in no order.
std::vector<uint8_t> mask_of(const Size& size);

/// The operations of a job's matrix products; pointwise work is not counted.
double flop(const Job& job);

/// `count` numbers within centre +- spread that depend only on `name` and the index.
template <class T>
std::vector<T> numbers(const std::string& name, int64_t count, double centre = 0,
                       double spread = 1) {
  uint64_t seed = 14695981039346656037u;  // FNV-1a
  for (const char c : name) seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::vector<T> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) {
    uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15u;  // splitmix64 (Steele et al., 2014)
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    const double unit = static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
    out[i] = static_cast<T>(centre + spread * (2 * unit - 1));
  }
  return out;
}
template <class T>
std::vector<T> numbers(const Weight& weight) {
  return numbers<T>(weight.name, weight.count(), weight.centre, weight.spread());
}

/// Ids below `end`, for vocabularies.
std::vector<int64_t> ids(const std::string& name, int64_t count, int64_t end);

/// The learning rate of the contestants' training steps, and what is checked of these steps.
inline constexpr double learning_rate = 1e-3;
inline constexpr double epsilon =
    1e-12;  // Keras and torch add it at different places, so it must not matter
inline constexpr int checked_steps = 5;

}  // namespace bench
