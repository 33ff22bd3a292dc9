// SPDX-License-Identifier: Apache-2.0
// All of Tempo, for scripts.
#pragma once

#include <tempo/batch_range.hpp>
#include <tempo/by_length.hpp>
#include <tempo/callback.hpp>
#include <tempo/callbacks.hpp>
#include <tempo/cell.hpp>
#include <tempo/crf.hpp>
#include <tempo/ctc.hpp>
#include <tempo/data.hpp>
#include <tempo/explain.hpp>
#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>
#include <tempo/io.hpp>
#include <tempo/layers.hpp>
#include <tempo/load.hpp>
#include <tempo/loss.hpp>
#include <tempo/metric.hpp>
#include <tempo/metrics.hpp>
#include <tempo/model.hpp>
#include <tempo/ops.hpp>
#include <tempo/optimizer.hpp>
#include <tempo/plot.hpp>
#include <tempo/plugin.hpp>
#include <tempo/regularization.hpp>
#include <tempo/scan.hpp>
#include <tempo/schedule.hpp>
#include <tempo/stream.hpp>
#include <tempo/tensor.hpp>
