// SPDX-License-Identifier: Apache-2.0
// Checks of plugins that the conformance suite does not have: of loading, of descriptions, of
// options at their limits, of inputs of any rank, of threads, of memory, of ops.
#include <fcntl.h>
#include <malloc.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cfenv>
#include <clocale>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <span>
#include <sstream>
#include <thread>

#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>
#include <tempo/names.hpp>
#include <tempo/option.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"

namespace tempo::conformance {

// --- loading

namespace {

// What a process has that a library must leave alone, as texts.
std::vector<std::pair<std::string, std::string>> of_this_process() {
  std::vector<std::pair<std::string, std::string>> all;
  std::error_code ignored;
  const auto add = [&](const char* what, const std::string& value) {
    all.emplace_back(what, value);
  };
  add("the folder it is in", std::filesystem::current_path(ignored).string());
  const char* const locale = std::setlocale(LC_ALL, nullptr);
  add("the locale", locale ? locale : "");
  const mode_t mask = umask(0);
  umask(mask);
  add("the umask", std::to_string(mask));
  add("the rounding", std::to_string(std::fegetround()));
  std::size_t threads = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task", ignored)) {
    (void)entry;
    ++threads;
  }
  add("the number of threads", std::to_string(threads));
  std::string handlers;
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction now {};
    if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler != SIG_DFL)
      handlers += std::to_string(signal) + (now.sa_handler == SIG_IGN ? "i " : " ");
  }
  add("the signals that are handled", handlers);
  return all;
}

// While one lives, what is written to stdout and stderr is kept.
class Kept {
 public:
  Kept() : file_(memfd_create("kept", MFD_CLOEXEC)) {
    fflush(nullptr);
    for (int i = 0; i < 2; ++i) {
      before_[i] = fcntl(i + 1, F_DUPFD_CLOEXEC, 10);
      dup2(file_, i + 1);
    }
  }
  ~Kept() { give_back(); }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  std::string text() {
    give_back();
    std::string out(2000, '\0');
    const ssize_t n = pread(file_, out.data(), out.size(), 0);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }

 private:
  void give_back() {
    fflush(nullptr);
    for (int i = 0; i < 2; ++i)
      if (before_[i] >= 0) {
        dup2(before_[i], i + 1);
        close(before_[i]);
        before_[i] = -1;
      }
  }
  int file_;
  int before_[2];
};

}  // namespace

void check_quiet(const std::string& path) {
  (void)sum(matmul(ones({64, 64}), ones({64, 64}))).item();  // whatever Tempo starts itself
  all_plugins();
  const auto before = of_this_process();
  std::string said;
  {
    Kept kept;
    load_plugin(path);
    said = kept.text();
  }
  require(said.empty(), "to load it prints: " + said);
  const auto after = of_this_process();
  for (std::size_t i = 0; i < before.size(); ++i)
    require(before[i] == after[i], "to load it changes " + before[i].first + ": " +
                                       before[i].second + " before, " + after[i].second + " after");
}

// --- descriptions

namespace {

bool is_allowed(const tempo_option& option) {
  if (option.choices) return sdk::among(option.choices, option.standard);
  if (option.kind != TEMPO_OPTION_INT && option.kind != TEMPO_OPTION_REAL) return true;
  const double value = std::strtod(option.standard, nullptr);
  return value >= option.at_least && value <= option.at_most;
}

}  // namespace

void check_described(const PluginContents& plugin) {
  std::string missing;
  const auto lacks = [&](const std::string& what) {
    missing += (missing.empty() ? "" : "; ") + what;
  };
  require(!plugin.layers.empty() || !plugin.ops.empty(), "it registers nothing");
  for (const tempo_op_type* op : plugin.ops)
    if (!*op->summary) lacks(std::string("op ") + op->name + " has no summary");
  for (const tempo_layer_type* type : plugin.layers) {
    const std::string name = type->name;
    if (!*type->summary) lacks(name + " has no summary");
    for (const tempo_option& o : std::span(type->options, type->n_options)) {
      if (!*o.sentence)
        lacks("option `" + std::string(o.name) + "` of " + name + " has no sentence");
      if (!is_allowed(o))
        lacks("the default `" + std::string(o.standard) + "` of option `" + o.name + "` of " +
              name + " is not allowed, so that it must be given");
    }
  }
  if (!missing.empty()) throw Warning(missing);
}

// --- layers

