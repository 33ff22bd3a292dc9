// SPDX-License-Identifier: Apache-2.0
/* The Tempo plugin ABI, version 0. C11; needs only <stdint.h> and <stddef.h>.
 *
 * A plugin is a shared object that exports one symbol, `tempo_plugin_v0`; the number is that of the
 * major version. Everything else is reached from it and from the host table it is given. Rules that
 * hold for the whole file:
 *  - Every change of a declaration below raises TEMPO_ABI_MINOR. Before 1.0 nothing keeps its
 *    place, so a host loads plugins of exactly its own minor and refuses all others.
 *  - Every struct begins with its size in bytes, set by whoever provides the struct; in a view, by
 *    whoever asks for it. Neither side reads or writes a field that the size does not cover: it
 *    counts as 0, or the struct is refused as incomplete. In arrays, tempo_attribute, tempo_type
 *    and tempo_option have the sizes that they have here.
 *  - Every function that can fail returns a status. The host keeps the category and the text of the
 *    calling thread's last error; a callback that fails calls `fail` first and returns its result.
 *  - No exception, C++ type, bool or struct by value crosses this boundary. Strings are UTF-8, end
 *    with 0, and are borrowed for the call unless it says otherwise.
 *  - Handles are counted. A function that fills an `out` handle gives the caller one count; handles
 *    passed in are borrowed. Raw pointers into a handle live as long as the handle.
 *  - A layer's `call` and an op's `kernel` may run on several threads at once; `build` on one.
 *  - A layer guards what its `call` assigns to a weight of its own, in training alone.
 *  - A plugin starts no threads and calls no BLAS setting. It is never unloaded. */
#ifndef TEMPO_PLUGIN_H
#define TEMPO_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TEMPO_ABI_MAJOR 0u
#define TEMPO_ABI_MINOR 3u
#define TEMPO_MAX_RANK 8u
#define TEMPO_MAX_OUTPUTS 64u

typedef int32_t tempo_status;
enum {
  TEMPO_OK = 0,
  TEMPO_ERROR = 1,
  TEMPO_SHAPE_ERROR = 2,
  TEMPO_PLUGIN_ERROR = 3,
  TEMPO_FORMAT_ERROR = 4
};

typedef int32_t tempo_dtype;
enum {
  TEMPO_AUTOMATIC = -1, /* the default dtype */
  TEMPO_FLOAT32 = 0,
  TEMPO_FLOAT64 = 1,
  TEMPO_INT32 = 2,
  TEMPO_INT64 = 3,
  TEMPO_BOOL = 4 /* one byte, 0 or 1 */
};

typedef struct tempo_tensor tempo_tensor; /* counted: a node of the graph with its value */
typedef struct tempo_layer tempo_layer;   /* counted: a layer or a cell in use */
typedef struct tempo_op tempo_op;         /* an op, found by name; lives as long as the process */
typedef struct tempo_registry tempo_registry; /* where a plugin registers; valid during its init */

/* A named value: an attribute of an op, an option of a layer or cell. */
enum {
  TEMPO_INT64_VALUE = 0,
  TEMPO_DOUBLE_VALUE = 1,
  TEMPO_TEXT_VALUE = 2,
  TEMPO_LIST_VALUE = 3,
  TEMPO_LAYER_VALUE = 4
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
  tempo_layer* layer; /* TEMPO_LAYER_VALUE, borrowed; may be NULL */
} tempo_attribute;

/* dtype and shape of a tensor. */
typedef struct tempo_type {
  uint32_t size;
  tempo_dtype dtype;
  uint32_t rank;
  int64_t shape[TEMPO_MAX_RANK];
} tempo_type;

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
  const void* data;   /* row-major; NULL of a placeholder */
  const char* path;   /* of a weight, "encoder/kernel"; else "" */
  tempo_tensor* mask; /* borrowed; NULL when there is none */
} tempo_view;

/* One recurrence over sequences [batch, time, ...]. `step` is called with their parts at one time,
 * [batch, ...], and the states. The arguments are placeholders, and it is called once or more
 * before anything is computed; it fills n_outputs results of the step and n_states next states, a
 * count each. */
