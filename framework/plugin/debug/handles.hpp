// SPDX-License-Identifier: Apache-2.0
// What a watched plugin holds: the counts that it was given, and what it was lent for a call. A
// tensor that it saw once is kept, so that no other comes to lie at its address.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tempo/plugin.h>

namespace tempo::debug {

/// What the watched plugin is to be told of; each text is kept once.
void add_fault(const std::string& text);

/// It has one more count.
void given(tempo_tensor* tensor);
void given(tempo_layer* layer);
/// It may use it for as long as the process lives.
void lent_for_good(tempo_tensor* tensor);
void lent_for_good(tempo_layer* layer);
/// It gives a count away. False, with a fault, where it has none.
bool taken(tempo_tensor* tensor, const std::string& by);
bool taken(tempo_layer* layer, const std::string& by);
/// It is destroyed; another may come to lie at its address.
void forget(tempo_layer* layer);
/// Whether it may use it. False, with a fault, where it may not; NULL is the host's to refuse.
bool may_use(const tempo_tensor* tensor, const std::string& by);
bool may_use(const tempo_layer* layer, const std::string& by);
/// How many counts it has.
int64_t held_tensors();
int64_t held_layers();

/// While one lives, the plugin is called, and may use what was lent to it here.
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

/// Takes from the plugin what it hands over as results. One that it has no count of is given one,
/// and a fault.
void hand_over(tempo_tensor* const* results, uint64_t n, const std::string& by);

}  // namespace tempo::debug
