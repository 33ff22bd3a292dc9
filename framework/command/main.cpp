// SPDX-License-Identifier: Apache-2.0
// The program `tempo`: turns an Error into a line on stderr and an exit code.
#include <iostream>

#include "command_line.hpp"

int main(int argc, char** argv) {
  try {
    return tempo::command::run(argc, argv, std::cout);
  } catch (const std::exception& error) {
    std::cerr << "tempo: " << error.what() << '\n';
    return 1;
  }
}
