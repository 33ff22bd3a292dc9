// SPDX-License-Identifier: Apache-2.0
// A plugin of version 1.0 of the ABI in C: an accumulating cell, an op, and a function of each
// kind. It includes the header as it was released, and is never changed.
#include <stdlib.h>
#include <string.h>

#include <tempo/plugin.h>

static const tempo_host* host;

static tempo_status apply2(const char* name, tempo_tensor* a, tempo_tensor* b, tempo_tensor** out) {
  const tempo_op* op = NULL;
  tempo_tensor* inputs[2] = {a, b};
  const tempo_status status = host->find_op(name, &op);
  return status == TEMPO_OK ? host->apply(op, inputs, b ? 2 : 1, NULL, 0, out, 1) : status;
}
static tempo_status number(double value, tempo_tensor* like, tempo_tensor** out) {
  const tempo_op* op = NULL;
  tempo_view seen;
  memset(&seen, 0, sizeof seen);
  seen.size = sizeof seen;
  tempo_status status = host->view(like, &seen);
  if (status == TEMPO_OK) status = host->find_op("tempo.fill", &op);
  const tempo_attribute attributes[] = {
      {.size = sizeof *attributes, .kind = TEMPO_LIST_VALUE, .name = "shape"},
      {.size = sizeof *attributes, .kind = TEMPO_DOUBLE_VALUE, .name = "value", .real = value},
      {.size = sizeof *attributes,
       .kind = TEMPO_INT64_VALUE,
       .name = "dtype",
       .integer = seen.type.dtype}};
  return status == TEMPO_OK ? host->apply(op, NULL, 0, attributes, 3, out, 1) : status;
}
// value * x
static tempo_status times(double value, tempo_tensor* x, tempo_tensor** out) {
  tempo_tensor* factor = NULL;
  tempo_status status = number(value, x, &factor);
  if (status == TEMPO_OK) status = apply2("tempo.multiply", factor, x, out);
  host->release(factor);
  return status;
}

// --- a cell: h' = h + factor * v(x W), v an activation by name; it counts how often it was made
// ready

typedef struct {
  int64_t units, calls;
  double factor;
  const tempo_function* activation;
  tempo_tensor* kernel;
} cell;

static tempo_status create(void* user, tempo_layer* self, const tempo_creation* creation,
                           void** instance) {
  cell* it = calloc(1, sizeof *it);
  (void)user, (void)self;
  if (!it) return host->fail(TEMPO_OUT_OF_MEMORY, "no memory");
  it->units = 2;
  it->factor = 1;
  const char* activation = "linear";
  for (uint32_t i = 0; i < creation->n_options; ++i) {
    const tempo_attribute* o = tempo_attribute_at(creation->options, i);
    if (strcmp(o->name, "units") == 0) it->units = o->integer;
    if (strcmp(o->name, "factor") == 0)
      it->factor = o->kind == TEMPO_INT64_VALUE ? (double)o->integer : o->real;
    if (strcmp(o->name, "activation") == 0) activation = o->text;
  }
  *instance = it;
  return host->find_function(TEMPO_ACTIVATION, activation, &it->activation);
}
static tempo_status destroy(void* user, void* instance) {
  (void)user;
  host->release(((cell*)instance)->kernel);
  free(instance);
  return TEMPO_OK;
}
static tempo_status build(void* user, void* instance, tempo_layer* self,
                          const tempo_inputs* inputs) {
  cell* it = instance;
  (void)user;
  if (inputs->types[0].rank != 2) return host->fail(TEMPO_SHAPE_ERROR, "needs [batch, features]");
  const tempo_type type = {.size = sizeof type,
                           .dtype = TEMPO_AUTOMATIC,
                           .rank = 2,
                           .shape = {inputs->types[0].shape[1], it->units}};
  const tempo_weight weight = {.size = sizeof weight,
                               .trainable = 1,
                               .name = "kernel",
                               .type = &type,
                               .initializer = "ones"};
  return host->add_weight(self, &weight, &it->kernel);
}
static void type_of_state(const cell* it, const tempo_inputs* inputs, tempo_result_types* out) {
  out->count = 1;
  out->types[0] = (tempo_type){.size = sizeof out->types[0],
                               .dtype = TEMPO_AUTOMATIC,
                               .rank = 2,
                               .shape = {inputs->types[0].shape[0], it->units}};
}
static tempo_status states(void* user, void* instance, tempo_layer* self,
                           const tempo_inputs* inputs, tempo_result_types* out) {
  (void)user, (void)self;
  type_of_state(instance, inputs, out);
  return TEMPO_OK;
}
static tempo_status step(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                         tempo_results* results) {
  const cell* it = instance;
  tempo_tensor *z = NULL, *v = NULL, *scaled = NULL, *next = NULL;
  (void)user, (void)self;
  tempo_status status = apply2("tempo.matmul", call->inputs[0], it->kernel, &z);
  if (status == TEMPO_OK) status = host->call_function(it->activation, &z, 1, &v, 1);
  if (status == TEMPO_OK) status = times(it->factor, v, &scaled);
  if (status == TEMPO_OK) status = apply2("tempo.add", call->states[0], scaled, &next);
  if (status == TEMPO_OK) {
    host->retain(next);
    results->tensors[0] = results->tensors[1] = next;
    results->count = 2;
  }
  host->release(z);
  host->release(v);
  host->release(scaled);
  return status;
}
static tempo_status once(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                         tempo_results* results) {
  (void)user, (void)self;
  if (call->training) ++((cell*)instance)->calls;
  results->count = 0;
  return TEMPO_OK;
}
static tempo_status save(void* user, void* instance, tempo_layer* self, tempo_saving* to) {
  const tempo_attribute calls = {.size = sizeof calls,
                                 .kind = TEMPO_INT64_VALUE,
                                 .name = "calls",
                                 .integer = ((cell*)instance)->calls};
  (void)user, (void)self;
  return host->save_value(to, &calls);
}
static tempo_status load(void* user, void* instance, tempo_layer* self, const tempo_saved* saved) {
  const tempo_attribute* calls =
      tempo_attribute_of(saved->values, saved->n_values, "calls", TEMPO_INT64_VALUE);
  (void)user, (void)self;
  if (!calls) return host->fail(TEMPO_FORMAT_ERROR, "there are no calls");
  ((cell*)instance)->calls = calls->integer;
  return TEMPO_OK;
}

