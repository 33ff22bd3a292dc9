// SPDX-License-Identifier: Apache-2.0
// Counts cases and says what went wrong with each.
#pragma once

#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>

/// Thrown by a case that needs what Tempo does not have yet.
class Skipped : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thrown by a case whose numbers are wrong.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Report {
 public:
  void run(const std::string& name, const std::function<void()>& run_case) {
    try {
      run_case();
      ++passed_;
    } catch (const Skipped& reason) {
      ++skipped_;
      std::cout << "skipped " << name << ": " << reason.what() << std::endl;
    } catch (const std::exception& reason) {
      ++failed_;
      std::cout << "FAILED  " << name << ": " << reason.what() << std::endl;
    }
  }
  /// Prints the last line; the exit code of the program.
  int finish() const {
    std::cout << passed_ << " passed, " << failed_ << " failed, " << skipped_ << " skipped\n";
    return failed_ == 0 ? 0 : 1;
  }

 private:
  int passed_ = 0, failed_ = 0, skipped_ = 0;
};
