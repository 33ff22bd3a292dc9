// SPDX-License-Identifier: Apache-2.0
// Ops of a plugin: several results, only the gradients that are asked for, and the data that lies
// beside a callback and is passed to it.
#define BOOST_TEST_MODULE plugin_op
#include <tempo/plugin.hpp>
#include <tempo/tempo.hpp>

#include "plugin/registry.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

const tempo_host& host() { return sdk::host(); }

void registered(const tempo_op_type& type) {
  tempo_registry mine{"of_test", "1", "of_test.so", {}, {}};
  {
    const Registering now(mine);
    sdk::check(host().register_op(&mine, &type));
  }
  commit(std::move(mine));
}
template <class O>
const sdk::Op& op_of(const char* name) {
  static const sdk::Op made = [&] {
    registered(*op<O>(name).op);
    return sdk::Op(name);
  }();
  return made;
}
Tensors apply(const sdk::Op& op, const Tensors& x, std::size_t n_results) {
  std::vector<tempo_tensor*> results(n_results);
  op.run(sdk::handles(x).data(), x.size(), {}, results.data(), n_results);
  return sdk::adopt(results);
}

// x + y and x * y.
struct SumAndProduct {
  static constexpr int n_inputs = 2, n_results = 2;
  static std::vector<OpType> type(const OpCall& call) {
    if (call.input(0).shape != call.input(1).shape) throw ShapeError("needs two of one shape");
    return {call.input(0), call.input(0)};
  }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 2>& x,
                     const std::array<T*, 2>& y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) {
      y[0][i] = x[0][i] + x[1][i];
      y[1][i] = x[0][i] * x[1][i];
    }
  }
  static Tensors vjp(const OpGradient& g) {
    asked = {g.wants(0), g.wants(1)};
    Tensors out(2);
    for (std::size_t i = 0; i < 2; ++i)
      if (g.wants(i)) out[i] = g.dy(0) + g.dy(1) * g.x(1 - i);
    return out;
  }
  static inline std::vector<bool> asked;
};

// For numbers, returns bools and numbers: whether x is above 0, and by how much.
struct Above {
  static constexpr int n_inputs = 1, n_results = 2;
  static std::vector<OpType> type(const OpCall& call) {
    return {{bool_, call.input(0).shape}, call.input(0)};
  }
  static void kernel(const OpCall& call, const void* const* x, void* const* y) {
    const auto* in = static_cast<const double*>(x[0]);
    for (int64_t i = 0; i < call.result(1).shape.count(); ++i) {
      static_cast<unsigned char*>(y[0])[i] = in[i] > 0;
      static_cast<double*>(y[1])[i] = in[i] > 0 ? in[i] : 0;
    }
  }
  static Tensors vjp(const OpGradient& g) { return {where(g.y(0), g.dy(1), 0)}; }
};

}  // namespace