// --- an op: two times x, and its square

static tempo_status infer(void* user, const tempo_op_call* call) {
  (void)user;
  if (call->input_types[0].dtype != TEMPO_FLOAT32 && call->input_types[0].dtype != TEMPO_FLOAT64)
    return host->fail(TEMPO_SHAPE_ERROR, "needs float32 or float64");
  call->result_types[0] = call->result_types[1] = call->input_types[0];
  return TEMPO_OK;
}
static tempo_status kernel(void* user, const tempo_op_call* call) {
  int64_t n = 1;
  (void)user;
  for (uint32_t i = 0; i < call->input_types[0].rank; ++i) n *= call->input_types[0].shape[i];
  for (int64_t i = 0; i < n; ++i)
    if (call->input_types[0].dtype == TEMPO_FLOAT32) {
      const float x = ((const float*)call->inputs[0])[i];
      ((float*)call->results[0])[i] = 2 * x;
      ((float*)call->results[1])[i] = x * x;
    } else {
      const double x = ((const double*)call->inputs[0])[i];
      ((double*)call->results[0])[i] = 2 * x;
      ((double*)call->results[1])[i] = x * x;
    }
  return TEMPO_OK;
}
// 2 dy0 + 2 x dy1
static tempo_status vjp(void* user, const tempo_op_gradient* g) {
  tempo_tensor *sum[2] = {NULL, NULL}, *inner = NULL;
  tempo_status status = TEMPO_OK;
  (void)user;
  if (!g->wanted[0]) return TEMPO_OK;
  if (g->dy[0]) status = times(2, g->dy[0], &sum[0]);
  if (status == TEMPO_OK && g->dy[1])
    status = apply2("tempo.multiply", g->inputs[0], g->dy[1], &inner);
  if (status == TEMPO_OK && inner) status = times(2, inner, &sum[1]);
  if (status == TEMPO_OK && sum[0] && sum[1])
    status = apply2("tempo.add", sum[0], sum[1], &g->gradients[0]);
  else if (status == TEMPO_OK)
    status = host->retain(g->gradients[0] = sum[0] ? sum[0] : sum[1]);
  host->release(inner);
  host->release(sum[0]);
  host->release(sum[1]);
  return status;
}

// --- functions

