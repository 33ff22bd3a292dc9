// SPDX-License-Identifier: Apache-2.0
// A plugin that does to its process what a library must not, while it is loaded; CASE says what.
#include <sys/stat.h>
#include <unistd.h>

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <tempo/plugin.h>

namespace {

struct AtStart {
  AtStart() {
#if defined(CASE_crashes_at_start)
    std::raise(SIGSEGV);
#elif defined(CASE_exits_at_start)
    std::exit(0);
#elif defined(CASE_throws_at_start)
    throw 7;
#elif defined(CASE_hangs_at_start)
    for (;;) pause();
#elif defined(CASE_prints_at_start)
    std::puts("Thank you for loading this plugin!");
#elif defined(CASE_moves_at_start)
    if (chdir("/") != 0) std::abort();
#elif defined(CASE_translates_at_start)
    std::setlocale(LC_NUMERIC, "C.UTF-8");
#elif defined(CASE_unmasks_at_start)
    umask(0777);
#elif defined(CASE_handles_at_start)
    std::signal(SIGINT, SIG_IGN);
#elif defined(CASE_leaves_at_start)
    if (fork() == 0 && setsid() > 0)
      for (;;) pause();
#elif defined(CASE_babbles_at_start)
    std::fputs("Sch\xf6n.", stderr);
    std::raise(SIGSEGV);
#elif defined(CASE_is_killed_at_start)
    std::raise(SIGKILL);
#elif defined(CASE_dawdles_at_start)
    usleep(200 * 1000);
#elif defined(CASE_threads_at_start)
    std::thread([] { pause(); }).detach();
#endif
  }
} at_start;

tempo_status infer(void*, const tempo_op_call* call) {
  call->result_types[0] = call->input_types[0];
  return TEMPO_OK;
}
tempo_status kernel(void*, const tempo_op_call*) { return TEMPO_OK; }
tempo_status init(void*, const tempo_host* host, tempo_registry* registry) {
  static const tempo_op_type op{sizeof(tempo_op_type), 1,       1,      0,       "at_start",
                                "Does nothing.",       nullptr, &infer, &kernel, nullptr};
  return host->register_op(registry, &op);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v1(void) {
  static const tempo_plugin plugin{
      sizeof(tempo_plugin), TEMPO_ABI_MINOR, "loading", "1.0.0", nullptr, &init, nullptr, nullptr};
  return &plugin;
}
