// SPDX-License-Identifier: Apache-2.0
// oneDNN's jobs: the recurrent primitives, forward and backward, float32. With BENCH_WEIGHTS=plain,
// forward takes the weights in the user's layout; otherwise the primitive chooses their layout, and
// each run reorders them there and back. The same goes for sequences, which the user holds as
// [batch, time, features]: BENCH_SEQUENCES=direct passes them to the primitive as they are;
// otherwise they are reordered to the primitive's own order and back. With time-major, the user
// holds them in that order.
#include <cstdlib>

#include "recurrence.hpp"

namespace bench {

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

// Keras keeps GRU's bias as two rows (input, state) of three gates. oneDNN wants z, r, g with both
// rows added if that is the same, and the candidate's state row last.
std::vector<float> gru_bias(const std::vector<float>& rows, std::size_t units) {
  std::vector<float> out(4 * units);
  for (std::size_t i = 0; i < units; ++i) {
    for (const std::size_t gate : {0u, 1u})
      out[gate * units + i] = rows[gate * units + i] + rows[(3 + gate) * units + i];
    out[2 * units + i] = rows[2 * units + i];
    out[3 * units + i] = rows[5 * units + i];
  }
  return out;
}

std::vector<double> gru_bias_gradient(const std::vector<double>& gates, std::size_t units) {
  std::vector<double> out(gates.begin(), gates.begin() + static_cast<std::ptrdiff_t>(3 * units));
  out.insert(out.end(), gates.begin(), gates.begin() + static_cast<std::ptrdiff_t>(2 * units));
  out.insert(out.end(), gates.end() - static_cast<std::ptrdiff_t>(units), gates.end());
  return out;
}

bool setting_is(const char* name, const char* value) {
  const char* setting = std::getenv(name);
  return setting && std::string(setting) == value;
}

// The layouts of a job: gates side by side, ldigo; ldgo for the bias and the peepholes.
Layouts layouts(const Job& job, int64_t gates, bool weights_any, Tag sequences) {
  const auto [batch, time, features, units] = job.size;
  const auto f32 = memory::data_type::f32;
  const Tag weights = weights_any ? Tag::any : Tag::ldigo;
  Layouts out;
  out.x = {{time, batch, features}, f32, sequences};
  out.kernel = {{1, 1, features, gates, units}, f32, weights};
  out.recurrent = {{1, 1, units, gates, units}, f32, weights};
  out.bias = {{1, 1, job.cell == "GRU" ? 4 : gates, units}, f32, Tag::ldgo};
  out.y = {{time, batch, units}, f32, sequences};
  out.state = {{1, 1, batch, units}, f32, Tag::ldnc};
  if (job.cell == "Peephole") out.peephole = {{1, 1, 3, units}, f32, Tag::ldgo};
  return out;
}

int64_t gates_of(const std::string& cell) {
  if (cell == "LSTM" || cell == "Peephole") return 4;
  if (cell == "GRU") return 3;
  if (cell == "SimpleRNN") return 1;
  throw Unsupported("oneDNN has no cell " + cell);
}

// Converts oneDNN's order [time, batch, ...] for users of [batch, time, ...].
template <class T>
std::vector<T> swapped(const std::vector<T>& from, int64_t rows, int64_t columns) {
  std::vector<T> out(from.size());
  const auto r = static_cast<std::size_t>(rows), c = static_cast<std::size_t>(columns),
             size = from.size() / (r * c);
  for (std::size_t i = 0; i < r; ++i)
    for (std::size_t j = 0; j < c; ++j)
      for (std::size_t k = 0; k < size; ++k)
        out[(j * r + i) * size + k] = from[(i * c + j) * size + k];
  return out;
}

class OverSequence : public Work {
 public:
  explicit OverSequence(const Job& job)
      : job_(job),
        with_gradient_(job.mode == "gradient"),
        time_major_(setting_is("BENCH_SEQUENCES", "time-major")) {
    const int64_t gates = gates_of(job.cell);
    const Tag held = time_major_ ? Tag::tnc : Tag::ntc;
    const Tag read = setting_is("BENCH_SEQUENCES", "direct") ? Tag::ntc : Tag::tnc;
    const Layouts plain = layouts(job, gates, false, held), any = layouts(job, gates, true, read);
    Layouts chosen = any;
    if (setting_is("BENCH_WEIGHTS", "plain")) {
      chosen.kernel = plain.kernel;
      chosen.recurrent = plain.recurrent;
    }
    p_ = primitives_of(job.cell, chosen, any, with_gradient_, engine_);
    const auto& f = p_.forward_desc;
    x_ = {engine_, plain.x, any.x, Slot::Way::to_primitive};
    // It is zero, but without it oneDNN 2.6.3's gradient of the recurrent kernel is wrong.
    zero_ = {engine_, plain.state};
    y_ = {engine_, plain.y, any.y, Slot::Way::to_user};
    bias_ = {engine_, plain.bias};
    kernel_ = {engine_, plain.kernel, f.weights_layer_desc(), Slot::Way::to_primitive};
    recurrent_ = {engine_, plain.recurrent, f.weights_iter_desc(), Slot::Way::to_primitive};
    forward_ = {{DNNL_ARG_SRC_LAYER, x_.primitive()},
                {DNNL_ARG_WEIGHTS_LAYER, kernel_.primitive()},
                {DNNL_ARG_WEIGHTS_ITER, recurrent_.primitive()},
                {DNNL_ARG_BIAS, bias_.primitive()},
                {DNNL_ARG_SRC_ITER, zero_.primitive()},
                {DNNL_ARG_DST_LAYER, y_.primitive()}};
    if (job.cell == "LSTM" || job.cell == "Peephole")
      forward_.emplace(DNNL_ARG_SRC_ITER_C, zero_.primitive());
    if (plain.peephole) {
      peephole_ = {engine_, plain.peephole};
      forward_.emplace(DNNL_ARG_WEIGHTS_PEEPHOLE, peephole_.primitive());
    }
    if (with_gradient_) prepare_backward(plain, any);
    set_values();
  }