namespace {

// Made with this option, or refused by an error.
bool is_made(const Subject& subject, const Given& given) {
  try {
    (void)subject.make({given});
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

void check_options_are_kept(const Subject& subject) {
  const tempo_layer_type& type = subject.type();
  for (const tempo_option& o : std::span(type.options, type.n_options)) {
    const std::string name = std::string("option `") + o.name + "`";
    if (o.kind == TEMPO_OPTION_INT) {
      for (const double limit : {o.at_least, o.at_most})
        if (std::abs(limit) < 1e15) (void)is_made(subject, {o.name, static_cast<int64_t>(limit)});
      if (std::abs(o.at_least) < 1e15)
        require(!is_made(subject, {o.name, static_cast<int64_t>(o.at_least) - 1}),
                name + " is taken below its limit");
      for (const int64_t value : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, INT64_MAX})
        (void)is_made(subject, {o.name, value});
    } else if (o.kind == TEMPO_OPTION_REAL) {
      for (const double value : {o.at_least, o.at_most, 1e-300, 1e300, HUGE_VAL, std::nan("")})
        (void)is_made(subject, {o.name, value});
      if (std::isfinite(o.at_most))
        require(!is_made(subject, {o.name, o.at_most + 1 + std::abs(o.at_most)}),
                name + " is taken above its limit");
    } else if (o.kind == TEMPO_OPTION_TEXT) {
      for (const std::string& text : {std::string(), std::string(10000, 'a'), std::string("\xff")})
        (void)is_made(subject, {o.name, text});
    } else if (o.kind == TEMPO_OPTION_SHAPE) {
      for (const std::vector<int64_t>& list :
           std::vector<std::vector<int64_t>>{{}, {0}, {-1, INT64_MAX}, {1, 2, 3, 4, 5, 6, 7, 8}})
        (void)is_made(subject, {o.name, list});
    }
  }
  require(!is_made(subject, {"no_option_has_this_name", 1}), "it takes an option that it has not");
}

void check_ranks(const Subject& subject) {
  const NoGradient off;
  std::vector<Shape> shapes{{0, 7, 4}, {3, 0, 4}, {3, 7, 0}, {1, 1, 1}, {0, 4}};
  for (Shape shape; shape.rank() <= 8; shape.push_back(2)) {
    shapes.push_back(shape);
    if (shape.rank() == 8) break;
  }
  for (const Shape& shape : shapes)
    for (const DType dtype : {default_dtype(), int64}) {
      const Tensors x(subject.inputs(dtype).size(), ones(shape, dtype));
      try {
        (void)subject.make().call(x);
      } catch (const Error&) {  // says why not
      }
    }
}

void check_two_threads(const Subject& subject) {
  const NoGradient off;
  const Tensors x = subject.inputs(default_dtype());
  const Layer layer = subject.make();
  const Tensors expected = layer.call(x);
  std::string faults[2];
  const auto call_often = [&](std::string& fault) {
    const NoGradient off_here;
    try {
      for (int i = 0; i < 50; ++i) require_close("a result", layer.call(x), expected, 0);
    } catch (const std::exception& error) {
      fault = error.what();
    }
  };
  std::thread other(call_often, std::ref(faults[1]));
  call_often(faults[0]);
  other.join();
  for (const std::string& fault : faults) require(fault.empty(), fault);
}

void check_leaks(const Subject& subject) {
  set_threads(1);
  const Tensors x = parameters(subject.inputs(float64));
  const auto round = [&] {
    for (int i = 0; i < 30; ++i) {
      const Layer layer = subject.make({{"dtype", static_cast<int64_t>(float64)}});
      const Tensor total = mixed(layer.call(x));
      const Tensors to = leaves(layer, x);
      if (!to.empty() && total.tracked()) gradient(total, to);
    }
    return static_cast<int64_t>(mallinfo2().uordblks + mallinfo2().hblkhd);
  };
  // What is remembered of the first ones is no leak: it ends.
  for (int i = 0; i < 6; ++i) round();
  int64_t before = round();
  int rounds_that_grew = 0;
  int64_t grown = 0;
  for (int i = 0; i < 5; ++i) {
    const int64_t now = round();
    rounds_that_grew += now - before >= 30 * 16;
    grown += now - before;
    before = now;
  }
  require(rounds_that_grew < 5, "each time that it is made and called " +
                                    std::to_string(grown / 150) + " bytes are left behind");
}

// --- ops

namespace {

Tensors run(const tempo_op_type& type, const Tensors& x) {
  const sdk::Op op(type.name);
  tempo_tensor* result = nullptr;
  op.run(sdk::handles(x).data(), x.size(), {}, &result, 1);
  return {Tensor(result)};
}

// Inputs of all shapes and dtypes that an op may want, of which it is given each.
std::vector<Tensors> tried(const tempo_op_type& type, DType dtype) {
  std::vector<Tensors> all;
  const std::vector<Shape> shapes{{3, 4}, {3}, {4}, {2, 3, 4}, {}, {0, 4}, {2, 5, 3, 4}};
  const auto number = [&](const Shape& shape, int64_t seed) {
    return cast(random_normal(shape, 0, 1, float64, seed), dtype);
  };
  for (const Shape& first : shapes)
    for (const Shape& others : shapes) {
      Tensors x;
      for (uint32_t i = 0; i < type.n_inputs; ++i)
        x.push_back(number(i == 0 ? first : others, static_cast<int64_t>(i) + 3));
      all.push_back(std::move(x));
      if (type.n_inputs < 2) break;
    }
  return all;
}

}  // namespace

void check_op_runs(const tempo_op_type& type) {
  int taken = 0;
  for (const DType dtype : {float64, float32, int64, bool_})
    for (const Tensors& x : tried(type, dtype)) try {
        const Tensors once = run(type, x);
        require_close("computed again, the result", run(type, x), once, 0);
        ++taken;
      } catch (const PluginError&) {  // it did what no op may do
        throw;
      } catch (const Error&) {  // says why not
      }
  if (taken == 0) throw Inapplicable("none of the shapes that are tried fits it");
}

void check_op_gradient(const tempo_op_type& type) {
  if (!type.vjp) throw Warning("it has no gradient: one that is asked for through it is an error");
  int checked = 0;
  for (const Tensors& x : tried(type, float64)) {
    try {
      const Tensors y = run(type, x);
      if (!is_floating(y[0].dtype()) || y[0].count() == 0) continue;
    } catch (const Error&) {
      continue;
    }
    const GradCheck report = gradcheck([&](const Tensors& in) { return run(type, in)[0]; }, x);
    ++checked;
    std::ostringstream text;
    text << report;
    require(report.passed(), text.str());
  }
  if (checked == 0) throw Inapplicable("none of the shapes that are tried fits it");
}

}  // namespace tempo::conformance
