// SPDX-License-Identifier: Apache-2.0
// The rules of the house (docs/architecture.md, section 1): who may include whom, and who is the
// only user of what. The checker is a function of a path and a text, so that each rule is also seen
// to fail.
#define BOOST_TEST_MODULE layering
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace fs = std::filesystem;
using std::string;
using Texts = std::vector<string>;

// From the ground up: a folder may include itself and the folders on the floors below.
const std::vector<Texts> floors = {
    {"tensor"},   {"graph"}, {"ops", "program"}, {"autograd"}, {"scan"}, {"plugin"},
    {"training"}, {"io"},    {"text", "check"},  {"command"},
};

// The rooms of a folder, from the ground up, by the same rule; "" is the folder itself.
const std::map<string, std::vector<Texts>> rooms = {
    {"training",
     {{""},
      {"losses"},
      {"metrics", "optimizers", "data"},
      {"models"},
      {"batches", "callbacks", "inference"},
      {"fit"}}},
    {"io", {{""}, {"tables", "tensors", "pictures"}, {"models"}}},
};

// Public headers that need a part of libtempo. The others are header-only over plugin.h and lie
// under everything. The umbrellas lie above everything.
const std::map<string, string> header_homes = {
    {"gradcheck.hpp", "autograd"},
    {"callback.hpp", "training"},
    {"callbacks.hpp", "training"},
    {"batch_range.hpp", "training"},
    {"by_length.hpp", "training"},
    {"data.hpp", "training"},
    {"least_squares.hpp", "training"},
    {"scaler.hpp", "training"},
    {"loss.hpp", "training"},
    {"metric.hpp", "training"},
    {"metrics.hpp", "training"},
    {"ctc.hpp", "training"},
    {"model.hpp", "training"},
    {"model_options.hpp", "training"},
    {"regularization.hpp", "training"},
    {"optimizer.hpp", "training"},
    {"quantised.hpp", "training"},
    {"schedule.hpp", "training"},
    {"entities.hpp", "training"},
    {"generate.hpp", "training"},
    {"scores.hpp", "training"},
    {"sequences.hpp", "training"},
    {"stream.hpp", "training"},
    {"io.hpp", "io"},
    {"plot.hpp", "io"},
    {"table.hpp", "io"},
    {"xtensor.hpp", "io"},
    {"text.hpp", "text"},
    {"layers.hpp", "umbrella"},
    {"tempo.hpp", "umbrella"},
    {"zoo.hpp", "umbrella"},
};

