// SPDX-License-Identifier: Apache-2.0
/* The Tempo plugin ABI, version 1.0. C11; needs only <stdint.h>, <stddef.h> and <string.h>.
 *
 * A plugin is a shared object that exports one symbol, `tempo_plugin_v1`; the number is that of the
 * major version. Everything else is reached from it and from the host table it is given. Rules that
 * hold for the whole file, and what 1.x promises, are told in docs/plugin-abi.md; in short:
 *  - In 1.x fields and functions are added at the end of their struct, with a new minor version,
 *    and nothing else changes: a plugin that was compiled with 1.0 loads in every 1.x.
 *  - Every struct begins with its size in bytes, set by whoever provides the struct; in what is to
 *    be filled, by whoever asks for it. Neither side reads or writes a field that the size does not
 *    cover: it counts as 0. One of less than its ..._SIZE_1_0 bytes is refused.
 *  - The elements of an array lie as many bytes apart as the `size` of the first one says, which
 *    may be more than here: tempo_attribute_at and tempo_option_at find them. tempo_type has the
 *    size that it has here, for good.
 *  - A callback is given the `user` that lies beside it, first of all, and what may grow in a
 *    struct. Such a struct, and what it points to, is borrowed for the call.
 *  - Functions and callbacks return a status. The host keeps the category and the text of the
 *    calling thread's last error; a callback that fails calls `fail` first and returns its result.
 *  - No exception, C++ type, bool or struct by value crosses this boundary. Strings are UTF-8, end
 *    with 0, and are borrowed for the call unless it says otherwise.
 *  - Handles are counted. A function that fills an `out` handle gives the caller one count; handles
 *    passed in are borrowed. Raw pointers into a handle live as long as the handle; but a weight's
 *    data until its next `assign`.
 *  - A layer guards what its `call` assigns to a weight of its own, in training alone.
 *  - A plugin starts no threads and calls no BLAS setting. It is never unloaded.
 *  - Names: a layer, cell, op or function `Name` of a plugin `plugin` is `plugin.Name`, and `Name`
 *    where nothing else has that name. Tempo's own are `tempo.Name`.
 *
 * Where a function of the host may be called, and where a callback runs:
 *   [any]     on any thread, in every callback
 *   [call]    on any thread, in every callback but a kernel
 *   [build]   in the build of that layer, on one thread alone; `add_child` in its create, too
 *   [init]    in the plugin's init
 *   [save]    in a save or a migrate, on its thread
 *   [kernel]  on any thread, several at once, and of the host it calls what is [any] alone
 *   [several] on any thread, several at once
 *   [alone]   while no other callback of that instance runs */
#ifndef TEMPO_PLUGIN_H
#define TEMPO_PLUGIN_H

#define TEMPO_ABI_MAJOR 1u
/* The minor version of what is declared below. Who defines a lower one before including this header
 * sees what that version had, and has a plugin that loads in every Tempo since. */
#ifndef TEMPO_ABI_MINOR
#define TEMPO_ABI_MINOR 0u
#endif
#if TEMPO_ABI_MINOR > 0
#error "this header has no later version of the plugin ABI than 1.0"
#endif
/* The host's functions that came after 1.0 up to TEMPO_ABI_MINOR, joined by '|'. */
#define TEMPO_ABI_NEEDS ""

#include <tempo/plugin_tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The types of a layer's inputs; of a cell's, at one step, [batch, ...]. */
typedef struct tempo_inputs {
  uint32_t size;
  uint32_t count;
  const tempo_type* types;
} tempo_inputs;
#define TEMPO_INPUTS_SIZE_1_0 16u

/* One call of a layer, or one step of a cell (whose states are `states`, whose results are the
 * output and then the next states), or what comes before the first step, where there are no inputs
 * but their types. */
