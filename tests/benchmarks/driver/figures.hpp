// SPDX-License-Identifier: Apache-2.0
// Figures and the machine's names, as every form of the table writes them.
#pragma once

#include "measure.hpp"

namespace bench {

/// A column of peers: the program, and the name that readers know.
struct Column {
  std::string program, name;
};
/// The peers that have a column, in its order.
std::vector<Column> peers_of(const Choice& choice);
/// nullptr: there is no such peer.
const Timing* peer_of(const Row& row, const std::string& program);

/// GFLOP/s of the matrix products.
double gigaflops(const Row& row);
/// What a row has besides its time: words and allocations.
std::string notes(const Row& row);
/// Peak resident MB of Tempo and of its peers: "12 (163, -)".
std::string memory(const Row& row, const Choice& choice);

std::string number(double value, int digits);
/// Four digits, whatever the size: 0.01234, 12.34, 1234.
std::string short_number(double value);

std::string processor();

}  // namespace bench
