// Comparisons of two float32 operands with broadcasting.
#include "host/ops/broadcast.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/loop.h"

typedef void (*Run)(uint8_t *y, const float *a, int64_t sa, const float *b, int64_t sb, int64_t n);

static ScStatus forward(ScCall *c, Run run) {
   const ScTensor *a = c->in[0], *b = c->in[1], *y = c->out[0];
   int64_t strides[3][SC_MAXRANK];
   sc_strides(y, strides[0]), sc_broadcast_strides(a, y, strides[1]), sc_broadcast_strides(b, y, strides[2]);
   ScLoop loop;
   sc_loop_init(&loop, y->rank, y->shape, 3, strides);
   int64_t sa = sc_loop_step(&loop, 1), sb = sc_loop_step(&loop, 2);
#pragma omp parallel for if (sc_loop_is_large(&loop))
   for (int64_t task = 0; task < loop.tasks; task++) {
      int64_t at[SC_LOOP_MAX], n = sc_loop_task(&loop, task, at);
      run((uint8_t *)y->buffer->data + at[0], (const float *)a->buffer->data + at[1], sa,
          (const float *)b->buffer->data + at[2], sb, n);
   }
   return SC_OK;
}

#define COMPARE(name, operator)                                                                                \
   SC_CLONES static void run_##name(uint8_t *restrict y, const float *a, int64_t sa, const float *b,           \
                                    int64_t sb, int64_t n) {                                                   \
      if (sa == 1 && sb == 1)                                                                                  \
         for (int64_t i = 0; i < n; i++) y[i] = a[i] operator b[i];                                            \
      else if (sa == 1 && sb == 0)                                                                             \
         for (int64_t i = 0; i < n; i++) y[i] = a[i] operator b[0];                                            \
      else                                                                                                     \
         for (int64_t i = 0; i < n; i++) y[i] = a[i * sa] operator b[i * sb];                                  \
   }                                                                                                           \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, run_##name);                                                                           \
   }                                                                                                           \
   SC_KERNEL(cpu, name, .dtypes = 1u << SC_F32, .forward = forward_##name)

COMPARE(eq, ==)
COMPARE(ne, !=)
COMPARE(lt, <)
COMPARE(le, <=)
COMPARE(gt, >)
COMPARE(ge, >=)