typedef struct tempo_call {
  uint32_t size;
  int32_t training; /* 1 or 0; to call_layer also -1: as the call in which it is made, or else 0 */
  uint32_t n_inputs;
  uint32_t n_states;
  uint32_t n_constants;
  uint32_t n_once;
  const tempo_type* types;        /* n_inputs, before the first step; else NULL */
  tempo_tensor* const* inputs;    /* NULL before the first step */
  tempo_tensor* const* states;    /* initial state; none given: n_states is 0 */
  tempo_tensor* const* constants; /* per-call tensors for the step */
  tempo_tensor* const* once;      /* of a step: what the cell's `once` made for this call */
  tempo_tensor* mask;             /* overrides the mask of inputs[0]; may be NULL */
} tempo_call;
#define TEMPO_CALL_SIZE_1_0 72u

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
#define TEMPO_OPTION_SIZE_1_0 56u

/* Element i of an array from the other side. */
static inline const tempo_option* tempo_option_at(const tempo_option* first, uint32_t i) {
  return (const tempo_option*)((const char*)first + (size_t)i * first->size);
}

/* What a layer is made from: options that the host has checked against the description. */
typedef struct tempo_creation {
  uint32_t size;
  uint32_t n_options;
  const tempo_attribute* options;
} tempo_creation;
#define TEMPO_CREATION_SIZE_1_0 16u

/* Named values out of a file: what an instance kept, or the options that a layer was made with. */
typedef struct tempo_saved {
  uint32_t size;
  uint32_t version; /* of the layer's type when they were saved */
  uint32_t n_values;
  const tempo_attribute* values;
} tempo_saved;
#define TEMPO_SAVED_SIZE_1_0 24u
typedef struct tempo_saving tempo_saving; /* where such values go; see save_value */

/* A kind of layer or cell. The host keeps a copy of what is registered, and of all it points to. */
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
  uint32_t version;  /* of its options and of what it keeps: a larger one where they change */
  uint32_t reserved; /* 0 */
  void* user;
  /* A new instance, which the other callbacks are given: none of them can be asked for before it
   * is there, or in its destroy. [several] */
  tempo_status (*create)(void* user, tempo_layer* self, const tempo_creation* creation,
                         void** instance);
  tempo_status (*destroy)(void* user, void* instance); /* [alone] */
  /* Adds the weights, before the first call. It is called again after it failed, or where a model's
   * build failed as a whole: what it had added is gone then. [alone] */
  tempo_status (*build)(void* user, void* instance, tempo_layer* self, const tempo_inputs* inputs);
  tempo_status (*call)(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                       tempo_results* results); /* [several] */
  /* Cells: the types of the states. Layers: NULL. [several] */
  tempo_status (*states)(void* user, void* instance, tempo_layer* self, const tempo_inputs* inputs,
                         tempo_result_types* states);
  /* Cells, before the first step of a call: the states to begin with, as `states` has them, and
   * what is the same at all steps of this call and new at the next. `call` has the types of the
   * sequences at one step, with the dtype of the states that are zeros, `training` and the
   * constants. NULL: zeros, and nothing. [several] */
  tempo_status (*initial)(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                          tempo_results* states);
  tempo_status (*once)(void* user, void* instance, tempo_layer* self, const tempo_call* call,
                       tempo_results* results);
  /* Forgets the state kept between calls; NULL when there is none. [alone] */
  tempo_status (*reset)(void* user, void* instance, tempo_layer* self);
  /* The types of what a call gives for such inputs, in order, without a call; of a cell, of its
   * output at one step. NULL: who asks finds out by a call on types alone. [several] */
  tempo_status (*outputs)(void* user, void* instance, tempo_layer* self, const tempo_inputs* inputs,
                          tempo_result_types* outputs);
  /* What an instance keeps besides its weights, such as how often it was called: `save` hands each
   * to save_value, an integer or a tensor by its name; a model file holds them, and `load` puts
   * them back, all of them or, where it fails, none. Both or neither are NULL. [alone] */
  tempo_status (*save)(void* user, void* instance, tempo_layer* self, tempo_saving* to);
  tempo_status (*load)(void* user, void* instance, tempo_layer* self, const tempo_saved* saved);
  /* Options as an earlier `version` had them, out of a file: hands those of this version to
   * save_value. NULL: they are taken as they are. [several] */
  tempo_status (*migrate)(void* user, const tempo_saved* options, tempo_saving* to);
  /* What this type has besides, by a name with its version, "vendor.thing/1"; NULL: it has none of
   * that name. May be NULL itself. [any] */
  const void* (*get_extension)(void* user, const char* id);
} tempo_layer_type;
#define TEMPO_LAYER_TYPE_SIZE_1_0 160u