static double real(const tempo_function_call* call, const char* name) {
  return tempo_attribute_of(call->options, call->n_options, name, TEMPO_DOUBLE_VALUE)->real;
}
static tempo_status scaled(void* user, const tempo_function_call* call) {
  (void)user;
  return times(real(call, "by"), call->inputs[0], &call->results[0]);
}
static tempo_status filled(void* user, const tempo_function_call* call) {
  const double value = real(call, "by");
  int64_t n = 1;
  (void)user;
  for (uint32_t i = 0; i < call->type->rank; ++i) n *= call->type->shape[i];
  if (call->type->dtype != TEMPO_FLOAT32) return host->fail(TEMPO_UNSUPPORTED, "float32 alone");
  float* all = malloc((size_t)n * sizeof *all);
  if (!all) return host->fail(TEMPO_OUT_OF_MEMORY, "no memory");
  for (int64_t i = 0; i < n; ++i) all[i] = (float)value;
  const tempo_status status = host->make(call->type, all, &call->results[0]);
  free(all);
  return status;
}
static tempo_status distance(void* user, const tempo_function_call* call) {
  tempo_tensor *difference = NULL, *far = NULL, *sum = NULL;
  const tempo_op* op = NULL;
  const int64_t last = -1;
  const tempo_attribute axes = {
      .size = sizeof axes, .kind = TEMPO_LIST_VALUE, .name = "axes", .list = &last, .count = 1};
  (void)user;
  tempo_status status = apply2("tempo.subtract", call->inputs[0], call->inputs[1], &difference);
  if (status == TEMPO_OK) status = apply2("tempo.abs", difference, NULL, &far);
  if (status == TEMPO_OK) status = host->find_op("tempo.sum", &op);
  if (status == TEMPO_OK) status = host->apply(op, &far, 1, &axes, 1, &sum, 1);
  if (status == TEMPO_OK) status = times(real(call, "by"), sum, &call->results[0]);
  host->release(difference);
  host->release(far);
  host->release(sum);
  return status;
}
static tempo_status descend(void* user, const tempo_function_call* call) {
  tempo_tensor* change = NULL;
  (void)user;
  tempo_status status = apply2("tempo.multiply", call->inputs[1], call->inputs[2], &change);
  if (status == TEMPO_OK)
    status = apply2("tempo.subtract", call->inputs[0], change, &call->results[0]);
  if (status == TEMPO_OK)
    status = apply2("tempo.add", call->inputs[4], call->inputs[3], &call->results[1]);
  host->release(change);
  return status;
}

static tempo_status init(void* user, const tempo_host* table, tempo_registry* registry) {
  const tempo_option options[] = {{.size = sizeof(tempo_option),
                                   .kind = TEMPO_OPTION_INT,
                                   .name = "units",
                                   .sentence = "Size of the state.",
                                   .standard = "2",
                                   .at_least = 1,
                                   .at_most = 1e9},
                                  {.size = sizeof(tempo_option),
                                   .kind = TEMPO_OPTION_REAL,
                                   .name = "factor",
                                   .sentence = "How much is added.",
                                   .standard = "1",
                                   .at_least = -10,
                                   .at_most = 10},
                                  {.size = sizeof(tempo_option),
                                   .kind = TEMPO_OPTION_ACTIVATION,
                                   .name = "activation",
                                   .sentence = "Of what is added.",
                                   .standard = "linear"}};
  const tempo_layer_type type = {.size = sizeof type,
                                 .kind = TEMPO_CELL,
                                 .name = "Adder",
                                 .summary = "Adds up.",
                                 .options = options,
                                 .n_options = 3,
                                 .create = create,
                                 .destroy = destroy,
                                 .build = build,
                                 .call = step,
                                 .states = states,
                                 .once = once,
                                 .outputs = states,
                                 .save = save,
                                 .load = load};
  const tempo_op_type op = {.size = sizeof op,
                            .n_inputs = 1,
                            .n_results = 2,
                            .name = "both",
                            .summary = "2 x and x^2.",
                            .infer = infer,
                            .kernel = kernel,
                            .vjp = vjp};
  const tempo_option by = {.size = sizeof by,
                           .kind = TEMPO_OPTION_REAL,
                           .name = "by",
                           .sentence = "A factor.",
                           .standard = "3",
                           .at_least = -1e9,
                           .at_most = 1e9};
  tempo_function_type function = {.size = sizeof function,
                                  .n_options = 1,
                                  .name = "threefold",
                                  .summary = "For a test.",
                                  .options = &by};
  tempo_status (*const calls[])(void*, const tempo_function_call*) = {filled, scaled, distance,
                                                                      distance};
  host = table;
  (void)user;
  tempo_status status = host->register_layer(registry, &type);
  if (status == TEMPO_OK) status = host->register_op(registry, &op);
  for (uint32_t kind = TEMPO_INITIALIZER; status == TEMPO_OK && kind <= TEMPO_METRIC; ++kind) {
    function.call = calls[kind];
    function.flags = kind == TEMPO_METRIC ? TEMPO_LOWER_IS_BETTER : 0;
    status = host->register_type(registry, kind, &function);
  }
  function.flags = 0;
  function.n_options = 0;
  function.slots = "updates";
  function.call = descend;
  return status == TEMPO_OK ? host->register_type(registry, TEMPO_OPTIMIZER, &function) : status;
}

static const void* extension(void* user, const char* id) {
  static const char text[] = "from 1.0";
  (void)user;
  return strcmp(id, "v1_0.text/1") == 0 ? text : NULL;
}

__attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v1(void) {
  static const tempo_plugin plugin = {.size = sizeof plugin,
                                      .minor = TEMPO_ABI_MINOR,
                                      .name = PLUGIN_NAME,
                                      .version = "1.0.0",
                                      .init = init,
                                      .needs = TEMPO_ABI_NEEDS,
                                      .get_extension = extension};
  return &plugin;
}
