// Functions of each element alone, float32 or bfloat16.
#include <math.h>

#include "host/core/op.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/vmath.h"

enum { BLOCK = 8192, WORTH_THREADS = 32768 };

typedef void (*Map)(void *y, const void *x, int64_t n, bool half);
typedef void (*Gradient)(void *dx, const void *g, const void *kept, int64_t n, bool half);

static int64_t shorter(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static ScStatus forward(ScCall *c, Map f) {
   const void *x = c->in[0]->buffer->data;
   void *y = c->out[0]->buffer->data;
   int64_t n = sc_numel(c->out[0]);
   bool half = sc_is_half(c->out[0]);
#pragma omp parallel for if (n > WORTH_THREADS)
   for (int64_t i = 0; i < n; i += BLOCK)
      f(sc_past(y, i, half), sc_past(x, i, half), shorter(BLOCK, n - i), half);
   return SC_OK;
}

// The derivative comes from what the op kept: its input or its output.
static ScStatus backward(ScCall *c, Gradient f) {
   const ScTensor *kept = c->in[0]->buffer ? c->in[0] : c->out[0];
   const void *v = kept->buffer->data, *g = c->grad_out[0]->buffer->data;
   void *dx = c->grad_in[0]->buffer->data;
   int64_t n = sc_numel(kept);
   bool half = sc_is_half(kept);
#pragma omp parallel for if (n > WORTH_THREADS)
   for (int64_t i = 0; i < n; i += BLOCK)
      f(sc_past(dx, i, half), sc_past(g, i, half), sc_past(v, i, half), shorter(BLOCK, n - i), half);
   return SC_OK;
}

// `value` of x = the element; `derivative` of v = what was kept and g = the gradient.
#define FORWARD(name, value)                                                                                   \
   SC_INLINE void map_all_##name(void *restrict y, const void *restrict in, int64_t n, bool half) {            \
      for (int64_t i = 0; i < n; i++) {                                                                        \
         float x = sc_at(in, i, half);                                                                         \
         sc_set(y, i, half, value);                                                                            \
      }                                                                                                        \
   }                                                                                                           \
   SC_CLONES static void map_##name(void *restrict y, const void *restrict in, int64_t n, bool half) {         \
      if (half)                                                                                                \
         map_all_##name(y, in, n, true);                                                                       \
      else                                                                                                     \
         map_all_##name(y, in, n, false);                                                                      \
   }                                                                                                           \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, map_##name);                                                                           \
   }

#define UNARY(name, value, derivative)                                                                         \
   FORWARD(name, value)                                                                                        \
   SC_INLINE void gradient_all_##name(void *restrict dx, const void *restrict gy, const void *restrict kept,   \
                                      int64_t n, bool half) {                                                  \
      for (int64_t i = 0; i < n; i++) {                                                                        \
         float v = sc_at(kept, i, half), g = sc_at(gy, i, half);                                               \
         sc_set(dx, i, half, derivative);                                                                      \
      }                                                                                                        \
   }                                                                                                           \
   SC_CLONES static void gradient_##name(void *restrict dx, const void *restrict g, const void *restrict kept, \
                                         int64_t n, bool half) {                                               \
      if (half)                                                                                                \
         gradient_all_##name(dx, g, kept, n, true);                                                            \
      else                                                                                                     \
         gradient_all_##name(dx, g, kept, n, false);                                                           \
   }                                                                                                           \
   static ScStatus backward_##name(ScCall *c) {                                                                \
      return backward(c, gradient_##name);                                                                     \
   }                                                                                                           \
   SC_KERNEL(cpu, name, SC_F32_AND_BF16, .forward = forward_##name, .backward = backward_##name)

static inline float d_silu(float x) {
   float s = sc_sigmoidf(x);
   return s * (1 + x * (1 - s));
}

FORWARD(neg, -x)
SC_KERNEL(cpu, neg, SC_F32_AND_BF16, .forward = forward_neg)

UNARY(abs, fabsf(x), v > 0 ? g : v < 0 ? -g : 0)
UNARY(relu, x<0 ? 0 : x, v> 0 ? g : 0)
UNARY(relu6, x<0 ? 0 : x> 6 ? 6 : x, v > 0 && v < 6 ? g : 0)
UNARY(exp, sc_expf(x), g *v)
UNARY(log, logf(x), g / v)
UNARY(sqrt, sqrtf(x), g * 0.5f / v)
UNARY(sigmoid, sc_sigmoidf(x), g *v *(1 - v))
UNARY(tanh, sc_tanhf(x), g *(1 - v * v))
UNARY(silu, x *sc_sigmoidf(x), g *d_silu(v))
