// Functions of each element alone, float32.
#include <math.h>

#include "host/op.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/vmath.h"

enum { BLOCK = 8192, WORTH_THREADS = 32768 };

typedef void (*Map)(float *y, const float *x, int64_t n);
typedef void (*Gradient)(float *dx, const float *g, const float *kept, int64_t n);

static int64_t shorter(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static ScStatus forward(ScCall *c, Map f) {
   const float *x = c->in[0]->buffer->data;
   float *y = c->out[0]->buffer->data;
   int64_t n = sc_numel(c->out[0]);
#pragma omp parallel for if (n > WORTH_THREADS)
   for (int64_t i = 0; i < n; i += BLOCK) f(y + i, x + i, shorter(BLOCK, n - i));
   return SC_OK;
}

// The derivative comes from what the op kept: its input or its output.
static ScStatus backward(ScCall *c, Gradient f) {
   const ScTensor *kept = c->in[0]->buffer ? c->in[0] : c->out[0];
   const float *v = kept->buffer->data, *g = c->grad_out[0]->buffer->data;
   float *dx = c->grad_in[0]->buffer->data;
   int64_t n = sc_numel(kept);
#pragma omp parallel for if (n > WORTH_THREADS)
   for (int64_t i = 0; i < n; i += BLOCK) f(dx + i, g + i, v + i, shorter(BLOCK, n - i));
   return SC_OK;
}

// `value` of x = the element; `derivative` of v = what was kept.
#define FORWARD(name, value)                                                                                   \
   SC_CLONES static void map_##name(float *restrict y, const float *restrict in, int64_t n) {                  \
      for (int64_t i = 0; i < n; i++) {                                                                        \
         float x = in[i];                                                                                      \
         y[i] = value;                                                                                         \
      }                                                                                                        \
   }                                                                                                           \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, map_##name);                                                                           \
   }

#define UNARY(name, value, derivative)                                                                         \
   FORWARD(name, value)                                                                                        \
   SC_CLONES static void gradient_##name(float *restrict dx, const float *restrict g,                          \
                                         const float *restrict kept, int64_t n) {                              \
      for (int64_t i = 0; i < n; i++) {                                                                        \
         float v = kept[i];                                                                                    \
         dx[i] = derivative;                                                                                   \
      }                                                                                                        \
   }                                                                                                           \
   static ScStatus backward_##name(ScCall *c) {                                                                \
      return backward(c, gradient_##name);                                                                     \
   }                                                                                                           \
   SC_KERNEL(cpu, name, .dtypes = 1u << SC_F32, .forward = forward_##name, .backward = backward_##name)

static inline float d_silu(float x) {
   float s = sc_sigmoidf(x);
   return s * (1 + x * (1 - s));
}

FORWARD(neg, -x)
SC_KERNEL(cpu, neg, .dtypes = 1u << SC_F32, .forward = forward_neg)

UNARY(abs, fabsf(x), v > 0 ? g[i] : v < 0 ? -g[i] : 0)
UNARY(relu, x<0 ? 0 : x, v> 0 ? g[i] : 0)
UNARY(relu6, x<0 ? 0 : x> 6 ? 6 : x, v > 0 && v < 6 ? g[i] : 0)
UNARY(exp, sc_expf(x), g[i] * v)
UNARY(log, logf(x), g[i] / v)
UNARY(sqrt, sqrtf(x), g[i] * 0.5f / v)
UNARY(sigmoid, sc_sigmoidf(x), g[i] * v * (1 - v))
UNARY(tanh, sc_tanhf(x), g[i] * (1 - v * v))
UNARY(silu, x *sc_sigmoidf(x), g[i] * d_silu(v))
