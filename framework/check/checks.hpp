// SPDX-License-Identifier: Apache-2.0
// The checks. Each examines one layer, and throws Fault if the layer breaks a rule.
#pragma once

#include "check/subject.hpp"

namespace tempo::conformance {

struct Check {
  const char* name;
  const char* sentence;
  void (*run)(const Subject& subject);
};
/// In the order of the table. The first one is "made".
const std::vector<Check>& checks();

void check_made(const Subject& subject);
void check_batch_is_free(const Subject& subject);
void check_time_is_free(const Subject& subject);
void check_dtypes(const Subject& subject);
void check_float32(const Subject& subject);
void check_gradient(const Subject& subject);
void check_second_gradient(const Subject& subject);
void check_mask(const Subject& subject);
void check_padding_of_nan(const Subject& subject);
void check_mask_is_passed_on(const Subject& subject);
void check_saved(const Subject& subject);
void check_defaults(const Subject& subject);
void check_effects(const Subject& subject);
void check_training(const Subject& subject);
void check_calls(const Subject& subject);
void check_modes(const Subject& subject);
void check_seed(const Subject& subject);
void check_threads(const Subject& subject);
void check_single_batches(const Subject& subject);
void check_stream(const Subject& subject);

}  // namespace tempo::conformance
