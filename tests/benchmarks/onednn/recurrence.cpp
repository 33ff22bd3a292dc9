// SPDX-License-Identifier: Apache-2.0
// Slots of memory with their reorders, and the primitive between them.
#include "recurrence.hpp"

#include <cstring>

namespace bench {

using dnnl::memory;
using dnnl::prop_kind;

Slot::Slot(const dnnl::engine& engine, const memory::desc& plain, const memory::desc& wanted,
           Way way)
    : user_(plain, engine) {
  clear();
  if (wanted == plain) return;
  wanted_.emplace(wanted, engine);
  const bool in = way == Way::to_primitive;
  reorder_.emplace(in ? user_ : *wanted_, in ? *wanted_ : user_);
}

void Slot::to_primitive(dnnl::stream& stream) {
  if (wanted_) reorder_->execute(stream, user_, *wanted_);
}

void Slot::to_user(dnnl::stream& stream) {
  if (wanted_) reorder_->execute(stream, *wanted_, user_);
}

void Slot::set(const std::vector<float>& values) {
  if (values.size() * sizeof(float) != user_.get_desc().get_size())
    throw std::runtime_error("oneDNN: values do not fit their layout");
  std::memcpy(user_.get_data_handle(), values.data(), values.size() * sizeof(float));
}

void Slot::clear() {
  const memory& m = primitive();
  std::memset(m.get_data_handle(), 0, m.get_desc().get_size());
}

std::vector<double> Slot::values() const {
  const auto* first = static_cast<const float*>(user_.get_data_handle());
  return {first, first + user_.get_desc().get_size() / sizeof(float)};
}

namespace {

constexpr auto one_way = dnnl::rnn_direction::unidirectional_left2right;
const memory::desc none;  // for the states after the last step

template <class Cell, class Backward, class Forward>
Primitives with_backward(const typename Cell::primitive_desc& forward, const Forward& adesc,
                         bool with_gradient, const dnnl::engine& engine) {
  Primitives p{Cell(forward), {}, forward, {}};
  if (with_gradient) {
    const typename Backward::primitive_desc backward(adesc(), engine, forward);
    p.backward = Backward(backward);
    p.backward_desc = backward;
  }
  return p;
}

}  // namespace

Primitives primitives_of(const std::string& cell, const Layouts& chosen, const Layouts& any,
                         bool with_gradient, const dnnl::engine& engine) {
  const auto kind = with_gradient ? prop_kind::forward_training : prop_kind::forward_inference;
  const auto& [x, kernel, recurrent, peephole, bias, y, state] = chosen;
  const memory::desc &kernel_b = any.kernel, &recurrent_b = any.recurrent;
  if (cell == "LSTM" || cell == "Peephole") {
    using dnnl::lstm_backward, dnnl::lstm_forward;
    const lstm_forward::primitive_desc forward(
        {kind, one_way, x, state, state, kernel, recurrent, peephole, bias, y, none, none}, engine);
    const auto backward = [&] {
      return lstm_backward::desc(prop_kind::backward, one_way, x, state, state, kernel_b,
                                 recurrent_b, peephole, bias, y, none, none, x, state, state,
                                 kernel, recurrent, peephole, bias, y, none, none);
    };
    return with_backward<lstm_forward, lstm_backward>(forward, backward, with_gradient, engine);
  }
  if (cell == "GRU") {
    using dnnl::lbr_gru_backward, dnnl::lbr_gru_forward;
    const lbr_gru_forward::primitive_desc forward(
        {kind, one_way, x, state, kernel, recurrent, bias, y, none}, engine);
    const auto backward = [&] {
      return lbr_gru_backward::desc(prop_kind::backward, one_way, x, state, kernel_b, recurrent_b,
                                    bias, y, none, x, state, kernel, recurrent, bias, y, none);
    };
    return with_backward<lbr_gru_forward, lbr_gru_backward>(forward, backward, with_gradient,
                                                            engine);
  }
  if (cell == "SimpleRNN") {
    using dnnl::vanilla_rnn_backward, dnnl::vanilla_rnn_forward;
    constexpr auto tanh = dnnl::algorithm::eltwise_tanh;
    const vanilla_rnn_forward::primitive_desc forward(
        {kind, tanh, one_way, x, state, kernel, recurrent, bias, y, none}, engine);
    const auto backward = [&] {
      return vanilla_rnn_backward::desc(prop_kind::backward, tanh, one_way, x, state, kernel_b,
                                        recurrent_b, bias, y, none, x, state, kernel, recurrent,
                                        bias, y, none);
    };
    return with_backward<vanilla_rnn_forward, vanilla_rnn_backward>(forward, backward,
                                                                    with_gradient, engine);
  }
  throw Unsupported("oneDNN has no cell " + cell);
}

}  // namespace bench
