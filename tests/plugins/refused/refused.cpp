// SPDX-License-Identifier: Apache-2.0
// A plugin that is refused; CASE says why.
#include <stdexcept>

#include <tempo/plugin.h>

namespace {

const tempo_host* host = nullptr;

[[maybe_unused]] tempo_status create(void*, tempo_layer*, const tempo_creation*, void**) {
  return TEMPO_OK;
}
[[maybe_unused]] tempo_status destroy(void*, void*) { return TEMPO_OK; }
[[maybe_unused]] tempo_status build(void*, void*, tempo_layer*, const tempo_inputs*) {
  return TEMPO_OK;
}
[[maybe_unused]] tempo_status call(void*, void*, tempo_layer*, const tempo_call*, tempo_results*) {
  return TEMPO_OK;
}
[[maybe_unused]] tempo_status infer(void*, const tempo_op_call*) { return TEMPO_OK; }
[[maybe_unused]] tempo_status kernel(void*, const tempo_op_call*) { return TEMPO_OK; }

tempo_layer_type layer(const char* name) {
  tempo_layer_type type{};
  type.size = sizeof type;
  type.name = name;
  type.summary = "";
  type.create = &create;
  type.destroy = &destroy;
  type.build = &build;
  type.call = &call;
  return type;
}

tempo_status init(void*, const tempo_host* table, tempo_registry* registry) {
  host = table;
  [[maybe_unused]] static tempo_layer_type mine = layer("Refused");
  [[maybe_unused]] static tempo_op_type op{
      sizeof(tempo_op_type), 1, 1, 0, "refused", "", nullptr, &infer, &kernel, nullptr};
#if defined(CASE_registers_twice)
  if (const tempo_status status = host->register_layer(registry, &mine)) return status;
#elif defined(CASE_incomplete_layer)
  mine.build = nullptr;
#elif defined(CASE_cell_without_states)
  mine.kind = TEMPO_CELL;
#elif defined(CASE_incomplete_option)
  static const tempo_option option{sizeof(tempo_option), 0, "units", nullptr, "0", 0, 1, nullptr};
  mine.options = &option;
  mine.n_options = 1;
#elif defined(CASE_incomplete_op)
  op.kernel = nullptr;
  return host->register_op(registry, &op);
#elif defined(CASE_init_fails)
  return host->fail(TEMPO_ERROR, "the licence server is on holiday.");
#elif defined(CASE_init_fails_silently)
  return TEMPO_ERROR;
#elif defined(CASE_init_throws)
  throw std::runtime_error("thrown out of init");
#elif defined(CASE_init_throws_int)
  throw 3;
#endif
  return host->register_layer(registry, &mine);
}

[[maybe_unused]] tempo_plugin description() {
  tempo_plugin plugin{
      sizeof(tempo_plugin), TEMPO_ABI_MINOR, "refused", "1.0.0", nullptr, &init, nullptr, nullptr};
#if defined(CASE_missing_function)
  plugin.minor = TEMPO_ABI_MINOR + 6;
  plugin.needs = "apply|tell_the_time|layer_outputs";
#elif defined(CASE_without_name)
  plugin.name = nullptr;
#elif defined(CASE_ill_named)
  plugin.name = "my plugin";
#elif defined(CASE_named_as_tempo)
  plugin.name = "tempo";
#elif defined(CASE_small_struct)
  plugin.size = 8;
#endif
  return plugin;
}

}  // namespace

#if defined(CASE_no_plugin)
extern "C" int not_a_plugin(void) { return init(nullptr, nullptr, nullptr); }
#elif defined(CASE_exports_v2)
extern "C" __attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v2(void) {
  static const tempo_plugin plugin = description();
  return &plugin;
}
#else
extern "C" __attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v1(void) {
#if defined(CASE_entry_throws)
  throw std::runtime_error("thrown out of the entry");
#elif defined(CASE_returns_nothing)
  return nullptr;
#endif
  static const tempo_plugin plugin = description();
  return &plugin;
}
#endif

#if defined(CASE_unresolved)
extern "C" void a_function_that_nobody_has(void);
extern "C" void use(void) { a_function_that_nobody_has(); }
void (*volatile keep)(void) = &a_function_that_nobody_has;
#endif
