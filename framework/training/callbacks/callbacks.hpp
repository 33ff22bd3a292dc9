// SPDX-License-Identifier: Apache-2.0
// The callbacks of one fit, evaluate or predict, attached to its model for as long as it runs.
#pragma once

#include <algorithm>

#include <tempo/error.hpp>
#include <tempo/model.hpp>

namespace tempo {

class Callbacks {
 public:
  /// A callback that is listed twice is called once. A callback that an outer fit uses already is
  /// returned to it at the end.
  Callbacks(const std::string& who, const std::vector<CallbackHandle>& all, Model& model,
            const FitParams& params) {
    try {
      for (const CallbackHandle& c : all) {
        Callback* const callback = c.operator->();
        if (!callback)
          throw Error(who + ": callback " + std::to_string(&c - all.data()) +
                      " is an empty pointer.\n  std::make_shared<MyCallback>() makes one.");
        const bool again = std::any_of(attached_.begin(), attached_.end(), [&](const auto& a) {
          return a.handle.operator->() == callback;
        });
        if (again) continue;
        attached_.push_back(
            {c, callback->attached() ? &callback->model() : nullptr, callback->params()});
        callback->attach(&model, params);
      }
    } catch (...) {
      detach();
      throw;
    }
  }
  ~Callbacks() { detach(); }
  Callbacks(const Callbacks&) = delete;
  Callbacks& operator=(const Callbacks&) = delete;

  template <class... Parameters, class... Arguments>
  void operator()(void (Callback::*hook)(Parameters...), const Arguments&... arguments) const {
    for (const Attached& a : attached_) (a.handle.operator->()->*hook)(arguments...);
  }

  /// Asks all callbacks; true if one of them said yes.
  bool any(bool (Callback::*hook)(int64_t), int64_t batch) const {
    bool yes = false;
    for (const Attached& a : attached_) yes |= (a.handle.operator->()->*hook)(batch);
    return yes;
  }

 private:
  struct Attached {
    CallbackHandle handle;
    Model* model_before;
    FitParams params_before;
  };
  void detach() noexcept {
    for (auto a = attached_.rbegin(); a != attached_.rend(); ++a) try {
        a->handle->attach(a->model_before, a->params_before);
      } catch (...) {  // by a user's attach: what ended training is reported instead
      }
    attached_.clear();
  }

  std::vector<Attached> attached_;
};

}  // namespace tempo
