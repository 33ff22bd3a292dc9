// SPDX-License-Identifier: Apache-2.0
// Runs all cases of the files given: keras_cases.json and keras_gradients.json, or others like
// them.
#include <fstream>

#include "keras.hpp"

namespace {

struct Kind {
  const char* section;
  void (*run)(const Json& json);
};

const Kind kinds[] = {
    {"layers", run_layer_case},       {"optimizers", run_optimizer_case},
    {"losses", run_loss_case},        {"metrics", run_metric_case},
    {"schedules", run_schedule_case}, {"end_to_end", run_training_case},
    {"cases", run_gradient_case},
};

void run_file(const std::string& path, Report& report) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot be read");
  const Json all = Json::parse(file);
  bool any = false;
  for (const Kind& kind : kinds)
    for (const Json& json : entry(all, kind.section)) {
      any = true;
      report.run(json.at("name"), [&] { kind.run(json); });
    }
  if (!any) throw std::runtime_error("it holds no cases");
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) {
    std::cout << "usage: reference FILE...\n";
    return 2;
  }
  Report report;
  for (int i = 1; i < count; ++i) {
    try {
      run_file(arguments[i], report);
    } catch (const std::exception& reason) {
      report.run(arguments[i], [&] { throw std::runtime_error(reason.what()); });
    }
  }
  return report.finish();
}
