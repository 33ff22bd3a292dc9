#include "scan/fused.hpp"

#include "scan/build.hpp"
#include "scan/execute.hpp"
#include "scan/passes.hpp"

#include <mutex>
#include <unordered_map>

namespace tempo {

namespace {

struct Fused {
  Program program;
  Plan plan;
};

// A function is a loop of one step, whose inputs are sequences.
std::shared_ptr<const Fused> cached(Program program) {
  constexpr std::size_t capacity = 256;
  static std::mutex mutex;
  static std::unordered_map<std::string, std::shared_ptr<const Fused>> known;
  const std::string key = key_of(program);
  const std::lock_guard lock(mutex);
  if (const auto at = known.find(key); at != known.end()) return at->second;
  if (known.size() >= capacity) known.clear();
  auto made = std::make_shared<Fused>(Fused{hoist(without_dead(std::move(program))), {}});
  made->plan = make_plan(made->program);
  return known[key] = made;
}

}  // namespace

Tensors fused(const std::function<Tensors(const Tensors&)>& f, const Tensors& inputs) {
  ProgramBuilder builder;
  std::vector<Ref<Value>> captured;
  {
    Trace trace;
    Tensors x;
    for (const Tensor& t : inputs) x.push_back(to_tensor(trace.placeholder(t.handle()->type)));
    const Tensors results = f(x);
    for (const Trace::Capture& c : trace.captures()) {
      builder.input(Standing::fixed, c.inside);
      captured.push_back(c.outside);
    }
    for (const Tensor& t : x) builder.input(Standing::sequence, to_value(t));
    for (const Ref<Application>& a : trace.applications()) builder.add(*a);
    for (const Tensor& t : results)
      builder.program.results.push_back(
          {ProgramResult::sequence, builder.find(*trace.own(to_value(t)))});
  }
  settle_standings(builder.program);
  const std::shared_ptr<const Fused> function = cached(std::move(builder.program));
  std::vector<View> in, out;
  for (const Ref<Value>& v : captured) in.push_back(v->array.view());
  for (const Tensor& t : inputs) in.push_back(t.handle()->array.view());
  std::vector<Array> arrays;
  for (const ProgramResult& r : function->program.results) {
    arrays.emplace_back(function->program.values[static_cast<std::size_t>(r.value)].type);
    out.push_back(arrays.back().view());
  }
  execute(function->program, function->plan, 1, in, out);
  Tensors made;
  for (Array& a : arrays) made.push_back(to_tensor(make_value(std::move(a))));
  return made;
}

}  // namespace tempo
