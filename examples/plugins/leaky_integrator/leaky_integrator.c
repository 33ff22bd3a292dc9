// SPDX-License-Identifier: Apache-2.0
// A leaky integrator (Jaeger et al., 2007), in C: next = h + leak (tanh(x W + h U + b) - h).
#include <stdlib.h>

#include <tempo/plugin.h>

static const tempo_host* host;

// What a formula makes, released in one go; after the first failure nothing more is computed.
typedef struct {
  tempo_status status;
  int count;
  tempo_tensor* made[16];
} formula;

static tempo_tensor* keep(formula* f, tempo_tensor* made) {
  if (f->status == TEMPO_OK) f->made[f->count++] = made;
  return made;
}

static tempo_tensor* apply(formula* f, const char* name, tempo_tensor* a, tempo_tensor* b) {
  const tempo_op* op = NULL;
  tempo_tensor* inputs[] = {a, b};
  tempo_tensor* result = NULL;
  if (f->status == TEMPO_OK) f->status = host->find_op(name, &op);
  if (f->status == TEMPO_OK)
    f->status = host->apply(op, inputs, b ? 2 : 1, NULL, 0, &result, 1);
  return keep(f, result);
}

// A number of the dtype that `like` has. By an op, it is part of the step that is traced; `make` would give a
// tensor from outside of it, another one at each call.
static tempo_tensor* number(formula* f, double value, tempo_tensor* like) {
  const tempo_op* op = NULL;
  tempo_view seen = {.size = sizeof seen};
  tempo_tensor* result = NULL;
  if (f->status == TEMPO_OK) f->status = host->view(like, &seen);
  if (f->status == TEMPO_OK) f->status = host->find_op("tempo.fill", &op);
  const tempo_attribute attributes[] = {
      {.size = sizeof *attributes, .kind = TEMPO_LIST_VALUE, .name = "shape"},
      {.size = sizeof *attributes, .kind = TEMPO_DOUBLE_VALUE, .name = "value", .real = value},
      {.size = sizeof *attributes,
       .kind = TEMPO_INT64_VALUE,
       .name = "dtype",
       .integer = seen.type.dtype}};
  if (f->status == TEMPO_OK) f->status = host->apply(op, NULL, 0, attributes, 3, &result, 1);
  return keep(f, result);
}

static tempo_status release(formula* f) {
  while (f->count > 0) host->release(f->made[--f->count]);
  return f->status;
}

typedef struct {
  int64_t units;
  double leak;
  tempo_tensor *kernel, *recurrent, *bias;
} cell;

static tempo_status create(void* user, tempo_layer* self, const tempo_creation* creation,
                           void** instance) {
  const tempo_attribute *units = tempo_attribute_of(creation->options, creation->n_options, "units",
                                                    TEMPO_INT64_VALUE),
                        *leak = tempo_attribute_of(creation->options, creation->n_options, "leak",
                                                   TEMPO_DOUBLE_VALUE);
  cell* made = calloc(1, sizeof *made);
  (void)user, (void)self;
  if (!made) return host->fail(TEMPO_OUT_OF_MEMORY, "LeakyIntegrator: out of memory");
  made->units = units ? units->integer : 32;
  made->leak = leak ? leak->real : 0.5;
  *instance = made;
  return TEMPO_OK;
}

static void release_weights(cell* it) {
  tempo_tensor** const all[] = {&it->kernel, &it->recurrent, &it->bias};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    host->release(*all[i]);
    *all[i] = NULL;
  }
}

static tempo_status destroy(void* user, void* instance) {
  (void)user;
  release_weights(instance);
  free(instance);
  return TEMPO_OK;
}

static tempo_status add_weight(tempo_layer* self, const char* name, const char* initializer,
                               uint32_t rank, int64_t rows, int64_t columns, tempo_tensor** out) {
  tempo_layer_view seen = {.size = sizeof seen};
  const tempo_status status = host->view_layer(self, &seen);
  const tempo_type type = {.size = sizeof type,
                           .dtype = seen.dtype,
                           .rank = rank,
                           .shape = {rows, rank > 1 ? columns : 0}};
  const tempo_weight weight = {.size = sizeof weight,
                               .trainable = 1,
                               .name = name,
                               .type = &type,
                               .initializer = initializer};
  return status == TEMPO_OK ? host->add_weight(self, &weight, out) : status;
}