BOOST_AUTO_TEST_CASE(an_op_may_give_several_results) {
  const sdk::Op& op = op_of<SumAndProduct>("test_sum_and_product");
  const Tensor x = parameter(normal({3, 4}, 1)), y = parameter(normal({3, 4}, 2));
  const Tensors both = apply(op, {x, y}, 2);
  check_same("sum", both[0], x + y);
  check_same("product", both[1], x * y);
  const auto weighted = [&](const Tensors& in) {
    const Tensors of = apply(op, in, 2);
    return sum(square(of[0])) + 3 * sum(sin(of[1]));
  };
  const GradCheck report = gradcheck(weighted, {x, y});
  BOOST_TEST(report.passed(), report);
  BOOST_TEST(error_of([&] {
               apply(op, {x, y}, 1);
             }) == "of_test.test_sum_and_product: it gives 2 results, and is asked for 1.");
  BOOST_TEST(error_of<ShapeError>([&] {
               apply(op, {x, ones({2}, float64)}, 2);
             }).find("needs two of one shape") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_vjp_is_asked_for_the_gradients_that_are_wanted) {
  const sdk::Op& op = op_of<SumAndProduct>("test_sum_and_product");
  const Tensor x = parameter(normal({2}, 1)), y = normal({2}, 2);
  SumAndProduct::asked.clear();
  check_same("of x", gradient(sum(apply(op, {x, y}, 2)[1]), {x})[0], y);
  BOOST_TEST(SumAndProduct::asked == (std::vector<bool>{true, false}));
  const Tensor w = parameter(y);
  check_same("of y", gradient(sum(apply(op, {normal({2}, 1), w}, 2)[0]), {w})[0],
             ones({2}, float64));
  BOOST_TEST(SumAndProduct::asked == (std::vector<bool>{false, true}));
}

BOOST_AUTO_TEST_CASE(a_recurrence_runs_an_op_of_several_results) {
  const sdk::Op& op = op_of<SumAndProduct>("test_sum_and_product");
  const Tensor x = parameter(normal({2, 5, 3}, 1)), first = normal({2, 3}, 2);
  const auto run = [&](bool with_op, bool plain) {
    const auto step = [&](const Tensor& now, const State& s) -> Step {
      const Tensors both = with_op ? apply(op, {now, s[0]}, 2) : Tensors{now + s[0], now * s[0]};
      const Tensor next = tanh(both[0] - 0.5 * both[1]);
      return {.output = next, .state = {next}};
    };
    const Tensor y = scan(step, x, {first}, {.plain = plain}).output;
    return Tensors{y, gradient(sum(square(y)), {x})[0]};
  };
  for (const bool plain : {false, true}) {
    const Tensors got = run(true, plain), expected = run(false, plain);
    check_close("output", got[0], expected[0], 1e-14);
    check_close("gradient", got[1], expected[1], 1e-13);
  }
}

namespace {

// Half the square of x; its gradient is an input as it is, as if dy were 1.
struct HalfSquare {
  static constexpr int n_inputs = 1;
  static OpType type(const OpCall& call) { return call.input(0); }
  template <class T>
  static void kernel(const OpCall& call, const std::array<const T*, 1>& x, T* y) {
    for (int64_t i = 0; i < call.result().shape.count(); ++i) y[i] = x[0][i] * x[0][i] / 2;
  }
  static Tensors vjp(const OpGradient& g) { return {g.x(0)}; }
};

// The same, with a rule that holds a factor constant.
struct HeldSquare : HalfSquare {
  static Tensors vjp(const OpGradient& g) {
    const Tensor factor = [&] {
      const NoGradient off;
      return 0.5 * (g.x(0) + g.x(0));
    }();
    return {g.dy(0) * factor};
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(a_recurrence_runs_a_vjp_that_gives_an_input_or_holds_a_factor) {
  const Tensor x = parameter(normal({2, 5, 3}, 1)), first = parameter(normal({2, 3}, 2));
  const Tensors to{x, first};
  const sdk::Op &gives_x = op_of<HalfSquare>("test_half_square"),
                &held = op_of<HeldSquare>("test_held_square");
  for (const sdk::Op* op : {&gives_x, &held}) {
    const auto run = [&](const ScanOptions& options) {
      const auto step = [&](const Tensor& now, const State& s) -> Step {
        return {.output = (*op)(now), .state = {(*op)(s[0])}};
      };
      const Scanned y = scan(step, x, {first}, options);
      Tensors all = gradient(sum(square(y.output)) + sum(sin(y.state[0])), to);
      if (op == &held)
        for (const Tensor& g : gradient(testing::mixed(all), to)) all.push_back(g);
      return all;
    };
    const Tensors expected = run({.plain = true});
    for (const ScanOptions& options : {ScanOptions{}, ScanOptions{.recompute = true}}) {
      const Tensors got = run(options);
      for (std::size_t i = 0; i < got.size(); ++i)
        check_close("gradient " + std::to_string(i), got[i], expected[i], 1e-12);
    }
  }
}

BOOST_AUTO_TEST_CASE(results_may_be_of_several_dtypes) {
  const sdk::Op& op = op_of<Above>("test_above");
  const Tensor x = parameter(tensor(std::vector<double>{-1, 2, 3}, {3}, float64));
  const Tensors both = apply(op, {x}, 2);
  BOOST_CHECK(both[0].dtype() == bool_);
  check_same("above", both[1], tensor(std::vector<double>{0, 2, 3}, {3}, float64));
  BOOST_TEST(!both[0].tracked());
  check_same("gradient", gradient(sum(both[1]), {x})[0],
             tensor(std::vector<double>{0, 1, 1}, {3}, float64));
}

// --- as in a plugin in C

namespace {

// Multiplies by the number that lies beside it; gives as many results as are asked for.
struct Factor {
  double factor;
  bool gives_gradients = true, fails = false;
};
tempo_status infer(void*, const tempo_op_call* call) {
  for (uint32_t k = 0; k < call->n_results; ++k) call->result_types[k] = call->input_types[0];
  return TEMPO_OK;
}
tempo_status kernel(void* user, const tempo_op_call* call) {
  const double factor = static_cast<Factor*>(user)->factor;
  const int64_t n = sdk::shape_of(call->input_types[0]).count();
  for (uint32_t k = 0; k < call->n_results; ++k)
    for (int64_t i = 0; i < n; ++i)
      static_cast<double*>(call->results[k])[i] =
          factor * static_cast<const double*>(call->inputs[0])[i] + k;
  return TEMPO_OK;
}
tempo_status vjp(void* user, const tempo_op_gradient* gradient) {
  const Factor& mine = *static_cast<Factor*>(user);
  if (!mine.gives_gradients) return TEMPO_OK;
  const tempo_status status = sdk::guarded([&] {
    Tensor dx = zeros(Tensor::borrowed(gradient->inputs[0]).shape(), float64);
    for (uint32_t k = 0; k < gradient->n_results; ++k)
      if (gradient->dy[k]) dx = dx + mine.factor * Tensor::borrowed(gradient->dy[k]);
    gradient->gradients[0] = dx.retained();
  });
  return mine.fails ? host().fail(TEMPO_ERROR, "changed its mind") : status;
}
sdk::Op of(const char* name, Factor& factor) {
  registered({sizeof(tempo_op_type), 1, 0, 0, name, "", &factor, &infer, &kernel, &vjp});
  return sdk::Op(name);
}

}  // namespace

BOOST_AUTO_TEST_CASE(each_op_is_given_what_lies_beside_it) {
  static Factor two{2}, three{3};
  const sdk::Op doubled = of("test_doubled", two), tripled = of("test_tripled", three);
  const Tensor x = parameter(normal({4}));
  check_same("doubled", doubled(x), 2 * x);
  check_same("tripled", tripled(x), 3 * x);
  check_same("gradient", gradient(sum(doubled(x) + tripled(x)), {x})[0], full({4}, 5, float64));
}

BOOST_AUTO_TEST_CASE(an_op_may_give_as_many_results_as_are_asked_for) {
  static Factor two{2};
  const sdk::Op op = of("test_as_many", two);
  const Tensor x = parameter(normal({3}));
  for (const std::size_t n : {1u, 2u, 7u}) {
    const Tensors all = apply(op, {x}, n);
    for (std::size_t k = 0; k < n; ++k)
      check_same("result", all[k], 2 * x + static_cast<double>(k));
    check_same("gradient of the last", gradient(sum(all[n - 1]), {x})[0], full({3}, 2, float64));
  }
}

BOOST_AUTO_TEST_CASE(a_gradient_that_is_wanted_is_given) {
  static Factor silent{2, false};
  const sdk::Op op = of("test_silent", silent);
  const Tensor x = parameter(normal({3}));
  BOOST_TEST(error_of<PluginError>([&] { gradient(sum(op(x)), {x}); }) ==
             "op test_silent of plugin `of_test`: its vjp gave input 0 no gradient.\n  Zeros say "
             "that none flows.");
  static Factor fickle{2, true, true};
  const sdk::Op fails = of("test_fickle", fickle);
  BOOST_TEST(error_of([&] { gradient(sum(fails(x)), {x}); }) ==
             "changed its mind\n  This happened in vjp (op test_fickle of plugin `of_test`).");
}

// A step may run an op over all steps at once, when the time axis comes first.
BOOST_AUTO_TEST_CASE(axes_may_count_from_the_front_in_a_step_too) {
  using Attributes = std::vector<int64_t>;
  const auto list = [](const Attributes& axes) { return axes; };
  const Tensor x = testing::normal({2, 5, 4, 3}, 1), w = testing::normal({3, 3}, 2);
  const struct {
    const char* op;
    std::function<Tensor(const sdk::Op&, const Tensor&, int64_t)> called;  // with an axis of 3
  } cases[] = {
      {"reverse",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"axes", list({at})}});
       }},
      {"sum",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"axes", list({at})}, {"keepdims", int64_t{1}}});
       }},
      {"max",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"axes", list({at})}, {"keepdims", int64_t{1}}});
       }},
      {"cumsum",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"axis", at}, {"reverse", int64_t{0}}});
       }},
      {"slice",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"axis", at}, {"begin", int64_t{1}}, {"end", int64_t{2}}});
       }},
      {"pad",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"axis", at}, {"before", int64_t{1}}, {"after", int64_t{0}}});
       }},
      {"concat",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, v, {{"axis", at}});
       }},
      {"windows",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"axis", at},
                       {"size", int64_t{2}},
                       {"stride", int64_t{1}},
                       {"dilation", int64_t{1}}});
       }},
      {"transpose",
       [&](auto& op, auto& v, int64_t at) {
         return op(v, {{"permutation", list({at < 0 ? -3 : 0, at < 0 ? -1 : 2, at})}});
       }},
  };
  for (const auto& c : cases) BOOST_TEST_CONTEXT(c.op) {
      const sdk::Op op(c.op);
      const auto scanned = [&](int64_t axis, bool plain) {
        const auto step = [&](const Tensor& now, const State& s) -> Step {
          const Tensor y = sum(c.called(op, matmul(now, w), axis), {-1, -2});  // [rows]
          const Tensor next = tanh(s[0] + y);
          return {.output = next, .state = {next}};
        };
        return scan(step, x, {zeros({2}, float64)}, {.plain = plain}).output;
      };
      const Tensor expected = scanned(-2, true);
      for (const int64_t axis : {1, -2}) {
        check_close("plain", scanned(axis, true), expected, 1e-12);
        check_close("compiled", scanned(axis, false), expected, 1e-12);
      }
    }
}
