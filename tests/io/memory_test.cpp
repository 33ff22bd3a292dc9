// SPDX-License-Identifier: Apache-2.0
// Memory may run out at any moment while a file is read: each reader returns its value, or throws
// an Error that names the file. Readers of JSON are left out: their library ends the process if it
// cannot allocate while it frees.
#define BOOST_TEST_MODULE memory
#include <cstdlib>
#include <new>

#include <tempo/layers.hpp>
#include <tempo/tempo.hpp>

#include "files.hpp"

namespace {

// For this thread: the number of allocations, and the one that fails.
thread_local int64_t allocations = 0, fails = -1;

}  // namespace

// These replace the library's functions in the whole process.
void* operator new(std::size_t bytes) {
  void* const made = allocations++ == fails ? nullptr : std::malloc(bytes > 0 ? bytes : 1);
  if (!made) throw std::bad_alloc();
  return made;
}
void operator delete(void* buffer) noexcept { std::free(buffer); }
void operator delete(void* buffer, std::size_t) noexcept { std::free(buffer); }

using namespace tempo;
using namespace tempo::testing;
using std::string;

namespace {

struct Reader {
  const char* name;
  string path;
  std::function<void(const string& path)> read;
};

// Made before: if memory runs out while they are made, that is the caller's failure.
const string letters = "c";
const std::vector<string> numbers{"b"};
const std::vector<int64_t> first{0};

std::vector<Reader> readers() {
  const string csv = write("table.csv", "a,b,c\n1,2,x\n3,4,y\n5,6,x\n"),
               tagged = write("tagged.txt", "a\tX\nb\tY\n\nc\tX\n"), npy = write("t.npy", "");
  save_npy(npy, ones({3, 4}));
  return {
      {"read_csv", write("numbers.csv", "a,b\n1,2\n3,4\n"), [](const string& p) { read_csv(p); }},
      {"read_table", csv,
       [](const string& p) {
         const Table t = read_table(p);
         t.text(letters);
         t.codes(letters);
         t.missing();
         t.forward_fill().numbers(numbers);
         t.without_missing().slice(0, 1).select(first);
       }},
      {"load_npy", npy, [](const string& p) { load_npy(p); }},
      {"read_text", csv, [](const string& p) { read_text(p); }},
      {"read_tagged", tagged, [](const string& p) { read_tagged(p); }},
  };
}

}  // namespace

BOOST_AUTO_TEST_CASE(memory_that_ends_while_a_file_is_read_is_an_error_that_names_it) {
  for (const Reader& reader : readers()) BOOST_TEST_CONTEXT(reader.name) {
      reader.read(reader.path);
      allocations = 0;
      reader.read(reader.path);
      const int64_t all = allocations, step = std::max<int64_t>(1, all / 500);
      BOOST_TEST(all > 3);
      int64_t errors = 0;
      for (int64_t n = 0; n < all; n += step) {
        string said;
        allocations = 0;
        fails = n;
        try {
          reader.read(reader.path);
        } catch (const Error& e) {
          fails = -1;
          said = e.what();
        } catch (const std::exception& e) {
          fails = -1;
          BOOST_ERROR("allocation " << n << " of " << all << ": not an Error: " << e.what());
        }
        fails = -1;
        errors += !said.empty();
        if (!said.empty() && said.find(reader.path) == said.npos)
          BOOST_ERROR("allocation " << n << " of " << all << ": does not name the file: " << said);
      }
      BOOST_TEST(errors > 0);
    }
}
