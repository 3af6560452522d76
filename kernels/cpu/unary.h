// Loops of functions of each element alone, over float32 or bfloat16.
#ifndef SCUTE_CPU_UNARY_H
#define SCUTE_CPU_UNARY_H

#include "host/core/op.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

enum { SC_UNARY_BLOCK = 8192, SC_UNARY_WORTH_THREADS = 32768 };

// p: the numbers that the op takes, for all elements the same.
typedef void (*ScMap)(void *y, const void *x, int64_t n, const float *p, bool half);
typedef void (*ScGradient)(void *dx, const void *g, const void *kept, int64_t n, const float *p, bool half);

static inline int64_t sc_unary_end(int64_t start, int64_t n) {
   return n - start < SC_UNARY_BLOCK ? n - start : SC_UNARY_BLOCK;
}

static ScStatus sc_unary_forward(ScCall *c, ScMap f, const float *p) {
   const void *x = c->in[0]->buffer->data;
   void *y = c->out[0]->buffer->data;
   int64_t n = sc_numel(c->out[0]);
   bool half = sc_is_half(c->out[0]);
#pragma omp parallel for if (n > SC_UNARY_WORTH_THREADS)
   for (int64_t i = 0; i < n; i += SC_UNARY_BLOCK)
      f(sc_past(y, i, half), sc_past(x, i, half), sc_unary_end(i, n), p, half);
   return SC_OK;
}

// The derivative comes from what the op kept: its input or its output.
static ScStatus sc_unary_backward(ScCall *c, ScGradient f, const float *p) {
   const ScTensor *kept = c->in[0]->buffer ? c->in[0] : c->out[0];
   const void *v = kept->buffer->data, *g = c->grad_out[0]->buffer->data;
   void *dx = c->grad_in[0]->buffer->data;
   int64_t n = sc_numel(kept);
   bool half = sc_is_half(kept);
#pragma omp parallel for if (n > SC_UNARY_WORTH_THREADS)
   for (int64_t i = 0; i < n; i += SC_UNARY_BLOCK)
      f(sc_past(dx, i, half), sc_past(g, i, half), sc_past(v, i, half), sc_unary_end(i, n), p, half);
   return SC_OK;
}

// Makes map_NAME (SC_MAP) and gradient_NAME (SC_GRADIENT): `value` of x = the element, `derivative` of v = what
// was kept and g = the gradient; both of the numbers p.
#define SC_MAP(name, value)                                                                                    \
   SC_INLINE void map_all_##name(void *restrict y, const void *restrict in, int64_t n,                         \
                                 const float *restrict p, bool half) {                                         \
      (void)p;                                                                                                 \
      for (int64_t i = 0; i < n; i++) {                                                                        \
         float x = sc_at(in, i, half);                                                                         \
         sc_set(y, i, half, value);                                                                            \
      }                                                                                                        \
   }                                                                                                           \
   SC_CLONES static void map_##name(void *restrict y, const void *restrict in, int64_t n,                      \
                                    const float *restrict p, bool half) {                                      \
      if (half)                                                                                                \
         map_all_##name(y, in, n, p, true);                                                                    \
      else                                                                                                     \
         map_all_##name(y, in, n, p, false);                                                                   \
   }

#define SC_GRADIENT(name, derivative)                                                                          \
   SC_INLINE void gradient_all_##name(void *restrict dx, const void *restrict gy, const void *restrict kept,   \
                                      int64_t n, const float *restrict p, bool half) {                         \
      (void)p;                                                                                                 \
      for (int64_t i = 0; i < n; i++) {                                                                        \
         float v = sc_at(kept, i, half), g = sc_at(gy, i, half);                                               \
         sc_set(dx, i, half, derivative);                                                                      \
      }                                                                                                        \
   }                                                                                                           \
   SC_CLONES static void gradient_##name(void *restrict dx, const void *restrict gy,                           \
                                         const void *restrict kept, int64_t n, const float *restrict p,        \
                                         bool half) {                                                          \
      if (half)                                                                                                \
         gradient_all_##name(dx, gy, kept, n, p, true);                                                        \
      else                                                                                                     \
         gradient_all_##name(dx, gy, kept, n, p, false);                                                       \
   }

#endif
