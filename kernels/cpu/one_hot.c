#include "host/ops/one_hot.h"

#include <string.h>

#include "host/core/op.h"
#include "kernels/cpu/loop.h"

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t strides[2][SC_MAXRANK] = {{0}};
   sc_strides(x, strides[0]), sc_strides(y, strides[1]);
   int64_t step = strides[1][x->rank];
   const int64_t *classes = x->buffer->data;
   ScLoop loop;
   sc_loop_init(&loop, x->rank, x->shape, 2, strides);
   memset(y->buffer->data, 0, sc_nbytes(y)); // a zero in every dtype
#pragma omp parallel for if (sc_loop_is_large(&loop))
   for (int64_t task = 0; task < loop.tasks; task++) {
      int64_t at[SC_LOOP_MAX], n = sc_loop_task(&loop, task, at);
      for (int64_t i = 0; i < n; i++)
         sc_store(y->dtype, y->buffer->data,
                  at[1] + i * sc_loop_step(&loop, 1) + (classes[at[0] + i * sc_loop_step(&loop, 0)] - 1) * step,
                  1);
   }
   return SC_OK;
}

SC_KERNEL(cpu, one_hot, .dtypes = SC_NUMBERS, .forward = forward)
