// SPDX-License-Identifier: Apache-2.0
// The compiler's errors for misspelt options: a script with one for each options struct of the
// public headers is compiled, and each error names the option and the struct.
#define BOOST_TEST_MODULE misspelt
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <boost/test/unit_test.hpp>

namespace fs = std::filesystem;
using std::string;

namespace {

string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// The public headers, and those of the layers.
std::vector<fs::path> headers() {
  std::vector<fs::path> out;
  for (const char* folder : {"framework/include/tempo", "layers", "layers/zoo"})
    for (const auto& entry : fs::directory_iterator(fs::path(TEMPO_SOURCE_DIR) / folder))
      if (entry.path().extension() == ".hpp") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

// The first field of each options struct, by the struct's name.
std::map<string, string> structs(const std::vector<fs::path>& files) {
  // Options of initializers, whose braces may also be a shape; the options of every layer; and
  // those of layers that users make without braces, or not at all.
  const std::set<string> others{"SeededOptions", "VarianceScalingOptions", "OrthogonalOptions",
                                "CommonOptions", "ActivationOptions",      "ProjectionOptions"};
  const std::regex one(
      R"(struct (\w+Options) \{\n(?:\s*///[^\n]*\n)*\s*[\w:<>,* ]+(?:\([^\n]*\)>)? (\w+)[ ;])");
  std::map<string, string> out;
  for (const fs::path& file : files) {
    const string text = read(file);
    for (std::sregex_iterator i(text.begin(), text.end(), one), end; i != end; ++i)
      if (!others.count((*i)[1])) out[(*i)[1]] = (*i)[2];
    const std::regex any(R"(\nstruct (\w+Options) \{)");
    for (std::sregex_iterator i(text.begin(), text.end(), any), end; i != end; ++i)
      BOOST_TEST((out.count((*i)[1]) || others.count((*i)[1])), (*i)[1] << " has no first field");
  }
  return out;
}

// The class that holds the text at this place.
string class_around(const string& text, std::ptrdiff_t at) {
  const std::regex one(R"(\n(?:class|struct) (\w+)[^;\n]*\{)");
  string name;
  for (std::sregex_iterator i(text.begin(), text.begin() + at, one), end; i != end; ++i)
    name = (*i)[1];
  return name;
}

// One use of each function with options: its text up to the braces, by the struct's name.
std::multimap<string, string> uses(const std::vector<fs::path>& files) {
  const std::regex one(
      R"(TEMPO_(MEMBER_)?OPTIONS\((?:[\w:<>]+ )*([\w()]+), (\w+Options)((?:,\s+[^,;]+)*)\)( const)?;)");
  std::multimap<string, string> out;
  for (const fs::path& file : files) {
    const string text = read(file);
    for (std::sregex_iterator i(text.begin(), text.end(), one), end; i != end; ++i) {
      string call, arguments;
      const string function = (*i)[2];
      if ((*i)[1].matched || (*i)[5].matched || function == "operator()")
        call = "any<tempo::" + class_around(text, i->position()) + "&>().";
      std::istringstream types((*i)[4].str());
      for (string type; std::getline(types, type, ',');)
        if (const std::size_t at = type.find_first_not_of(" \n"); at != type.npos)
          arguments += "any<" + type.substr(at) + ">(), ";
      out.emplace((*i)[3], call + function + "(" + arguments);
    }
  }
  return out;
}

// The functions with options that lack their TEMPO_OPTIONS line, as "NAME, STRUCT".
std::set<string> without_line(const std::vector<fs::path>& files) {
  // Functions that are called with options that were checked before; and a function whose callers
  // name the struct, because the braces would also fit another of that name.
  const std::set<string> others{"run_call, CallOptions",
                                "run_compile, CompileOptions",
                                "run_fit, FitOptions",
                                "run_evaluate, EvaluateOptions",
                                "run, CallOptions",
                                "given_mask, CallOptions",
                                "Batches, BatchOptions",
                                "explain, StreamOptions",
                                "mean_of_counted, CallOptions",
                                "masked, ScanOptions",
                                "require_read, CallOptions",
                                "described, WeightOptions",
                                "over_steps, CallOptions",
                                "of, VocabularyOptions"};
  const std::regex line(R"(TEMPO_(?:MEMBER_)?OPTIONS\((?:[\w:<>]+ )*([\w()]+), (\w+Options))"),
      function(R"(\b(\w+|operator\(\))\((?:[^()]*,\s)?const (\w+Options)&(?: \w+)?(?: = \{\})?\))");
  std::set<string> have, need;
  for (const fs::path& file : files) {
    const string text = read(file);
    for (std::sregex_iterator i(text.begin(), text.end(), line), end; i != end; ++i)
      have.insert((*i)[1].str() + ", " + (*i)[2].str());
    if (file.filename() == "initializer.hpp") continue;  // its braces may also be a shape
    for (std::sregex_iterator i(text.begin(), text.end(), function), end; i != end; ++i)
      need.insert((*i)[1].str() + ", " + (*i)[2].str());
  }
  for (const string& one : others) have.insert(one);
  std::set<string> out;
  std::set_difference(need.begin(), need.end(), have.begin(), have.end(),
                      std::inserter(out, out.end()));
  return out;
}

struct Row {
  string options, misspelt, line;
};

string first_line(const string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

BOOST_AUTO_TEST_CASE(each_function_with_options_has_its_line) {
  for (const string& one : without_line(headers()))
    BOOST_ERROR("there is no TEMPO_OPTIONS(" << one << ") beside that function");
}

BOOST_AUTO_TEST_CASE(the_compiler_names_a_misspelt_option_and_its_struct) {
  const std::vector<fs::path> files = headers();
  const std::multimap<string, string> used = uses(files);
  std::vector<Row> rows;
  for (const auto& [options, field] : structs(files)) {
    const auto [first, last] = used.equal_range(options);
    BOOST_TEST((first != last),
               options << ": its function has no TEMPO_OPTIONS(function, " << options
                       << ") beside it, so a compiler names no option that is misspelt.");
    const string misspelt = field + field.back();
    for (auto use = first; use != last; ++use)
      rows.push_back({options, misspelt, use->second + "{." + misspelt + " = 1});"});
  }
  BOOST_TEST(rows.size() > 150u);
  rows.push_back({"MineOptions", "unist", "MineCell({.unist = 3});"});

  string script =
      "#include <tempo/tempo.hpp>\n#include <tempo/zoo.hpp>\n"
      "using namespace tempo;\n"
      "struct MineOptions { int units = 3; };\n"
      "struct MineCell : Cell<MineOptions> { using Cell::Cell; };\n"
      "template <class T> T any();\n"
      "void script() {\n";
  const std::size_t before =
      static_cast<std::size_t>(std::count(script.begin(), script.end(), '\n'));
  for (const Row& row : rows) script += row.line + "\n";
  const fs::path folder =
      fs::temp_directory_path() / ("tempo_misspelt_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  const fs::path file = folder / "script.cpp";
  std::ofstream(file) << script << "}\n";

  const string command =
      string("LC_ALL=C " TEMPO_COMPILER " -std=c++20 -w -fsyntax-only ") +
      (string(TEMPO_COMPILER_ID) == "GNU" ? "-fmax-errors=0" : "-ferror-limit=0") +
      " -I" TEMPO_SOURCE_DIR "/framework/include -I" TEMPO_BINARY_DIR "/include " + file.string() +
      " 2>&1";
  string said;
  if (std::FILE* const pipe = ::popen(command.c_str(), "r")) {
    char part[4096];
    for (std::size_t n; (n = std::fread(part, 1, sizeof part, pipe)) > 0;) said.append(part, n);
    BOOST_TEST(::pclose(pipe) != 0, "the script was compiled");
  }
  fs::remove_all(folder);

  for (std::size_t i = 0; i < rows.size(); ++i) BOOST_TEST_CONTEXT(rows[i].line) {
      const Row& row = rows[i];
      const string place = file.string() + ":" + std::to_string(before + i + 1) + ":";
      bool named = false;
      string of_it;
      for (std::size_t at = said.find(place); at != said.npos; at = said.find(place, at + 1)) {
        const string error = first_line(said.substr(at));
        of_it += error + "\n";
        if (error.find("error:") == error.npos) continue;
        const std::size_t column = std::stoul(error.substr(place.size())) - 1;
        const string pointed = row.line.substr(std::min(column, row.line.size()));
        named = named || error.find("name '" + row.misspelt + "' used") != error.npos ||
                pointed.starts_with("." + row.misspelt) || pointed.starts_with(row.misspelt);
      }
      BOOST_TEST(named, "it does not name `" << row.misspelt << "`:\n" << of_it);
      BOOST_TEST(said.find(row.options) != said.npos, "it does not name " << row.options);
    }
  BOOST_TEST_MESSAGE(said);
}