static tempo_status build(void* user, void* instance, tempo_layer* self,
                          const tempo_inputs* inputs) {
  cell* it = instance;
  (void)user;
  if (inputs->count != 1 || inputs->types[0].rank != 2)
    return host->fail(TEMPO_SHAPE_ERROR, "LeakyIntegrator: a step reads [batch, features].");
  const int64_t units = it->units, features = inputs->types[0].shape[1];
  release_weights(it); // of a build that failed
  tempo_status status =
      add_weight(self, "kernel", "glorot_uniform", 2, features, units, &it->kernel);
  if (status == TEMPO_OK)
    status = add_weight(self, "recurrent_kernel", "orthogonal", 2, units, units, &it->recurrent);
  if (status == TEMPO_OK) status = add_weight(self, "bias", "zeros", 1, units, 0, &it->bias);
  return status;
}

static tempo_status states(void* user, void* instance, tempo_layer* self,
                           const tempo_inputs* inputs, tempo_result_types* states) {
  const cell* it = instance;
  (void)user, (void)self;
  states->count = 1;
  states->types[0] = (tempo_type){.size = sizeof states->types[0],
                                  .dtype = TEMPO_AUTOMATIC,
                                  .rank = 2,
                                  .shape = {inputs->types[0].shape[0], it->units}};
  return TEMPO_OK;
}

static tempo_status step(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                         tempo_results* results) {
  const cell* it = instance;
  tempo_tensor *x = call->inputs[0], *h = call->states[0];  // [batch, features], [batch, units]
  formula f = {.status = TEMPO_OK};
  (void)user, (void)self;

  tempo_tensor* z = apply(&f, "tempo.add", apply(&f, "tempo.matmul", x, it->kernel),
                          apply(&f, "tempo.matmul", h, it->recurrent));
  tempo_tensor* candidate = apply(&f, "tempo.tanh", apply(&f, "tempo.add", z, it->bias), NULL);
  tempo_tensor* change = apply(&f, "tempo.multiply", number(&f, it->leak, h),
                               apply(&f, "tempo.subtract", candidate, h));
  tempo_tensor* next = apply(&f, "tempo.add", h, change);

  if (f.status == TEMPO_OK) {  // the output, then the next state: a count each
    host->retain(next);
    host->retain(next);
    results->tensors[0] = results->tensors[1] = next;
    results->count = 2;
  }
  return release(&f);
}

static const tempo_option options[] = {{.size = sizeof(tempo_option),
                                        .kind = TEMPO_OPTION_INT,
                                        .name = "units",
                                        .sentence = "Size of the state.",
                                        .standard = "32",
                                        .at_least = 1,
                                        .at_most = 1e9},
                                       {.size = sizeof(tempo_option),
                                        .kind = TEMPO_OPTION_REAL,
                                        .name = "leak",
                                        .sentence = "How much of the state is new at each step.",
                                        .standard = "0.5",
                                        .at_least = 0,
                                        .at_most = 1}};

static const tempo_layer_type type = {.size = sizeof type,
                                      .kind = TEMPO_CELL,
                                      .name = "LeakyIntegrator",
                                      .summary = "A leaky integrator (Jaeger et al., 2007).",
                                      .options = options,
                                      .n_options = 2,
                                      .create = create,
                                      .destroy = destroy,
                                      .build = build,
                                      .call = step,
                                      .states = states,
                                      .outputs = states}; // the output of a step is its state

static tempo_status init(void* user, const tempo_host* table, tempo_registry* registry) {
  (void)user;
  host = table;
  return host->register_layer(registry, &type);
}

const tempo_plugin* tempo_plugin_v1(void) {
  static const tempo_plugin plugin = {.size = sizeof plugin,
                                      .minor = TEMPO_ABI_MINOR,
                                      .name = "leaky_integrator",
                                      .version = "1.0.0",
                                      .init = init};
  return &plugin;
}
