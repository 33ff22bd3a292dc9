// SPDX-License-Identifier: Apache-2.0
// Values that layers keep besides weights, in files and out of them; options of earlier versions;
// and the plugin of a layer that a file names.
#define BOOST_TEST_MODULE kept
#include "plugin/kept.hpp"

#include <filesystem>
#include <functional>
#include <thread>

#include <nlohmann/json.hpp>

#include <tempo/tempo.hpp>

#include "io/tensors/safetensors.hpp"
#include "plugins/rich.hpp"
#include "raw_layer.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;
using json = nlohmann::ordered_json;

namespace {

std::string plugin_file(const std::string& name) {
  return std::filesystem::canonical(TEMPO_TEST_PLUGINS).string() + "/" + name + ".so";
}
struct Loaded {
  Loaded() {
    load_plugin(plugin_file("rich"));
    load_plugin(plugin_file("lean"));
  }
};
BOOST_TEST_GLOBAL_FIXTURE(Loaded);

class File {
 public:
  File()
      : path_((std::filesystem::temp_directory_path() /
               ("kept_test_" + std::to_string(getpid()) + "_" + std::to_string(++count_) +
                ".safetensors"))
                  .string()) {}
  ~File() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }
  // Changes its description by hand, and its tensors.
  void change(
      const std::function<void(json&)>& f,
      const std::function<void(Safetensors&)>& g = [](Safetensors&) {}) const {
    Safetensors all = read_safetensors(path_);
    json description = json::parse(all.metadata.at("tempo"));
    f(description);
    g(all);
    all.metadata["tempo"] = description.dump();
    write_safetensors(path_, all);
  }
  json description() const { return json::parse(read_safetensors(path_).metadata.at("tempo")); }
  Tensor tensor(const std::string& name) const { return read_safetensors(path_).find(name); }

 private:
  static inline int count_ = 0;
  std::string path_;
};

void train(const Model& model, int times) {
  for (int i = 0; i < times; ++i) model(full({2, 3}, i + 1.0), {.training = true});
}

Sequential meter(std::initializer_list<Option> options = {}) {
  Sequential model({Dense({.units = 3}), layer("Meter", options)});
  model(ones({2, 3}));
  return model;
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_file_holds_what_a_layer_keeps) {
  const File file;
  Sequential model = meter({{"scale", 2.0}});
  train(model, 3);
  model.save(file.path());
  const Tensor calls = file.tensor("/count/meter/calls"), sum = file.tensor("/kept/meter/sum");
  BOOST_REQUIRE(calls);
  BOOST_TEST(calls.item() == 3);
  BOOST_REQUIRE(sum);
  BOOST_TEST(file.description()["kept_versions"].dump() == R"({"meter":2})");
  const Tensor x = ones({2, 3}), expected = model(x);
  check_same("made", load_model(file.path())(x), expected);

  Sequential other = meter({{"scale", 2.0}});
  train(other, 1);
  other.load(file.path());
  check_same("resumed", other(x), expected);
  other.save(file.path());
  BOOST_TEST(file.tensor("/count/meter/calls").item() == 3);
  check_same("saved again", file.tensor("/kept/meter/sum"), sum);
}

