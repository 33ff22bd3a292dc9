// SPDX-License-Identifier: Apache-2.0
// The register of ops, and the values that a vjp formula reads.
#include "graph/op.hpp"

#include <map>
#include <new>

#include "graph/value.hpp"
#include "tensor/process_lock.hpp"

namespace tempo {

namespace {

using Register = std::map<std::string, const OpDefinition*>;
Register& ops_register() {
  static Register& all = *new Register;
  return all;
}

// `make` allocates the op once its name is known to be free.
template <class Make>
const OpDefinition& enter(OpDefinition op, Make make) {
  if (op.pointwise) op.leading_axis = LeadingAxis::broadcast;
  Register& all = ops_register();
  const ProcessLock lock(ProcessLock::ops);
  const auto [at, is_new] = all.emplace(op.name, nullptr);
  if (!is_new)
    throw PluginError("an op named `" + at->first + "` exists already; choose another name.");
  at->second = make(std::move(op));
  return *at->second;
}

}  // namespace

const OpDefinition& define(OpDefinition op) {
  return enter(std::move(op),
               [](OpDefinition&& made) { return new OpDefinition(std::move(made)); });
}

const OpDefinition& define(const OpDefinition& known, OpDefinition op) {
  return enter(std::move(op), [&known](OpDefinition&& made) {
    return new (const_cast<OpDefinition*>(&known)) OpDefinition(std::move(made));
  });
}

const OpDefinition* find_op(const std::string& name) {
  Register& all = ops_register();
  const ProcessLock lock(ProcessLock::ops);
  const auto at = all.find(name);
  return at == all.end() ? nullptr : at->second;
}

std::vector<const OpDefinition*> all_ops() {
  Register& all = ops_register();
  const ProcessLock lock(ProcessLock::ops);
  std::vector<const OpDefinition*> out;
  for (const auto& [name, op] : all) out.push_back(op);
  return out;
}

Tensor Vjp::x(std::size_t i) const { return to_tensor(application_.inputs[i]); }
Tensor Vjp::y(std::size_t k) const {
  return to_tensor(result_of(Ref<Application>::share(const_cast<Application*>(&application_)), k));
}
std::size_t Vjp::n_inputs() const { return application_.inputs.size(); }
const Attributes& Vjp::attributes() const { return application_.attributes; }

}  // namespace tempo