bool contains(const Texts& all, std::string_view one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

bool starts(std::string_view text, std::string_view with) { return text.starts_with(with); }

bool under(std::string_view path, const Texts& places) {
  return std::any_of(places.begin(), places.end(),
                     [&](auto& place) { return starts(path, place); });
}

std::size_t level(std::string_view folder, const std::vector<Texts>& of = floors) {
  const auto found = std::find_if(of.begin(), of.end(),
                                  [&](const Texts& floor) { return contains(floor, folder); });
  return static_cast<std::size_t>(found - of.begin());  // an umbrella lies above them all
}
bool is_folder(std::string_view name) { return level(name) < floors.size(); }

// "models" of "training/models/model.cpp", "" of "training/settings.cpp".
string room(std::string_view path) {
  const std::size_t from = path.find('/') + 1, to = path.rfind('/') + 1;
  return from < to ? string(path.substr(from, to - from - 1)) : "";
}

// 0 for headers that lie under everything, else one more than the level of the folder they need.
std::size_t header_level(const string& name) {
  if (starts(name, "layers/")) return floors.size() + 1;
  auto found = header_homes.find(name);
  return found == header_homes.end() ? 0 : level(found->second) + 1;
}

string without_comments(const string& text) {
  static const std::regex comment_or_string(
      R"re(//[^\n]*|/\*[^]*?\*/|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))re");
  return std::regex_replace(text, comment_or_string, "$1");
}

// Removes strings of several words: "Add it" is no layer's name, "Add" is one.
string without_sentences(const string& code) {
  static const std::regex any_string(R"re("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')re");
  string left;
  std::ptrdiff_t from = 0;
  for (std::sregex_iterator i(code.begin(), code.end(), any_string), end; i != end; ++i) {
    if (i->str().find(' ') == string::npos) continue;
    left.append(code, static_cast<std::size_t>(from),
                static_cast<std::size_t>(i->position() - from));
    left += "\"\"";
    from = i->position() + i->length();
  }
  return left.append(code, static_cast<std::size_t>(from), string::npos);
}

struct Include {
  string name;
  bool quoted;
};

std::vector<Include> includes(const string& text) {
  static const std::regex line(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+))re");
  std::vector<Include> found;
  for (std::sregex_iterator i(text.begin(), text.end(), line), end; i != end; ++i)
    found.push_back({(*i)[2], (*i)[1] == "\""});
  return found;
}

bool is_standard(const Include& i) {
  return !i.quoted && i.name.find_first_of("./") == string::npos;
}

bool names(const string& text, const string& word) {
  return std::regex_search(text, std::regex("\\b" + word + "\\b"));
}

// A header or word that only some places may use, and these places.
struct Owned {
  string what;
  std::regex header;
  std::regex word;
  Texts places;
};

const Owned owned[] = {
    {"BLAS",
     std::regex("^(cblas|lapack|openblas|f77blas|xflens/|xtensor-blas/).*"),
     std::regex("\\b(cblas_|openblas_)\\w+"),
     {"framework/tensor/"}},
    {"xtensor",
     std::regex("^(xtensor|xtl)/.*"),
     std::regex("\\bxt::"),
     {"framework/tensor/", "framework/io/", "framework/include/tempo/xtensor.hpp"}},
    {"Xbyak", std::regex("^xbyak/.*"), std::regex("\\bXbyak::"), {"framework/tensor/compiled/"}},
    {"TBB", std::regex("^(tbb|oneapi)/.*"), std::regex("\\btbb::"), {"framework/tensor/parallel."}},
    {"dlopen",
     std::regex("^(dlfcn\\.h|boost/dll.*)"),
     std::regex("\\bdl(open|sym|addr)\\b"),
     {"framework/plugin/"}},
    {"getenv",
     std::regex("(?!)"),
     std::regex("\\b(secure_)?getenv\\b"),
     {"framework/tensor/environment.hpp"}},
};

// Headers that a plugin's packaging may include.
bool is_for_packaging(const Include& i) {
  return !i.quoted && (i.name == "tempo/plugin.hpp" || i.name == "tempo/version.hpp" ||
                       starts(i.name, "tempo/layers/"));
}

string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// The layers that the plugins register: tempo::layer<...>("NAME", ...). Except RNN, with which the
// framework makes a layer of any cell, and Activation, which is also a kind of option.
Texts layer_names() {
  static const std::regex registered(R"re(tempo::layer<[^;]*?>\(\s*"(\w+)")re");
  Texts found;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(TEMPO_SOURCE_DIR) / "plugins")) {
    if (!entry.is_regular_file()) continue;
    const string text = read(entry.path());
    for (std::sregex_iterator i(text.begin(), text.end(), registered), end; i != end; ++i)
      if ((*i)[1] != "RNN" && (*i)[1] != "Activation") found.push_back((*i)[1]);
  }
  return found;
}

