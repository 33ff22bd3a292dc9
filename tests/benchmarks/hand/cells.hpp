// SPDX-License-Identifier: Apache-2.0
// The cells that are written by hand.
#pragma once

#include "benchmarks/protocol.hpp"

namespace bench {

std::unique_ptr<Work> min_gru(const Job& job);
std::unique_ptr<Work> mlstm(const Job& job);
std::unique_ptr<Work> gated_delta_net(const Job& job);
std::unique_ptr<Work> rwkv7(const Job& job);
std::unique_ptr<Work> mamba2(const Job& job);
std::unique_ptr<Work> m2rnn(const Job& job);

}  // namespace bench
