// SPDX-License-Identifier: Apache-2.0
// The storage of each op that is known by name; `define` fills it.
#include "ops/known.hpp"

namespace tempo {

namespace room {
static constinit OpRoom add, block_matmul, block_outer, broadcast_to, cast, concat, fill, matmul,
    multiply, negative, reshape, slice, split, square, subtract, sum, sum_to, transpose, where;
}

constinit const OpDefinition& add_op = room::add.op;
constinit const OpDefinition& block_matmul_op = room::block_matmul.op;
constinit const OpDefinition& block_outer_op = room::block_outer.op;
constinit const OpDefinition& broadcast_to_op = room::broadcast_to.op;
constinit const OpDefinition& cast_op = room::cast.op;
constinit const OpDefinition& concat_op = room::concat.op;
constinit const OpDefinition& fill_op = room::fill.op;
constinit const OpDefinition& matmul_op = room::matmul.op;
constinit const OpDefinition& multiply_op = room::multiply.op;
constinit const OpDefinition& negative_op = room::negative.op;
constinit const OpDefinition& reshape_op = room::reshape.op;
constinit const OpDefinition& slice_op = room::slice.op;
constinit const OpDefinition& split_op = room::split.op;
constinit const OpDefinition& square_op = room::square.op;
constinit const OpDefinition& subtract_op = room::subtract.op;
constinit const OpDefinition& sum_op = room::sum.op;
constinit const OpDefinition& sum_to_op = room::sum_to.op;
constinit const OpDefinition& transpose_op = room::transpose.op;
constinit const OpDefinition& where_op = room::where.op;

}  // namespace tempo
