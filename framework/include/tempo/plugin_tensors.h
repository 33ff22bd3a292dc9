// SPDX-License-Identifier: Apache-2.0
/* The part of plugin.h for tensors, ops and recurrences; plugin.h has the rules, and includes it.
 */
#ifndef TEMPO_PLUGIN_TENSORS_H
#define TEMPO_PLUGIN_TENSORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TEMPO_MAX_RANK 8u
#define TEMPO_MAX_OUTPUTS 64u /* results of a call */
#define TEMPO_MAX_INPUTS 64u  /* inputs of an op */

typedef int32_t tempo_status;
enum {
  TEMPO_OK = 0,
  TEMPO_ERROR = 1,
  TEMPO_SHAPE_ERROR = 2,
  TEMPO_PLUGIN_ERROR = 3,
  TEMPO_FORMAT_ERROR = 4,
  TEMPO_OUT_OF_MEMORY = 5,
  TEMPO_CANCELLED = 6,  /* reserved; counts as TEMPO_ERROR */
  TEMPO_UNSUPPORTED = 7 /* reserved; counts as TEMPO_ERROR */
};

typedef int32_t tempo_dtype;
enum {
  TEMPO_AUTOMATIC = -1, /* the default dtype; of a weight the layer's, of a state the input's */
  TEMPO_FLOAT32 = 0,
  TEMPO_FLOAT64 = 1,
  TEMPO_INT32 = 2,
  TEMPO_INT64 = 3,
  TEMPO_BOOL = 4,    /* one byte, 0 or 1 */
  TEMPO_FLOAT16 = 5, /* reserved: no tensor has it yet */
  TEMPO_BFLOAT16 = 6 /* reserved: no tensor has it yet */
};

typedef struct tempo_tensor tempo_tensor; /* counted: a node of the graph with its value */
typedef struct tempo_layer tempo_layer;   /* counted: a layer or a cell in use */
typedef struct tempo_op tempo_op;         /* an op, found by name; lives as long as the process */
typedef struct tempo_registry tempo_registry; /* where a plugin registers; valid during its init */

/* A named value: an attribute of an op, an option of a layer or cell, something that a layer keeps.
 */
enum {
  TEMPO_INT64_VALUE = 0,
  TEMPO_DOUBLE_VALUE = 1,
  TEMPO_TEXT_VALUE = 2,
  TEMPO_LIST_VALUE = 3,
  TEMPO_LAYER_VALUE = 4,
  TEMPO_TENSOR_VALUE = 5 /* of what a layer keeps alone */
};
typedef struct tempo_attribute {
  uint32_t size;
  uint32_t kind;
  const char* name;
  int64_t integer;     /* TEMPO_INT64_VALUE; a bool is 0 or 1 */
  double real;         /* TEMPO_DOUBLE_VALUE */
  const char* text;    /* TEMPO_TEXT_VALUE */
  const int64_t* list; /* TEMPO_LIST_VALUE, `count` items */
  uint64_t count;
  tempo_layer* layer;   /* TEMPO_LAYER_VALUE, borrowed; may be NULL */
  tempo_tensor* tensor; /* TEMPO_TENSOR_VALUE, borrowed */
} tempo_attribute;
#define TEMPO_ATTRIBUTE_SIZE_1_0 72u

/* Element i of an array from the other side. */
static inline const tempo_attribute* tempo_attribute_at(const tempo_attribute* first, uint32_t i) {
  return (const tempo_attribute*)((const char*)first + (size_t)i * first->size);
}
/* The one of that name and kind; NULL: there is none. */
static inline const tempo_attribute* tempo_attribute_of(const tempo_attribute* first, uint32_t n,
                                                        const char* name, uint32_t kind) {
  for (uint32_t i = 0; i < n; ++i) {
    const tempo_attribute* const one = tempo_attribute_at(first, i);
    if (one->kind == kind && strcmp(one->name, name) == 0) return one;
  }
  return NULL;
}

/* dtype and shape of a tensor. */
typedef struct tempo_type {
  uint32_t size;
  tempo_dtype dtype;
  uint32_t rank;
  uint32_t device; /* 0: the processor's memory; others are reserved */
  int64_t shape[TEMPO_MAX_RANK];
} tempo_type;
#define TEMPO_TYPE_SIZE_1_0 80u

/* Room for types and for tensors that are made: whoever fills it says how many there are. Tensors
 * are handed over with a count each, also where what fills them fails. */
typedef struct tempo_result_types {
  uint32_t size;
  uint32_t capacity;
  uint32_t count;
  tempo_type* types;
} tempo_result_types;
#define TEMPO_RESULT_TYPES_SIZE_1_0 24u
typedef struct tempo_results {
  uint32_t size;
  uint32_t capacity;
  uint32_t count;
  tempo_tensor** tensors;
} tempo_results;
#define TEMPO_RESULTS_SIZE_1_0 24u

/* What can be seen of a tensor. */
enum {
  TEMPO_TRACKED = 1, /* gradients can be asked for through it */
  TEMPO_TRACED = 2,  /* a step is traced: a placeholder, or data that may be other data later */
  TEMPO_FROZEN = 4,  /* a weight that optimizers leave alone */
  TEMPO_PENDING = 8  /* the data is not ready; call `finish` before reading it */
};
typedef struct tempo_view {
  uint32_t size;
  uint32_t flags;
  tempo_type type;
  const void* data;   /* row-major; NULL of a placeholder; a weight's, until its next `assign` */
  const char* path;   /* of a weight, "encoder/kernel"; else "" */
  tempo_tensor* mask; /* borrowed; NULL when there is none */
} tempo_view;
#define TEMPO_VIEW_SIZE_1_0 112u

