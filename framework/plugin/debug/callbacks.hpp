// SPDX-License-Identifier: Apache-2.0
// Callbacks of a watched plugin, each wrapped in one that lends it its arguments and takes over its
// results.
#pragma once

#include <cstdint>

#include <tempo/plugin.h>

namespace tempo::debug {

/// A copy with watching callbacks. The copy, and what it refers to, is never freed.
const tempo_layer_type& watched(const tempo_layer_type& type);
const tempo_op_type& watched(const tempo_op_type& type);
const tempo_function_type& watched(const tempo_function_type& type);

/// A scan and a rule whose step or rule is watched, for the duration of one call.
struct WatchedScan {
  explicit WatchedScan(const tempo_scan& given);
  tempo_scan scan;

 private:
  static tempo_status step(void* user, const tempo_step* step);
  const tempo_scan given_;
};
struct WatchedRule {
  explicit WatchedRule(const tempo_custom_gradient& given);
  tempo_custom_gradient custom;

 private:
  static tempo_status rule(void* user, const tempo_rule* rule);
  const tempo_custom_gradient given_;
};

/// The number of instances that `create` made and `destroy` has not freed.
int64_t live_instances();

}  // namespace tempo::debug
