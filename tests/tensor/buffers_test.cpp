// SPDX-License-Identifier: Apache-2.0
// Buffers of memory: aligned, disjoint, and safe wherever they are released.
#define BOOST_TEST_MODULE buffers
#include "tensor/buffers.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <thread>

#include "tensor/sanitizers.hpp"
#include "testing.hpp"

using namespace tempo;

BOOST_AUTO_TEST_CASE(buffers_are_aligned_and_apart) {
  for (int round = 0; round < 2; ++round) {  // the second time, from buffers that wait
    std::vector<std::pair<std::byte*, std::size_t>> taken;
    for (std::size_t bytes = 0; bytes < 200; ++bytes) taken.emplace_back(nullptr, bytes);
    for (std::size_t bytes = 256; bytes < (400 << 10); bytes += bytes / 5)
      for (std::size_t near : {bytes - 1, bytes, bytes + 1}) taken.emplace_back(nullptr, near);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      auto& [buffer, bytes] = taken[i];
      buffer = take_buffer(bytes);
      BOOST_TEST(reinterpret_cast<uintptr_t>(buffer) % 64 == 0u);
      std::memset(buffer, static_cast<int>(i % 251), bytes);
    }
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto& [buffer, bytes] = taken[i];
      for (std::size_t k = 0; k < bytes; ++k)
        if (buffer[k] != static_cast<std::byte>(i % 251)) {
          BOOST_ERROR("buffer " << i << " of " << bytes << " bytes was written to at " << k);
          break;
        }
      give_back_buffer(buffer, bytes);
    }
  }
}

BOOST_AUTO_TEST_CASE(arrays_may_be_let_go_on_another_thread) {
  for (int round = 0; round < 20; ++round) {
    std::vector<Tensor> made;
    for (int64_t n = 1; n < 2000; n += 97) made.push_back(full({n}, static_cast<double>(n)));
    const Tensor kept = made.back();
    std::thread([&] {
      made.clear();
      const Tensor again = ones({round + 1});
    }).join();
    BOOST_TEST(kept.element(0) == static_cast<double>(kept.count()));
  }
}

namespace {

/// While one lives, the process gets only this much more memory.
class Limit {
 public:
  explicit Limit(std::size_t more) {
    ::getrlimit(RLIMIT_AS, &before_);
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    rlimit limit = before_;
    limit.rlim_cur = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) + more;
    ::setrlimit(RLIMIT_AS, &limit);
  }
  ~Limit() { ::setrlimit(RLIMIT_AS, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

 private:
  rlimit before_{};
};

}  // namespace

#if !TEMPO_ADDRESS_SANITIZER && !TEMPO_THREAD_SANITIZER
BOOST_AUTO_TEST_CASE(what_waits_is_given_to_who_needs_another_size) {
  constexpr std::size_t mebi = std::size_t{1} << 20;
  std::vector<std::byte*> taken;
  for (int i = 0; i < 2; ++i) taken.push_back(take_buffer(100 * mebi));
  for (std::byte* buffer : taken) give_back_buffer(buffer, 100 * mebi);
  const Limit limit(50 * mebi);
  std::byte* const other = take_buffer(170 * mebi);
  BOOST_TEST(other != nullptr);
  give_back_buffer(other, 170 * mebi);
  BOOST_CHECK_THROW(take_buffer(4000 * mebi), std::bad_alloc);
}
#endif
