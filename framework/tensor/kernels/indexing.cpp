// SPDX-License-Identifier: Apache-2.0
// Gather, scatter and one-hot rows.
#include "tensor/kernels/indexing.hpp"

#include <algorithm>
#include <cstring>

#include <tempo/number.hpp>

#include "tensor/kernels/fold.hpp"
#include "tensor/kernels/pointwise.hpp"
#include "tensor/parallel.hpp"

namespace tempo {
namespace {

/// Calls f(indices) with a pointer of the right type.
template <class F>
void with_indices(const View& indices, const char* who, F f) {
  if (indices.dtype() == int32) return f(indices.as<const int32_t>());
  if (indices.dtype() == int64) return f(indices.as<const int64_t>());
  throw ShapeError(std::string(who) + ": indices " + to_string(indices.type) +
                   " must be int32 or int64.\n  cast(indices, int64) makes it so.");
}

int64_t checked(int64_t index, int64_t bound, const char* who) {
  if (index < 0 || index >= bound)
    throw ShapeError(std::string(who) + ": index " + std::to_string(index) +
                     " is outside the table's first axis of " + std::to_string(bound) +
                     "; it must be from 0 to " + std::to_string(bound - 1) + ".");
  return index;
}

int64_t row_count(const View& table) {
  return Shape(table.shape().begin() + 1, table.shape().end()).count();
}

template <class T>
[[noreturn, gnu::cold, gnu::noinline]] void refuse_index(const KernelCall& call, int64_t at, T id) {
  std::string text;
  if constexpr (std::is_floating_point_v<T>)
    text = sdk::shortest(id);
  else
    text = std::to_string(id);
  throw Error(call.attributes.text("who") + ": id " + std::to_string(at) + " of " +
              to_string(call.inputs[0].type) + " is " + text + "; " + call.attributes.text("rule"));
}

}  // namespace

Kernel index_kernel() {
  return [](const KernelCall& call) {
    const View &x = call.inputs[0], &y = call.outputs[0];
    const auto bound = call.attributes.integer("bound");
    dispatch_among(Numeric{}, x.dtype(), [&]<class T>(T) {
      using Position = std::conditional_t<std::is_same_v<T, int64_t>, int64_t, int32_t>;
      const T* const ids = x.as<const T>();
      for (int64_t i = 0; i < x.count(); ++i) {
        const bool within =
            ids[i] >= T(0) && static_cast<double>(ids[i]) < static_cast<double>(bound);
        const Position index = within ? static_cast<Position>(ids[i]) : Position{0};
        if (!within || static_cast<T>(index) != ids[i]) refuse_index(call, i, ids[i]);
        y.as<Position>()[i] = index;
      }
    });
  };
}

Kernel gather_kernel() {
  return [](const KernelCall& call) {
    const View &table = call.inputs[0], &indices = call.inputs[1];
    const int64_t elements = row_count(table);
    const std::size_t bytes = static_cast<std::size_t>(elements) * size_of(table.dtype());
    const auto* from = table.as<const char>();
    auto* to = call.outputs[0].as<char>();
    with_indices(indices, "gather", [&](const auto* index) {
      const int64_t grain =
          std::max<int64_t>(1, elements_per_task / std::max<int64_t>(1, elements));
      parallel_for(indices.count(), grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const int64_t row = checked(index[i], table.shape()[0], "gather");
          std::memcpy(to + static_cast<std::size_t>(i) * bytes,
                      from + static_cast<std::size_t>(row) * bytes, bytes);
        }
      });
    });
  };
}

Kernel scatter_add_kernel() {
  return [](const KernelCall& call) {
    const View &indices = call.inputs[0], &updates = call.inputs[1], &y = call.outputs[0];
    std::memset(y.data, 0, y.type.bytes());
    const int64_t elements = row_count(y);
    with_indices(indices, "scatter_add", [&](const auto* index) {
      dispatch_among(Numeric{}, y.dtype(), [&]<class T>(T) {
        // Rows may have the same index, so tasks divide the columns and keep the order of the rows.
        const int64_t rows = indices.count();
        const int64_t grain = std::max<int64_t>(64, elements_per_task / std::max<int64_t>(1, rows));
        parallel_for(elements, grain, [&](int64_t begin, int64_t end) {
          for (int64_t i = 0; i < rows; ++i) {
            const T* from = updates.as<const T>() + i * elements;
            T* to = y.as<T>() + checked(index[i], y.shape()[0], "scatter_add") * elements;
            for (int64_t j = begin; j < end; ++j) to[j] = Sum{}(to[j], from[j]);
          }
        });
      });
    });
  };
}

Kernel one_hot_kernel() {
  return [](const KernelCall& call) {
    const View &indices = call.inputs[0], &y = call.outputs[0];
    const int64_t depth = y.shape().back();
    std::memset(y.data, 0, y.type.bytes());
    with_indices(indices, "one_hot", [&](const auto* index) {
      dispatch(y.dtype(), [&]<class T>(T) {
        for (int64_t i = 0; i < indices.count(); ++i)
          if (index[i] >= 0 && index[i] < depth) y.as<T>()[i * depth + index[i]] = T(1);
      });
    });
  };
}

}  // namespace tempo