/* A weight that a layer adds, of a type and an initializer: where its values come from a file, none
 * are made. Or with the `value` that it begins with; then type and initializer are NULL. The host
 * adds the regularizer's penalty to the loss of training, and applies the constraint after each
 * step of an optimizer. */
typedef struct tempo_weight {
  uint32_t size;
  int32_t trainable;
  const char* name;
  const tempo_type* type;
  const char* initializer; /* "glorot_uniform(seed=3)" */
  tempo_tensor* value;
  const char* regularizer; /* "l2(0.01)"; NULL or "" for none */
  const char* constraint;  /* "max_norm(2)"; likewise */
} tempo_weight;
#define TEMPO_WEIGHT_SIZE_1_0 56u

/* What can be seen of a layer. Texts live as long as the handle; a name that add_child changes is
 * then the former or the new one, and so is a weight's path. */
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
#define TEMPO_LAYER_VIEW_SIZE_1_0 48u

/* A function that options, compile and files name with its arguments: "my.swoosh(beta=2)". Its
 * options are integers, numbers, bools and texts. The host keeps a copy. Of each kind:
 *   initializer  inputs: a random key, of the text's `seed`; one result, of type `type`
 *   activation   inputs: x; one result
 *   loss         inputs: y_true and y_pred, of one dtype; one result, a loss for each sample,
 *                [batch], or step, [batch, time]; reduction, masks and weights are the host's
 *   metric       likewise; the metric is the mean over all samples
 *   optimizer    inputs: a weight, its gradient, the learning rate, the number of this update (from
 *                1), and the slots; results: the next weight, and the next slots */
enum {
  TEMPO_INITIALIZER = 0,
  TEMPO_ACTIVATION = 1,
  TEMPO_LOSS = 2,
  TEMPO_METRIC = 3,
  TEMPO_OPTIMIZER = 4
};
enum { TEMPO_HIGHER_IS_BETTER = 1, TEMPO_LOWER_IS_BETTER = 2 }; /* flags of a metric */
typedef struct tempo_function_call {
  uint32_t size;
  uint32_t n_options;
  const tempo_attribute* options; /* all that are described: as given, or the default */
  uint32_t n_inputs;
  uint32_t n_results;
  tempo_tensor* const* inputs;
  const tempo_type* type; /* of an initializer's result; else NULL */
  tempo_tensor** results; /* to be filled, a count each */
} tempo_function_call;
#define TEMPO_FUNCTION_CALL_SIZE_1_0 48u
typedef struct tempo_function_type {
  uint32_t size;
  uint32_t n_options;
  const char* name;
  const char* summary;
  const tempo_option* options;
  const char* slots; /* of an optimizer, "m|v": zeros of the weight's shape at first; else NULL */
  uint32_t flags;
  uint32_t reserved; /* 0 */
  void* user;
  /* Written in ops: a pure function of its inputs, which may be placeholders. [several] */
  tempo_status (*call)(void* user, const tempo_function_call* call);
} tempo_function_type;
#define TEMPO_FUNCTION_TYPE_SIZE_1_0 64u
typedef struct tempo_function tempo_function; /* one with its arguments; lives with the process */

