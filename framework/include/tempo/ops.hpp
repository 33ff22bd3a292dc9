// SPDX-License-Identifier: Apache-2.0
// The ops, as functions of tensors. Axes may be negative.
#pragma once

#include <tempo/composition.hpp>
#include <tempo/creation.hpp>
#include <tempo/einsum.hpp>
#include <tempo/elementwise.hpp>
#include <tempo/literal.hpp>
#include <tempo/matmul.hpp>
#include <tempo/movement.hpp>
#include <tempo/reduction.hpp>