// One sentence for each breach of a rule by this file; the path is relative to the root.
Texts breaches(const string& path, const string& text) {
  Texts found;
  auto report = [&](const string& what) { found.push_back(path + " " + what); };
  const string code = without_comments(text);
  const auto all = includes(code);
  const bool is_public = starts(path, "framework/include/tempo/");
  const bool is_internal = starts(path, "framework/") && !starts(path, "framework/include/");

  if (under(path, {"framework/", "layers/", "plugins/"})) {
    for (const Owned& o : owned) {
      if (under(path, o.places)) continue;
      bool used = std::regex_search(code, o.word);
      for (const Include& i : all) used = used || std::regex_match(i.name, o.header);
      if (used) report("uses " + o.what + ", which is " + o.places.front() + "'s");
    }
  }
  for (const Include& i : all)
    if (i.name.find("..") != string::npos) report("includes " + i.name + " by a relative path");

  if (is_internal) {
    const string rest = path.substr(string("framework/").size());
    const string folder = rest.substr(0, rest.find('/'));
    if (!is_folder(folder) && folder != "cmake")
      report("lies in a folder without a place in the order");
    const auto floors_within = rooms.find(folder);
    const bool has_rooms = floors_within != rooms.end();
    const auto floor = [&](const string& file) { return level(room(file), floors_within->second); };
    if (has_rooms && floor(rest) == floors_within->second.size())
      report("lies in a room without a place in the order");
    for (const Include& i : all) {
      const string target = i.name.substr(0, i.name.find('/'));
      if (has_rooms && i.quoted && target == folder && room(i.name) != room(rest) &&
          floor(i.name) >= floor(rest))
        report("includes " + i.name + ", which lies above or beside its room");
      const bool known_ops = folder == "program" && i.name == "ops/known.hpp";
      if (i.quoted && is_folder(target) && target != folder && level(target) >= level(folder) &&
          !known_ops)
        report("includes " + i.name + ", which lies above or beside " + folder);
      if (target == "tempo" && header_level(i.name.substr(6)) > level(folder) + 1)
        report("includes " + i.name + ", which lies above " + folder);
    }
  }
  if (is_public) {
    const string self = path.substr(string("framework/include/tempo/").size());
    for (const Include& i : all) {
      const bool of_tempo = starts(i.name, "tempo/") && !i.quoted;
      const bool in_c = self.ends_with(".h");
      static const Texts of_c = {"stdint.h", "stddef.h", "string.h", "tempo/plugin_tensors.h"};
      if (in_c ? !contains(of_c, i.name) : !of_tempo && !is_standard(i) && self != "xtensor.hpp")
        report("is public and includes " + i.name);
      if (of_tempo && header_level(i.name.substr(6)) > header_level(self) &&
          header_level(self) <= floors.size())
        report("includes " + i.name + ", which lies above it");
    }
  }
  if (starts(path, "layers/")) {
    static const Texts machine = {"thread", "mutex", "atomic", "future", "execution"};
    for (const Include& i : all) {
      const bool of_tempo = starts(i.name, "tempo/") && !i.quoted;
      if (!of_tempo && !is_standard(i)) report("is a layer and includes " + i.name);
      if (of_tempo && !starts(i.name, "tempo/layers/") && header_level(i.name.substr(6)) > 0)
        report("is a layer and includes " + i.name + ", which needs libtempo");
      if (contains(machine, i.name)) report("is a layer and knows of threads");
    }
  }
  if (starts(path, "plugins/"))
    for (const Include& i : all)
      if (!is_for_packaging(i)) report("is packaging and includes " + i.name);

  static const Texts layers = layer_names();
  if (starts(path, "framework/") && path != "framework/include/tempo/layers.hpp" &&
      !starts(path, "framework/io/")) {
    const string words = without_sentences(code);
    for (const string& name : layers)
      if (names(words, name)) report("knows the name of a layer: " + name);
  }
  return found;
}

struct Planted {
  const char* path;
  const char* text;
  const char* breach;  // the error, or nullptr if it is allowed
};

std::ostream& operator<<(std::ostream& out, const Planted& p) { return out << p.path; }

