// SPDX-License-Identifier: Apache-2.0
// A program that saves again and again is killed at random moments: it leaves the old file or the
// new one, whole, and the next program can save. TEMPO_TEST_KILLS sets the number of kills for each
// way to save, TEMPO_TEST_SEED the moments.
#define BOOST_TEST_MODULE kill
#define BOOST_TEST_NO_MAIN
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <random>

#include <tempo/error.hpp>

#include "savers.hpp"
#include "testing.hpp"

// In a container, each run may have the process id of the one before.
extern "C" pid_t getpid() noexcept { return 1; }

extern char** environ;

using namespace tempo;
using namespace tempo::testing;
namespace fs = std::filesystem;

namespace {

// The progress of the program that saves, which survives it.
struct Progress {
  std::atomic<int64_t> begun{0}, finished{0};
};

Progress& shared_progress(int descriptor) {
  void* const at =
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (at == MAP_FAILED) throw Error("no memory can be shared");
  return *static_cast<Progress*>(at);
}

constexpr int progress_descriptor = 100;

// --- The program that is killed: `kill_test --save SAVER FOLDER TIMES`

int save(const Saver& saver, const fs::path& folder, int64_t times) try {
  Progress& progress = shared_progress(progress_descriptor);
  for (int64_t n = progress.begun + 1; times > 0; ++n, --times) {
    progress.begun = n;
    saver.save((folder / saver.name).string(), n);
    progress.finished = n;
  }
  return 0;
} catch (const std::exception& e) {
  std::cerr << "the program that saves: " << e.what() << std::endl;
  return 1;
}

// --- The program that kills it

class Victim {
 public:
  Victim(std::size_t saver, const fs::path& folder, int64_t times) {
    std::string words[] = {"kill_test", "--save", std::to_string(saver), folder.string(),
                           std::to_string(times)};
    char* arguments[6] = {};
    for (std::size_t i = 0; i < std::size(words); ++i) arguments[i] = words[i].data();
    if (::posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, arguments, environ) != 0)
      throw Error("the program that saves cannot be started");
  }
  ~Victim() { wait(); }

  void kill() { ::kill(pid_, SIGKILL); }
  // Its exit code, or a number below 0 for the signal that ended it.
  int wait() {
    int status = 0;
    if (pid_ > 0) ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

 private:
  pid_t pid_ = 0;
};

int64_t setting(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text && *text ? std::stoll(text) : otherwise;
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

void wait_for_a_save(const Progress& progress, int64_t after) {
  for (int i = 0; progress.begun == after && i < 100'000; ++i) ::usleep(100);
}

void kill_again_and_again(std::size_t which, std::mt19937& random, Progress& progress) {
  const Saver& saver = savers()[which];
  const fs::path folder = fs::temp_directory_path() / ("tempo_kill_" + std::to_string(random()));
  fs::create_directories(folder);
  const std::string path = (folder / saver.name).string();
  progress.begun = 0;
  progress.finished = 0;
  BOOST_REQUIRE_EQUAL(Victim(which, folder, 1).wait(), 0);
  const int64_t kills = setting("TEMPO_TEST_KILLS", 80);
  int64_t in_a_save = 0, new_ones = 0;
  for (int64_t i = 0; i < kills; ++i) {
    const int64_t before = progress.finished;
    {
      Victim victim(which, folder, 1'000'000);
      wait_for_a_save(progress, progress.begun);
      ::usleep(static_cast<useconds_t>(random() % 20'000));
      victim.kill();
      BOOST_REQUIRE_EQUAL(victim.wait(), -SIGKILL);
    }
    int64_t found = -1;
    BOOST_REQUIRE_EQUAL(error_of([&] { found = saver.number(path); }), "nothing was thrown");
    BOOST_TEST_REQUIRE(found >= progress.finished.load());
    BOOST_TEST_REQUIRE(found <= progress.begun.load());
    in_a_save += progress.begun > progress.finished;
    new_ones += found > before;
  }
  BOOST_TEST_REQUIRE(Victim(which, folder, 1).wait() == 0);
  BOOST_TEST(saver.number(path) == progress.begun.load());
  // A kill leaves something beside it only in the microseconds before the new file is renamed.
  const auto left = static_cast<int64_t>(names_in(folder).size()) - 1;
  BOOST_TEST(left <= 1 + kills / 20);
  BOOST_TEST_MESSAGE(saver.name << ": " << kills << " kills, " << in_a_save << " during a save; "
                                << new_ones << " runs left a newer file, " << left
                                << " something beside it");
  fs::remove_all(folder);
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_program_killed_while_it_saves_leaves_the_old_file_or_the_new_one) {
  const int64_t seed = setting("TEMPO_TEST_SEED", 1);
  BOOST_TEST_MESSAGE("TEMPO_TEST_SEED=" << seed);
  std::mt19937 random(static_cast<std::mt19937::result_type>(seed));
  std::FILE* const file = std::tmpfile();
  BOOST_REQUIRE(::ftruncate(::fileno(file), sizeof(Progress)) == 0);
  BOOST_REQUIRE(::dup2(::fileno(file), progress_descriptor) == progress_descriptor);
  Progress& progress = shared_progress(progress_descriptor);
  for (std::size_t which = 0; which < savers().size(); ++which)
    BOOST_TEST_CONTEXT(savers()[which].name) kill_again_and_again(which, random, progress);
}

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "--save")
    return save(savers().at(std::stoul(argv[2])), argv[3], std::stoll(argv[4]));
  return boost::unit_test::unit_test_main(&init_unit_test, argc, argv);
}