BOOST_AUTO_TEST_CASE(a_layer_that_kept_nothing_yet_stays_as_it_is_where_a_file_has_nothing) {
  const File file;
  Sequential model = meter();
  train(model, 2);
  model.save(file.path());
  file.change([](json&) {},
              [](Safetensors& all) {
                std::erase_if(all.tensors, [](auto& t) { return t.first.starts_with("/"); });
              });
  model.load(file.path());
  model.save(file.path());
  BOOST_TEST(file.tensor("/count/meter/calls").item() == 2);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_changes_nothing) {
  const File file;
  Sequential model = meter();
  train(model, 2);
  model.save(file.path());
  const Tensor x = ones({2, 3});
  const auto refused = [&](const std::function<void(Safetensors&)>& change) {
    const File changed;
    model.save(changed.path());
    changed.change([](json&) {}, change);
    const Tensor before = model(x);
    const std::string text = error_of<FormatError>([&] { model.load(changed.path()); });
    check_same("as before", model(x), before);
    const std::size_t at = text.find(": ");
    return text.substr(at + 2, text.find('\n') - at - 2);
  };
  const auto named = [](const char* from, const char* to) {
    return [=](Safetensors& all) {
      for (auto& [name, value] : all.tensors)
        if (name == from) name = to;
    };
  };
  BOOST_CHECK_EQUAL(refused(named("/count/meter/calls", "/count/dense/calls")),
                    "`calls` of `dense` belongs to no layer that keeps something.");
  BOOST_CHECK_EQUAL(refused([](Safetensors& all) {
                      std::erase_if(all.tensors,
                                    [](auto& t) { return t.first == "/count/meter/calls"; });
                      for (auto& [name, value] : all.tensors)
                        if (name == "/kept/meter/sum") name = "/kept/meter/calls";
                    }),
                    "what it kept as `calls` is no integer.");
  BOOST_CHECK_EQUAL(refused(named("/kept/meter/sum", "/count/meter/sum")),
                    "`/count/meter/sum` is [] float32; it must be one int64.");
  BOOST_CHECK_EQUAL(refused(named("/kept/meter/sum", "/kept/meter")),
                    "`/kept/meter` is not what a layer keeps.");

  const auto two = [](bool breaks) {
    Sequential made({layer("Meter", {{"name", "first"}}),
                     layer("Meter", {{"name", "second"}, {"breaks_at_load", breaks}}),
                     Dense({.units = 1})});
    made(ones({2, 3}));
    return made;
  };
  Sequential sound = two(false), breaks = two(true);
  train(sound, 3);
  train(breaks, 1);
  sound.save(file.path());
  file.change([](json& d) { d["layers"][1]["options"]["breaks_at_load"] = true; });
  const auto calls_now = [&] {
    const File now;
    breaks.save(now.path());
    return now.tensor("/count/first/calls").item();
  };
  BOOST_TEST(calls_now() == 1);
  const std::string text = error_of([&] { breaks.load(file.path()); });
  BOOST_TEST(text.find("the needle is stuck") != text.npos, text);
  BOOST_TEST(calls_now() == 1);
}

BOOST_AUTO_TEST_CASE(seeds_of_layers_in_layers_go_on) {
  const auto made = [] {
    Sequential model({Bidirectional(LSTM({.units = 4, .dropout = 0.5, .seed = 3})),
                      Dropout({.rate = 0.5, .seed = 5}), Dense({.units = 1})});
    model(ones({2, 4, 3}));
    return model;
  };
  const File file;
  const Sequential model = made();
  const Tensor x = ones({2, 4, 3});
  for (int i = 0; i < 3; ++i) model(x, {.training = true});
  model.save(file.path());
  for (const char* name : {"/count/bidirectional/forward_lstm/calls",
                           "/count/bidirectional/backward_lstm/calls", "/count/dropout/calls"}) {
    BOOST_TEST_CONTEXT(name) {
      BOOST_REQUIRE(file.tensor(name));
      BOOST_TEST(file.tensor(name).item() == 3);
    }
  }
  const Sequential loaded = load_model(file.path());
  const Tensor expected = model(x, {.training = true});
  check_same("goes on", loaded(x, {.training = true}), expected);
  Sequential resumed = made();
  for (int i = 0; i < 7; ++i) resumed(x, {.training = true});  // it is restored
  resumed.load(file.path());
  check_same("resumed", resumed(x, {.training = true}), expected);
}

// --- options of earlier versions

BOOST_AUTO_TEST_CASE(options_of_an_earlier_version_are_migrated) {
  struct Case {
    json version, options;
    double scale;
  };
  const Case cases[] = {{1, {{"factor", 2.5}, {"colour", "red"}}, 2.5},
                        {nullptr, {{"colour", "red"}}, 3},
                        {2, {{"scale", 4.0}}, 4}};
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.options.dump()) {
      const File file;
      meter({{"scale", c.scale}}).save(file.path());
      file.change([&](json& d) {
        json& its = d["layers"][1];
        BOOST_TEST(its["version"] == 2);
        its.erase("version");
        if (!c.version.is_null()) its["version"] = c.version;
        its["options"] = c.options;
      });
      BOOST_TEST(sdk::given(load_model(file.path()).layers()[1], "scale")->real == c.scale);
      Sequential same = meter({{"scale", c.scale}}), other = meter({{"scale", 7.0}});
      same.load(file.path());
      const std::string text = error_of([&] { other.load(file.path()); });
      BOOST_TEST(text.find("different   meter.scale  ") != text.npos, text);
    }
}

