// The activations that an op may end with, each the op of its name. A new one is a line here, one in each of
// kernels/{ref/activation.h, cpu/activation.h, cuda/activation.cuh}, and one in tests/golden/make_ops.py if
// PyTorch has another name for it; choices, kernels, layers and the cases of the tests follow.
#ifndef SCUTE_OPS_ACTIVATION_H
#define SCUTE_OPS_ACTIVATION_H

#include <stdbool.h>

// _(name in C, its op, whether its derivative at x can be told from its result instead of x). Files know an
// activation by its op, so new ones may stand anywhere.
#define SC_ACTIVATIONS(_)                                                                                      \
   _(RELU, relu, true)                                                                                         \
   _(RELU6, relu6, true)                                                                                       \
   _(SILU, silu, false)                                                                                        \
   _(HARDSWISH, hardswish, false)                                                                              \
   _(HARDSIGMOID, hardsigmoid, false)                                                                          \
   _(SIGMOID, sigmoid, false)                                                                                  \
   _(GELU, gelu, false)

#define SC_ACT_OP(name, op, by_result)   "|" #op
#define SC_ACT_CHOICES                   "none" SC_ACTIVATIONS(SC_ACT_OP)

#define SC_ACT_NAME(name, op, by_result) SC_ACT_##name,
typedef enum { SC_ACT_NONE, SC_ACTIVATIONS(SC_ACT_NAME) SC_ACTS } ScAct;
#undef SC_ACT_NAME

// ScAct as an int, since CUDA's kernels get it as that. Without branches where `act` is a constant.
static inline bool sc_act_by_result(int act) {
#define SC_ACT_BIT(name, op, by_result) | (unsigned)(by_result) << SC_ACT_##name
   return (0 SC_ACTIVATIONS(SC_ACT_BIT)) >> act & 1;
#undef SC_ACT_BIT
}

#endif
