#include <string.h>

#include "host/core/op.h"
#include "kernels/cpu/column_sums.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/half.h"

enum { X, WEIGHT, BIAS };

// Rows of a rank-4 tensor, which lies channels-last, are not contiguous.
static bool has_rows(const ScTensor *x) {
   return x->rank != 4;
}

static float *values(const ScTensor *t) {
   return t->buffer->data;
}

// ---- bf16, with a bias in f32 ----

static ScStatus forward_half(const ScCall *c, int64_t rows, int64_t outputs, int64_t inputs) {
   return sc_gemm_half(c->device, rows, outputs, inputs, (ScHalfMatrix){c->in[X]->buffer->data, false},
                       (ScHalfMatrix){c->in[WEIGHT]->buffer->data, true},
                       c->in[BIAS] ? values(c->in[BIAS]) : NULL, c->out[0]->buffer->data);
}

static ScStatus backward_half(const ScCall *c, int64_t rows, int64_t outputs, int64_t inputs) {
   const void *gy = c->grad_out[0]->buffer->data;
   if (c->grad_in[X])
      SC_TRY(sc_gemm_half(c->device, rows, inputs, outputs, (ScHalfMatrix){gy, false},
                          (ScHalfMatrix){c->in[WEIGHT]->buffer->data, false}, NULL,
                          c->grad_in[X]->buffer->data));
   if (c->grad_in[WEIGHT])
      SC_TRY(sc_gemm_half(c->device, outputs, inputs, rows, (ScHalfMatrix){gy, true},
                          (ScHalfMatrix){c->in[X]->buffer->data, false}, NULL,
                          c->grad_in[WEIGHT]->buffer->data));
   return SC_OK;
}

// ---- f32 ----

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[X], *weight = c->in[WEIGHT], *bias = c->in[BIAS];
   if (!has_rows(x)) return SC_EUNSUPPORTED;
   int64_t outputs = weight->shape[0], inputs = weight->shape[1], rows = sc_numel(x) / inputs;
   if (sc_is_half(x)) return forward_half(c, rows, outputs, inputs);
   float *y = values(c->out[0]);
   for (int64_t r = 0; bias && r < rows; r++)
      memcpy(y + r * outputs, values(bias), (size_t)outputs * sizeof *y);
   return sc_gemm(rows, outputs, inputs, (ScMatrix){values(x), false}, (ScMatrix){values(weight), true},
                  bias != NULL, y);
}

static ScStatus backward_wide(const ScCall *c, int64_t rows, int64_t outputs, int64_t inputs) {
   float *gy = values(c->grad_out[0]);
   if (c->grad_in[X])
      SC_TRY(sc_gemm(rows, inputs, outputs, (ScMatrix){gy, false}, (ScMatrix){values(c->in[WEIGHT]), false},
                     false, values(c->grad_in[X])));
   if (c->grad_in[WEIGHT])
      SC_TRY(sc_gemm(outputs, inputs, rows, (ScMatrix){gy, true}, (ScMatrix){values(c->in[X]), false}, false,
                     values(c->grad_in[WEIGHT])));
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[X];
   if (!has_rows(x)) return SC_EUNSUPPORTED;
   int64_t outputs = c->in[WEIGHT]->shape[0], inputs = c->in[WEIGHT]->shape[1], rows = sc_numel(x) / inputs;
   bool half = sc_is_half(c->grad_out[0]);
   SC_TRY(half ? backward_half(c, rows, outputs, inputs) : backward_wide(c, rows, outputs, inputs));
   if (c->grad_in[BIAS])
      sc_column_sums(values(c->grad_in[BIAS]), c->grad_out[0]->buffer->data, rows, outputs, half);
   return SC_OK;
}

SC_KERNEL(cpu, linear, SC_F32_AND_BF16, .forward = forward, .backward = backward)
