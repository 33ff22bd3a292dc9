// SPDX-License-Identifier: Apache-2.0
// The C ABI of version 1.0 stays: sizes, places and numbers of all that plugin.h had then. Later
// fields are added at the end of their struct, with a higher TEMPO_ABI_MINOR.
#define BOOST_TEST_MODULE abi
#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>

#include <tempo/plugin.h>

static_assert(sizeof(void*) == 8, "the numbers below are those of 64-bit processors");

namespace {

struct Struct {
  const char* name;
  std::size_t size, pinned;
};
#define STRUCT(type, pinned) \
  { #type, sizeof(type), pinned }
const Struct structs[] = {
    STRUCT(tempo_attribute, 72),
    STRUCT(tempo_type, 80),
    STRUCT(tempo_result_types, 24),
    STRUCT(tempo_results, 24),
    STRUCT(tempo_view, 112),
    STRUCT(tempo_step, 40),
    STRUCT(tempo_scan, 80),
    STRUCT(tempo_rule, 24),
    STRUCT(tempo_custom_gradient, 40),
    STRUCT(tempo_op_call, 56),
    STRUCT(tempo_op_gradient, 64),
    STRUCT(tempo_op_type, 64),
    STRUCT(tempo_inputs, 16),
    STRUCT(tempo_call, 72),
    STRUCT(tempo_option, 56),
    STRUCT(tempo_creation, 16),
    STRUCT(tempo_saved, 24),
    STRUCT(tempo_layer_type, 160),
    STRUCT(tempo_weight, 56),
    STRUCT(tempo_layer_view, 48),
    STRUCT(tempo_function_call, 48),
    STRUCT(tempo_function_type, 64),
    STRUCT(tempo_host, 376),
    STRUCT(tempo_plugin, 56),
};

struct Field {
  const char *owner, *name;
  std::size_t offset, size, pinned_offset, pinned_size;
};
#define FIELD(type, field, offset, size) \
  { #type, #field, offsetof(type, field), sizeof(type::field), offset, size }
const Field fields[] = {
    FIELD(tempo_attribute, size, 0, 4),
    FIELD(tempo_attribute, kind, 4, 4),
    FIELD(tempo_attribute, name, 8, 8),
    FIELD(tempo_attribute, integer, 16, 8),
    FIELD(tempo_attribute, real, 24, 8),
    FIELD(tempo_attribute, text, 32, 8),
    FIELD(tempo_attribute, list, 40, 8),
    FIELD(tempo_attribute, count, 48, 8),
    FIELD(tempo_attribute, layer, 56, 8),
    FIELD(tempo_attribute, tensor, 64, 8),
    FIELD(tempo_type, size, 0, 4),
    FIELD(tempo_type, dtype, 4, 4),
    FIELD(tempo_type, rank, 8, 4),
    FIELD(tempo_type, device, 12, 4),
    FIELD(tempo_type, shape, 16, 64),
    FIELD(tempo_result_types, size, 0, 4),
    FIELD(tempo_result_types, capacity, 4, 4),
    FIELD(tempo_result_types, count, 8, 4),
    FIELD(tempo_result_types, types, 16, 8),
    FIELD(tempo_results, size, 0, 4),
    FIELD(tempo_results, capacity, 4, 4),
    FIELD(tempo_results, count, 8, 4),
    FIELD(tempo_results, tensors, 16, 8),
    FIELD(tempo_view, size, 0, 4),
    FIELD(tempo_view, flags, 4, 4),
    FIELD(tempo_view, type, 8, 80),
    FIELD(tempo_view, data, 88, 8),
    FIELD(tempo_view, path, 96, 8),
    FIELD(tempo_view, mask, 104, 8),
    FIELD(tempo_step, size, 0, 4),
    FIELD(tempo_step, n_sequences, 4, 4),
    FIELD(tempo_step, n_states, 8, 4),
    FIELD(tempo_step, n_outputs, 12, 4),
    FIELD(tempo_step, sequences, 16, 8),
    FIELD(tempo_step, states, 24, 8),
    FIELD(tempo_step, results, 32, 8),
    FIELD(tempo_scan, size, 0, 4),
    FIELD(tempo_scan, n_sequences, 4, 4),
    FIELD(tempo_scan, n_states, 8, 4),
    FIELD(tempo_scan, n_constants, 12, 4),
    FIELD(tempo_scan, sequences, 16, 8),
    FIELD(tempo_scan, states, 24, 8),
    FIELD(tempo_scan, constants, 32, 8),
    FIELD(tempo_scan, step, 40, 8),
    FIELD(tempo_scan, user, 48, 8),
    FIELD(tempo_scan, step_id, 56, 4),
    FIELD(tempo_scan, n_outputs, 60, 4),
    FIELD(tempo_scan, reverse, 64, 4),
    FIELD(tempo_scan, last_only, 68, 4),
    FIELD(tempo_scan, plain, 72, 4),
    FIELD(tempo_scan, recompute, 76, 4),
    FIELD(tempo_rule, size, 0, 4),
    FIELD(tempo_rule, n_inputs, 4, 4),
    FIELD(tempo_rule, dy, 8, 8),
    FIELD(tempo_rule, gradients, 16, 8),
    FIELD(tempo_custom_gradient, size, 0, 4),
    FIELD(tempo_custom_gradient, n_inputs, 4, 4),
    FIELD(tempo_custom_gradient, value, 8, 8),
    FIELD(tempo_custom_gradient, inputs, 16, 8),
    FIELD(tempo_custom_gradient, rule, 24, 8),
    FIELD(tempo_custom_gradient, user, 32, 8),
    FIELD(tempo_op_call, size, 0, 4),
    FIELD(tempo_op_call, n_inputs, 4, 4),
    FIELD(tempo_op_call, n_results, 8, 4),
    FIELD(tempo_op_call, n_attributes, 12, 4),
    FIELD(tempo_op_call, attributes, 16, 8),
    FIELD(tempo_op_call, input_types, 24, 8),
    FIELD(tempo_op_call, result_types, 32, 8),
    FIELD(tempo_op_call, inputs, 40, 8),
    FIELD(tempo_op_call, results, 48, 8),
    FIELD(tempo_op_gradient, size, 0, 4),
    FIELD(tempo_op_gradient, n_inputs, 4, 4),
    FIELD(tempo_op_gradient, n_results, 8, 4),
    FIELD(tempo_op_gradient, n_attributes, 12, 4),
    FIELD(tempo_op_gradient, attributes, 16, 8),
    FIELD(tempo_op_gradient, inputs, 24, 8),
    FIELD(tempo_op_gradient, results, 32, 8),
    FIELD(tempo_op_gradient, dy, 40, 8),
    FIELD(tempo_op_gradient, wanted, 48, 8),
    FIELD(tempo_op_gradient, gradients, 56, 8),
    FIELD(tempo_op_type, size, 0, 4),
    FIELD(tempo_op_type, n_inputs, 4, 4),
    FIELD(tempo_op_type, n_results, 8, 4),
    FIELD(tempo_op_type, flags, 12, 4),
    FIELD(tempo_op_type, name, 16, 8),
    FIELD(tempo_op_type, summary, 24, 8),
    FIELD(tempo_op_type, user, 32, 8),
    FIELD(tempo_op_type, infer, 40, 8),
    FIELD(tempo_op_type, kernel, 48, 8),
    FIELD(tempo_op_type, vjp, 56, 8),
    FIELD(tempo_inputs, size, 0, 4),
    FIELD(tempo_inputs, count, 4, 4),
    FIELD(tempo_inputs, types, 8, 8),
    FIELD(tempo_call, size, 0, 4),
    FIELD(tempo_call, training, 4, 4),
    FIELD(tempo_call, n_inputs, 8, 4),
    FIELD(tempo_call, n_states, 12, 4),
    FIELD(tempo_call, n_constants, 16, 4),
    FIELD(tempo_call, n_once, 20, 4),
    FIELD(tempo_call, types, 24, 8),
    FIELD(tempo_call, inputs, 32, 8),
    FIELD(tempo_call, states, 40, 8),
    FIELD(tempo_call, constants, 48, 8),
    FIELD(tempo_call, once, 56, 8),
    FIELD(tempo_call, mask, 64, 8),
    FIELD(tempo_option, size, 0, 4),
    FIELD(tempo_option, kind, 4, 4),
    FIELD(tempo_option, name, 8, 8),
    FIELD(tempo_option, sentence, 16, 8),
    FIELD(tempo_option, standard, 24, 8),
    FIELD(tempo_option, at_least, 32, 8),
    FIELD(tempo_option, at_most, 40, 8),
    FIELD(tempo_option, choices, 48, 8),
    FIELD(tempo_creation, size, 0, 4),
    FIELD(tempo_creation, n_options, 4, 4),
    FIELD(tempo_creation, options, 8, 8),
    FIELD(tempo_saved, size, 0, 4),
    FIELD(tempo_saved, version, 4, 4),
    FIELD(tempo_saved, n_values, 8, 4),
    FIELD(tempo_saved, values, 16, 8),
    FIELD(tempo_layer_type, size, 0, 4),
    FIELD(tempo_layer_type, kind, 4, 4),
    FIELD(tempo_layer_type, name, 8, 8),
    FIELD(tempo_layer_type, summary, 16, 8),
    FIELD(tempo_layer_type, options, 24, 8),
    FIELD(tempo_layer_type, n_options, 32, 4),
    FIELD(tempo_layer_type, flags, 36, 4),
    FIELD(tempo_layer_type, version, 40, 4),
    FIELD(tempo_layer_type, reserved, 44, 4),
    FIELD(tempo_layer_type, user, 48, 8),
    FIELD(tempo_layer_type, create, 56, 8),
    FIELD(tempo_layer_type, destroy, 64, 8),
    FIELD(tempo_layer_type, build, 72, 8),
    FIELD(tempo_layer_type, call, 80, 8),
    FIELD(tempo_layer_type, states, 88, 8),
    FIELD(tempo_layer_type, initial, 96, 8),
    FIELD(tempo_layer_type, once, 104, 8),
    FIELD(tempo_layer_type, reset, 112, 8),
    FIELD(tempo_layer_type, outputs, 120, 8),
    FIELD(tempo_layer_type, save, 128, 8),
    FIELD(tempo_layer_type, load, 136, 8),
    FIELD(tempo_layer_type, migrate, 144, 8),
    FIELD(tempo_layer_type, get_extension, 152, 8),
    FIELD(tempo_weight, size, 0, 4),
    FIELD(tempo_weight, trainable, 4, 4),
    FIELD(tempo_weight, name, 8, 8),
    FIELD(tempo_weight, type, 16, 8),
    FIELD(tempo_weight, initializer, 24, 8),
    FIELD(tempo_weight, value, 32, 8),
    FIELD(tempo_weight, regularizer, 40, 8),
    FIELD(tempo_weight, constraint, 48, 8),
    FIELD(tempo_layer_view, size, 0, 4),
    FIELD(tempo_layer_view, flags, 4, 4),
    FIELD(tempo_layer_view, id, 8, 8),
    FIELD(tempo_layer_view, name, 16, 8),
    FIELD(tempo_layer_view, type, 24, 8),
    FIELD(tempo_layer_view, options, 32, 8),
    FIELD(tempo_layer_view, n_options, 40, 4),
    FIELD(tempo_layer_view, dtype, 44, 4),
    FIELD(tempo_function_call, size, 0, 4),
    FIELD(tempo_function_call, n_options, 4, 4),
    FIELD(tempo_function_call, options, 8, 8),
    FIELD(tempo_function_call, n_inputs, 16, 4),
    FIELD(tempo_function_call, n_results, 20, 4),
    FIELD(tempo_function_call, inputs, 24, 8),
    FIELD(tempo_function_call, type, 32, 8),
    FIELD(tempo_function_call, results, 40, 8),
    FIELD(tempo_function_type, size, 0, 4),
    FIELD(tempo_function_type, n_options, 4, 4),
    FIELD(tempo_function_type, name, 8, 8),
    FIELD(tempo_function_type, summary, 16, 8),
    FIELD(tempo_function_type, options, 24, 8),
    FIELD(tempo_function_type, slots, 32, 8),
    FIELD(tempo_function_type, flags, 40, 4),
    FIELD(tempo_function_type, reserved, 44, 4),
    FIELD(tempo_function_type, user, 48, 8),
    FIELD(tempo_function_type, call, 56, 8),
    FIELD(tempo_host, size, 0, 4),
    FIELD(tempo_host, minor, 4, 4),
    FIELD(tempo_host, fail, 8, 8),
    FIELD(tempo_host, last_error, 16, 8),
    FIELD(tempo_host, make, 24, 8),
    FIELD(tempo_host, retain, 32, 8),
    FIELD(tempo_host, release, 40, 8),
    FIELD(tempo_host, view, 48, 8),
    FIELD(tempo_host, finish, 56, 8),
    FIELD(tempo_host, with_mask, 64, 8),
    FIELD(tempo_host, parameter, 72, 8),
    FIELD(tempo_host, assign, 80, 8),
    FIELD(tempo_host, find_op, 88, 8),
    FIELD(tempo_host, apply, 96, 8),
    FIELD(tempo_host, scan, 104, 8),
    FIELD(tempo_host, gradient, 112, 8),
    FIELD(tempo_host, custom_gradient, 120, 8),
    FIELD(tempo_host, recording, 128, 8),
    FIELD(tempo_host, initialize, 136, 8),
    FIELD(tempo_host, random_key, 144, 8),
    FIELD(tempo_host, make_layer, 152, 8),
    FIELD(tempo_host, make_layer_of, 160, 8),
    FIELD(tempo_host, retain_layer, 168, 8),
    FIELD(tempo_host, release_layer, 176, 8),
    FIELD(tempo_host, view_layer, 184, 8),
    FIELD(tempo_host, build_layer, 192, 8),
    FIELD(tempo_host, call_layer, 200, 8),
    FIELD(tempo_host, layer_states, 208, 8),
    FIELD(tempo_host, layer_initial, 216, 8),
    FIELD(tempo_host, layer_once, 224, 8),
    FIELD(tempo_host, reset_layer, 232, 8),
    FIELD(tempo_host, layer_weight, 240, 8),
    FIELD(tempo_host, layer_child, 248, 8),
    FIELD(tempo_host, add_weight, 256, 8),
    FIELD(tempo_host, add_child, 264, 8),
    FIELD(tempo_host, register_layer, 272, 8),
    FIELD(tempo_host, register_op, 280, 8),
    FIELD(tempo_host, penalize, 288, 8),
    FIELD(tempo_host, constrain, 296, 8),
    FIELD(tempo_host, add_loss, 304, 8),
    FIELD(tempo_host, set_trainable, 312, 8),
    FIELD(tempo_host, layer_outputs, 320, 8),
    FIELD(tempo_host, save_value, 328, 8),
    FIELD(tempo_host, get_extension, 336, 8),
    FIELD(tempo_host, layer_extension, 344, 8),
    FIELD(tempo_host, register_type, 352, 8),
    FIELD(tempo_host, find_function, 360, 8),
    FIELD(tempo_host, call_function, 368, 8),
    FIELD(tempo_plugin, size, 0, 4),
    FIELD(tempo_plugin, minor, 4, 4),
    FIELD(tempo_plugin, name, 8, 8),
    FIELD(tempo_plugin, version, 16, 8),
    FIELD(tempo_plugin, user, 24, 8),
    FIELD(tempo_plugin, init, 32, 8),
    FIELD(tempo_plugin, needs, 40, 8),
    FIELD(tempo_plugin, get_extension, 48, 8),
};

struct Number {
  const char* name;
  long value, pinned;
};
#define NUMBER(name, pinned) \
  { #name, static_cast < long>(name), pinned }
const Number numbers[] = {
    NUMBER(TEMPO_ABI_MAJOR, 1),
    NUMBER(TEMPO_ABI_MINOR, 0),
    NUMBER(TEMPO_MAX_RANK, 8),
    NUMBER(TEMPO_MAX_OUTPUTS, 64),
    NUMBER(TEMPO_MAX_INPUTS, 64),
    NUMBER(TEMPO_OK, 0),
    NUMBER(TEMPO_ERROR, 1),
    NUMBER(TEMPO_SHAPE_ERROR, 2),
    NUMBER(TEMPO_PLUGIN_ERROR, 3),
    NUMBER(TEMPO_FORMAT_ERROR, 4),
    NUMBER(TEMPO_OUT_OF_MEMORY, 5),
    NUMBER(TEMPO_CANCELLED, 6),
    NUMBER(TEMPO_UNSUPPORTED, 7),
    NUMBER(TEMPO_AUTOMATIC, -1),
    NUMBER(TEMPO_FLOAT32, 0),
    NUMBER(TEMPO_FLOAT64, 1),
    NUMBER(TEMPO_INT32, 2),
    NUMBER(TEMPO_INT64, 3),
    NUMBER(TEMPO_BOOL, 4),
    NUMBER(TEMPO_FLOAT16, 5),
    NUMBER(TEMPO_BFLOAT16, 6),
    NUMBER(TEMPO_INT64_VALUE, 0),
    NUMBER(TEMPO_DOUBLE_VALUE, 1),
    NUMBER(TEMPO_TEXT_VALUE, 2),
    NUMBER(TEMPO_LIST_VALUE, 3),
    NUMBER(TEMPO_LAYER_VALUE, 4),
    NUMBER(TEMPO_TENSOR_VALUE, 5),
    NUMBER(TEMPO_TRACKED, 1),
    NUMBER(TEMPO_TRACED, 2),
    NUMBER(TEMPO_FROZEN, 4),
    NUMBER(TEMPO_PENDING, 8),
    NUMBER(TEMPO_OPTION_INT, 0),
    NUMBER(TEMPO_OPTION_REAL, 1),
    NUMBER(TEMPO_OPTION_BOOL, 2),
    NUMBER(TEMPO_OPTION_TEXT, 3),
    NUMBER(TEMPO_OPTION_INITIALIZER, 4),
    NUMBER(TEMPO_OPTION_ACTIVATION, 5),
    NUMBER(TEMPO_OPTION_DTYPE, 6),
    NUMBER(TEMPO_OPTION_LAYER, 7),
    NUMBER(TEMPO_OPTION_SHAPE, 8),
    NUMBER(TEMPO_OPTION_REGULARIZER, 9),
    NUMBER(TEMPO_OPTION_CONSTRAINT, 10),
    NUMBER(TEMPO_LAYER, 0),
    NUMBER(TEMPO_CELL, 1),
    NUMBER(TEMPO_TAKES_CONSTANTS, 1),
    NUMBER(TEMPO_BUILT, 1),
    NUMBER(TEMPO_TRAINABLE, 2),
    NUMBER(TEMPO_INITIALIZER, 0),
    NUMBER(TEMPO_ACTIVATION, 1),
    NUMBER(TEMPO_LOSS, 2),
    NUMBER(TEMPO_METRIC, 3),
    NUMBER(TEMPO_OPTIMIZER, 4),
    NUMBER(TEMPO_HIGHER_IS_BETTER, 1),
    NUMBER(TEMPO_LOWER_IS_BETTER, 2),
};

// The declarations of each minor version of 1.x, by declarations(). Rows are added, never changed.
struct Edition {
  uint32_t minor;
  uint64_t declarations;
};
const Edition editions[] = {
    {0, 0x5e18846410e88ff2},
};

// plugin.h and its includes, without comments.
std::string header() {
  std::ostringstream text;
  for (const char* file : {"plugin_tensors.h", "plugin.h"})
    text << std::ifstream(TEMPO_SOURCE_DIR "/framework/include/tempo/" + std::string(file)).rdbuf();
  return std::regex_replace(text.str(), std::regex(R"(/\*[^]*?\*/)"), "");
}

// A hash of the declarations in plugin.h, without the minor version (FNV-1a).
uint64_t declarations() {
  const std::string text =
      std::regex_replace(header(), std::regex("#define TEMPO_ABI_MINOR \\w+|//[^\n]*"), "");
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::isspace(byte)) hash = (hash ^ byte) * 0x100000001b3u;
  }
  return hash;
}

std::string body_of(const std::string& text, const std::string& name) {
  const std::string start = "typedef struct " + name + " {";
  const std::size_t at = text.find(start);
  BOOST_REQUIRE_MESSAGE(at != text.npos, name << " is not in plugin.h");
  return text.substr(at + start.size(), text.find("\n} " + name + ";") - at - start.size());
}

}  // namespace

BOOST_AUTO_TEST_CASE(structs_keep_their_sizes) {
  for (const Struct& s : structs)
    BOOST_TEST(s.size == s.pinned, s.name << " has " << s.size << " bytes, not " << s.pinned);
}

BOOST_AUTO_TEST_CASE(fields_stay_where_they_are) {
  for (const Field& f : fields) {
    BOOST_TEST(f.offset == f.pinned_offset,
               f.owner << "." << f.name << " is at " << f.offset << ", not " << f.pinned_offset);
    BOOST_TEST(f.size == f.pinned_size,
               f.owner << "." << f.name << " has " << f.size << " bytes, not " << f.pinned_size);
  }
}

BOOST_AUTO_TEST_CASE(numbers_keep_their_values) {
  for (const Number& n : numbers)
    BOOST_TEST(n.value == n.pinned, n.name << " is " << n.value << ", not " << n.pinned);
}

BOOST_AUTO_TEST_CASE(every_struct_begins_with_its_size) {
  for (const Struct& s : structs) {
    const Field* first = nullptr;
    for (const Field& f : fields)
      if (!first && std::string(f.owner) == s.name) first = &f;
    BOOST_REQUIRE(first);
    BOOST_CHECK_EQUAL(std::string(s.name) + "." + first->name, std::string(s.name) + ".size");
    BOOST_TEST(first->offset == 0u);
    BOOST_TEST(first->size == 4u);
  }
}

// Only what the tables above contain is pinned, so they must be complete.
BOOST_AUTO_TEST_CASE(all_that_plugin_h_has_is_in_these_tables) {
  const std::string text = header();
  std::size_t n_structs = 0, n_numbers = 0;
  const std::regex definition(R"(typedef struct (\w+) \{)"), enumerator(R"(\bTEMPO_\w+ = -?\d+)");
  for (std::sregex_iterator i(text.begin(), text.end(), definition), end; i != end; ++i)
    ++n_structs;
  for (std::sregex_iterator i(text.begin(), text.end(), enumerator), end; i != end; ++i)
    ++n_numbers;
  BOOST_TEST(n_structs == std::size(structs));
  BOOST_TEST(n_numbers + 5 == std::size(numbers));  // and five macros
  for (const Struct& s : structs) {
    const std::string body = body_of(text, s.name);
    const auto in_text = std::count(body.begin(), body.end(), ';');
    const auto in_table = std::count_if(std::begin(fields), std::end(fields), [&](const Field& f) {
      return std::string(f.owner) == s.name;
    });
    BOOST_TEST(in_text == in_table,
               s.name << " has " << in_text << " fields, " << in_table << " are pinned");
  }
}

BOOST_AUTO_TEST_CASE(another_plugin_h_is_another_minor_version) {
  const Edition& now = *std::rbegin(editions);
  BOOST_TEST(TEMPO_ABI_MINOR == now.minor);
  std::ostringstream row;
  row << "{" << now.minor + 1 << ", 0x" << std::hex << declarations() << "}";
  BOOST_TEST(declarations() == now.declarations,
             "plugin.h is no longer that of minor version "
                 << now.minor << ": raise TEMPO_ABI_MINOR and add to `editions` " << row.str());
  for (std::size_t i = 1; i < std::size(editions); ++i)
    BOOST_TEST(editions[i].minor == editions[i - 1].minor + 1);
}

BOOST_AUTO_TEST_CASE(the_entry_is_named_after_the_major_version) {
  const std::string major = std::to_string(TEMPO_ABI_MAJOR);
  for (const std::string& name : {"tempo_plugin_v" + major, "tempo_host_v" + major})
    BOOST_TEST(header().find("* " + name + "(void);") != std::string::npos, name);
}

BOOST_AUTO_TEST_CASE(plugin_h_is_c11_and_needs_no_header_of_another_language) {
  for (const char* compiler : {"gcc -x c -std=c11", "g++ -x c++ -std=c++20"}) {
    const std::string command = std::string(compiler) +
                                " -Wall -Wextra -Wpedantic -Wconversion -Werror -fsyntax-only "
                                "-Wno-pragma-once-outside-header -I " TEMPO_SOURCE_DIR
                                "/framework/include " TEMPO_SOURCE_DIR
                                "/framework/include/tempo/plugin.h";
    BOOST_TEST(std::system(command.c_str()) == 0, command);
  }
}
