// SPDX-License-Identifier: Apache-2.0
// The options that recurrent layers share: their descriptions, and the rules that they give to
// weights.
#pragma once

#include <tempo/cell.hpp>

namespace tempo TEMPO_HIDDEN {

/// The options of a recurrence, which all recurrent layers share.
inline void describe_recurrence(auto& option, auto& o) {
  option("return_sequences", o.return_sequences,
         "Whether to give the outputs of all steps, [batch, time, units], or of the last one.");
  option("return_state", o.return_state, "Whether to give the last state after the output.");
  if constexpr (requires { o.go_backwards; })
    option("go_backwards", o.go_backwards,
           "Whether to run from the last step to the first; the outputs then come in that order.");
  option("stateful", o.stateful,
         "Whether a call starts from the state that the one before it left; see reset_state.");
  option("zero_output_for_mask", o.zero_output_for_mask,
         "With return_sequences, whether the output of a masked step is 0; else, and for the last "
         "output alone, it is the one before it.");
  if constexpr (requires { o.trainable_initial_state; })
    option("trainable_initial_state", o.trainable_initial_state,
           "Whether sequences begin from weights, `initial_state_0` [1, units] and so on for each "
           "state, in place of zeros.");
  option("recompute", o.recompute,
         "Whether the gradient runs the steps again, segment by segment, in place of keeping what "
         "it reads of each: its memory grows with the square root of time (Chen et al., 2016).");
  if constexpr (requires { o.unroll; })
    option("unroll", o.unroll,
           "Without effect: Keras's choice of a loop, and here each step is compiled once.");
}

/// Options of Keras for how something is computed; they have no effect here.
inline void describe_implementation(auto& option, auto& o) {
  option(
      "implementation", o.implementation,
      "Without effect: Keras's choice of four products or one, and here the compiler joins them.",
      between(1, 2));
}
inline void describe_cudnn(auto& option, auto& o) {
  option("use_cudnn", o.use_cudnn,
         "Without effect: Keras's choice of a kernel on a GPU, and Tempo runs on processors.",
         one_of("auto|true|false"));
}

/// The regularizers and constraints of a recurrence's weights.
inline void describe_recurrent_rules(auto& option, auto& o) {
  option("kernel_regularizer", o.kernel_regularizer, "Penalty of kernel, added to the loss.");
  option("recurrent_regularizer", o.recurrent_regularizer,
         "Penalty of recurrent_kernel, added to the loss.");
  option("bias_regularizer", o.bias_regularizer, "Penalty of bias, added to the loss.");
  option("kernel_constraint", o.kernel_constraint, "What kernel fulfils after each update.");
  option("recurrent_constraint", o.recurrent_constraint,
         "What recurrent_kernel fulfils after each update.");
  option("bias_constraint", o.bias_constraint, "What bias fulfils after each update.");
}

/// The options of the weights, which SimpleRNN, LSTM and GRU share.
inline void describe_recurrent_weights(auto& option, auto& o) {
  option("units", o.units, "Size of the output and of each state.", at_least(0));
  option("activation", o.activation, "Of the candidate and the output.");
  option("use_bias", o.use_bias, "Whether a bias is added.");
  option("kernel_initializer", o.kernel_initializer,
         "First values of kernel [features, gates * units], which reads the input.");
  option("recurrent_initializer", o.recurrent_initializer,
         "First values of recurrent_kernel [units, gates * units], which reads the state.");
  option("bias_initializer", o.bias_initializer, "First values of bias.");
  describe_recurrent_rules(option, o);
}

/// These rules, for each weight.
template <class Options>
struct RecurrentRules {
  explicit RecurrentRules(const Options& o)
      : kernel{.regularizer = o.kernel_regularizer, .constraint = o.kernel_constraint},
        recurrent{.regularizer = o.recurrent_regularizer, .constraint = o.recurrent_constraint},
        bias{.regularizer = o.bias_regularizer, .constraint = o.bias_constraint} {}
  WeightOptions kernel, recurrent, bias;
};

}  // namespace tempo
