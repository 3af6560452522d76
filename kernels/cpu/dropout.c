#include "host/ops/dropout.h"

#include "host/core/rng.h"
#include "kernels/cpu/half.h"

enum { BLOCK = 4096, WORTH_THREADS = 16384 };

// n elements, the first of which is number `from` of its stream, a multiple of 4, because one draw gives four
// numbers.
static void drop_block(const ScCall *c, uint64_t stream, int64_t from, const void *x, void *y, int64_t n,
                       bool half) {
   uint64_t seed = (uint64_t)c->attr[SC_DROPOUT_SEED].i;
   double p = c->attr[SC_DROPOUT_P].f;
   float scale = p < 1 ? (float)(1 / (1 - p)) : 0;
   for (int64_t i = 0; i < n; i += 4) {
      uint32_t bits[4];
      sc_philox(seed, stream, (uint64_t)(from + i) / 4, bits);
      for (int j = 0; j < 4 && i + j < n; j++)
         sc_set(y, i + j, half, // as sc_uniform has it
                (float)(bits[j] >> 8) * 0x1p-24f >= p ? sc_at(x, i + j, half) * scale : 0);
   }
}

// Without keys all is one row.
static ScStatus drop(const ScCall *c, const ScTensor *x, const ScTensor *y) {
   const int64_t *keys = sc_dropout_keys(c);
   uint64_t stream = (uint64_t)c->attr[SC_DROPOUT_STREAM].i;
   int64_t n = sc_numel(x), rows = keys ? x->shape[0] : 1, each = n / rows, blocks = (each + BLOCK - 1) / BLOCK;
   bool half = sc_is_half(x);
#pragma omp parallel for if (n > WORTH_THREADS)
   for (int64_t task = 0; task < rows * blocks; task++) {
      int64_t row = task / blocks, from = task % blocks * BLOCK, at = row * each + from;
      drop_block(c, keys ? sc_row_stream(keys[row], stream) : stream, from, sc_past(x->buffer->data, at, half),
                 sc_past(y->buffer->data, at, half), from + BLOCK < each ? BLOCK : each - from, half);
   }
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   return drop(c, c->in[0], c->out[0]);
}
static ScStatus backward(ScCall *c) {
   return drop(c, c->grad_out[0], c->grad_in[0]);
}

SC_KERNEL(cpu, dropout, SC_F32_AND_BF16, .forward = forward, .backward = backward)
