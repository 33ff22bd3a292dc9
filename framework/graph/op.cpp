// The register of ops and what a vjp formula sees.
#include "graph/op.hpp"

#include "graph/value.hpp"

#include <map>
#include <mutex>

namespace tempo {

namespace {
struct Register {
  std::mutex mutex;
  std::map<std::string, OpDefinition> ops;  // nodes stay where they are
};
Register& ops_register() {
  static Register all;
  return all;
}
}  // namespace

const OpDefinition& define(OpDefinition op) {
  if (op.pointwise) op.leading_axis = LeadingAxis::broadcast;
  Register& all = ops_register();
  const std::lock_guard lock(all.mutex);
  std::string name = op.name;
  auto [at, is_new] = all.ops.emplace(std::move(name), std::move(op));
  if (!is_new)
    throw PluginError("an op named `" + at->first + "` exists already; choose another name.");
  return at->second;
}

const OpDefinition* find_op(const std::string& name) {
  Register& all = ops_register();
  const std::lock_guard lock(all.mutex);
  const auto at = all.ops.find(name);
  return at == all.ops.end() ? nullptr : &at->second;
}

std::vector<const OpDefinition*> all_ops() {
  Register& all = ops_register();
  const std::lock_guard lock(all.mutex);
  std::vector<const OpDefinition*> out;
  for (const auto& [name, op] : all.ops) out.push_back(&op);
  return out;
}

Tensor Vjp::x(std::size_t i) const { return to_tensor(application_.inputs[i]); }
Tensor Vjp::y(std::size_t k) const {
  return to_tensor(result_of(Ref<Application>::share(const_cast<Application*>(&application_)), k));
}
std::size_t Vjp::n_inputs() const { return application_.inputs.size(); }
const Attributes& Vjp::attributes() const { return application_.attributes; }

}  // namespace tempo
