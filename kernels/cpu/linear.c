#include <string.h>

#include "host/ops/linear_rows.h"
#include "kernels/cpu/column_sums.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/half.h"

enum { X = SC_LINEAR_X, WEIGHT = SC_LINEAR_WEIGHT, BIAS = SC_LINEAR_BIAS };

static void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

// ---- bf16, with a bias in f32 ----

static ScStatus forward_half(const ScCall *c, const void *x, void *y) {
   ScLinear s = sc_linear_sizes(c);
   return sc_gemm_half(c->device, s.rows, s.outputs, s.inputs, (ScHalfMatrix){x, false},
                       (ScHalfMatrix){values(c->in[WEIGHT]), true}, values(c->in[BIAS]), y);
}

static ScStatus backward_half(const ScCall *c, const void *x, const void *gy, void *gx) {
   ScLinear s = sc_linear_sizes(c);
   if (gx)
      SC_TRY(sc_gemm_half(c->device, s.rows, s.inputs, s.outputs, (ScHalfMatrix){gy, false},
                          (ScHalfMatrix){values(c->in[WEIGHT]), false}, NULL, gx));
   if (!c->grad_in[WEIGHT]) return SC_OK;
   return sc_gemm_half(c->device, s.outputs, s.inputs, s.rows, (ScHalfMatrix){gy, true},
                       (ScHalfMatrix){x, false}, NULL, values(c->grad_in[WEIGHT]));
}

// ---- f32 ----

static ScStatus forward_wide(const ScCall *c, const void *x, void *y) {
   ScLinear s = sc_linear_sizes(c);
   const float *bias = values(c->in[BIAS]);
   for (int64_t r = 0; bias && r < s.rows; r++)
      memcpy((float *)y + r * s.outputs, bias, (size_t)s.outputs * sizeof *bias);
   return sc_gemm(s.rows, s.outputs, s.inputs, (ScMatrix){x, false}, (ScMatrix){values(c->in[WEIGHT]), true},
                  bias != NULL, y);
}

static ScStatus backward_wide(const ScCall *c, const void *x, const void *gy, void *gx) {
   ScLinear s = sc_linear_sizes(c);
   if (gx)
      SC_TRY(sc_gemm(s.rows, s.inputs, s.outputs, (ScMatrix){gy, false},
                     (ScMatrix){values(c->in[WEIGHT]), false}, false, gx));
   if (!c->grad_in[WEIGHT]) return SC_OK;
   return sc_gemm(s.outputs, s.inputs, s.rows, (ScMatrix){gy, true}, (ScMatrix){x, false}, false,
                  values(c->grad_in[WEIGHT]));
}

// ---- the kernel ----

static ScStatus backward_rows(const ScCall *c, const void *x, const void *gy, void *gx) {
   ScLinear s = sc_linear_sizes(c);
   bool half = sc_is_half(c->grad_out[0]);
   SC_TRY(half ? backward_half(c, x, gy, gx) : backward_wide(c, x, gy, gx));
   if (c->grad_in[BIAS]) sc_column_sums(values(c->grad_in[BIAS]), gy, s.rows, s.outputs, half);
   return SC_OK;
}

static ScStatus forward(ScCall *c) {
   return sc_linear_forward(c, sc_is_half(c->in[X]) ? forward_half : forward_wide);
}

static ScStatus backward(ScCall *c) {
   return sc_linear_backward(c, backward_rows);
}

SC_KERNEL(cpu, linear, SC_F32_AND_BF16, .forward = forward, .backward = backward)
