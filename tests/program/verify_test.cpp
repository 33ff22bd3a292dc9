// SPDX-License-Identifier: Apache-2.0
// Each invariant of a Program, broken once.
#define BOOST_TEST_MODULE verify
#include "program/verify.hpp"

#include <functional>

#include "ops/known.hpp"
#include "program/builder.hpp"
#include "program/executable.hpp"
#include "program/passes/pipelines.hpp"
#include "testing.hpp"

using namespace tempo;
using namespace tempo::testing;

namespace {

constexpr ValueId w{0}, x{1}, state{2}, product{3}, sum{4}, next{5}, fresh{6};

// next = -(x w + state); its sum over time, its last value and its product after the loop.
Program step() {
  Program p;
  const TensorType matrix{float32, {4, 4}};
  p.fixed = {p.add_value(Role::fixed, matrix, "w")};
  p.sequences = {p.add_value(Role::sequence, matrix, "x")};
  p.carried = {p.add_value(Role::carried, matrix, "state")};
  append(p, p.before, matmul_op, {}, {x, w});
  append(p, p.loop, add_op, {}, {product, state});
  append(p, p.loop, negative_op, {}, {sum});
  append(p, p.after, matmul_op, {}, {next, w});
  p.next = {next};
  p.results = {{ProgramResult::last, next}, {ProgramResult::sequence, fresh}};
  return p;
}

struct Broken {
  const char* what;
  std::function<void(Program&)> breach;
  const char* text;  // a part of the error
};

const ValueId far{99};

const Broken broken[] = {
    {"an input out of range", [](Program& p) { p.fixed[0] = far; }, "input %99 is out of range"},
    {"an input twice", [](Program& p) { p.fixed.push_back(w); }, "input %0 is there twice"},
    {"an input in another's list", [](Program& p) { std::swap(p.fixed[0], p.sequences[0]); },
     "input %1 is in the wrong list"},
    {"no op", [](Program& p) { p.loop[0].op = nullptr; },
     "`%4 = nothing(%3, %2)` has no op or no result"},
    {"no result", [](Program& p) { p.loop[0].outputs = {}; }, "has no op or no result"},
    {"an operand out of range", [](Program& p) { p.loop[0].inputs[1] = far; },
     "`%4 = add(%3, %99)` reads %99, which is out of range"},
    {"a result out of range", [](Program& p) { p.loop[1].outputs[0] = far; },
     "makes %99, which is out of range"},
    {"an order that is not one of definition", [](Program& p) { std::swap(p.loop[0], p.loop[1]); },
     "`%5 = negative(%4)` reads %4, which is made after it"},
    {"a loop that reads what is after it", [](Program& p) { p.loop[1].inputs[0] = fresh; },
     "`%5 = negative(%6)` reads %6, which is made after it"},
    {"a value made twice", [](Program& p) { p.loop[1].outputs[0] = sum; },
     "`%4 = negative(%4)` makes %4, which is made already"},
    {"the state read before the loop", [](Program& p) { p.before[0].inputs[0] = state; },
     "`%3 = matmul(%2, %0)` is before the loop and reads the state"},
    {"a sum over time before the loop", [](Program& p) { p.before[0].summed = true; },
     "sums over time before the loop has run"},
    {"a type that is not the op's",
     [](Program& p) {
       p[sum].type.shape = {4, 5};
     },
     "`%4 = add(%3, %2)` has a result whose type is not the one that its op gives"},
    {"operands that the op refuses",
     [](Program& p) {
       p[w].type.shape = {5, 4};
     },
     "`%3 = matmul(%1, %0)` has operands that its op refuses"},
    {"an instruction that makes the state", [](Program& p) { p[sum].role = Role::carried; },
     "makes the state, which only `next` changes"},
    {"something fixed made of what is not", [](Program& p) { p[sum].role = Role::fixed; },
     "makes %4, which is fixed, of %3, which is not"},
    {"a state without a next one", [](Program& p) { p.next = {}; },
     "a carried value has no next one"},
    {"a next state made after the loop", [](Program& p) { p.next = {fresh}; },
     "the next state %6 is not made by the loop or before it"},
    {"a next state of another type",
     [](Program& p) {
       p.sequences.push_back(p.add_value(Role::sequence, {float64, {4, 4}}, "y"));
       p.next = {p.sequences.back()};
     },
     "the next state %7 has another type than %2"},
    {"a result of nothing", [](Program& p) { p.results[0].value = far; },
     "the result %99 is made by nothing"},
};

const Broken by_pass[] = {
    {"the order of inputs",
     [](Program& p) {
       p.sequences.push_back(p.add_value(Role::sequence, {float32, {4}}));
     },
     "changed the inputs or their order"},
    {"the time", [](Program& p) { p.reverse = true; }, "turned the time round"},
    {"the numbers of values", [](Program& p) { p[x].name = "y"; }, "another value of %1"},
    {"the results", [](Program& p) { std::swap(p.results[0], p.results[1]); },
     "changed the results or their order"},
};

void check_says(const char* what, const std::string& text, const std::string& said) {
  BOOST_TEST(said.find(text) != std::string::npos, what << ": it says `" << said << "`");
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_sound_program_is_accepted) { verify(step(), step()); }

BOOST_AUTO_TEST_CASE(each_broken_invariant_is_named) {
  for (const Broken& b : broken) {
    Program p = step();
    b.breach(p);
    check_says(b.what, b.text, error_of([&] { verify(p); }));
  }
}

BOOST_AUTO_TEST_CASE(what_a_pass_must_leave_is_compared_with_what_it_was_given) {
  for (const Broken& b : by_pass) {
    Program p = step();
    b.breach(p);
    check_says(b.what, b.text, error_of([&] { verify(p, step()); }));
  }
}

BOOST_AUTO_TEST_CASE(a_dropped_value_is_noticed) {
  Program given = step();
  given.add_value(Role::sequence, {float32, {1}});
  check_says("a value less", "dropped a value", error_of([&] { verify(step(), given); }));
}

BOOST_AUTO_TEST_CASE(passes_that_need_all_in_the_loop_refuse_what_is_outside) {
  const struct {
    const char* name;
    Program (*pass)(Program);
  } passes[] = {{"hoist", hoist}, {"fixed_first", fixed_first}, {"without_dead", without_dead}};
  for (const auto& [name, pass] : passes) {
    BOOST_CHECK_EQUAL(error_of([&, pass = pass] { pass(step()); }),
                      "verify: `%3 = matmul(%1, %0)` is before the loop, and " + std::string(name) +
                          " needs all instructions in it.");
    Program p = step();
    p.loop.insert(p.loop.begin(), p.before.begin(), p.before.end());
    p.before.clear();
    BOOST_CHECK_EQUAL(error_of([&, pass = pass] { pass(p); }),
                      "verify: `%6 = matmul(%5, %0)` is after the loop, and " + std::string(name) +
                          " needs all instructions in it.");
    p.after.clear();
    p.results.pop_back();
    verify(pass(p), p);
  }
}

BOOST_AUTO_TEST_CASE(rows_are_independent_only_where_no_row_reads_another) {
  const Program p = step();
  BOOST_TEST(Executable(p).plan().independent_rows == 4);
  verify_rows(p, 4);
  check_says("other rows", "which has not the rows that the plan calls independent",
             error_of([&] { verify_rows(p, 3); }));
  Program shared = step();
  shared[state].type.shape = {4};
  check_says("a state that every row reads", "`%4 = add(%3, %2)` reads all rows of %2",
             error_of([&] { verify_rows(shared, 4); }));
  Program across = step();
  across.loop[1].op = &transpose_op;
  across.loop[1].attributes = {{"permutation", std::vector<int64_t>{-1, -2}}};
  verify(across);
  check_says("a transpose", "`%5 = transpose(%4)` reads across rows",
             error_of([&] { verify_rows(across, 4); }));
}