/* One step of a recurrence, which fills n_outputs results of the step and then n_states next
 * states, a count each. */
typedef struct tempo_step {
  uint32_t size;
  uint32_t n_sequences;
  uint32_t n_states;
  uint32_t n_outputs;
  tempo_tensor* const* sequences; /* their parts at one time, [batch, ...] */
  tempo_tensor* const* states;
  tempo_tensor** results;
} tempo_step;
#define TEMPO_STEP_SIZE_1_0 40u

/* One recurrence over sequences [batch, time, ...]. The arguments of `step` are placeholders, and
 * it is called once or more before anything is computed. */
typedef struct tempo_scan {
  uint32_t size;
  uint32_t n_sequences;
  uint32_t n_states;
  uint32_t n_constants;
  tempo_tensor* const* sequences;
  tempo_tensor* const* states;    /* initial */
  tempo_tensor* const* constants; /* what the step reads besides its arguments and weights */
  tempo_status (*step)(void* user, const tempo_step* step);
  void* user;
  /* In a call of a layer, other than 0: the step is a pure function of its arguments, the layer's
   * weights and `constants`. The host may remember what it did the first time, for arguments of the
   * same types, and not call it again. Steps of one layer that differ have different ids. */
  uint32_t step_id;
  uint32_t n_outputs;
  int32_t reverse;   /* 1: time runs from the last step to the first */
  int32_t last_only; /* 1: outputs are those of the last step processed, [batch, ...] */
  int32_t plain;     /* 1: the plain loop over eager ops, the reference */
  int32_t recompute; /* 1: the gradient runs segments of steps again */
} tempo_scan;
#define TEMPO_SCAN_SIZE_1_0 80u

/* What a rule of custom_gradient is asked for: it fills n_inputs gradients, a count each, or NULL
 * where none flows. */
typedef struct tempo_rule {
  uint32_t size;
  uint32_t n_inputs;
  tempo_tensor* dy;
  tempo_tensor** gradients;
} tempo_rule;
#define TEMPO_RULE_SIZE_1_0 24u

/* `value` with another gradient: `rule` says what each of `inputs` gets where dy comes in. It is
 * called once, before the function returns, with a placeholder for dy; what it does is recorded. */
typedef struct tempo_custom_gradient {
  uint32_t size;
  uint32_t n_inputs;
  tempo_tensor* value;
  tempo_tensor* const* inputs;
  tempo_status (*rule)(void* user, const tempo_rule* rule);
  void* user;
} tempo_custom_gradient;
#define TEMPO_CUSTOM_GRADIENT_SIZE_1_0 40u

/* One use of an op: inputs, results and attributes. */
typedef struct tempo_op_call {
  uint32_t size;
  uint32_t n_inputs;
  uint32_t n_results;
  uint32_t n_attributes;
  const tempo_attribute* attributes;
  const tempo_type* input_types;
  tempo_type* result_types;  /* `infer` fills them */
  const void* const* inputs; /* the kernel's: data of each, row-major; `infer`: NULL */
  void* const* results;      /* the kernel's: room for each; `infer`: NULL */
} tempo_op_call;
#define TEMPO_OP_CALL_SIZE_1_0 56u

/* The gradients of one use of an op: those to the inputs that are wanted are filled, a count each;
 * zeros where none flows. */
typedef struct tempo_op_gradient {
  uint32_t size;
  uint32_t n_inputs;
  uint32_t n_results;
  uint32_t n_attributes;
  const tempo_attribute* attributes;
  tempo_tensor* const* inputs;
  tempo_tensor* const* results;
  tempo_tensor* const* dy; /* n_results; NULL for one that nothing comes back to */
  const uint8_t* wanted;   /* n_inputs, 0 or 1 */
  tempo_tensor** gradients;
} tempo_op_gradient;
#define TEMPO_OP_GRADIENT_SIZE_1_0 64u

/* A kernel op of a plugin's own, with its gradient. The host keeps a copy, as of a layer's type.
 * Each callback may run on several threads at once; a kernel also on threads of the host's own. */
typedef struct tempo_op_type {
  uint32_t size;
  uint32_t n_inputs;
  uint32_t n_results; /* 0: as many as are asked for */
  uint32_t flags;     /* 0 */
  const char* name;   /* found as "name" and "plugin.name" */
  const char* summary;
  void* user;
  /* The types of the results, or a TEMPO_SHAPE_ERROR that says why there are none. */
  tempo_status (*infer)(void* user, const tempo_op_call* call);
  /* Reads the inputs and writes all of the results, during the call only. [kernel] */
  tempo_status (*kernel)(void* user, const tempo_op_call* call);
  /* Written in ops. NULL: the op is not differentiable, and a gradient through it is an error. */
  tempo_status (*vjp)(void* user, const tempo_op_gradient* gradient);
} tempo_op_type;
#define TEMPO_OP_TYPE_SIZE_1_0 64u

#ifdef __cplusplus
}
#endif

#endif /* TEMPO_PLUGIN_TENSORS_H */
