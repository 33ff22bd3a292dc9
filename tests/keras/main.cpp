// SPDX-License-Identifier: Apache-2.0
// Writes docs/keras.md from Keras's signatures, what Tempo has of them, and notes on what differs;
// or compares the page with that. An argument that is not there, or has another default, needs a
// note.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "here.hpp"

namespace {

using std::string;

struct Parameter {
  string name, standard;  // "" where it must be given
  bool required = false;
};
struct Signature {
  string section, name;
  std::vector<Parameter> parameters;
};

string read(const string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + " cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

string trimmed(const string& text) {
  const std::size_t first = text.find_first_not_of(' ');
  return first == text.npos ? "" : text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

// At commas that are in no bracket and no quotes.
std::vector<string> split(const string& text) {
  std::vector<string> parts;
  string part;
  int depth = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (!quoted && c == '[') ++depth;
    if (!quoted && c == ']') --depth;
    if (c == ',' && depth == 0 && !quoted) {
      parts.push_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trimmed(part).empty()) parts.push_back(trimmed(part));
  return parts;
}

std::vector<Signature> read_signatures(const string& path) {
  std::vector<Signature> all;
  std::istringstream in(read(path));
  string section;
  bool in_section = false;
  for (string line; std::getline(in, line);) {
    if (line.empty()) {
      in_section = true;  // what comes before the first empty line is a remark
      continue;
    }
    if (line.starts_with("# ")) {
      if (in_section) section = line.substr(2);
      continue;
    }
    const std::size_t open = line.find('('), close = line.rfind(')');
    if (open == line.npos || close == line.npos)
      throw std::runtime_error(path + ": not a signature: " + line);
    Signature its{section, line.substr(0, open), {}};
    for (const string& part : split(line.substr(open + 1, close - open - 1))) {
      const std::size_t equals = part.find('=');
      its.parameters.push_back({part.substr(0, equals),
                                equals == part.npos ? "" : part.substr(equals + 1),
                                equals == part.npos});
    }
    all.push_back(std::move(its));
  }
  return all;
}

// "Section/Class.argument | text"; the class or the argument may be "*", the argument left out.
class Notes {
 public:
  explicit Notes(const string& path) {
    std::istringstream in(read(path));
    for (string line; std::getline(in, line);) {
      if (line.empty() || line.starts_with("#")) continue;
      const std::size_t bar = line.find(" | ");
      if (bar == line.npos) throw std::runtime_error(path + ": not a note: " + line);
      string& note = notes_[line.substr(0, bar)];
      note += (note.empty() ? "" : "; ") + line.substr(bar + 3);
    }
  }
  string of(const Signature& s) const { return find({s.section + "/" + s.name}); }
  string of(const Signature& s, const Parameter& p) const {
    return find({s.section + "/" + s.name + "." + p.name, s.section + "/*." + p.name});
  }
  string of_section(const string& section, const string& argument) const {
    return find({section + "/*." + argument});
  }
  bool is_own(const Signature& s, const Parameter& p) const {
    return notes_.count(s.section + "/" + s.name + "." + p.name) > 0;
  }
  /// Those that nothing in Keras goes by.
  std::vector<string> strangers(const std::vector<Signature>& all) const {
    std::set<string> known;
    for (const Signature& s : all) {
      known.insert(s.section + "/" + s.name);
      for (const Parameter& p : s.parameters) {
        known.insert(s.section + "/" + s.name + "." + p.name);
        known.insert(s.section + "/*." + p.name);
      }
    }
    std::vector<string> found;
    for (const auto& [name, text] : notes_)
      if (!known.count(name)) found.push_back(name);
    return found;
  }

 private:
  string find(const std::vector<string>& names) const {
    for (const string& name : names)
      if (const auto note = notes_.find(name); note != notes_.end()) return note->second;
    return "";
  }
  std::map<string, string> notes_;
};

string unquoted(string text) {
  std::erase(text, '"');
  return text;
}

// Whether a name is that of the class itself: "precision" of Precision, and "" for none of its own.
bool is_name_of(const string& class_name, const string& here) {
  if (here.empty()) return true;
  string one, other;
  for (const char c : class_name) one += static_cast<char>(std::tolower(c));
  for (const char c : here)
    if (c != '_') other += c;
  return one == other;
}

// Whether a default here is Keras's.
bool is_same(const Parameter& keras, string here) {
  if (here.size() > 2 && here.front() == '[' && here.back() == ']' &&
      !keras.standard.starts_with('['))
    here = here.substr(1, here.size() - 2);  // a list of one
  if (keras.required || keras.standard == "None") return keras::is_nothing(here);
  if (keras.standard == "True" || keras.standard == "False")
    return here == (keras.standard == "True" ? "true" : "false");
  const string text = unquoted(keras.standard);
  if (text == here) return true;
  char *end = nullptr, *end_here = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const double number_here = std::strtod(here.c_str(), &end_here);
  return !text.empty() && !here.empty() && !*end && !*end_here && number == number_here;
}

struct Count {
  int supported = 0, different = 0, absent = 0;
};

class Page {
 public:
  Page(const Notes& notes, const Notes& values, const std::vector<Signature>& all)
      : notes_(notes), values_(values) {
    find_said_once(all);
    for (const Signature& s : all) add(s);
  }

  string text() const { return out_.str(); }
  const Count& count() const { return count_; }
  const std::vector<string>& faults() const { return faults_; }

 private:
  // What no class of a section has, of the arguments that three or more have in Keras.
  void find_said_once(const std::vector<Signature>& all) {
    std::map<string, std::map<string, int>> absent;
    std::set<std::pair<string, string>> had;
    for (const Signature& s : all) {
      const std::optional<keras::Here> here = keras::here(s.section, s.name);
      if (!here) continue;
      for (const Parameter& p : s.parameters)
        if (here->find(p.name) || notes_.is_own(s, p))
          had.insert({s.section, p.name});
        else
          ++absent[s.section][p.name];
    }
    for (const auto& [section, arguments] : absent)
      for (const auto& [name, times] : arguments)
        if (times > 2 && !had.count({section, name})) said_once_[section].insert(name);
  }

  void begin_section(const string& section) {
    section_ = section;
    out_ << "\n## " << section << "\n\n";
    if (said_once_[section].empty()) return;
    out_ << "None of them has\n\n";
    for (const string& name : said_once_[section])
      out_ << "- `" << name << "`: " << notes_.of_section(section, name) << "\n";
    out_ << "\nEach has\n\n";
  }

  void add(const Signature& s) {
    if (s.section != section_) begin_section(s.section);
    const std::optional<keras::Here> here = keras::here(s.section, s.name);
    if (!here) return add_missing(s);
    std::vector<string> supported, different, absent;
    std::set<string> named;
    for (const Parameter& p : s.parameters) {
      named.insert(p.name);
      const keras::Argument* const its = here->find(p.name);
      const string note = notes_.of(s, p), quoted = "`" + p.name + "`";
      const bool is_name =
          p.name == "name" && (p.standard == "None" || is_name_of(s.name, unquoted(p.standard)));
      if (its && (is_same(p, its->standard) || (is_name && is_name_of(s.name, its->standard)))) {
        supported.push_back(quoted + (p.required ? "" : " = " + shown(p)));
      } else if (its) {
        different.push_back(quoted + " = " + shown(its->standard) +
                            " (Keras: " + (p.required ? "must be given" : shown(p)) +
                            "): " + required(note, s, p));
      } else {
        const string why = required(note, s, p);
        ++count_.absent;
        if (!said_once_[s.section].count(p.name)) absent.push_back(quoted + ": " + why);
      }
    }
    string besides;
    for (const keras::Argument& a : here->arguments)
      if (!named.count(a.name) && !common_.count(a.name))
        besides += (besides.empty() ? "`" : ", `") + a.name + "`";
    if (s.name == "Layer")
      for (const keras::Argument& a : here->arguments) common_.insert(a.name);
    count_.supported += static_cast<int>(supported.size());
    count_.different += static_cast<int>(different.size());
    string line;
    for (const string& text : supported) line += (line.empty() ? ": " : ", ") + text;
    if (s.parameters.empty()) line = ", which has no arguments";
    if (line.empty()) line = ": none of its arguments as Keras has it";
    out_ << "- **" << s.name << "**" << line << "\n";
    for (const string& text : different) out_ << "  - different: " << text << "\n";
    for (const string& text : absent) out_ << "  - not there: " << text << "\n";
    if (const string other = values_.of(s); !other.empty())
      out_ << "  - other values: " << other << "\n";
    if (!besides.empty()) out_ << "  - besides, here: " << besides << "\n";
  }

  void add_missing(const Signature& s) {
    const string note = notes_.of(s);
    if (note.empty())
      faults_.push_back(s.section + "/" + s.name +
                        " is not there; say why, or what to use, in tests/keras/notes.txt");
    if (const string listed = keras::unlisted(s.section, s.name); !listed.empty())
      faults_.push_back(listed);
    count_.absent += static_cast<int>(s.parameters.size());
    out_ << "- **" << s.name << "** is not there: " << note << "\n";
  }
  string required(const string& note, const Signature& s, const Parameter& p) {
    if (note.empty())
      faults_.push_back(s.section + "/" + s.name + "." + p.name +
                        " is not there or has another default; say why in tests/keras/notes.txt");
    return note;
  }
  static string shown(const string& here) { return here.empty() ? "\"\"" : here; }
  static string shown(const Parameter& p) {
    return p.standard == "True" ? "true" : p.standard == "False" ? "false" : p.standard;
  }

  const Notes &notes_, &values_;
  std::ostringstream out_;
  string section_;
  std::set<string> common_;                       // the options that every layer has
  std::map<string, std::set<string>> said_once_;  // by section
  Count count_;
  std::vector<string> faults_;
};

const char* const head =
    "# Keras, argument by argument\n\n"
    "What Tempo has of Keras 3 for sequences, made by a program from the descriptions of the "
    "options\n"
    "here (`tests/keras`), and compared with them by a test: it cannot be out of date. After a "
    "change,\n"
    "`./dev keras` writes it anew; what is not there needs a note in `tests/keras/notes.txt`. "
    "Layers for\n"
    "pictures, for changing them at random and for modules of other frameworks are not listed, but "
    "for\n"
    "ConvLSTM2D and ConvLSTM3D.\n\n"
    "An argument is listed with its default where that is the same. Keras's `None` is here an "
    "empty\n"
    "text or `Tensor{}`, 0 for a clip that is off, -1 for a seed that is drawn, `linear` for no\n"
    "activation, `channels_last` for a data format. Options are fields: `LSTM({.units = 32, "
    ".return_sequences = true})`. Values are Keras's,\n"
    "but for what stands under \"other values\" (`tests/keras/values.txt`).\n";

int run(bool write) {
  const string root = TEMPO_SOURCE_DIR, path = root + "/docs/keras.md";
  const std::vector<Signature> all = read_signatures(root + "/tests/keras/signatures.txt");
  const string folder = root + "/tests/keras/";
  const Notes notes(folder + "notes.txt"), values(folder + "values.txt");
  const Page page(notes, values, all);
  std::vector<string> faults = page.faults();
  for (const string& name : notes.strangers(all))
    faults.push_back("tests/keras/notes.txt: nothing of Keras is called " + name);
  for (const string& name : values.strangers(all))
    faults.push_back("tests/keras/values.txt: nothing of Keras is called " + name);
  for (const string& fault : faults) std::cout << fault << "\n";
  const Count& n = page.count();
  std::ostringstream text;
  text << head << "Of " << n.supported + n.different + n.absent << " arguments, " << n.supported
       << " are as in Keras, " << n.different << " have another default, " << n.absent
       << " are not there.\n"
       << page.text();
  if (write) {
    std::ofstream(path) << text.str();
    std::cout << path << " is written\n";
  } else if (read(path) != text.str()) {
    std::cout
        << "docs/keras.md is not what the program makes of the options; ./dev keras writes it\n";
    return 1;
  }
  return faults.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 && string(arguments[1]) == "--write");
  } catch (const std::exception& error) {
    std::cout << error.what() << "\n";
    return 2;
  }
}