/* What a plugin can call. */
typedef struct tempo_host {
  uint32_t size;
  uint32_t minor; /* the host's TEMPO_ABI_MINOR */

  /* Errors. [any] `fail` keeps category and text and returns the category. */
  tempo_status (*fail)(tempo_status category, const char* text);
  /* The calling thread's last error; `serial` tells it from all others. */
  const char* (*last_error)(uint64_t* serial);

  /* Tensors. [call] `make` copies `data`; NULL gives zeros. */
  tempo_status (*make)(const tempo_type* type, const void* data, tempo_tensor** out);
  tempo_status (*retain)(tempo_tensor* tensor);  /* [any] of NULL: nothing, as of release */
  tempo_status (*release)(tempo_tensor* tensor); /* [any] */
  tempo_status (*view)(const tempo_tensor* tensor, tempo_view* out);
  /* Blocks until the tensor's data is ready; returns the error if computing it failed. */
  tempo_status (*finish)(const tempo_tensor* tensor);
  tempo_status (*with_mask)(tempo_tensor* tensor, tempo_tensor* mask, tempo_tensor** out);
  tempo_status (*parameter)(tempo_tensor* value, const char* path, tempo_tensor** out);
  tempo_status (*assign)(tempo_tensor* weight, tempo_tensor* value);

  /* Ops, scan, gradients. [call] An op is found by "tempo.add", "plugin.op" or, where one alone
   * has it, "op"; a name that Tempo has is Tempo's. `recording` turns the memory of where values
   * came from on or off for the calling thread and tells what it was. */
  tempo_status (*find_op)(const char* name, const tempo_op** out);
  tempo_status (*apply)(const tempo_op* op, tempo_tensor* const* inputs, uint32_t n_inputs,
                        const tempo_attribute* attributes, uint32_t n_attributes,
                        tempo_tensor** results, uint32_t n_results);
  tempo_status (*scan)(const tempo_scan* scan, tempo_tensor** results);
  tempo_status (*gradient)(tempo_tensor* y, tempo_tensor* dy, tempo_tensor* const* inputs,
                           uint32_t n_inputs, tempo_tensor** gradients);
  tempo_status (*custom_gradient)(const tempo_custom_gradient* custom, tempo_tensor** out);
  tempo_status (*recording)(int32_t on, int32_t* before); /* `before` may be NULL */
  tempo_status (*initialize)(const char* initializer, const tempo_type* type, tempo_tensor** out);
  tempo_status (*random_key)(int64_t seed, tempo_tensor** out); /* seed < 0: the global one */

  /* Layers and cells. [call] By "tempo.Dense", "plugin.Name" or "Name", as ops. */
  tempo_status (*make_layer)(uint32_t kind, const char* name, const tempo_attribute* options,
                             uint32_t n_options, tempo_layer** out);
  tempo_status (*make_layer_of)(const tempo_layer_type* type, const tempo_attribute* options,
                                uint32_t n_options, tempo_layer** out);
  tempo_status (*retain_layer)(tempo_layer* layer); /* [any] of NULL: nothing */
  tempo_status (*release_layer)(tempo_layer* layer);
  tempo_status (*view_layer)(const tempo_layer* layer, tempo_layer_view* out);
  tempo_status (*build_layer)(tempo_layer* layer, const tempo_inputs* inputs);
  tempo_status (*call_layer)(tempo_layer* layer, const tempo_call* call, tempo_results* results);
  /* As the callbacks of the cell; a cell that has no `initial` begins with zeros. */
  tempo_status (*layer_states)(tempo_layer* cell, const tempo_inputs* inputs,
                               tempo_result_types* states);
  tempo_status (*layer_initial)(tempo_layer* cell, const tempo_call* call, tempo_results* states);
  tempo_status (*layer_once)(tempo_layer* cell, const tempo_call* call, tempo_results* results);
  tempo_status (*reset_layer)(tempo_layer* layer);
  /* Its own weights, then its children's, in the order of creation. Borrowed; NULL past the end. */
  tempo_status (*layer_weight)(const tempo_layer* layer, uint32_t index, tempo_tensor** out);
  tempo_status (*layer_child)(const tempo_layer* layer, uint32_t index, tempo_layer** out);
  /* For a layer's callbacks: its own weights, in its build, and its children, in its create or its
   * build. [build] */
  tempo_status (*add_weight)(tempo_layer* self, const tempo_weight* weight, tempo_tensor** out);
  tempo_status (*add_child)(tempo_layer* self, const char* name, tempo_layer* child);

  /* Registration. [init] */
  tempo_status (*register_layer)(tempo_registry* registry, const tempo_layer_type* type);
  tempo_status (*register_op)(tempo_registry* registry, const tempo_op_type* type);

  /* Training. [call] */
  /* The penalty of a regularizer, one number, and what a constraint makes of a weight. */
  tempo_status (*penalize)(const char* regularizer, tempo_tensor* weight, tempo_tensor** out);
  tempo_status (*constrain)(const char* constraint, tempo_tensor* weight, tempo_tensor** out);
  /* Adds one number to the loss of the model that is trained or evaluated on this thread; does
   * nothing where none is. */
  tempo_status (*add_loss)(tempo_tensor* loss);
  /* Freezes a layer's weights and its children's, or lets optimizers change them again. */
  tempo_status (*set_trainable)(tempo_layer* layer, int32_t trainable);

  /* The types of what the layer gives for such inputs, for which it is built: by its `outputs`, or
   * by a call on types alone. [call] */
  tempo_status (*layer_outputs)(tempo_layer* layer, const tempo_inputs* inputs,
                                tempo_result_types* outputs);
  /* One value of what is being saved, or of what was migrated. [save] */
  tempo_status (*save_value)(tempo_saving* to, const tempo_attribute* value);

  /* What this host has besides, "vendor.thing/1"; NULL: it has none of that name. [any] */
  const void* (*get_extension)(const char* id);
  /* What the layer's type has; NULL in `out` where it has none of that name. [any] */
  tempo_status (*layer_extension)(const tempo_layer* layer, const char* id, const void** out);

  /* Of the kinds from TEMPO_INITIALIZER on, a tempo_function_type. [init] */
  tempo_status (*register_type)(tempo_registry* registry, uint32_t kind, const void* type);
  /* An activation, a plugin's or one of Tempo's own, with its arguments; and its value. [call] */
  tempo_status (*find_function)(uint32_t kind, const char* text, const tempo_function** out);
  tempo_status (*call_function)(const tempo_function* function, tempo_tensor* const* inputs,
                                uint32_t n_inputs, tempo_tensor** results, uint32_t n_results);
} tempo_host;
#define TEMPO_HOST_SIZE_1_0 376u

/* What a plugin is. `size` and `minor` lie first in every minor version. */
typedef struct tempo_plugin {
  uint32_t size;
  uint32_t minor;      /* TEMPO_ABI_MINOR */
  const char* name;    /* letters, digits, '_', '-' and '.', 64 at most: "my_unit", "org.my.unit" */
  const char* version; /* "1.2.0": files have it, and an older plugin refuses what a newer saved */
  void* user;
  /* Called once. Keeps the host pointer and registers. [init] */
  tempo_status (*init)(void* user, const tempo_host* host, tempo_registry* registry);
  /* The functions of the host that it calls and that came after 1.0, joined by '|', as in
   * TEMPO_ABI_NEEDS; NULL or "" for none. A host that lacks one does not load the plugin. */
  const char* needs;
  /* As a layer's type has it. */
  const void* (*get_extension)(void* user, const char* id);
} tempo_plugin;
#define TEMPO_PLUGIN_SIZE_1_0 56u

/* Defined by the plugin, and exported. */
const tempo_plugin* tempo_plugin_v1(void);
/* Defined by libtempo; weak where the SDK's headers refer to it. */
const tempo_host* tempo_host_v1(void);

#ifdef __cplusplus
}
#endif

#endif /* TEMPO_PLUGIN_H */
