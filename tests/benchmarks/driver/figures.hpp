// SPDX-License-Identifier: Apache-2.0
// Figures and names of the machine, as all forms of the table write them.
#pragma once

#include "measure.hpp"

namespace bench {

/// A column of peers: the program, and the name for readers.
struct Column {
  std::string program, name;
};
/// The peers that have a column, in the order of columns.
std::vector<Column> peers_of(const Choice& choice);
/// nullptr if there is no such peer.
const Timing* peer_of(const Row& row, const std::string& program);

/// GFLOP/s of the matrix products.
double gigaflops(const Row& row);
/// What a row shows besides its time: words per second, time per step, allocations.
std::string notes(const Row& row);
/// Peak resident MB of Tempo and of its peers: "12 (163, -)".
std::string memory(const Row& row, const Choice& choice);

std::string number(double value, int digits);
/// Four digits, whatever the size: 0.01234, 12.34, 1234.
std::string short_number(double value);

std::string processor();

}  // namespace bench
