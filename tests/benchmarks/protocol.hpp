// SPDX-License-Identifier: Apache-2.0
// The protocol between the driver and the contestants. A contestant is a process that holds one
// job; lines on its standard input ask, and lines on its standard output answer:
//   prepare JOB   ok | unsupported WHY      makes weights, inputs and all that is made once
//   run N         SECONDS                   does the job N times
//   results       tensors                   what the job computes, to be compared with others'
//   memory        MEGABYTES                 the highest resident size of the process so far
//   allocations   COUNT                     calls of malloc in one run, -1 where not counted
// Any of them may answer `error TEXT`. The end of the input ends the process.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace bench {

struct Size {
  int64_t batch = 0, time = 0, features = 0, units = 0;
};

/// What is timed, from the weights and inputs as the user holds them.
///   gradient   forward and backward: from dy of all outputs to weights and x
///   forward    all outputs, without a gradient
///   train      one step of Adam for the cell and Dense(1) on its last output, mean squared error
///   stream     one step of a stateful model with Dense(1), without a gradient
///   int8       as forward, with weights rounded to int8; int8_stream likewise as stream
///   fit        `epoch_batches` batches by the model's fit, of what `train` does in a step
///   loop       the same batches by a loop of the user's own
///   language   one step of SGD for Embedding, 2 x cell and Dense over a vocabulary of `features`
struct Job {
  std::string mode, cell, dtype = "float32";
  Size size = {};
  int threads = 1;
};

std::string to_text(const Job& job);
/// "32,50,64,128"
std::string to_text(const Size& size);
Job job_from(const std::string& text);

/// For `fit` and `loop`: a millisecond per epoch is a microsecond per batch.
inline constexpr int64_t epoch_batches = 1000;

struct Named {
  std::string name;
  std::vector<double> values;
};
using Results = std::vector<Named>;

/// Thrown if a contestant has no such cell, dtype or mode.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One job of one contestant, prepared.
class Work {
 public:
  virtual ~Work() = default;
  virtual void run() = 0;
  /// Called once, before any run; may run the job more than once.
  virtual Results results() = 0;
};

/// Answers the driver until its input ends. `count_allocations(true)` starts to count calls of
/// malloc, `count_allocations(false)` ends this and returns their number.
int serve(std::unique_ptr<Work> (*make)(const Job&),
          int64_t (*count_allocations)(bool start) = nullptr);

}  // namespace bench
