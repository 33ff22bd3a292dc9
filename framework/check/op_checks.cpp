// SPDX-License-Identifier: Apache-2.0
// Checks of a plugin's own ops: types, kernels, gradients.
#include <algorithm>
#include <cmath>
#include <sstream>
#include <thread>

#include <tempo/gradcheck.hpp>
#include <tempo/gradient.hpp>

#include "check/plugin_check.hpp"
#include "check/subject.hpp"
#include "plugin/debug/host.hpp"

namespace tempo::conformance {

namespace {

Tensors run(const PluginOp& op, const Tensors& x) {
  const sdk::Op its(op.name.c_str());
  std::vector<tempo_tensor*> results(std::max(op.type->n_results, 1u));
  its.run(sdk::handles(x).data(), x.size(), {}, results.data(), results.size());
  return sdk::adopt(results);
}

// Any numbers; for ops with a restricted domain, also numbers between 0 and 1, and above 1.
enum class Numbers { any, fractions, above_one };
constexpr Numbers all_numbers[] = {Numbers::any, Numbers::fractions, Numbers::above_one};

Tensor drawn(Numbers numbers, const Shape& shape, int64_t seed) {
  switch (numbers) {
    case Numbers::fractions: return random_uniform(shape, 0.2, 0.8, float64, seed);
    case Numbers::above_one: return random_uniform(shape, 1.2, 3, float64, seed);
    default: return random_normal(shape, 0, 1, float64, seed);
  }
}

// Inputs of many shapes that an op may take, in this dtype.
std::vector<Tensors> tried(const PluginOp& op, DType dtype, Numbers numbers = Numbers::any) {
  std::vector<Tensors> all;
  const std::vector<Shape> shapes{{3, 4}, {3}, {4}, {2, 3, 4}, {}, {0, 4}, {1, 4}, {2, 5, 3, 4}};
  const auto number = [&](const Shape& shape, int64_t seed) {
    return cast(drawn(numbers, shape, seed), dtype);
  };
  for (const Shape& first : shapes)
    for (const Shape& others : shapes) {
      Tensors x;
      for (uint32_t i = 0; i < op.type->n_inputs; ++i)
        x.push_back(number(i == 0 ? first : others, static_cast<int64_t>(i) + 3));
      all.push_back(std::move(x));
      if (op.type->n_inputs < 2) break;
    }
  return all;
}

Tensors gradients(const PluginOp& op, const Tensors& x, const Tensor& dy,
                  const std::vector<bool>& wanted) {
  Tensors given, of;
  for (std::size_t i = 0; i < x.size(); ++i) {
    given.push_back(wanted[i] ? parameter(x[i]) : x[i]);
    if (wanted[i]) of.push_back(given.back());
  }
  return gradient(sum(run(op, given)[0] * dy), of);
}
std::vector<bool> all_of(const Tensors& x) { return std::vector<bool>(x.size(), true); }

bool are_finite(const Tensors& all) {
  for (const Tensor& t : all)
    for (const double value : is_floating(t.dtype()) ? t.to_vector() : std::vector<double>())
      if (!std::isfinite(value)) return false;
  return true;
}

// How well numbers suit an op: whether it takes them, and which of its values are finite.
enum class Suits { not_at_all, shape, result, gradient };
Suits how_well(const PluginOp& op, const Tensors& x, bool of_numbers) {
  Tensors y;
  try {
    y = run(op, x);
  } catch (const PluginError&) {  // it broke the rules for ops
    throw;
  } catch (const Error&) {
    return Suits::not_at_all;
  }
  if (y[0].count() == 0) return Suits::not_at_all;
  if (!of_numbers) return Suits::gradient;
  if (!is_floating(y[0].dtype())) return Suits::not_at_all;
  if (!are_finite(y)) return Suits::shape;
  try {
    if (op.type->vjp && !are_finite(gradients(op, x, ones(y[0].shape(), y[0].dtype()), all_of(x))))
      return Suits::result;
  } catch (const Error&) {  // the check of gradients reports it
  }
  return Suits::gradient;
}

// For each shape that an op takes, the numbers that suit it best; with `of_numbers`, only those
// that give finite results.
std::vector<Tensors> taken(const PluginOp& op, DType dtype, bool of_numbers = true) {
  std::vector<std::vector<Tensors>> drawn;
  for (const Numbers numbers : all_numbers) drawn.push_back(tried(op, dtype, numbers));
  std::vector<Tensors> all;
  bool fits = false;
  for (std::size_t shape = 0; shape < drawn[0].size(); ++shape) {
    Suits best = Suits::not_at_all;
    Tensors chosen;
    for (std::size_t i = 0; i < drawn.size() && best != Suits::gradient; ++i) {
      const Suits its = how_well(op, drawn[i][shape], of_numbers);
      if (its <= best) continue;
      best = its;
      chosen = drawn[i][shape];
    }
    fits |= best != Suits::not_at_all;
    if (best >= Suits::result) all.push_back(chosen);
  }
  if (all.empty())
    throw Inapplicable(fits ? "it makes finite numbers of none that are tried"
                            : "none of the shapes that are tried fits it");
  return all;
}

void require_vjp(const PluginOp& op) {
  if (!op.type->vjp) throw Inapplicable("it has no gradient");
}

void check_op_runs(const PluginOp& op) {
  int taken = 0;
  for (const DType dtype : {float64, float32, int64, bool_})
    for (const Tensors& x : tried(op, dtype)) try {
        const Tensors once = run(op, x);
        require_close("computed again, the result", run(op, x), once, 0);
        ++taken;
      } catch (const PluginError&) {  // it broke the rules for ops
        throw;
      } catch (const Error&) {  // which says why not
      }
  if (taken == 0) throw Inapplicable("none of the shapes that are tried fits it");
}

void check_op_gradient(const PluginOp& op) {
  if (!op.type->vjp)
    throw Warning("it has no gradient: one that is asked for through it is an error");
  for (const Tensors& x : taken(op, float64)) {
    const GradCheck report = gradcheck(
        [&](const Tensors& in) {
          const Tensors all = run(op, in);
          return all.size() > 1 ? mixed(all) : all[0];
        },
        x);
    std::ostringstream text;
    text << report;
    require(report.passed(), text.str());
  }
}

// Its type rule gives the same answer each time, for any types.
void check_infer(const PluginOp& op) {
  for (const DType dtype : {float32, float64, int32, int64, bool_})
    for (Shape shape; shape.rank() <= 8; shape.push_back(2)) {
      for (const int64_t last : {2, 0, 1}) {
        Shape its = shape;
        if (its.rank() > 0) its[-1] = last;
        const Tensors x(op.type->n_inputs, ones(its, dtype));
        const auto inferred = [&]() -> std::string {
          try {
            std::string types;
            for (const Tensor& y : run(op, x)) types += to_string(y.shape(), y.dtype()) + " ";
            return types;
          } catch (const PluginError&) {
            throw;
          } catch (const Error& error) {
            return error.what();
          }
        };
        const std::string once = inferred();
        require(inferred() == once,
                "of " + to_string(its, dtype) + " it gives " + once + ", and then " + inferred());
      }
      if (shape.rank() == 8) break;
    }
}

void check_memory(const PluginOp& op) {
  int n = 0;
  for (const DType dtype : {float64, float32, int64, bool_}) try {
      for (const Tensors& x : taken(op, dtype, false)) n += run(op, x)[0].count() > 0;
    } catch (const Inapplicable&) {  // try another dtype
    }
  std::string faults;
  for (uint32_t i = 0; const char* fault = tempo::check_extension().fault(i); ++i)
    faults += std::string(i ? "\n  " : "") + fault;
  require(faults.empty(), faults);
  if (n == 0) throw Inapplicable("none of the shapes that are tried fits it");
}

void check_linear(const PluginOp& op) {
  require_vjp(op);
  for (const Tensors& x : taken(op, float64)) {
    const Shape shape = run(op, x)[0].shape();
    const Tensor a = random_normal(shape, 0, 1, float64, 4),
                 b = random_normal(shape, 0, 3, float64, 5);
    const Tensors of_a = gradients(op, x, a, all_of(x)), of_b = gradients(op, x, b, all_of(x)),
                  of_both = gradients(op, x, 2 * a - 300 * b, all_of(x)),
                  of_none = gradients(op, x, zeros(shape, float64), all_of(x));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const std::string which = " to input " + std::to_string(i);
      require_close("where dy is 0, the gradient" + which, of_none[i], zeros_like(x[i]), 0);
      require_close("where dy is 2 a - 300 b, the gradient" + which, of_both[i],
                    2 * of_a[i] - 300 * of_b[i], 1e-10);
    }
  }
}

void check_wanted(const PluginOp& op) {
  require_vjp(op);
  if (op.type->n_inputs < 2) throw Inapplicable("it has one input");
  for (const Tensors& x : taken(op, float64)) {
    const Tensor dy = random_normal(run(op, x)[0].shape(), 0, 1, float64, 4);
    const Tensors expected = gradients(op, x, dy, all_of(x));
    for (std::size_t i = x.size(); i-- > 0;) {  // last first: nobody has asked for the others
      std::vector<bool> one(x.size(), false);
      one[i] = true;
      require_close("where it alone is asked for, the gradient to input " + std::to_string(i),
                    gradients(op, x, dy, one)[0], expected[i], 0);
    }
  }
}

void check_eight_threads(const PluginOp& op) {
  const NoGradient off;
  const std::vector<Tensors> all = taken(op, float64, false);
  std::vector<Tensors> expected;
  for (const Tensors& x : all) expected.push_back(run(op, x));
  std::string faults[8];
  std::vector<std::thread> threads;
  for (std::string& fault : faults)
    threads.emplace_back([&all, &expected, &op, &fault] {
      const NoGradient off_here;
      try {
        for (int i = 0; i < 20; ++i)
          for (std::size_t k = 0; k < all.size(); ++k)
            require_close("on another thread, the result", run(op, all[k]), expected[k], 0);
      } catch (const std::exception& error) {
        fault = error.what();
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (const std::string& fault : faults) require(fault.empty(), fault);
}

void check_op_in_float32(const PluginOp& op) {
  for (const Tensors& x : taken(op, float64)) {
    Tensors narrow, exact;
    for (const Tensor& t : x) {
      narrow.push_back(is_floating(t.dtype()) ? cast(t, float32) : t);
      exact.push_back(is_floating(t.dtype()) ? cast(narrow.back(), float64) : t);
    }
    Tensor got;
    try {
      got = run(op, narrow)[0];
    } catch (const Error&) {
      throw Inapplicable("it does not take float32");
    }
    const Tensor expected = run(op, exact)[0];
    if (!is_floating(expected.dtype())) continue;
    require(got.dtype() == float32, std::string("of float32 it gives ") + name_of(got.dtype()));
    require_close("of float32, the result", cast(got, float64), expected, 1e-5);
  }
}

void check_op_handles(const PluginOp& op) {
  require_vjp(op);
  std::string failed;
  try {
    for (const Tensors& x : taken(op, float64))
      (void)gradients(op, x, ones(run(op, x)[0].shape(), float64), all_of(x));
  } catch (const Error& error) {
    failed = error.what();
  }
  for (uint32_t i = 0; const char* fault = tempo::check_extension().fault(i); ++i)
    failed = std::string(i ? failed + "\n  " : "") + fault;
  require(failed.empty(), failed);
  const int64_t kept = tempo::check_extension().live(TEMPO_LIVE_TENSORS);
  for (const Tensors& x : taken(op, float64))
    (void)gradients(op, x, ones(run(op, x)[0].shape(), float64), all_of(x));
  const int64_t more = tempo::check_extension().live(TEMPO_LIVE_TENSORS) - kept;
  require(more <= 0, "its vjp keeps " + std::to_string(more) + " counts of tensors");
}

}  // namespace

void add_op_checks(PluginChecks& all) {
  all.push_back(
      {"runs", "it takes tensors or says why not, and gives the same bits again", &check_op_runs});
  all.push_back({"infer", "its types are the same each time, of any shape", &check_infer});
  all.push_back(
      {"memory",
       "its kernel writes all of its results, and nothing else, and reads its inputs alone",
       &check_memory, PluginCheck::guarding_memory});
  all.push_back({"op-float32", "float32 gives what float64 gives", &check_op_in_float32});
  all.push_back({"kernel-threads", "eight threads get the same bits", &check_eight_threads});
  all.push_back({"gradient", "its gradient is the slope of its values", &check_op_gradient});
  all.push_back({"linear", "its gradient is linear in dy", &check_linear});
  all.push_back(
      {"wanted", "each gradient is the same whether others are asked for or not", &check_wanted});
  all.push_back({"op-handles", "its vjp uses and keeps no handle that is not its own",
                 &check_op_handles, PluginCheck::watching});
}

}  // namespace tempo::conformance
