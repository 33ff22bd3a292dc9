// SPDX-License-Identifier: Apache-2.0
/* A plugin in C11: plugin.h needs no C++. Its layer multiplies by a factor. */
#include <stdlib.h>

#include <tempo/plugin.h>

static const tempo_host* host;

static tempo_status create(void* user, tempo_layer* self, const tempo_creation* creation,
                           void** instance) {
  const tempo_attribute* given = tempo_attribute_of(creation->options, creation->n_options,
                                                    "factor", TEMPO_DOUBLE_VALUE);
  double* factor = malloc(sizeof *factor);
  (void)self;
  if (!factor) return host->fail(TEMPO_OUT_OF_MEMORY, "out of memory");
  *factor = given ? given->real : *(double*)user;
  *instance = factor;
  return TEMPO_OK;
}
static tempo_status destroy(void* user, void* instance) {
  (void)user;
  free(instance);
  return TEMPO_OK;
}
static tempo_status build(void* user, void* instance, tempo_layer* self,
                          const tempo_inputs* inputs) {
  (void)user, (void)instance, (void)self, (void)inputs;
  return TEMPO_OK;
}
static tempo_status call(void* user, void* instance, tempo_layer* self, const tempo_call* c,
                         tempo_results* results) {
  const float factor = (float)*(double*)instance;
  const tempo_type scalar = {.size = sizeof scalar, .dtype = TEMPO_FLOAT32};
  const tempo_op* multiply = NULL;
  tempo_tensor* inputs[2] = {c->inputs[0], NULL};
  (void)user, (void)self;
  tempo_status status = host->find_op("multiply", &multiply);
  if (status == TEMPO_OK) status = host->make(&scalar, &factor, &inputs[1]);
  if (status == TEMPO_OK) status = host->apply(multiply, inputs, 2, NULL, 0, results->tensors, 1);
  host->release(inputs[1]);
  results->count = status == TEMPO_OK;
  return status;
}

static const tempo_option options[] = {{.size = sizeof(tempo_option),
                                        .kind = TEMPO_OPTION_REAL,
                                        .name = "factor",
                                        .sentence = "What to multiply by.",
                                        .standard = "2",
                                        .at_least = -1e9,
                                        .at_most = 1e9}};
static double two = 2;
static const tempo_layer_type times = {.size = sizeof(tempo_layer_type),
                                       .kind = TEMPO_LAYER,
                                       .name = "Times",
                                       .summary = "x times a factor.",
                                       .options = options,
                                       .n_options = 1,
                                       .user = &two,
                                       .create = create,
                                       .destroy = destroy,
                                       .build = build,
                                       .call = call};

static tempo_status init(void* user, const tempo_host* table, tempo_registry* registry) {
  (void)user;
  host = table;
  return host->register_layer(registry, &times);
}

__attribute__((visibility("default"))) const tempo_plugin* tempo_plugin_v1(void) {
  static const tempo_plugin plugin = {.size = sizeof plugin,
                                      .minor = TEMPO_ABI_MINOR,
                                      .name = "plain_c",
                                      .version = "1.0.0",
                                      .init = init};
  return &plugin;
}
