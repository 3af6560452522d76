#include "host/ops/stochastic_depth.h"

#include <string.h>

#include "kernels/cpu/clones.h"

enum { BLOCK = 16384 };

SC_CLONES static void add_scaled(float *restrict y, const float *restrict x, const float *restrict residual,
                                 float scale, int64_t n) {
   for (int64_t i = 0; i < n; i++) y[i] = x[i] * scale + residual[i];
}

SC_CLONES static void multiply(float *restrict y, const float *restrict x, float scale, int64_t n) {
   for (int64_t i = 0; i < n; i++) y[i] = x[i] * scale;
}

// A sample that is left out is not read.
static void scale_block(float *y, const float *x, const float *residual, float scale, int64_t n) {
   if (scale == 0 && residual)
      memcpy(y, residual, (size_t)n * sizeof *y);
   else if (scale == 0)
      memset(y, 0, (size_t)n * sizeof *y);
   else if (residual)
      add_scaled(y, x, residual, scale, n);
   else
      multiply(y, x, scale, n);
}

static ScStatus scale_rows(const ScCall *c, const ScTensor *tx, const ScTensor *tresidual, const ScTensor *ty) {
   const float *x = tx->buffer->data, *residual = tresidual ? tresidual->buffer->data : NULL;
   float *y = ty->buffer->data;
   int64_t n = tx->shape[0], each = sc_numel(tx) / n, blocks = (each + BLOCK - 1) / BLOCK;
#pragma omp parallel for if (n * each > BLOCK)
   for (int64_t task = 0; task < n * blocks; task++) {
      int64_t row = task / blocks, start = task % blocks * BLOCK, at = row * each + start;
      int64_t count = start + BLOCK < each ? BLOCK : each - start;
      scale_block(y + at, x + at, residual ? residual + at : NULL, (float)sc_depth_scale(c, row), count);
   }
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   return scale_rows(c, c->in[SC_DEPTH_X], c->in[SC_DEPTH_RESIDUAL], c->out[0]);
}

static ScStatus backward(ScCall *c) {
   return scale_rows(c, c->grad_out[0], NULL, c->grad_in[SC_DEPTH_X]);
}

SC_KERNEL(cpu, stochastic_depth, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
