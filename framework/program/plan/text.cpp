// Plans as text.
#include "program/plan/plan.hpp"

namespace tempo {

std::string to_string(const Plan& plan) {
  std::string text;
  const auto size = [](int64_t rows, int64_t cols) {
    return "[" + std::to_string(rows) + ", " + std::to_string(cols) + "]";
  };
  for (const PlanStep& s : plan.steps) {
    if (s.kind == PlanStep::product) {
      const ProductStep& p = s.as_product;
      const char* before = "  product ";
      for (const ProductTerm& t : p.terms) {
        text += before + size(t.a.rows, t.a.cols) + " x packed " + size(t.a.cols, p.out.cols);
        before = " + ";
      }
      text += p.accumulates ? ", added in place" : "";
      text += p.bias ? ", plus a row\n" : "\n";
    } else if (s.kind == PlanStep::tiles) {
      text += "  tiles " + size(s.as_tiles.rows, s.as_tiles.cols) +
              (s.as_tiles.in_one_run ? " in one run:" : " row by row:");
      for (const TileOp& op : s.as_tiles.ops) text += " " + op.op->name;
      text += "\n";
    } else {
      text += "  call " + s.as_call.instruction->op->name + "\n";
    }
  }
  return text + (plan.independent_rows > 0 ? "  rows are independent\n" : "");
}

}  // namespace tempo
