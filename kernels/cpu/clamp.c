// Numbers brought between two bounds.
#include "host/ops/clamp.h"

#include "kernels/cpu/unary.h"

SC_MAP(clamp, x<p[0] ? p[0] : x> p[1] ? p[1] : x)
SC_GRADIENT(clamp, SC_CLAMP_PASSES(v, p[0], p[1]) ? g : 0)

static ScStatus forward(ScCall *c) {
   return sc_unary_forward(c, map_clamp,
                           (float[]){(float)c->attr[SC_CLAMP_MIN].f, (float)c->attr[SC_CLAMP_MAX].f});
}

static ScStatus backward(ScCall *c) {
   return sc_unary_backward(
       c, gradient_clamp,
       (float[]){(float)sc_clamp_bound(c, SC_CLAMP_MIN), (float)sc_clamp_bound(c, SC_CLAMP_MAX)});
}

SC_KERNEL(cpu, clamp, SC_F32_AND_BF16, .forward = forward, .backward = backward)