const Planted planted[] = {
    {"framework/tensor/a.cpp", "#include \"graph/node.hpp\"", "includes graph/node.hpp"},
    {"framework/ops/a.cpp", "#include \"autograd/walk.hpp\"", "lies above or beside ops"},
    {"framework/ops/a.cpp", "#include \"program/program.hpp\"", "lies above or beside ops"},
    {"framework/program/passes/a.cpp", "#include \"ops/types.hpp\"",
     "lies above or beside program"},
    {"framework/program/passes/a.cpp", "#include \"ops/known.hpp\"", nullptr},
    {"framework/graph/a.cpp", "#include \"ops/known.hpp\"", "lies above or beside graph"},
    {"framework/io/a.cpp", "  #  include \"command/main.hpp\"", "lies above or beside io"},
    {"framework/scan/a.cpp", "int x;\n#include \"plugin/host.hpp\"", "lies above or beside scan"},
    {"framework/ops/a.cpp", "#include <tempo/model.hpp>", "lies above ops"},
    {"framework/training/a.cpp", "#include <tempo/tempo.hpp>", "lies above training"},
    {"framework/training/losses/a.cpp", "#include \"training/models/run.hpp\"", "its room"},
    {"framework/training/metrics/a.cpp", "#include \"training/data/order.hpp\"", "its room"},
    {"framework/training/a.cpp", "#include \"training/losses/labels.hpp\"", "its room"},
    {"framework/training/utils/a.cpp", "", "a room without a place"},
    {"framework/training/fit/a.cpp",
     "#include \"training/fit/update.hpp\"\n#include \"training/settings.hpp\"", nullptr},
    {"framework/io/models/a.cpp", "#include \"io/tensors/npy.hpp\"", nullptr},
    {"framework/training/a.cpp", "#include <tempo/layers/lstm.hpp>", "lies above training"},
    {"framework/utils/a.cpp", "", "without a place"},
    {"framework/ops/a.cpp", "#include \"../io/save.hpp\"", "by a relative path"},
    {"framework/command/a.cpp", "#include \"tensor/array.hpp\"", nullptr},
    {"framework/scan/gradient/a.cpp", "#include \"program/plan/plan.hpp\"", nullptr},
    {"framework/ops/a.cpp", "#include <tempo/tensor.hpp>\n#include \"ops/define.hpp\"", nullptr},
    {"framework/training/a.cpp", "#include <tempo/model.hpp>", nullptr},
    {"framework/ops/a.cpp", "// #include \"io/save.hpp\"", nullptr},

    {"framework/include/tempo/model.hpp", "#include <xtensor/xarray.hpp>", "uses xtensor"},
    {"framework/include/tempo/ops.hpp", "#include <cblas.h>", "uses BLAS"},
    {"framework/include/tempo/data.hpp", "#include <tbb/parallel_for.h>", "uses TBB"},
    {"framework/include/tempo/io.hpp", "#include <nlohmann/json.hpp>", "is public and includes"},
    {"framework/include/tempo/ops.hpp", "#include \"ops/define.hpp\"", "is public and includes"},
    {"framework/include/tempo/plugin.h", "#include <string>", "is public and includes string"},
    {"framework/include/tempo/plugin_tensors.h", "#include <tempo/host.hpp>",
     "is public and includes"},
    {"framework/include/tempo/cell.hpp", "#include <tempo/model.hpp>", "lies above it"},
    {"framework/include/tempo/model.hpp", "#include <tempo/layers.hpp>", "lies above it"},
    {"framework/include/tempo/plugin.h", "#include <stdint.h>\n#include <stddef.h>", nullptr},
    {"framework/include/tempo/xtensor.hpp", "#include <xtensor/xarray.hpp>", nullptr},
    {"framework/include/tempo/model.hpp", "#include <tempo/layer.hpp>\n#include <map>", nullptr},

    {"framework/scan/a.cpp", "#include <cblas.h>", "uses BLAS"},
    {"framework/scan/a.cpp", "extern \"C\" void cblas_sgemm();", "uses BLAS"},
    {"framework/ops/a.cpp", "#include <xtensor-blas/xlinalg.hpp>", "uses BLAS"},
    {"framework/training/a.cpp", "#include <xtensor/xview.hpp>", "uses xtensor"},
    {"framework/tensor/products/a.cpp", "#include <xbyak/xbyak.h>", "uses Xbyak"},
    {"framework/tensor/kernels/pointwise.cpp", "#include <tbb/task_arena.h>", "uses TBB"},
    {"framework/scan/a.cpp", "#include <oneapi/tbb.h>", "uses TBB"},
    {"framework/training/a.cpp", "#include <dlfcn.h>", "uses dlopen"},
    {"framework/io/a.cpp", "#include <boost/dll/shared_library.hpp>", "uses dlopen"},
    {"framework/tensor/cpu.cpp", "const char* text = std::getenv(\"A\");", "uses getenv"},
    {"framework/io/a.cpp", "auto text = secure_getenv(\"A\");", "uses getenv"},
    {"framework/io/a.cpp", "auto text = environment(\"A\");", nullptr},
    {"framework/tensor/a.cpp", "#include <cblas.h>\n#include <xtensor/xarray.hpp>", nullptr},
    {"framework/tensor/parallel.cpp", "#include <tbb/parallel_for.h>", nullptr},
    {"framework/io/a.cpp", "#include <xtensor/xnpy.hpp>", nullptr},
    {"framework/plugin/loader.cpp", "#include <dlfcn.h>\nauto f = dlopen;", nullptr},

    {"layers/gru.hpp", "#include <boost/any.hpp>", "is a layer and includes boost"},
    {"layers/gru.hpp", "#include \"program/program.hpp\"", "is a layer and includes program"},
    {"layers/gru.hpp", "#include \"rnn.hpp\"", "is a layer and includes rnn.hpp"},
    {"layers/gru.hpp", "#include <tempo/model.hpp>", "needs libtempo"},
    {"layers/gru.hpp", "#include <thread>", "knows of threads"},
    {"layers/gru.hpp", "#include <tempo/cell.hpp>\n#include <string>", nullptr},
    {"layers/gru.hpp", "#include <tempo/layers/rnn.hpp>", nullptr},
    {"plugins/gru.cpp", "#include <string>", "is packaging"},
    {"plugins/gru.cpp", "#include <tempo/tempo.hpp>", "is packaging"},
    {"plugins/gru.cpp", "#include <tempo/plugin.hpp>\n#include <tempo/layers/gru.hpp>", nullptr},
    {"plugins/gru.cpp", "#include <tempo/version.hpp>", nullptr},

    {"framework/scan/a.cpp", "if (name == \"LSTM\") fast();", "knows the name of a layer: LSTM"},
    {"framework/include/tempo/tensor.hpp", "class Bidirectional;", "the name of a layer"},
    {"framework/scan/a.cpp", "say(\"It is said.\"); if (name == \"Add\") fast();",
     "of a layer: Add"},
    {"framework/scan/a.cpp", "throw Error(\"a \\\"loss\\\".\"\n\"  Add it in the call.\");",
     nullptr},
    {"framework/scan/a.cpp", "/* as GRU\n does */ int x;  // SimpleRNN", nullptr},
    {"framework/io/keras.cpp", "auto name = \"LSTM\";", nullptr},
    {"framework/include/tempo/layers.hpp", "#include <tempo/layers/lstm.hpp>\nLSTM x;", nullptr},
};