BOOST_AUTO_TEST_CASE(a_later_version_is_refused) {
  const File file;
  Sequential model = meter();
  model.save(file.path());
  file.change([](json& d) { d["layers"][1]["version"] = 3; });
  for (const auto& load : std::initializer_list<std::function<void()>>{
           [&] { load_model(file.path()); }, [&] { model.load(file.path()); }})
    BOOST_CHECK_EQUAL(error_of<FormatError>(load).substr(file.path().size()),
                      ": `Meter` was saved by version 3 of it, and version 2 is here.\n"
                      "  Load a newer one.");
}

// --- whose it is

BOOST_AUTO_TEST_CASE(a_file_says_which_plugin_a_layer_is_of) {
  const File file;
  Sequential model({layer("lean.Promise"), layer("org.rich.Promise"), Dense({.units = 1})});
  model(ones({2, 3}));
  model.save(file.path());
  const json layers = file.description()["layers"];
  BOOST_CHECK_EQUAL(layers[0]["plugin"].dump() + layers[0]["plugin_version"].dump(),
                    R"("lean""0.9.0")");
  BOOST_CHECK_EQUAL(layers[1]["plugin"].dump() + layers[1]["plugin_version"].dump(),
                    R"("org.rich""2.10.0")");
  BOOST_CHECK_EQUAL(layers[2]["plugin"].dump(), R"("tempo")");
  check_same("made", load_model(file.path())(ones({2, 3})), model(ones({2, 3})));

  Sequential other({layer("org.rich.Promise"), layer("org.rich.Promise"), Dense({.units = 1})});
  other(ones({2, 3}));
  const std::string text = error_of([&] { other.load(file.path()); });
  BOOST_TEST(
      text.find("different   promise: plugin  \"lean\" in the file, \"org.rich\"") != text.npos,
      text);
}

BOOST_AUTO_TEST_CASE(a_plugin_that_is_another_older_or_not_there_is_named) {
  struct Case {
    const char *plugin, *version, *text;
  };
  const Case cases[] = {
      {"org.rich", "2.11.0",
       ": `Promise` was saved by plugin `org.rich` 2.11.0, and 2.10.0 is loaded (PATH).\n"
       "  Load that version, or a newer one."},
      {"org.rich", "2.9.3", ""},
      {"org.rich", "1", ""},
      {"org.rich", "3",
       ": `Promise` was saved by plugin `org.rich` 3, and 2.10.0 is loaded (PATH)."
       "\n  Load that version, or a newer one."},
      {"nobodys", "1.0.0",
       ": its layer `Promise` is of plugin `nobodys` 1.0.0, which is not loaded.\n"
       "  The layer `org.rich.Promise` is another one.\n"
       "  The layer `lean.Promise` is another one.\n"
       "  Load the plugin that has it first: load_plugin(path). A model file never searches "
       "TEMPO_PLUGIN_PATH.\n"
       "  A class of this program is given by its name: load_model(path, {.cells = "
       "{cell<MyCell>(\"My\")}})."},
      {"a/b", "1.0.0", ": \"a/b\" cannot be the name of a plugin."},
  };
  const File file;
  Sequential model({layer("org.rich.Promise"), Dense({.units = 1})});
  model(ones({2, 3}));
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.plugin << " " << c.version) {
      model.save(file.path());
      file.change([&](json& d) {
        d["layers"][0]["plugin"] = c.plugin;
        d["layers"][0]["plugin_version"] = c.version;
      });
      std::string text = "";
      try {
        load_model(file.path());
      } catch (const Error& e) {
        text = std::string(e.what()).substr(file.path().size());
      }
      const std::string rich = plugin_file("rich");
      if (const std::size_t at = text.find(rich); at != text.npos)
        text.replace(at, rich.size(), "PATH");
      BOOST_TEST(text.starts_with(c.text), text);
      BOOST_TEST((text.empty() == (*c.text == '\0')));
    }
}

BOOST_AUTO_TEST_CASE(a_class_of_the_program_stands_in_for_a_plugins) {
  const File file;
  Sequential model({layer("org.rich.Promise"), Dense({.units = 1})});
  model(ones({2, 3}));
  model.save(file.path());
  file.change([](json& d) { d["layers"][0]["plugin"] = "nobodys"; });
  const Sequential loaded =
      load_model(file.path(), {.layers = {tempo::layer<rich::Promise>("Promise")}});
  check_same("loaded", loaded(ones({2, 3})), model(ones({2, 3})));
}

