// SPDX-License-Identifier: Apache-2.0
// Accounts for the handles that a plugin holds.
#include "plugin/debug/handles.hpp"

#include <algorithm>
#include <unordered_map>

#include <tempo/host.hpp>

#include "tensor/process_lock.hpp"

namespace tempo::debug {

namespace {

struct Account {
  int64_t owned = 0;
  int64_t lent = 0;
  bool for_good = false;
  bool is_open() const { return owned > 0 || lent > 0 || for_good; }
};

void keep(tempo_tensor* tensor) { sdk::host().retain(tensor); }
void keep(tempo_layer*) {}  // a kept layer would never be destroyed
const char* name_of(const tempo_tensor*) { return "tensor"; }
const char* name_of(const tempo_layer*) { return "layer"; }

template <class Handle>
class Accounts {
 public:
  template <class F>
  void change(Handle* handle, F&& f) {
    if (!handle) return;
    const ProcessLock lock(ProcessLock::watching);
    const auto [at, is_new] = all_.try_emplace(handle);
    if (is_new) keep(handle);
    f(at->second);
  }
  /// The fault of using this handle; "" if there is none.
  std::string fault(const Handle* handle) const {
    if (!handle) return "";
    const ProcessLock lock(ProcessLock::watching);
    const auto at = all_.find(const_cast<Handle*>(handle));
    if (at == all_.end()) return "is none that the host gave it";
    return at->second.is_open() ? "" : "was released before, or lent for a call that is over";
  }
  /// Takes a count from the plugin; false if it has none.
  bool take(Handle* handle) {
    const ProcessLock lock(ProcessLock::watching);
    const auto at = all_.find(handle);
    if (at == all_.end() || at->second.owned == 0) return false;
    --at->second.owned;
    return true;
  }
  void forget(Handle* handle) {
    const ProcessLock lock(ProcessLock::watching);
    all_.erase(handle);
  }
  int64_t owned() const {
    const ProcessLock lock(ProcessLock::watching);
    int64_t n = 0;
    for (const auto& [handle, account] : all_) n += account.owned;
    return n;
  }

 private:
  std::unordered_map<Handle*, Account> all_;
};

template <class Handle>
Accounts<Handle>& accounts() {
  static auto& all = *new Accounts<Handle>;  // plugins use handles until the process ends
  return all;
}

template <class Handle>
bool take_one(Handle* handle, const std::string& by) {
  if (!handle) return true;
  auto& all = accounts<Handle>();
  if (all.take(handle)) return true;
  std::string why = all.fault(handle);
  if (why.empty()) why = "is lent to it alone: it has no count of it to give away";
  add_fault(by + ": the " + name_of(handle) + " " + why + ".");
  return false;
}
template <class Handle>
bool is_usable(const Handle* handle, const std::string& by) {
  const std::string why = accounts<Handle>().fault(handle);
  if (!why.empty()) add_fault(by + ": the " + name_of(handle) + " " + why + ".");
  return why.empty();
}

}  // namespace

void given(tempo_tensor* t) {
  accounts<tempo_tensor>().change(t, [](Account& a) { ++a.owned; });
}
void given(tempo_layer* l) {
  accounts<tempo_layer>().change(l, [](Account& a) { ++a.owned; });
}
void lent_for_good(tempo_tensor* t) {
  accounts<tempo_tensor>().change(t, [](Account& a) { a.for_good = true; });
}
void lent_for_good(tempo_layer* l) {
  accounts<tempo_layer>().change(l, [](Account& a) { a.for_good = true; });
}
bool taken(tempo_tensor* t, const std::string& by) { return take_one(t, by); }
bool taken(tempo_layer* l, const std::string& by) { return take_one(l, by); }
void forget(tempo_layer* l) { accounts<tempo_layer>().forget(l); }
bool may_use(const tempo_tensor* t, const std::string& by) { return is_usable(t, by); }
bool may_use(const tempo_layer* l, const std::string& by) { return is_usable(l, by); }
int64_t held_tensors() { return accounts<tempo_tensor>().owned(); }
int64_t held_layers() { return accounts<tempo_layer>().owned(); }

Lending::~Lending() {
  for (tempo_tensor* t : lent_) accounts<tempo_tensor>().change(t, [](Account& a) { --a.lent; });
}
void Lending::lend(tempo_tensor* tensor) {
  if (!tensor) return;
  accounts<tempo_tensor>().change(tensor, [](Account& a) { ++a.lent; });
  lent_.push_back(tensor);
}
void Lending::lend(tempo_tensor* const* tensors, uint32_t n) {
  for (uint32_t i = 0; tensors && i < n; ++i) lend(tensors[i]);
}

void hand_over(tempo_tensor* const* results, uint64_t n, const std::string& by) {
  constexpr uint64_t most = 1 << 16;
  for (uint64_t i = 0; results && i < std::min(n, most); ++i)
    if (results[i] && !taken(results[i], by + " gives result " + std::to_string(i)))
      sdk::host().retain(results[i]);
}

}  // namespace tempo::debug
