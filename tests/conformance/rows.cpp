// SPDX-License-Identifier: Apache-2.0
// What layers need to be made, and which checks do not apply to them. A layer that is made by
// {"units", 5} and [3, 7, 4], or by nothing, needs no row.
#include "conformance/rows.hpp"

#include <tempo/layers.hpp>

namespace tempo::conformance {

namespace {

Layer an_lstm_cell() { return cell("LSTM", {{"units", 5}}); }
Layer a_gru_cell() { return cell("GRU", {{"units", 5}}); }
Layer a_gru() { return GRU({.units = 5}); }
Layer an_lstm() { return LSTM({.units = 5, .return_sequences = true}); }
Layer a_backward_gru() { return GRU({.units = 5, .activation = "softsign", .go_backwards = true}); }
Layer a_backward_lstm() {
  return LSTM(
      {.units = 5, .activation = "softsign", .return_sequences = true, .go_backwards = true});
}
Layer a_dense() { return Dense({.units = 5}); }
Layer a_wide_dense() { return Dense({.units = 6}); }

const Except drops = {"modes", "it draws numbers in training alone"};
const Except padding_is_a_feature = {
    "mask", "steps become features, those that are masked among them, as in Keras"};
const Except nan_is_a_feature = {"nan", padding_is_a_feature.reason};

const Except no_mask = {"mask", "it drops the mask, as in Keras: every step counts"};
const Except no_mask_for_nan = {"nan", no_mask.reason};

const Except sums_up = {"mask",
                        "it adds up all steps, those that are masked among them, as in Keras"};
const Except nan_is_summed_up = {"nan", sums_up.reason};

std::vector<Row> recurrent() {
  const std::vector<Given> units{{"units", 5}}, sequences{{"units", 5}, {"return_sequences", true}};
  return {
      {.layer = "Bidirectional",
       .options = {{"layer", a_gru}},
       .values = {{"layer", an_lstm}, {"backward_layer", a_backward_gru}}},
      {.layer = "Bidirectional",
       .form = "return_sequences",
       .options = {{"layer", an_lstm}},
       .values = {{"layer", a_gru}, {"backward_layer", a_backward_lstm}}},
      {.layer = "ConvLSTM1D",
       .options = {{"filters", 2}, {"kernel_size", 2}},
       .inputs = {{.shape = {3, 4, 6, 3}}}},
      {.layer = "ConvLSTM1D cell",
       .options = {{"filters", 2}, {"kernel_size", 2}},
       .inputs = {{.shape = {3, 4, 6, 3}}}},
      {.layer = "ConvLSTM2D",
       .options = {{"filters", 2}, {"kernel_size", 2}},
       .inputs = {{.shape = {3, 3, 5, 4, 2}}}},
      {.layer = "ConvLSTM2D cell",
       .options = {{"filters", 2}, {"kernel_size", 2}},
       .inputs = {{.shape = {3, 3, 5, 4, 2}}}},
      {.layer = "ConvLSTM3D",
       .options = {{"filters", 1}, {"kernel_size", 2}},
       .inputs = {{.shape = {2, 3, 3, 4, 3, 2}}}},
      {.layer = "ConvLSTM3D cell",
       .options = {{"filters", 1}, {"kernel_size", 2}},
       .inputs = {{.shape = {2, 3, 3, 4, 3, 2}}}},
      {.layer = "GRU", .options = units},
      {.layer = "GRU", .form = "return_sequences", .options = sequences},
      {.layer = "GRU",
       .form = "reset_before",
       .options = {{"units", 5}, {"return_sequences", true}, {"reset_after", false}}},
      {.layer = "LSTM", .options = units},
      {.layer = "LSTM", .form = "return_sequences", .options = sequences},
      {.layer = "RNN", .options = {{"cell", an_lstm_cell}}, .values = {{"cell", a_gru_cell}}},
      {.layer = "SimpleRNN", .options = units},
      {.layer = "SimpleRNN", .form = "return_sequences", .options = sequences},
      {.layer = "StackedRNNCells cell",
       .options = {{"cell", an_lstm_cell}, {"next", a_gru_cell}},
       .values = {{"cell", a_gru_cell}, {"next", an_lstm_cell}}},
      {.layer = "TimeDistributed",
       .options = {{"layer", a_dense}},
       .values = {{"layer", a_wide_dense}}},
  };
}

std::vector<Row> around() {
  const std::vector<Input> two{{}, {}};
  const std::vector<int64_t> time{1}, all_but_last{1, 2};
  return {
      {.layer = "Activation", .options = {{"activation", "tanh"}}},
      {.layer = "Add", .inputs = two},
      {.layer = "AlphaDropout",
       .options = {{"rate", 0.5}},
       .values = {{"noise_shape", std::vector<int64_t>{-1, 1, -1}}},
       .except = {drops}},
      {.layer = "Average", .inputs = two},
      {.layer = "AveragePooling1D", .except = {no_mask, no_mask_for_nan}},
      {.layer = "BatchNormalization",
       .values = {{"axis", 1}, {"gamma_constraint", "max_norm(max_value=0.5)"}},
       .except = {{"modes", "training normalises by its own batch"}}},
      {.layer = "Concatenate", .inputs = two, .values = {{"axis", 1}}},
      {.layer = "Conv1D", .options = {{"filters", 6}, {"kernel_size", 3}}},
      {.layer = "Conv1D",
       .form = "causal",
       .options = {{"filters", 6}, {"kernel_size", 3}, {"padding", "causal"}}},
      {.layer = "Conv1DTranspose",
       .options = {{"filters", 6}, {"kernel_size", 3}, {"strides", 2}},
       .values = {{"output_padding", 1}},
       .together = {{"dilation_rate", {{"strides", 1}}}}},
      {.layer = "CRF", .options = {{"units", 5}}},
      {.layer = "Cropping1D",
       .values = {{"cropping", std::vector<int64_t>{2, 1}}},
       .except = {no_mask, no_mask_for_nan}},
      {.layer = "DepthwiseConv1D", .options = {{"kernel_size", 3}}},
      {.layer = "DepthwiseConv1D",
       .form = "causal",
       .options = {{"kernel_size", 3}, {"padding", "causal"}}},
      {.layer = "Dot",
       .options = {{"axes", std::vector<int64_t>{1}}},
       .inputs = two,
       .values = {{"axes", std::vector<int64_t>{2}}},
       .except = {sums_up, nan_is_summed_up}},
      {.layer = "Dropout",
       .values = {{"noise_shape", std::vector<int64_t>{-1, 1, -1}}},
       .except = {drops}},
      {.layer = "Embedding",
       .options = {{"input_dim", 9}, {"output_dim", 5}},
       .inputs = {{.shape = {3, 7}, .ids = 9}}},
      {.layer = "Flatten", .except = {padding_is_a_feature, nan_is_a_feature}},
      {.layer = "GaussianDropout", .options = {{"rate", 0.5}}, .except = {drops}},
      {.layer = "GaussianNoise", .options = {{"stddev", 0.5}}, .except = {drops}},
      {.layer = "GlobalMaxPooling1D", .except = {no_mask, no_mask_for_nan}},
      {.layer = "Masking",
       .except = {{"passes", "it makes its own mask, as in Keras"},
                  {"effect",
                   "no step of the inputs here is mask_value alone; layers_test has some"}}},
      {.layer = "MaxPooling1D", .except = {no_mask, no_mask_for_nan}},
      {.layer = "Maximum", .inputs = two},
      {.layer = "Minimum", .inputs = two},
      {.layer = "Multiply", .inputs = two},
      {.layer = "Normalization",
       .options = {{"mean", "0.5"}, {"variance", "2"}},
       .values = {{"axis", all_but_last}, {"mean", "0.25"}, {"variance", "3"}},
       .together = {{"axis", {{"mean", ""}, {"variance", ""}}}}},
      {.layer = "Permute",
       .options = {{"dims", std::vector<int64_t>{2, 1}}},
       .values = {{"dims", all_but_last}},
       .except = {padding_is_a_feature, nan_is_a_feature}},
      {.layer = "PReLU",
       .options = {{"shared_axes", time}},
       .values = {{"shared_axes", all_but_last}}},
      {.layer = "ReLU", .values = {{"max_value", 0.5}}},
      {.layer = "RepeatVector", .options = {{"n", 5}}, .inputs = {{.shape = {3, 4}}}},
      {.layer = "Reshape",
       .options = {{"target_shape", std::vector<int64_t>{-1, 2}}},
       .values = {{"target_shape", std::vector<int64_t>{-1}}},
       .except = {padding_is_a_feature, nan_is_a_feature}},
      {.layer = "Softmax", .values = {{"axis", time}}},
      {.layer = "LayerNormalization",
       .values = {{"axis", all_but_last}, {"gamma_constraint", "max_norm(max_value=0.5)"}}},
      {.layer = "RMSNormalization", .values = {{"axis", all_but_last}}},
      {.layer = "UnitNormalization", .values = {{"axis", time}}},
      {.layer = "SeparableConv1D", .options = {{"filters", 6}, {"kernel_size", 3}}},
      {.layer = "SeparableConv1D",
       .form = "causal",
       .options = {{"filters", 6}, {"kernel_size", 3}, {"padding", "causal"}}},
      {.layer = "SpatialDropout1D", .options = {{"rate", 0.5}}, .except = {drops}},
      {.layer = "Subtract", .inputs = two},
      {.layer = "UpSampling1D", .except = {no_mask, no_mask_for_nan}},
      {.layer = "ZeroPadding1D",
       .values = {{"padding", std::vector<int64_t>{2, 1}}},
       .except = {no_mask, no_mask_for_nan}},
  };
}

std::vector<Row> attention() {
  const std::vector<Input> query_and_value{{}, {.shape = {3, 6, 4}}};
  return {
      {.layer = "Attention",
       .inputs = query_and_value,
       .together = {{"trainable", {{"use_scale", true}}}}},
      {.layer = "AdditiveAttention", .inputs = query_and_value},
      {.layer = "MultiHeadAttention",
       .options = {{"num_heads", 2}, {"key_dim", 3}},
       .inputs = query_and_value,
       .values = {{"output_shape", std::vector<int64_t>{5}}}},
  };
}

// Of the zoo, the layer and its cell alike.
std::vector<Row> zoo() {
  const std::vector<Given> units{{"units", 5}}, headed{{"units", 6}, {"heads", 2}},
      other_heads{{"units", 8}, {"heads", 3}},
      phased{{"units", 5}, {"open_ratio", 0.6}, {"max_period", 9.0}};
  const std::vector<Input> three{{}, {}, {.positive = true}},
      with_gap{{}, {.shape = {3, 7, 1}, .positive = true}};
  const Except zones{"modes", "in training a unit keeps its state or does not"},
      leaks{"modes", "a closed gate leaks in training alone, as in the paper"},
      surrogate{"grad1", "a spike has the gradient of a function that is not its own"},
      no_second{"grad2", surrogate.reason}, no_descent{"trains", surrogate.reason};
  std::vector<Row> all{
      {.layer = "SLSTM", .options = headed, .values = other_heads},
      {.layer = "MLSTM", .options = headed, .values = other_heads},
      {.layer = "RGLRU", .options = headed, .values = other_heads},
      {.layer = "GatedDeltaNet", .options = headed, .values = other_heads},
      {.layer = "RWKV7", .options = headed, .values = other_heads},
      {.layer = "Mamba2", .options = headed, .values = other_heads},
      {.layer = "M2RNN", .options = headed, .values = other_heads},
      {.layer = "BlockGRU",
       .options = headed,
       .values = {{"units", 8}, {"heads", 3}, {"embedding_units", 4}}},
      {.layer = "ZoneoutLSTM", .options = units, .except = {zones}},
      {.layer = "RecurrentDropoutLSTM", .options = units, .except = {drops}},
      {.layer = "LRU", .options = {{"units", 5}, {"state_size", 3}}},
      {.layer = "LIF", .options = units, .except = {surrogate, no_second, no_descent}},
      {.layer = "GRUD", .options = units, .inputs = three},
      {.layer = "CfC", .options = {{"units", 5}, {"backbone_units", 6}}},
      {.layer = "CfC",
       .form = "with gaps",
       .options = {{"units", 5}, {"backbone_units", 6}},
       .inputs = with_gap},
      {.layer = "LTC", .options = units},
      {.layer = "LTC", .form = "with gaps", .options = units, .inputs = with_gap},
      {.layer = "PhasedLSTM", .options = phased, .except = {leaks}},
      {.layer = "PhasedLSTM",
       .form = "with times",
       .options = phased,
       .inputs = with_gap,
       .except = {leaks}},
      {.layer = "MCLSTM", .options = units, .inputs = {{.shape = {3, 7, 2}}, {}}},
      {.layer = "LMU", .options = {{"units", 5}, {"order", 3}, {"theta", 4.0}}},
  };
  for (std::size_t i = 0, n = all.size(); i < n; ++i) {
    Row cell = all[i];
    cell.layer += " cell";
    all.push_back(cell);
  }
  all.push_back({.layer = "AttentionDecoder",
                 .options = {{"units", 5}},
                 .inputs = {{}, {.shape = {3, 6, 3}}}});
  return all;
}

}  // namespace

const std::vector<Row>& rows() {
  static const std::vector<Row> all = [] {
    std::vector<Row> made = recurrent();
    for (const std::vector<Row>& more : {around(), attention(), zoo()})
      made.insert(made.end(), more.begin(), more.end());
    return made;
  }();
  return all;
}

}  // namespace tempo::conformance