typedef struct tempo_scan {
  uint32_t size;
  uint32_t n_sequences;
  uint32_t n_states;
  uint32_t n_constants;
  tempo_tensor* const* sequences;
  tempo_tensor* const* states;    /* initial */
  tempo_tensor* const* constants; /* what the step reads besides its arguments and weights */
  tempo_status (*step)(void* user, tempo_tensor* const* x, tempo_tensor* const* states,
                       tempo_tensor** results);
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

/* One call of a layer, or one step of a cell (whose states are `states`, whose results are the
 * output and then the next states). */
typedef struct tempo_call {
  uint32_t size;
  int32_t training; /* 1 or 0; to call_layer also -1: as the call in which it is made, or else 0 */
  uint32_t n_inputs;
  uint32_t n_states;
  uint32_t n_constants;
  uint32_t n_once;
  tempo_tensor* const* inputs;
  tempo_tensor* const* states;    /* initial state; none given: n_states is 0 */
  tempo_tensor* const* constants; /* per-call tensors for the step */
  tempo_tensor* const* once;      /* of a step: what the cell's `once` made for this call */
  tempo_tensor* mask;             /* overrides the mask of inputs[0]; may be NULL */
} tempo_call;

/* The description of one option; everything that is known of it is derived from this. */
enum {
  TEMPO_OPTION_INT = 0,
  TEMPO_OPTION_REAL = 1,
  TEMPO_OPTION_BOOL = 2,
  TEMPO_OPTION_TEXT = 3,
  TEMPO_OPTION_INITIALIZER = 4,
  TEMPO_OPTION_ACTIVATION = 5,
  TEMPO_OPTION_DTYPE = 6,
  TEMPO_OPTION_LAYER = 7,
  TEMPO_OPTION_SHAPE = 8,
  TEMPO_OPTION_REGULARIZER = 9, /* "l2(0.01)"; "" for none, as for a constraint */
  TEMPO_OPTION_CONSTRAINT = 10  /* "max_norm(2)" */
};
typedef struct tempo_option {
  uint32_t size;
  uint32_t kind;
  const char* name;
  const char* sentence;
  const char* standard; /* the default, as text */
  double at_least;      /* numbers: inclusive range; -inf and +inf where open */
  double at_most;
  const char* choices; /* texts: the allowed ones, joined by '|'; NULL for any */
} tempo_option;

/* A kind of layer or cell. The struct and all it points to live as long as the process. */
enum { TEMPO_LAYER = 0, TEMPO_CELL = 1 };
enum { TEMPO_TAKES_CONSTANTS = 1 }; /* its call or step reads the call's constants */
typedef struct tempo_layer_type {
  uint32_t size;
  uint32_t kind;
  const char* name;    /* as users write it */
  const char* summary; /* one sentence, with its source */
  const tempo_option* options;
  uint32_t n_options;
  uint32_t flags;
  void* user; /* handed to create */
  /* A new instance from options, which the host has checked against the description. */
  tempo_status (*create)(void* user, tempo_layer* self, const tempo_attribute* options,
                         uint32_t n_options, void** instance);
  void (*destroy)(void* instance);
  /* Adds the weights; called once, before the first call, with the types of the inputs. */
  tempo_status (*build)(void* instance, tempo_layer* self, const tempo_type* inputs,
                        uint32_t n_inputs);
  /* Fills up to `capacity` results, a count each, and says how many. */
  tempo_status (*call)(void* instance, tempo_layer* self, const tempo_call* call,
                       tempo_tensor** results, uint32_t capacity, uint32_t* count);
  /* Cells: the types of the states for sequences that have these types at one step, [batch, ...].
   * Layers: NULL. */
  tempo_status (*states)(void* instance, const tempo_type* inputs, uint32_t n_inputs,
                         tempo_type* states, uint32_t capacity, uint32_t* count);
  /* Cells, before the first step of a call: the states to begin with, as `states` has them, and
   * what is the same at all steps of this call and new at the next. `inputs` are the shapes of the
   * sequences at one step, with the dtype of the states that are zeros; `call` has `training` and
   * the constants. NULL: zeros, and nothing. */
  tempo_status (*initial)(void* instance, const tempo_type* inputs, uint32_t n_inputs,
                          const tempo_call* call, tempo_tensor** results, uint32_t capacity,
                          uint32_t* count);
  tempo_status (*once)(void* instance, const tempo_type* inputs, uint32_t n_inputs,
                       const tempo_call* call, tempo_tensor** results, uint32_t capacity,
                       uint32_t* count);
  /* Forgets the state kept between calls; NULL when there is none. */
  tempo_status (*reset)(void* instance);
} tempo_layer_type;

/* A kernel op of a plugin's own, with its gradient. */
typedef struct tempo_op_type {
  uint32_t size;
  uint32_t n_inputs;
  const char* name;
  const char* summary;
  /* The type of the one result. */
  tempo_status (*infer)(const tempo_type* inputs, uint32_t n_inputs,
                        const tempo_attribute* attributes, uint32_t n_attributes,
                        tempo_type* result);
  /* data[i] is inputs[i]'s; result is allocated. Reads and writes during the call only. May be
   * called from several threads at once, also within one model. */
  tempo_status (*kernel)(const tempo_type* inputs, const void* const* data, uint32_t n_inputs,
                         const tempo_attribute* attributes, uint32_t n_attributes,
                         const tempo_type* result_type, void* result);
  /* The gradient to inputs[index], written in ops: a count. NULL: the op is not differentiable. */
  tempo_status (*vjp)(uint32_t index, tempo_tensor* const* inputs, uint32_t n_inputs,
                      tempo_tensor* result, tempo_tensor* dy, const tempo_attribute* attributes,
                      uint32_t n_attributes, tempo_tensor** gradient);
} tempo_op_type;

/* A weight that a layer adds. The host adds the regularizer's penalty to the loss of training, and
 * applies the constraint after each step of an optimizer. */
typedef struct tempo_weight {
  uint32_t size;
  int32_t trainable;
  const char* name;
  tempo_tensor* value;     /* the first one */
  const char* regularizer; /* "l2(0.01)"; NULL or "" for none */
  const char* constraint;  /* "max_norm(2)"; likewise */
} tempo_weight;

/* What can be seen of a layer. Texts live as long as the handle. */
enum {
  TEMPO_BUILT = 1,
  TEMPO_TRAINABLE = 2 /* neither it nor a layer that holds it is frozen */
};
typedef struct tempo_layer_view {
  uint32_t size;
  uint32_t flags;
  uint64_t id;      /* unique in the process, never used again */
  const char* name; /* in paths and tables */
  const tempo_layer_type* type;
  const tempo_attribute* options; /* as it was made with */
  uint32_t n_options;
  tempo_dtype dtype; /* of its weights */
} tempo_layer_view;

/* What a plugin can call. */
typedef struct tempo_host {
  uint32_t size;
  uint32_t minor; /* TEMPO_ABI_MINOR */

  /* Errors. `fail` keeps category and text and returns the category. */
  tempo_status (*fail)(tempo_status category, const char* text);
  /* The calling thread's last error; `serial` tells it from all others. */
  const char* (*last_error)(uint64_t* serial);

  /* Tensors. `make` copies `data`; NULL gives zeros. */
  tempo_status (*make)(const tempo_type* type, const void* data, tempo_tensor** out);
  void (*retain)(tempo_tensor* tensor);
  void (*release)(tempo_tensor* tensor);
  void (*view)(const tempo_tensor* tensor, tempo_view* out);
  /* Blocks until the tensor's data is ready; returns the error if computing it failed. */
  tempo_status (*finish)(const tempo_tensor* tensor);
  tempo_status (*with_mask)(tempo_tensor* tensor, tempo_tensor* mask, tempo_tensor** out);
  tempo_status (*parameter)(tempo_tensor* value, const char* path, tempo_tensor** out);
  tempo_status (*assign)(tempo_tensor* weight, tempo_tensor* value);

  /* Ops, scan, gradients. `recording` turns the memory of where values came from on or off for
   * the calling thread and returns what it was. */
  tempo_status (*find_op)(const char* name, const tempo_op** out);
  tempo_status (*apply)(const tempo_op* op, tempo_tensor* const* inputs, uint32_t n_inputs,
                        const tempo_attribute* attributes, uint32_t n_attributes,
                        tempo_tensor** results, uint32_t n_results);
  tempo_status (*scan)(const tempo_scan* scan, tempo_tensor** results);
  tempo_status (*gradient)(tempo_tensor* y, tempo_tensor* dy, tempo_tensor* const* inputs,
                           uint32_t n_inputs, tempo_tensor** gradients);
  /* `value` with another gradient: `rule` says what each of `inputs` gets where dy comes in. It is
   * called here, once, with a placeholder for dy, and fills n_inputs gradients, a count each, or
   * NULL; what it does is recorded. */
  tempo_status (*custom_gradient)(tempo_tensor* value, tempo_tensor* const* inputs,
                                  uint32_t n_inputs,
                                  tempo_status (*rule)(void* user, tempo_tensor* dy,
                                                       tempo_tensor** gradients),
                                  void* user, tempo_tensor** out);
  int32_t (*recording)(int32_t on);
  tempo_status (*initialize)(const char* initializer, const tempo_type* type, tempo_tensor** out);
  tempo_status (*random_key)(int64_t seed, tempo_tensor** out); /* seed < 0: the global one */

  /* Layers and cells. */
  tempo_status (*make_layer)(uint32_t kind, const char* name, const tempo_attribute* options,
                             uint32_t n_options, tempo_layer** out);
  tempo_status (*make_layer_of)(const tempo_layer_type* type, const tempo_attribute* options,
                                uint32_t n_options, tempo_layer** out);
  void (*retain_layer)(tempo_layer* layer);
  void (*release_layer)(tempo_layer* layer);
  void (*view_layer)(const tempo_layer* layer, tempo_layer_view* out);
  tempo_status (*build_layer)(tempo_layer* layer, const tempo_type* inputs, uint32_t n_inputs);
  tempo_status (*call_layer)(tempo_layer* layer, const tempo_call* call, tempo_tensor** results,
                             uint32_t capacity, uint32_t* count);
  /* As the callbacks of the cell; a cell that has no `initial` begins with zeros. */
  tempo_status (*layer_states)(tempo_layer* cell, const tempo_type* inputs, uint32_t n_inputs,
                               tempo_type* states, uint32_t capacity, uint32_t* count);
  tempo_status (*layer_initial)(tempo_layer* cell, const tempo_type* inputs, uint32_t n_inputs,
                                const tempo_call* call, tempo_tensor** results, uint32_t capacity,
                                uint32_t* count);
  tempo_status (*layer_once)(tempo_layer* cell, const tempo_type* inputs, uint32_t n_inputs,
                             const tempo_call* call, tempo_tensor** results, uint32_t capacity,
                             uint32_t* count);
  tempo_status (*reset_layer)(tempo_layer* layer);
  /* Its own weights, then its children's, in the order of creation. Borrowed; NULL past the end. */
  tempo_tensor* (*layer_weight)(const tempo_layer* layer, uint32_t index);
  tempo_layer* (*layer_child)(const tempo_layer* layer, uint32_t index);
  /* For a layer's callbacks: its own weights and children. */
  tempo_status (*add_weight)(tempo_layer* self, const tempo_weight* weight, tempo_tensor** out);
  tempo_status (*add_child)(tempo_layer* self, const char* name, tempo_layer* child);

  /* Registration, during a plugin's init. */
  tempo_status (*register_layer)(tempo_registry* registry, const tempo_layer_type* type);
  tempo_status (*register_op)(tempo_registry* registry, const tempo_op_type* type);

  /* Training. */
  /* The penalty of a regularizer, one number, and what a constraint makes of a weight. */
  tempo_status (*penalize)(const char* regularizer, tempo_tensor* weight, tempo_tensor** out);
  tempo_status (*constrain)(const char* constraint, tempo_tensor* weight, tempo_tensor** out);
  /* Adds one number to the loss of the model that is trained or evaluated on this thread; does
   * nothing where none is. */
  tempo_status (*add_loss)(tempo_tensor* loss);
  /* Freezes a layer's weights and its children's, or lets optimizers change them again. */
  tempo_status (*set_trainable)(tempo_layer* layer, int32_t trainable);
} tempo_host;

/* What a plugin is. `size` and `minor` lie first in every minor version. */
typedef struct tempo_plugin {
  uint32_t size;
  uint32_t minor; /* TEMPO_ABI_MINOR */
  const char* name;
  const char* version;
  /* Called once. Keeps the host pointer and registers. */
  tempo_status (*init)(const tempo_host* host, tempo_registry* registry);
} tempo_plugin;

/* Defined by the plugin, and exported. */
const tempo_plugin* tempo_plugin_v0(void);
/* Defined by libtempo; weak where the SDK's headers refer to it. */
const tempo_host* tempo_host_v0(void);

#ifdef __cplusplus
}
#endif

#endif /* TEMPO_PLUGIN_H */