BOOST_AUTO_TEST_CASE(each_planted_breach_is_found_and_nothing_else_is) {
  for (const Planted& p : planted) {
    BOOST_TEST_CONTEXT(p.path << ": " << p.text) {
      const Texts found = breaches(p.path, p.text);
      if (p.breach == nullptr) {
        BOOST_TEST(found.empty(), (found.empty() ? string() : found.front()));
      } else {
        BOOST_TEST(std::any_of(found.begin(), found.end(), [&](const string& sentence) {
          return sentence.find(p.breach) != string::npos;
        }));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(the_names_of_layers_come_from_the_plugins) {
  const Texts names = layer_names();
  BOOST_TEST(names.size() >= 8u);
  for (const char* name : {"LSTM", "Dense", "Bidirectional", "MinGRU"})
    BOOST_TEST(contains(names, name), name);
}

// Empty, or what the first lines of a source lack: its licence, then what lives there.
string opening_fault(const string& text) {
  static const string licence = "// SPDX-License-Identifier: Apache-2.0\n";
  if (!starts(text, licence)) return "does not begin with its licence; ./dev format writes it";
  const std::string_view rest = std::string_view(text).substr(licence.size());
  return starts(rest, "//") || starts(rest, "/*")
             ? ""
             : "does not say in its first lines what lives in it";
}

BOOST_AUTO_TEST_CASE(each_fault_of_an_opening_is_found) {
  const string licence = "// SPDX-License-Identifier: Apache-2.0\n";
  BOOST_TEST(opening_fault(licence + "// A source.\nint x;\n").empty());
  BOOST_TEST(opening_fault(licence + "/* A source. */\nint x;\n").empty());
  BOOST_TEST(!opening_fault("// A source.\nint x;\n").empty());
  BOOST_TEST(!opening_fault("// A source.\n" + licence + "int x;\n").empty());
  BOOST_TEST(!opening_fault(licence + "#pragma once\n").empty());
}

BOOST_AUTO_TEST_CASE(every_source_keeps_the_rules) {
  const fs::path root = TEMPO_SOURCE_DIR;
  std::size_t files = 0;
  for (const char* folder : {"framework", "layers", "plugins", "examples", "tests"}) {
    BOOST_TEST_REQUIRE(fs::is_directory(root / folder));
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      static const Texts endings = {".cpp", ".hpp", ".h", ".c"};
      if (!contains(endings, entry.path().extension().string())) continue;
      const string path = entry.path().lexically_relative(root).generic_string(),
                   text = read(entry.path());
      for (const string& sentence : breaches(path, text)) BOOST_ERROR(sentence);
      if (const string fault = opening_fault(text); !fault.empty()) BOOST_ERROR(path + " " + fault);
      ++files;
    }
  }
  BOOST_TEST(files > 0u);
}

// One sentence for each file and folder of the framework that holds too much, from lines by path,
// which is relative to the root.
Texts overfull(const std::map<string, int64_t>& lines_of) {
  constexpr int64_t most_lines = 400, most_files = 12;
  Texts found;
  std::map<string, int64_t> files_in;
  for (const auto& [path, lines] : lines_of) {
    if (lines > most_lines)
      found.push_back(path + " has " + std::to_string(lines) + " lines; ask what is mixed in it");
    if (under(path, {"framework/program/", "framework/scan/"}))
      ++files_in[path.substr(0, path.rfind('/'))];
  }
  for (const auto& [folder, files] : files_in)
    if (files > most_files)
      found.push_back(folder + " has " + std::to_string(files) + " files; part it");
  return found;
}

BOOST_AUTO_TEST_CASE(no_file_and_no_folder_of_the_compiler_holds_too_much) {
  std::map<string, int64_t> lines_of;
  for (const auto& entry :
       fs::recursive_directory_iterator(fs::path(TEMPO_SOURCE_DIR) / "framework"))
    if (entry.is_regular_file()) {
      const string text = read(entry.path());
      lines_of[entry.path().lexically_relative(TEMPO_SOURCE_DIR).generic_string()] =
          std::count(text.begin(), text.end(), '\n');
    }
  BOOST_TEST(lines_of.size() > 100u);
  for (const string& sentence : overfull(lines_of)) BOOST_ERROR(sentence);

  std::map<string, int64_t> made_up{{"framework/io/a.cpp", 400}};
  for (char name = 'a'; name < 'm'; ++name)
    made_up[string("framework/program/run/") + name + ".cpp"] = 1;
  BOOST_TEST(overfull(made_up).empty());
  made_up["framework/io/b.cpp"] = 401;
  made_up["framework/program/run/m.cpp"] = 1;
  const Texts found = overfull(made_up);
  BOOST_REQUIRE_EQUAL(found.size(), 2u);
  BOOST_TEST(starts(found[0], "framework/io/b.cpp has 401 lines"));
  BOOST_TEST(starts(found[1], "framework/program/run has 13 files"));
}

// Empty if it may lie at the top level, else the error: sources and what is made from them have
// their own folders, and a folder needs a place in the README's map.
string misplaced(const string& name, bool folder, const string& readme) {
  static const Texts foreign = {".cpp", ".hpp", ".h",   ".c",   ".cc",  ".py",          ".o",  ".a",
                                ".so",  ".svg", ".png", ".csv", ".npy", ".safetensors", ".log"};
  if (starts(name, ".")) return "";
  if (folder)
    return name == "build" || readme.find("| [" + name + "](" + name + ") |") != string::npos
               ? ""
               : name + " is a folder that the README's map of folders does not have";
  return contains(foreign, fs::path(name).extension().string())
             ? name + " belongs into a folder of sources, of data or of docs"
             : "";
}

BOOST_AUTO_TEST_CASE(the_top_level_holds_no_sources_and_no_folder_that_the_readme_does_not_map) {
  const string readme = read(fs::path(TEMPO_SOURCE_DIR) / "README.md");
  for (const auto& entry : fs::directory_iterator(TEMPO_SOURCE_DIR)) {
    const string fault = misplaced(entry.path().filename().string(), entry.is_directory(), readme);
    BOOST_TEST(fault.empty(), fault);
  }
  BOOST_TEST(!misplaced("model.cpp", false, readme).empty());
  BOOST_TEST(!misplaced("loss.svg", false, readme).empty());
  BOOST_TEST(!misplaced("utils", true, readme).empty());
  BOOST_TEST(misplaced("framework", true, readme).empty());
  BOOST_TEST(misplaced("CHANGELOG.md", false, readme).empty());
  BOOST_TEST(misplaced(".editorconfig", false, readme).empty());
}
