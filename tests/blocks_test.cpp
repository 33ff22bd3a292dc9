// Blocks of memory: aligned, apart from each other, and safe wherever they are given back.
#define BOOST_TEST_MODULE blocks
#include "tensor/blocks.hpp"
#include "testing.hpp"

#include <cstring>
#include <thread>

using namespace tempo;

BOOST_AUTO_TEST_CASE(blocks_are_aligned_and_apart) {
  for (int round = 0; round < 2; ++round) {  // the second time from what waits
    std::vector<std::pair<std::byte*, std::size_t>> taken;
    for (std::size_t bytes = 0; bytes < 200; ++bytes) taken.emplace_back(nullptr, bytes);
    for (std::size_t bytes = 256; bytes < (400 << 10); bytes += bytes / 5)
      for (std::size_t near : {bytes - 1, bytes, bytes + 1}) taken.emplace_back(nullptr, near);
    for (std::size_t i = 0; i < taken.size(); ++i) {
      auto& [block, bytes] = taken[i];
      block = take_block(bytes);
      BOOST_TEST(reinterpret_cast<uintptr_t>(block) % 64 == 0u);
      std::memset(block, static_cast<int>(i % 251), bytes);
    }
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto& [block, bytes] = taken[i];
      for (std::size_t k = 0; k < bytes; ++k)
        if (block[k] != static_cast<std::byte>(i % 251)) {
          BOOST_ERROR("block " << i << " of " << bytes << " bytes was written to at " << k);
          break;
        }
      give_back_block(block, bytes);
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
