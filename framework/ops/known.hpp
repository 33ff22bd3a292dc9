// SPDX-License-Identifier: Apache-2.0
// The ops that the compiler knows by name: it makes Programs from them, or treats them specially. A
// name that is not declared here does not compile; one without storage does not link.
#pragma once

#include "graph/op.hpp"

namespace tempo {

// Their addresses are constants: code that runs before main, while ops are still being defined, can
// use them, too.
extern const OpDefinition &add_op, &block_matmul_op, &block_outer_op, &broadcast_to_op, &cast_op,
    &concat_op, &fill_op, &matmul_op, &multiply_op, &negative_op, &reshape_op, &slice_op, &split_op,
    &square_op, &subtract_op, &sum_op, &sum_to_op, &transpose_op, &where_op;

}  // namespace tempo