  void run() override {
    for (Slot* in : {&x_, &kernel_, &recurrent_}) in->to_primitive(stream_);
    p_.forward.execute(stream_, forward_);
    y_.to_user(stream_);
    if (with_gradient_) {
      dy_.to_primitive(stream_);
      kernel_backward_.to_primitive(stream_);
      recurrent_backward_.to_primitive(stream_);
      for (Slot* d : {&dkernel_, &drecurrent_, &dbias_}) d->clear();  // the primitive adds to them
      if (job_.cell == "Peephole") dpeephole_.clear();
      p_.backward.execute(stream_, backward_);
      for (Slot* out : {&dx_, &dkernel_, &drecurrent_}) out->to_user(stream_);
    }
    stream_.wait();
  }

  Results results() override {
    run();
    run();
    Results out{{"y", batch_first(y_.values())}};
    if (!with_gradient_) return out;
    out.push_back({"dx", batch_first(dx_.values())});
    out.push_back({"dkernel", dkernel_.values()});
    out.push_back({"drecurrent_kernel", drecurrent_.values()});
    const auto units = static_cast<std::size_t>(job_.size.units);
    out.push_back({"dbias", job_.cell == "GRU" ? gru_bias_gradient(dbias_.values(), units)
                                               : dbias_.values()});
    if (job_.cell == "Peephole") add_peephole_gradients(out);
    return out;
  }

 private:
  std::vector<double> batch_first(const std::vector<double>& sequences) const {
    return time_major_ ? swapped(sequences, job_.size.time, job_.size.batch) : sequences;
  }

