// SPDX-License-Identifier: Apache-2.0
// Guard pages, and the handler of the signal that they raise.
#include "plugin/debug/memory.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>
#include <memory>
#include <vector>

#include <tempo/host.hpp>

#include "plugin/debug/handles.hpp"
#include "tensor/array.hpp"

namespace tempo::debug {

namespace {

const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));

// For the signal handler, which must not allocate: the guarded pages in use, and their owners.
struct Watched {
  std::atomic<const char*> begin{nullptr}, end{nullptr};
  char text[200];
};
std::array<Watched, 256> all_watched;

void explain_fault(int number, siginfo_t* info, void*) {
  const auto* const at = static_cast<const char*>(info->si_addr);
  for (const Watched& w : all_watched) {
    const char* const begin = w.begin;
    if (!begin || at < begin || at >= w.end) continue;
    for (const char* text : {w.text, "\n"})
      if (write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  }
  signal(number, SIG_DFL);  // the fault repeats and ends the process
}
void catch_faults() {
  static const bool done = [] {
    struct sigaction action {};
    action.sa_sigaction = &explain_fault;
    action.sa_flags = SA_SIGINFO;
    return sigaction(SIGSEGV, &action, nullptr) == 0 && sigaction(SIGBUS, &action, nullptr) == 0;
  }();
  (void)done;
}

// Bytes between two pages without access, placed against the first or the second.
class Guarded {
 public:
  enum Side { at_end, at_begin };
  Guarded(std::size_t bytes, Side side, const std::string& text)
      : bytes_(bytes), inner_((bytes + page - 1) / page * page) {
    void* const made =
        mmap(nullptr, inner_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) throw std::bad_alloc();
    all_ = static_cast<char*>(made);
    if (inner_) mprotect(all_ + page, inner_, PROT_READ | PROT_WRITE);
    data_ = all_ + page + (side == at_end ? inner_ - bytes : 0);
    for (Watched& w : all_watched) {
      const char* nothing = nullptr;
      if (!w.begin.compare_exchange_strong(nothing, all_)) continue;
      std::strncpy(w.text, text.c_str(), sizeof w.text - 1);
      w.end = all_ + inner_ + 2 * page;
      watched_ = &w;
      break;
    }
  }
  ~Guarded() {
    if (watched_) watched_->begin = nullptr;
    munmap(all_, inner_ + 2 * page);
  }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  void close() const {
    if (inner_) mprotect(all_ + page, inner_, PROT_READ);
  }

 private:
  std::size_t bytes_, inner_;
  char* all_ = nullptr;
  char* data_ = nullptr;
  Watched* watched_ = nullptr;
};

std::size_t bytes_of(const tempo_type& type) {
  return TensorType{sdk::dtype_of(type), sdk::shape_of(type)}.bytes();
}

using Memory = std::vector<std::unique_ptr<Guarded>>;

Memory guarded(const tempo_type* types, uint32_t n, Guarded::Side side, const std::string& what) {
  Memory all;
  for (uint32_t i = 0; i < n; ++i)
    all.push_back(
        std::make_unique<Guarded>(bytes_of(types[i]), side, what + std::to_string(i) + "."));
  return all;
}

}  // namespace

tempo_status run_guarded(const tempo_op_type& type, const tempo_op_call& call,
                         const std::string& by) {
  catch_faults();
  std::vector<std::string> before;
  for (const auto side : {Guarded::at_end, Guarded::at_begin}) {
    const Memory inputs =
        guarded(call.input_types, call.n_inputs, side,
                by + ": it writes to, or reads past the end or beginning of, input ");
    const Memory results = guarded(call.result_types, call.n_results, side,
                                   by + ": it writes past the end or beginning of result ");
    std::vector<const void*> in;
    std::vector<void*> out;
    for (uint32_t i = 0; i < call.n_inputs; ++i) {
      if (inputs[i]->bytes()) std::memcpy(inputs[i]->data(), call.inputs[i], inputs[i]->bytes());
      inputs[i]->close();
      in.push_back(inputs[i]->data());
    }
    for (const auto& result : results) {
      if (result->bytes())
        std::memset(result->data(), side == Guarded::at_end ? 0x5a : 0xa5, result->bytes());
      out.push_back(result->data());
    }
    tempo_op_call asked = call;
    asked.inputs = in.data();
    asked.results = out.data();
    if (const tempo_status status = type.kernel(type.user, &asked)) return status;
    for (uint32_t k = 0; k < call.n_results; ++k) {
      const std::string bytes(results[k]->data(), results[k]->bytes());
      if (side == Guarded::at_begin && bytes != before[k])
        add_fault(by + ": it leaves elements of result " + std::to_string(k) +
                  " as they were, or reads them: run twice on the same inputs it gives others.");
      if (side == Guarded::at_end) before.push_back(bytes);
      if (!bytes.empty()) std::memcpy(call.results[k], bytes.data(), bytes.size());
    }
  }
  return TEMPO_OK;
}

}  // namespace tempo::debug
