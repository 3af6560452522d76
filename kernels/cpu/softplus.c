// A smooth relu.
#include "host/ops/softplus.h"

#include "kernels/cpu/unary.h"
#include "kernels/cpu/vmath.h"

// p: beta, threshold
static inline float value(float x, const float *p) {
   float z = p[0] * x, y = ((z < 0 ? 0 : z) + sc_log1pf(sc_expf(-fabsf(z)))) / p[0];
   return z > p[1] ? x : y;
}

static inline float slope(float x, const float *p) {
   float z = p[0] * x, s = sc_sigmoidf(z);
   return z > p[1] ? 1 : s;
}

SC_MAP(softplus, value(x, p))
SC_GRADIENT(softplus, g *slope(v, p))

static ScStatus forward(ScCall *c) {
   const ScAttr *a = c->attr;
   return sc_unary_forward(c, map_softplus,
                           (float[]){(float)a[SC_SOFTPLUS_BETA].f, (float)a[SC_SOFTPLUS_THRESHOLD].f});
}

static ScStatus backward(ScCall *c) {
   const ScAttr *a = c->attr;
   return sc_unary_backward(c, gradient_softplus,
                            (float[]){(float)a[SC_SOFTPLUS_BETA].f, (float)a[SC_SOFTPLUS_THRESHOLD].f});
}

SC_KERNEL(cpu, softplus, SC_F32_AND_BF16, .forward = forward, .backward = backward)
