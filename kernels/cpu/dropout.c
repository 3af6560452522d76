#include "host/ops/dropout.h"

#include "host/core/op.h"
#include "host/core/rng.h"
#include "kernels/cpu/half.h"

enum { BLOCK = 4096, WORTH_THREADS = 16384 };

// Elements from..to-1; `from` is a multiple of 4, because one draw gives four numbers.
static void drop_block(const ScCall *c, const void *x, void *y, int64_t from, int64_t to, bool half) {
   uint64_t seed = (uint64_t)c->attr[SC_DROPOUT_SEED].i, stream = (uint64_t)c->attr[SC_DROPOUT_STREAM].i;
   double p = c->attr[SC_DROPOUT_P].f;
   float scale = p < 1 ? (float)(1 / (1 - p)) : 0;
   for (int64_t i = from; i < to; i += 4) {
      uint32_t bits[4];
      sc_philox(seed, stream, (uint64_t)i / 4, bits);
      for (int j = 0; j < 4 && i + j < to; j++)
         sc_set(y, i + j, half, // as sc_uniform has it
                (float)(bits[j] >> 8) * 0x1p-24f >= p ? sc_at(x, i + j, half) * scale : 0);
   }
}

static ScStatus drop(const ScCall *c, const ScTensor *x, const ScTensor *y) {
   int64_t n = sc_numel(x);
#pragma omp parallel for if (n > WORTH_THREADS)
   for (int64_t i = 0; i < n; i += BLOCK)
      drop_block(c, x->buffer->data, y->buffer->data, i, i + BLOCK < n ? i + BLOCK : n, sc_is_half(x));
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   return drop(c, c->in[0], c->out[0]);
}
static ScStatus backward(ScCall *c) {
   return drop(c, c->grad_out[0], c->grad_in[0]);
}

SC_KERNEL(cpu, dropout, SC_F32_AND_BF16, .forward = forward, .backward = backward)