// --- callbacks that are wrong

BOOST_AUTO_TEST_CASE(what_a_layer_saves_must_be_values_with_names) {
  struct Case {
    std::function<void(tempo_attribute&)> change;
    const char* text;
  };
  const Tensor x = ones({2});
  const Case cases[] = {
      {[](auto& a) { a.name = nullptr; }, "it saves a value without a name."},
      {[](auto& a) { a.kind = TEMPO_DOUBLE_VALUE; }, "`n` is neither an integer nor a tensor."},
      {[](auto& a) { a.kind = 77; }, "`n` is neither an integer nor a tensor."},
      {[](auto& a) { a.kind = TEMPO_TENSOR_VALUE; }, "`n` is a tensor without a value."},
      {[](auto& a) { a.size = 8; }, "save_value: a struct says that it has 8 bytes; it has 72."},
      {[](auto& a) { a.name = "a/b"; }, "name of what it saves: `a/b` holds a `/`"},
      {[](auto&) {}, "it saves `n` twice."},
  };
  for (const Case& c : cases) BOOST_TEST_CONTEXT(c.text) {
      static const Case* now = nullptr;
      now = &c;
      RawLayer raw;
      raw.type.save = [](void*, void*, tempo_layer*, tempo_saving* to) {
        tempo_attribute a{};
        a.size = sizeof a;
        a.name = "n";
        now->change(a);
        const tempo_status status = sdk::host().save_value(to, &a);
        return status == TEMPO_OK ? sdk::host().save_value(to, &a) : status;
      };
      raw.type.load = [](void*, void*, tempo_layer*, const tempo_saved*) {
        return tempo_status{TEMPO_OK};
      };
      const File file;
      Sequential model({raw.make(), Dense({.units = 1})});
      model(ones({2, 3}));
      const std::string text = error_of([&] { model.save(file.path()); });
      BOOST_TEST(text.find(c.text) != text.npos, text);
    }
}

BOOST_AUTO_TEST_CASE(values_are_saved_while_the_save_runs_and_on_its_thread) {
  static tempo_saving* seen = nullptr;
  static std::string of_another_thread;
  static const auto said = [] {
    tempo_attribute a{};
    a.size = sizeof a;
    a.name = "n";
    return error_of<PluginError>([&] { sdk::check(sdk::host().save_value(seen, &a)); });
  };
  RawLayer raw;
  raw.type.save = [](void*, void*, tempo_layer*, tempo_saving* to) {
    seen = to;
    std::thread([] { of_another_thread = said(); }).join();
    return tempo_status{TEMPO_OK};
  };
  raw.type.load = [](void*, void*, tempo_layer*, const tempo_saved*) {
    return tempo_status{TEMPO_OK};
  };
  const File file;
  Sequential model({raw.make(), Dense({.units = 1})});
  model(ones({2, 3}));
  model.save(file.path());
  const std::string expected =
      "save_value: `to` is not that of a save or a migrate that runs on this thread.\n  Values are "
      "saved while the callback that was given it runs, and on its thread.";
  BOOST_TEST(of_another_thread == expected);
  BOOST_TEST(said() == expected);
}

BOOST_AUTO_TEST_CASE(a_list_that_is_migrated_has_a_count_that_a_list_has) {
  RawLayer raw;
  raw.type.migrate = [](void*, const tempo_saved*, tempo_saving* to) {
    static const int64_t two[] = {1, 2};
    tempo_attribute a{};
    a.size = sizeof a;
    a.kind = TEMPO_LIST_VALUE;
    a.name = "shape";
    a.list = two;
    a.count = uint64_t{1} << 28;
    return sdk::host().save_value(to, &a);
  };
  const sdk::OptionList from;
  sdk::OptionList to;
  BOOST_TEST(error_of([&] { migrate(raw.type, "Raw", 1, from, to); }) ==
             "Raw: save_value: there are 268435456 `shape`; at most 1048576 can be given.");
}

BOOST_AUTO_TEST_CASE(save_and_load_are_both_there_or_neither) {
  RawLayer raw;
  raw.type.save = [](void*, void*, tempo_layer*, tempo_saving*) { return tempo_status{TEMPO_OK}; };
  BOOST_TEST(error_of([&] {
               raw.make();
             }).starts_with("register_layer: layer `Raw`: it has one of save and load; "));
}