  void prepare_backward(const Layouts& plain, const Layouts& any) {
    const auto& b = p_.backward_desc;
    dx_ = {engine_, plain.x, any.x, Slot::Way::to_user};
    dy_ = {engine_, plain.y, any.y, Slot::Way::to_primitive};
    dh_ = {engine_, plain.state};
    dc_ = {engine_, plain.state};
    dbias_ = {engine_, plain.bias};
    dkernel_ = {engine_, plain.kernel, b.diff_weights_layer_desc(), Slot::Way::to_user};
    drecurrent_ = {engine_, plain.recurrent, b.diff_weights_iter_desc(), Slot::Way::to_user};
    kernel_backward_ = {engine_, plain.kernel, b.weights_layer_desc(), Slot::Way::to_primitive};
    recurrent_backward_ = {engine_, plain.recurrent, b.weights_iter_desc(),
                           Slot::Way::to_primitive};
    const memory workspace(p_.forward_desc.workspace_desc(), engine_);
    forward_.emplace(DNNL_ARG_WORKSPACE, workspace);
    backward_ = forward_;
    backward_.at(DNNL_ARG_WEIGHTS_LAYER) = kernel_backward_.primitive();
    backward_.at(DNNL_ARG_WEIGHTS_ITER) = recurrent_backward_.primitive();
    backward_.insert({{DNNL_ARG_DIFF_SRC_LAYER, dx_.primitive()},
                      {DNNL_ARG_DIFF_WEIGHTS_LAYER, dkernel_.primitive()},
                      {DNNL_ARG_DIFF_WEIGHTS_ITER, drecurrent_.primitive()},
                      {DNNL_ARG_DIFF_BIAS, dbias_.primitive()},
                      {DNNL_ARG_DIFF_SRC_ITER, dh_.primitive()},
                      {DNNL_ARG_DIFF_DST_LAYER, dy_.primitive()}});
    if (job_.cell == "LSTM" || job_.cell == "Peephole")
      backward_.emplace(DNNL_ARG_DIFF_SRC_ITER_C, dc_.primitive());
    if (plain.peephole) {
      dpeephole_ = {engine_, plain.peephole};
      backward_.emplace(DNNL_ARG_DIFF_WEIGHTS_PEEPHOLE, dpeephole_.primitive());
    }
  }

  void set_values() {
    const Size& s = job_.size;
    const auto as_held = [&](const char* name, int64_t elements) {
      const auto values = numbers<float>(name, s.batch * s.time * elements);
      return time_major_ ? swapped(values, s.batch, s.time) : values;
    };
    x_.set(as_held("x", s.features));
    if (with_gradient_) dy_.set(as_held("dy", s.units));
    std::vector<float> peepholes;
    for (const Weight& w : weights_of(job_)) {
      const std::vector<float> values = numbers<float>(w);
      if (w.name.starts_with("peephole"))
        peepholes.insert(peepholes.end(), values.begin(), values.end());
      else if (w.name == "kernel")
        set_both(kernel_, kernel_backward_, values);
      else if (w.name == "recurrent_kernel")
        set_both(recurrent_, recurrent_backward_, values);
      else
        bias_.set(job_.cell == "GRU" ? gru_bias(values, static_cast<std::size_t>(s.units))
                                     : values);
    }
    if (!peepholes.empty()) peephole_.set(peepholes);
  }

  void set_both(Slot& forward, Slot& backward, const std::vector<float>& values) const {
    forward.set(values);
    if (with_gradient_) backward.set(values);
  }

  void add_peephole_gradients(Results& out) const {
    const std::vector<double> all = dpeephole_.values();
    auto first = all.begin();
    for (const char* gate : {"i", "f", "o"}) {
      out.push_back({std::string("dpeephole_") + gate, {first, first + job_.size.units}});
      first += job_.size.units;
    }
  }

  Job job_;
  bool with_gradient_, time_major_;
  dnnl::engine engine_{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream_{engine_};
  Primitives p_;
  Slot x_, zero_, y_, kernel_, recurrent_, peephole_, bias_, kernel_backward_, recurrent_backward_;
  Slot dx_, dy_, dh_, dc_, dkernel_, drecurrent_, dpeephole_, dbias_;
  std::unordered_map<int, memory> forward_, backward_;
};

std::unique_ptr<Work> make(const Job& job) {
  if (job.dtype != "float32") throw Unsupported("oneDNN's recurrent primitives have no float64");
  if (job.mode != "gradient" && job.mode != "forward")
    throw Unsupported("oneDNN has recurrent primitives only, no mode " + job.mode);
  return std::make_unique<OverSequence>(job);
}

}  // namespace
}  // namespace bench

int main() { return bench::serve(bench::make); }
