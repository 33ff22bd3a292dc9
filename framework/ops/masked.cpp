// What recurrences do with a mask.
#include "tensor/masked.hpp"

#include "ops/types.hpp"

namespace tempo {
namespace {

// y = a at the steps that b counts, elsewhere 0 or a borrowed step, as through stop_gradient
//                              da = dy at the steps that b counts, elsewhere 0
const auto& counted_steps_op = define({
    .name = "counted_steps",
    .type =
        [](const TypeCall& call) {
          require_inputs(call, 2);
          const TensorType &x = call.inputs[0], &mask = call.inputs[1];
          if (x.shape.rank() < 2 || !(mask == TensorType{bool_, {x.shape[0], x.shape[1]}}))
            throw ShapeError(
                "the mask does not fit\n  It must be bool [batch, time] for a sequence "
                "[batch, time, ...].");
          return std::vector{x};
        },
    .kernel = counted_steps_kernel(),
    .vjp = {[](const Vjp& v) {
      static const sdk::Op counted_steps("counted_steps");
      return counted_steps(v.dy(), v.b(), {{"borrow", 0}});
    }},
});

}  // namespace
}  // namespace tempo
