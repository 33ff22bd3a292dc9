// SPDX-License-Identifier: Apache-2.0
// The docs are true to the tree: code is an excerpt of a file that is compiled or tested, named
// files and folders exist, links lead somewhere, commands are known to dev, and the guide shows the
// same in both languages. The checkers are functions of texts, so that each rule is also seen to
// fail.
#define BOOST_TEST_MODULE docs
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace fs = std::filesystem;
using std::string;
using Texts = std::vector<string>;

const fs::path root = TEMPO_SOURCE_DIR;

string read(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

Texts lines_of(const string& text) {
  Texts lines;
  std::istringstream in(text);
  for (string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Every file and folder of the project, relative to the root; folders end with '/'.
const Texts& tree() {
  static const Texts all = [] {
    Texts found;
    for (fs::recursive_directory_iterator i(root), end; i != end; ++i) {
      const string path = i->path().lexically_relative(root).generic_string();
      if (path == "build" || path == ".git" || path == ".cache") i.disable_recursion_pending();
      found.push_back(i->is_directory() ? path + "/" : path);
    }
    return found;
  }();
  return all;
}

// Whether some path ends with this name; '*' stands for part of a file's name.
bool exists_somewhere(const string& name) {
  string pattern = "(.*/)?";
  for (const char c : name)
    pattern += c == '*' ? "[^/]*" : c == '.' || c == '+' ? string("\\") + c : string(1, c);
  const std::regex wanted(pattern + "/?");
  return std::any_of(tree().begin(), tree().end(),
                     [&](const string& path) { return std::regex_match(path, wanted); });
}

string without_spaces(const string& text) {
  string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](unsigned char c) { return !std::isspace(c); });
  return out;
}

// A fenced block: the word after its fence, the file that the comment above it names, its lines.
struct Block {
  string language, file;
  Texts lines;
};

// Takes the blocks out of a page; what is left is prose.
std::vector<Block> blocks_of(const string& page, string& prose) {
  static const std::regex source("<!-- (\\S+) -->");
  std::vector<Block> all;
  bool inside = false;
  string above;
  for (const string& line : lines_of(page)) {
    if (line.starts_with("```")) {
      std::smatch named;
      if (!inside)
        all.push_back(
            {line.substr(3), std::regex_match(above, named, source) ? named[1] : string(), {}});
      inside = !inside;
      above.clear();
    } else if (inside) {
      all.back().lines.push_back(line);
    } else {
      prose += line + "\n";
      above = line;
    }
  }
  return all;
}

// Whether the block is an excerpt, but for spaces; a line of "..." leaves something out.
bool is_excerpt(const Block& block, const string& text) {
  const string whole = without_spaces(text);
  std::size_t at = 0;
  string piece;
  const auto found = [&] {
    at = whole.find(piece, at);
    if (at == string::npos) return false;
    at += piece.size();
    piece.clear();
    return true;
  };
  for (const string& line : block.lines)
    if (without_spaces(line) != "...")
      piece += without_spaces(line);
    else if (!found())
      return false;
  return found();
}

// Empty, or the fault of a block.
string fault_of(const Block& block) {
  static const std::set<string> known = {"cpp", "cmake", "sh", "text", "python"};
  static const std::regex tested("(framework|layers|plugins|examples|tests)/.*");
  const string first = block.lines.empty() ? "" : block.lines.front();
  const string which = "the block `" + first + "` ";
  if (!known.contains(block.language))
    return which + "needs a language: cpp, cmake, sh, text or python";
  if (block.language != "cpp" && block.language != "cmake") {
    const bool code = std::any_of(block.lines.begin(), block.lines.end(), [](const string& l) {
      return l.ends_with(";") || l.starts_with("#include");
    });
    return code ? which + "looks like C++ and is marked " + block.language : "";
  }
  if (block.file.empty()) return which + "needs a comment above it that names its source";
  if (!std::regex_match(block.file, tested)) return which + "is not from a folder of sources";
  if (!fs::is_regular_file(root / block.file)) return which + "is from no file: " + block.file;
  return is_excerpt(block, read(root / block.file)) ? "" : which + "is not in " + block.file;
}

// The commands of ./dev, from the branches of its last `case`.
const std::set<string>& dev_commands() {
  static const std::set<string> all = [] {
    static const std::regex branch("\n  ([a-z]+)( \\|[^)]*)?\\)");
    string text = read(root / "dev");
    text = text.substr(text.rfind("case $command in"));
    std::set<string> found;
    for (std::sregex_iterator i(text.begin(), text.end(), branch), end; i != end; ++i)
      found.insert((*i)[1]);
    return found;
  }();
  return all;
}

// An indented block has no language and no source: returns the first line of one, or "".
string indented_block(const string& prose) {
  static const std::regex block("(?:^|\n)\n    ([^\n]*)");
  std::smatch found;
  return std::regex_search(prose, found, block) ? found[1] : string();
}

// One sentence for each false statement of a page; `path` is relative to the root.
Texts faults(const string& path, const string& page) {
  Texts found;
  string prose;
  for (const Block& block : blocks_of(page, prose))
    if (const string fault = fault_of(block); !fault.empty()) found.push_back(path + ": " + fault);

  if (const string line = indented_block(prose); !line.empty())
    found.push_back(path + ": the indented block `" + line + "` needs a fence");

  static const std::regex quoted("`([^`\n]+)`"), word("[^\\s]+");
  static const std::regex file(
      R"re([\w*+./-]+\.(cpp|hpp|h|c|md|txt|cmake|json|svg|supp|map|in|\*)|([\w-]+/)+|)re"
      R"re((framework|layers|plugins|examples|tests|docs)/[\w*./-]+)re");
  for (std::sregex_iterator q(prose.begin(), prose.end(), quoted), end; q != end; ++q) {
    const string inside = (*q)[1];
    for (std::sregex_iterator w(inside.begin(), inside.end(), word); w != end; ++w)
      if (const string name = w->str();
          std::regex_match(name, file) && !name.starts_with("build/") && !exists_somewhere(name))
        found.push_back(path + ": there is no " + name);
  }

  static const std::regex link(R"re(\]\(([^)#\s]+)(#[^)]*)?\))re");
  for (std::sregex_iterator l(prose.begin(), prose.end(), link), end; l != end; ++l)
    if (const string target = (*l)[1]; target.find("://") == string::npos &&
                                       !fs::exists(root / fs::path(path).parent_path() / target))
      found.push_back(path + ": a link leads to nothing: " + target);

  static const std::regex command(R"re(\./dev ([a-z]+))re");
  for (std::sregex_iterator c(page.begin(), page.end(), command), end; c != end; ++c)
    if (!dev_commands().contains((*c)[1]))
      found.push_back(path + ": ./dev has no " + (*c)[1].str());

  static const std::regex example(R"re(\./dev run ([a-z_]+))re");
  for (std::sregex_iterator e(page.begin(), page.end(), example), end; e != end; ++e)
    if (!fs::exists(root / "examples" / ((*e)[1].str() + ".cpp")))
      found.push_back(path + ": there is no example " + (*e)[1].str());
  return found;
}

struct Planted {
  const char* page;
  const char* fault;  // the error, or nullptr if it is right
};

std::ostream& operator<<(std::ostream& out, const Planted& p) { return out << p.page; }

const Planted planted[] = {
    {"<!-- plugins/lstm.cpp -->\n```cpp\n#include  "
     "<tempo/plugin.hpp>\n...\nTEMPO_PLUGIN(\"tempo\",\n```\n",
     nullptr},
    {"<!-- plugins/lstm.cpp -->\n```cpp\nTEMPO_PLUGIN(\"gru\",\n```\n",
     "is not in plugins/lstm.cpp"},
    {"<!-- plugins/lstm.cpp -->\n```cpp\nTEMPO_PLUGIN(\"tempo\",\n...\n#include "
     "<tempo/plugin.hpp>\n```\n",
     "is not in plugins/lstm.cpp"},
    {"<!-- plugins/none.cpp -->\n```cpp\nint x;\n```\n", "is from no file"},
    {"<!-- README.md -->\n```cpp\nint x;\n```\n", "is not from a folder of sources"},
    {"<!-- plugins/lstm.cpp -->\n\nwords\n```cpp\nint x;\n```\n", "needs a comment above it"},
    {"```\n./dev test\n```\n", "needs a language"},
    {"As in\n\n    int x;\n", "needs a fence"},
    {"```c++\nint x;\n```\n", "needs a language"},
    {"```text\nint x;\n```\n", "looks like C++"},
    {"```sh\n#include <tempo/tempo.hpp>\n```\n", "looks like C++"},
    {"```text\n  %0:x  fixed [4]\n```\n", nullptr},
    {"see `graph/op.hpp`, `kernels/`, `packed_*.cpp` and `parallel.*`", nullptr},
    {"see `graph/opp.hpp`", "there is no graph/opp.hpp"},
    {"see `number.hpp nowhere.hpp`", "there is no nowhere.hpp"},
    {"see `utils/`", "there is no utils/"},
    {"see `acked_*.cpp`", "there is no acked_"},
    {"see `tests/nowhere`", "there is no tests/nowhere"},
    {"see `build/fuzz/runs.txt`, `x / y` and `.name`", nullptr},
    {"[a](architecture.md#house) [b](../README.md) [c](https://example.org/x)", nullptr},
    {"[a](../docs/nowhere.md)", "a link leads to nothing"},
    {"`./dev bench --only tiny`", nullptr},
    {"```sh\n./dev tests\n```", "./dev has no tests"},
    {"```sh\n./dev run sunspots\n./dev run NAME\n```", nullptr},
    {"`./dev run moonspots`", "there is no example moonspots"},
};

BOOST_AUTO_TEST_CASE(each_planted_fault_is_found_and_nothing_else_is) {
  for (const Planted& p : planted) {
    BOOST_TEST_CONTEXT(p.page) {
      const Texts found = faults("docs/planted.md", p.page);
      if (p.fault == nullptr) {
        BOOST_TEST(found.empty(), (found.empty() ? string() : found.front()));
      } else {
        BOOST_TEST(std::any_of(found.begin(), found.end(), [&](const string& sentence) {
          return sentence.find(p.fault) != string::npos;
        }));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(what_every_page_says_of_the_tree_is_true) {
  std::size_t pages = 0;
  for (const string& path : tree()) {
    if (!path.ends_with(".md")) continue;
    for (const string& sentence : faults(path, read(root / path))) BOOST_ERROR(sentence);
    ++pages;
  }
  BOOST_TEST(pages > 10u);
}

// The pictures of a page, by their paths.
Texts pictures_of(const string& page) {
  static const std::regex picture(R"re(!\[[^\]]*\]\(([^)]+)\))re");
  Texts all;
  for (std::sregex_iterator p(page.begin(), page.end(), picture), end; p != end; ++p)
    all.push_back((*p)[1]);
  return all;
}

bool has_hangul(const string& text) {  // U+AC00 to U+D7A3, from "\xEA\xB0\x80" in UTF-8
  for (std::size_t i = 0; i + 2 < text.size(); ++i)
    if (const string c = text.substr(i, 3); c >= "\xEA\xB0\x80" && c <= "\xED\x9E\xA3") return true;
  return false;
}

// Empty, or the difference between a page of the guide and its Korean twin.
string difference(const string& english, const string& korean) {
  string prose, words;
  const std::vector<Block> blocks = blocks_of(english, prose), twins = blocks_of(korean, words);
  for (std::size_t i = 0; i < std::max(blocks.size(), twins.size()); ++i) {
    const string which = "block " + std::to_string(i + 1);
    if (i >= twins.size()) return which + " is in English alone";
    if (i >= blocks.size()) return which + " is in Korean alone";
    if (blocks[i].language != twins[i].language || blocks[i].file != twins[i].file)
      return which + " is marked otherwise";
    if (blocks[i].lines != twins[i].lines) return which + " differs";
  }
  if (pictures_of(english) != pictures_of(korean)) return "the pictures differ";
  if (has_hangul(words)) return "";
  return "the Korean page has no Korean";
}

BOOST_AUTO_TEST_CASE(a_difference_between_two_languages_is_found) {
  const string code = "<!-- a.cpp -->\n```cpp\nint x;\nint y;\n```\n", text = "```text\n1.5\n```\n",
               picture = "![](../x.svg)\n";
  const string english = "A wave.\n" + code + text + picture;
  const auto found = [&](const string& korean) { return difference(english, korean); };
  BOOST_TEST(found("파동\n" + code + "다음\n" + text + picture) == "");
  BOOST_TEST(found("파동\n" + text + code + picture) == "block 1 is marked otherwise");
  BOOST_TEST(found("파동\n" + code + "```text\n1.6\n```\n" + picture) == "block 2 differs");
  BOOST_TEST(found("파동\n<!-- b.cpp -->\n```cpp\nint x;\nint y;\n```\n" + text + picture) ==
             "block 1 is marked otherwise");
  BOOST_TEST(found("파동\n" + code + picture) == "block 2 is in English alone");
  BOOST_TEST(found("파동\n" + code + text + text + picture) == "block 3 is in Korean alone");
  BOOST_TEST(found("파동\n" + code + text) == "the pictures differ");
  BOOST_TEST(found(english) == "the Korean page has no Korean");
}

BOOST_AUTO_TEST_CASE(the_guide_shows_the_same_in_both_languages) {
  const string en = "docs/guide/en/", ko = "docs/guide/ko/";
  std::set<string> english, korean;
  for (const string& path : tree())
    for (auto [folder, pages] : {std::pair(&en, &english), std::pair(&ko, &korean)})
      if (path.starts_with(*folder) && path.ends_with(".md"))
        pages->insert(path.substr(folder->size()));
  BOOST_TEST(english == korean, boost::test_tools::per_element());
  BOOST_TEST(english.size() >= 11u);
  for (const string& page : english) {
    if (!korean.contains(page)) continue;
    const string apart = difference(read(root / (en + page)), read(root / (ko + page)));
    BOOST_TEST(apart.empty(), page + ": " + apart);
  }
}

BOOST_AUTO_TEST_CASE(the_pages_that_sources_name_exist) {
  static const std::regex page(R"re(docs/[\w/.-]+\.md)re"),
      source(R"re(.*\.(cpp|hpp|h|c|txt|cmake))re");
  for (const string& path : tree()) {
    if (!std::regex_match(path, source) || path == "tests/whole/docs_test.cpp") continue;
    const string text = read(root / path);
    for (std::sregex_iterator i(text.begin(), text.end(), page), end; i != end; ++i)
      BOOST_TEST(fs::exists(root / i->str()), path << " names " << i->str());
  }
}
