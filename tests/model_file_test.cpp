// Model files that nobody vouches for, and what of a training a file holds.
#define BOOST_TEST_MODULE model_file
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <tempo/tempo.hpp>
#include <thread>

#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;
using std::string;

namespace {

// A folder of this program's own, gone at its end.
struct Folder {
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  fs::path path = fs::temp_directory_path() / ("tempo_model_file_" + std::to_string(::getpid()));
};
string in_folder(const string& name) {
  static const Folder folder;
  return (folder.path / name).string();
}

string quoted(const string& text) {
  string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? string{'\\', c} : string{c};
  return out + "\"";
}

// A model file that has this description and no tensors.
string file_of(const string& description) {
  const string path = in_folder("made.safetensors");
  const string header = R"({"__metadata__":{"tempo":)" + quoted(description) + "}}";
  const uint64_t length = header.size();
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(&length), sizeof length)
      .write(header.data(), static_cast<std::streamsize>(length));
  return path;
}

string layer_text(const string& options, const string& type = "Dense", const string& name = "l") {
  return R"({"kind":"layer","type":")" + type + R"(","name":")" + name +
         R"(","dtype":"float32","options":)" + options + "}";
}

string model_text(const string& layers,
                  const string& inputs = R"([{"shape":[-1,4,2],"dtype":"float32"}])",
                  const string& training = "null") {
  return R"({"version":1,"kind":"sequential","name":"s","inputs":)" + inputs + R"(,"layers":[)" +
         layers + R"(],"training":)" + training + "}";
}

void check_error(const string& got, const string& expected) {
  BOOST_TEST(got.find(expected) != string::npos, "expected: " << expected << "\ngot: " << got);
}

}  // namespace

BOOST_AUTO_TEST_CASE(nests_are_refused_before_anything_follows_them_down) {
  const auto nest = [](int depth) { return string(depth, '[') + string(depth, ']'); };
  string objects = "1";
  for (int i = 0; i < 5000; ++i) objects = R"({"a":)" + objects + "}";
  for (const string& deep : {nest(100), nest(100000), objects})
    for (const string& text :
         {model_text(layer_text(R"({"units":)" + deep + "}")), model_text(deep),
          model_text("", R"([{"shape":)" + deep + R"(,"dtype":"float32"}])"),
          model_text("", "[]", deep), deep}) {
      const string path = file_of(text);
      string got;
      std::thread([&] { got = error_of<FormatError>([&] { load_model(path); }); }).join();
      check_error(got, path +
                           ": its description of the model is damaged: it nests deeper than the "
                           "format does");
    }
}
