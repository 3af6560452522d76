#include "host/ops/stochastic_depth.h"

#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

enum { BLOCK = 16384 };

SC_INLINE void add_scaled(void *restrict y, const void *restrict x, const void *restrict residual, float scale,
                          int64_t n, bool half) {
   for (int64_t i = 0; i < n; i++) sc_set(y, i, half, sc_at(x, i, half) * scale + sc_at(residual, i, half));
}

SC_INLINE void multiply(void *restrict y, const void *restrict x, float scale, int64_t n, bool half) {
   for (int64_t i = 0; i < n; i++) sc_set(y, i, half, sc_at(x, i, half) * scale);
}

SC_CLONES static void compute_block(void *y, const void *x, const void *residual, float scale, int64_t n,
                                    bool half) {
   if (half && residual)
      add_scaled(y, x, residual, scale, n, true);
   else if (half)
      multiply(y, x, scale, n, true);
   else if (residual)
      add_scaled(y, x, residual, scale, n, false);
   else
      multiply(y, x, scale, n, false);
}

// A sample that is left out is not read.
static void scale_block(void *y, const void *x, const void *residual, float scale, int64_t n, bool half) {
   size_t bytes = (size_t)n * (half ? 2 : 4);
   if (scale == 0 && residual)
      memcpy(y, residual, bytes);
   else if (scale == 0)
      memset(y, 0, bytes);
   else
      compute_block(y, x, residual, scale, n, half);
}

static ScStatus scale_rows(const ScCall *c, const ScTensor *tx, const ScTensor *tresidual, const ScTensor *ty) {
   const void *x = tx->buffer->data, *residual = tresidual ? tresidual->buffer->data : NULL;
   void *y = ty->buffer->data;
   bool half = sc_is_half(ty);
   int64_t n = tx->shape[0], each = sc_numel(tx) / n, blocks = (each + BLOCK - 1) / BLOCK;
#pragma omp parallel for if (n * each > BLOCK)
   for (int64_t task = 0; task < n * blocks; task++) {
      int64_t row = task / blocks, start = task % blocks * BLOCK, at = row * each + start;
      int64_t count = start + BLOCK < each ? BLOCK : each - start;
      scale_block(sc_past(y, at, half), sc_past(x, at, half), residual ? sc_past(residual, at, half) : NULL,
                  (float)sc_depth_scale(c, row), count, half);
   }
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   return scale_rows(c, c->in[SC_DEPTH_X], c->in[SC_DEPTH_RESIDUAL], c->out[0]);
}

static ScStatus backward(ScCall *c) {
   return scale_rows(c, c->grad_out[0], NULL, c->grad_in[SC_DEPTH_X]);
}

SC_KERNEL(cpu, stochastic_depth, SC_F32_AND_BF16, .forward = forward, .backward = backward)
