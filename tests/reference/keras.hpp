// SPDX-License-Identifier: Apache-2.0
// Keras's configurations as Tempo's layers, losses and optimizers.
#pragma once

#include <set>

#include <tempo/layer.hpp>
#include <tempo/loss.hpp>
#include <tempo/optimizer.hpp>

#include "numbers.hpp"

/// From {"class_name", "config": {...}} or {"class_name", options...}.
tempo::Layer keras_layer(const Json& node);
/// From a call as Python writes it: "Embedding(6, 3, mask_zero=True)".
tempo::Layer keras_layer(const std::string& call);
/// "Adam(beta_1=0.9, ...)" with the keys that are given and not in `without`.
std::string call_text(const std::string& class_name, const Json& config,
                      const std::set<std::string>& without);
tempo::Optimizer keras_optimizer(const std::string& class_name, const Json& config);
tempo::LearningRate keras_schedule(const std::string& class_name, const Json& config);
tempo::Loss keras_loss(const std::string& class_name, const Json& config);

/// Writes the values in the file into the weights, in order.
void set_weights(const tempo::Tensors& weights, const Json& values);

void run_layer_case(const Json& json);
void run_gradient_case(const Json& json);
void run_optimizer_case(const Json& json);
void run_schedule_case(const Json& json);
void run_loss_case(const Json& json);
void run_metric_case(const Json& json);
void run_training_case(const Json& json);
