// SPDX-License-Identifier: Apache-2.0
// The room of each op that is known by name; `define` fills it.
#include "ops/known.hpp"

namespace tempo {

namespace {
constinit OpRoom add, broadcast_to, cast, concat, fill, matmul, negative, reshape, slice, split,
    sum_to, transpose;
}

constinit const OpDefinition& add_op = add.op;
constinit const OpDefinition& broadcast_to_op = broadcast_to.op;
constinit const OpDefinition& cast_op = cast.op;
constinit const OpDefinition& concat_op = concat.op;
constinit const OpDefinition& fill_op = fill.op;
constinit const OpDefinition& matmul_op = matmul.op;
constinit const OpDefinition& negative_op = negative.op;
constinit const OpDefinition& reshape_op = reshape.op;
constinit const OpDefinition& slice_op = slice.op;
constinit const OpDefinition& split_op = split.op;
constinit const OpDefinition& sum_to_op = sum_to.op;
constinit const OpDefinition& transpose_op = transpose.op;

}  // namespace tempo
