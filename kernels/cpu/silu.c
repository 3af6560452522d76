// x * sigmoid(x).

// As at the end of batch norm (kernels/cpu/batch_norm_loops.c), so that both round alike.
#pragma GCC optimize("fp-contract=fast")

#include "kernels/cpu/activation.h"
#include "kernels/cpu/unary.h"

SC_MAP(silu, sc_activate(SC_ACT_SILU, x))
SC_GRADIENT(silu, sc_act_gradient(SC_ACT_SILU, v, g))

static ScStatus forward(ScCall *c) {
   return sc_unary_forward(c, map_silu, NULL);
}

static ScStatus backward(ScCall *c) {
   return sc_unary_backward(c, gradient_silu, NULL);
}

SC_KERNEL(cpu, silu, SC_F32_AND_BF16, .forward = forward, .backward = backward)
