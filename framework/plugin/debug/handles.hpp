// SPDX-License-Identifier: Apache-2.0
// The handles that a watched plugin holds: counts that it was given, and handles lent for a call. A
// tensor that it has seen is kept alive, so that no other tensor gets its address.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tempo/plugin.h>

namespace tempo::debug {

/// Adds a fault to report about the watched plugin; equal texts are kept once.
void add_fault(const std::string& text);

/// The plugin gets one more count of the handle.
void given(tempo_tensor* tensor);
void given(tempo_layer* layer);
/// The plugin may use the handle for as long as the process lives.
void lent_for_good(tempo_tensor* tensor);
void lent_for_good(tempo_layer* layer);
/// The plugin gives a count away. False, with a fault, if it has none.
bool taken(tempo_tensor* tensor, const std::string& by);
bool taken(tempo_layer* layer, const std::string& by);
/// The layer is destroyed; another one may get its address.
void forget(tempo_layer* layer);
/// Whether the plugin may use the handle. If not, a fault is added; NULL is left to the host.
bool may_use(const tempo_tensor* tensor, const std::string& by);
bool may_use(const tempo_layer* layer, const std::string& by);
/// The number of counts that the plugin holds.
int64_t held_tensors();
int64_t held_layers();

/// While one exists, the plugin is in a call, and may use the handles that were lent to it here.
class Lending {
 public:
  Lending() = default;
  ~Lending();
  Lending(const Lending&) = delete;
  Lending& operator=(const Lending&) = delete;
  void lend(tempo_tensor* tensor);
  void lend(tempo_tensor* const* tensors, uint32_t n);

 private:
  std::vector<tempo_tensor*> lent_;
};

/// Takes the results that the plugin hands over. If it has no count of one, it is given a count,
/// and a fault is added.
void hand_over(tempo_tensor* const* results, uint64_t n, const std::string& by);

}  // namespace tempo::debug
