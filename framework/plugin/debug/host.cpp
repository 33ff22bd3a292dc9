// SPDX-License-Identifier: Apache-2.0
// The extension "check/1": the watched plugin, and the faults that were found.
#include "plugin/debug/host.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <string>

#include "plugin/debug/callbacks.hpp"
#include "plugin/debug/handles.hpp"
#include "plugin/debug/memory.hpp"
#include "plugin/debug/notes.hpp"
#include "plugin/debug/table.hpp"
#include "plugin/description.hpp"
#include "plugin/host.hpp"
#include "plugin/loader.hpp"
#include "plugin/plugin_file.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace debug {

namespace {

struct Watching {
  std::string path;  // of the watched plugin; "" if there is none
  uint32_t what = 0;
  DescribePlugin describe = nullptr;
  std::deque<std::string> faults;
};
Watching& watching() {
  static auto& it = *new Watching;
  return it;
}

const char* kept(std::string text) {
  thread_local std::string its;
  its = std::move(text);
  return its.c_str();
}

}  // namespace

void add_fault(const std::string& text) {
  const ProcessLock lock(ProcessLock::watching);
  std::deque<std::string>& all = watching().faults;
  if (std::find(all.begin(), all.end(), text) == all.end()) all.push_back(text);
}
bool watches_memory() { return watching().what & TEMPO_WATCH_MEMORY; }

namespace {

void watch(const char* path, uint32_t what) {
  std::error_code none;
  const std::string real = std::filesystem::canonical(path, none).string();
  const ProcessLock lock(ProcessLock::watching);
  watching().path = none ? path : real;
  watching().what = what;
}
int64_t live(uint32_t kind) {
  switch (kind) {
    case TEMPO_LIVE_TENSORS: return held_tensors();
    case TEMPO_LIVE_LAYERS: return held_layers();
    case TEMPO_LIVE_INSTANCES: return live_instances();
    default: return 0;
  }
}
const char* fault(uint32_t i) {
  const ProcessLock lock(ProcessLock::watching);
  return i < watching().faults.size() ? watching().faults[i].c_str() : nullptr;
}
const tempo_plugin* describe() { return watching().describe ? watching().describe() : nullptr; }
const char* file_fault(const char* path, uint32_t what) {
  return kept(fault_of_plugin_file(path, static_cast<PluginFilePart>(what)));
}
const char* plugin_file(uint32_t i) {
  const std::vector<std::string> all = plugin_files();
  return i < all.size() ? kept(all[i]) : nullptr;
}
tempo_status notes(tempo_layer* layer, tempo_tensor* const* inputs, uint32_t n_inputs,
                   const char** text) {
  return sdk::guarded([&] {
    Tensors x;
    for (uint32_t i = 0; i < n_inputs; ++i) x.push_back(Tensor::borrowed(inputs[i]));
    *text = kept(notes_of(Layer::borrowed(layer), x));
  });
}

tempo_status load_only(const char* path) {
  return sdk::guarded([&] { tempo::load_only(path); });
}

}  // namespace

}  // namespace debug

const tempo_host* host_for(const std::string& path, DescribePlugin describe,
                           const tempo_host* usual) {
  debug::Watching& it = debug::watching();
  const ProcessLock lock(ProcessLock::watching);
  if (it.path.empty() || it.path != path) return usual;
  it.describe = describe;
  return &debug::watching_table(*usual);
}

}  // namespace tempo

const tempo_check_host* tempo::check_host() {
  using namespace tempo::debug;
  static const tempo_check_host table{sizeof table,
                                      &watch,
                                      &fail_call,
                                      &calls_of,
                                      &function_name,
                                      &live,
                                      &fault,
                                      &describe,
                                      &file_fault,
                                      &plugin_file,
                                      &tempo::own_option,
                                      &notes,
                                      &tempo::debug::load_only};
  return &table;
}
