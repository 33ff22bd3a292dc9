// SPDX-License-Identifier: Apache-2.0
// A layer or cell of C callbacks, each of which a test defines by a function.
#pragma once

#include <functional>

#include <tempo/layer.hpp>

namespace tempo::testing {

/// Returns its input, unless told otherwise; a cell also returns its states. It must outlive the
/// layers that are made of it.
struct RawLayer {
  std::function<tempo_status(tempo_layer* self)> create = [](tempo_layer*) { return TEMPO_OK; };
  std::function<tempo_status(tempo_layer* self)> build = [](tempo_layer*) { return TEMPO_OK; };
  std::function<tempo_status(tempo_layer* self, const tempo_call& call)> before_call =
      [](tempo_layer*, const tempo_call&) { return TEMPO_OK; };
  std::function<void(tempo_type& state)> state = [](tempo_type&) {};

  tempo_layer_type type{.size = sizeof(tempo_layer_type),
                        .kind = TEMPO_LAYER,
                        .name = "Raw",
                        .summary = "",
                        .options = nullptr,
                        .n_options = 0,
                        .flags = 0,
                        .version = 0,
                        .reserved = 0,
                        .user = this,
                        .create = &created,
                        .destroy = [](void*, void*) { return tempo_status{TEMPO_OK}; },
                        .build = &built,
                        .call = &called,
                        .states = nullptr,
                        .initial = nullptr,
                        .once = nullptr,
                        .reset = nullptr,
                        .outputs = nullptr,
                        .save = nullptr,
                        .load = nullptr,
                        .migrate = nullptr,
                        .get_extension = nullptr};

  RawLayer() = default;
  RawLayer(const RawLayer&) = delete;
  RawLayer& operator=(const RawLayer&) = delete;

  /// With one state, [batch, 2] float32 unless `state` says otherwise.
  RawLayer& as_cell() {
    type.kind = TEMPO_CELL;
    type.states = &states;
    return *this;
  }
  Layer make(std::initializer_list<Option> options = {}) const {
    tempo_layer* out = nullptr;
    sdk::check(sdk::host().make_layer_of(&type,
                                         reinterpret_cast<const tempo_attribute*>(options.begin()),
                                         static_cast<uint32_t>(options.size()), &out));
    return Layer(out);
  }

 private:
  static tempo_status created(void* user, tempo_layer* self, const tempo_creation*,
                              void** instance) {
    *instance = user;
    return static_cast<RawLayer*>(user)->create(self);
  }
  static tempo_status built(void*, void* me, tempo_layer* self, const tempo_inputs*) {
    return static_cast<RawLayer*>(me)->build(self);
  }
  static tempo_status called(void*, void* me, tempo_layer* self, const tempo_call* call,
                             tempo_results* results) {
    const tempo_status status = static_cast<RawLayer*>(me)->before_call(self, *call);
    sdk::host().retain(results->tensors[0] = call->inputs[0]);
    for (uint32_t i = 0; i < call->n_states; ++i)
      sdk::host().retain(results->tensors[1 + i] = call->states[i]);
    results->count = 1 + call->n_states;
    return status;
  }
  static tempo_status states(void*, void* me, tempo_layer*, const tempo_inputs* inputs,
                             tempo_result_types* states) {
    states->types[0] = sdk::to_abi(float32, {inputs->types[0].shape[0], 2});
    static_cast<RawLayer*>(me)->state(states->types[0]);
    states->count = 1;
    return TEMPO_OK;
  }
};

}  // namespace tempo::testing
