// SPDX-License-Identifier: Apache-2.0
// A plugin in plain C++ that says of itself what it must not, or whose file is built as none is;
// CASE says what.
#include <unistd.h>

#include <cstdio>

#include <tempo/plugin.h>

#if defined(CASE_sanitized)
extern "C" void __asan_report_load4(void*);
void* read_by_sanitizer() { return reinterpret_cast<void*>(&__asan_report_load4); }
#elif defined(CASE_shares)
template <class T>
struct [[gnu::visibility("default")]] Shared {
  static int number;
};
template <class T>
int Shared<T>::number = 3;
int& use_shared() { return Shared<int>::number; }
#elif defined(CASE_patched)
asm(".text\n.globl patched\npatched: .quad tempo_plugin_v1\n");
#elif defined(CASE_linked)
const tempo_host* linked() { return tempo_host_v1(); }
#elif defined(CASE_with_libcxx)
extern "C" int of_libcxx();
int use_libcxx() { return of_libcxx(); }
#elif defined(CASE_exports_more)
extern "C" [[gnu::visibility("default")]] int compress(int x) { return x; }
#endif

namespace {

tempo_status infer(void*, const tempo_op_call* call) {
  call->result_types[0] = call->input_types[0];
  return TEMPO_OK;
}
tempo_status kernel(void*, const tempo_op_call*) { return TEMPO_OK; }

const char* name_of_op() {
#if defined(CASE_of_process)
  static char name[40];
  std::snprintf(name, sizeof name, "of_process_%d", static_cast<int>(getpid()));
  return name;
#else
  return "says";
#endif
}

tempo_status create(void*, tempo_layer*, const tempo_creation*, void** instance) {
  static int one;
  *instance = &one;
  return TEMPO_OK;
}
tempo_status destroy(void*, void*) { return TEMPO_OK; }
tempo_status build(void*, void*, tempo_layer*, const tempo_inputs*) { return TEMPO_OK; }

const tempo_host* host = nullptr;
[[maybe_unused]] tempo_plugin description{};

// Gives its input, of which it has no count to give in one case.
tempo_status call(void*, void*, tempo_layer*, const tempo_call* call, tempo_results* results) {
#if !defined(CASE_gives_what_is_lent)
  host->retain(call->inputs[0]);
#endif
#if defined(CASE_renames)
  description.version = "2.0.0";
#endif
  results->count = 1;
  results->tensors[0] = call->inputs[0];
  return TEMPO_OK;
}

tempo_status init(void*, const tempo_host* table, tempo_registry* registry) {
  host = table;
  static tempo_op_type op{sizeof(tempo_op_type), 1,       1,      0,       name_of_op(),
                          "Does nothing.",       nullptr, &infer, &kernel, nullptr};
#if defined(CASE_goes_on_about)
  static char long_summary[1000];
  for (char& c : long_summary) c = 'a';
  long_summary[999] = '\0';
  op.summary = long_summary;
#endif
  static tempo_layer_type type{};
  type.size = sizeof type;
  type.kind = TEMPO_LAYER;
  type.name = "Saying";
  type.summary = "Gives its input.";
  type.create = &create;
  type.destroy = &destroy;
  type.build = &build;
  type.call = &call;
#if defined(CASE_takes_a_name)
  type.name = "Danse";
#endif
#if defined(CASE_does_without)
  const tempo_op* op_of_others = nullptr;
  if (host->find_op("matmul", &op_of_others)) type.summary = "Gives its input, without products.";
#endif
#if defined(CASE_ignores)
  (void)host->register_op(registry, &op);
  return host->register_layer(registry, &type);
#else
  if (const tempo_status status = host->register_op(registry, &op)) return status;
  return host->register_layer(registry, &type);
#endif
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v1(void) {
#if defined(CASE_answers_anew)
  static int next = 0;
  static tempo_plugin several[64];
  tempo_plugin& it = several[next++ % 64];
#else
  tempo_plugin& it = description;
  if (it.size) return &it;
#endif
  it = {sizeof(tempo_plugin), TEMPO_ABI_MINOR, "saying", "1.0.0", nullptr, &init, nullptr, nullptr};
#if defined(CASE_misnumbered)
  it.name = "My-Plugin";
  it.version = "one";
#endif
  return &it;
}
