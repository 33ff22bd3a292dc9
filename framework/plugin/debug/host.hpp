// SPDX-License-Identifier: Apache-2.0
// The host's extension "check/1", for checks of plugins: a host that counts a plugin's calls, fails
// them on demand, and checks each handle and each byte that a kernel writes.
#pragma once

#include <string>

#include <tempo/host.hpp>

extern "C" {

/* What the watching host looks at besides handles. */
enum { TEMPO_WATCH_MEMORY = 1 }; /* guard pages round what a kernel reads and writes */
/* What is counted. */
enum {
  TEMPO_LIVE_TENSORS = 0,  /* counts of tensors that the plugin holds */
  TEMPO_LIVE_LAYERS = 1,   /* and of layers */
  TEMPO_LIVE_INSTANCES = 2 /* what its `create` made and its `destroy` did not take back */
};
/* What a file is asked for. */
enum { TEMPO_FILE_KIND = 0, TEMPO_FILE_OWNERS = 1, TEMPO_FILE_MACHINE = 2, TEMPO_FILE_WHOLE = 3 };

typedef struct tempo_check_host {
  uint32_t size;
  /* The plugin of this file is given the watching host when it is loaded; one file at a time. */
  void (*watch)(const char* path, uint32_t what);
  /* The nth call of a function from now on fails, the first is 1; NULL: none does. */
  void (*fail)(const char* function, uint64_t nth);
  /* How often the plugin called a function. */
  uint64_t (*calls)(const char* function);
  /* The functions of the table by number; NULL past the end. */
  const char* (*function)(uint32_t i);
  int64_t (*live)(uint32_t kind);
  /* What the plugin did wrong, each once, in the order of its doing; NULL past the end. */
  const char* (*fault)(uint32_t i);
  /* The description of the watched plugin, asked for again; NULL: it is not loaded. */
  const tempo_plugin* (*describe)(void);
  /* Why the file cannot be a plugin, looked at in one way alone; "" where it can. */
  const char* (*file_fault)(const char* path, uint32_t what);
  /* The files that a program may load by itself; NULL past the end. */
  const char* (*plugin_file)(uint32_t i);
  /* The options that the host reads itself, where a layer has them; NULL past the end. */
  const char* (*own_option)(uint32_t i);
  /* What keeps the passes from making the Programs fast that this layer runs on such an input: a
   * line each, "hoist: ...", "merge: ..." or "fuse: ...". The layer is not changed. */
  tempo_status (*notes)(tempo_layer* layer, tempo_tensor* const* inputs, uint32_t n_inputs,
                        const char** text);
  /* Loads the plugin of this file; from then on no file is loaded that is not named. */
  tempo_status (*load_only)(const char* path);
} tempo_check_host;

/* A tempo_check_host; its texts live until the next call on the thread. */
#define TEMPO_CHECK_EXTENSION "tempo.check/1"

}  // extern "C"

namespace tempo {

/// The extension: within libtempo, and as a program finds it.
const tempo_check_host* check_host();
inline const tempo_check_host& check_extension() {
  static const auto* const its =
      static_cast<const tempo_check_host*>(sdk::host().get_extension(TEMPO_CHECK_EXTENSION));
  if (!its) throw PluginError("this libtempo has no extension " TEMPO_CHECK_EXTENSION ".");
  return *its;
}

/// The entry point of a plugin.
using DescribePlugin = const tempo_plugin* (*)();
/// The table for the plugin of this file: the usual one, or the watching one if it is watched.
const tempo_host* host_for(const std::string& path, DescribePlugin describe,
                           const tempo_host* usual);

}  // namespace tempo
