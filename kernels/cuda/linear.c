#include "host/ops/linear_rows.h"
#include "kernels/cuda/capability.h"
#include "kernels/cuda/finish.h"
#include "kernels/cuda/gemm.h"

enum { X = SC_LINEAR_X, WEIGHT = SC_LINEAR_WEIGHT, BIAS = SC_LINEAR_BIAS };

static ScStatus multiply(const ScCall *c, int64_t m, int64_t n, int64_t k, ScMatrix a, ScMatrix b, void *to) {
   ScProduct p = {c->op->name, c->in[X]->dtype, m, n, k, 1, false};
   return sc_cuda_gemm(c->device, &p, a, b, false, to);
}

static ScMatrix plain(const void *data) {
   return (ScMatrix){data, false, 0};
}

static ScMatrix transposed(const void *data) {
   return (ScMatrix){data, true, 0};
}

static ScStatus forward_rows(const ScCall *c, const void *x, void *y) {
   ScLinear s = sc_linear_sizes(c);
   const ScTensor *bias = c->in[BIAS];
   SC_TRY(multiply(c, s.rows, s.outputs, s.inputs, plain(x), transposed(c->in[WEIGHT]->buffer->data), y));
   if (!bias) return SC_OK;
   return sc_cuda_finish(c->device, c->op->name, c->in[X]->dtype, s.rows, s.outputs, y, bias->buffer->data,
                         NULL, SC_ACT_NONE);
}

// gx may be NULL; x is needed for the weights' gradient only.
static ScStatus backward_rows(const ScCall *c, const void *x, const void *gy, void *gx) {
   ScLinear s = sc_linear_sizes(c);
   const ScTensor *gw = c->grad_in[WEIGHT], *gb = c->grad_in[BIAS];
   if (gx) SC_TRY(multiply(c, s.rows, s.inputs, s.outputs, plain(gy), plain(c->in[WEIGHT]->buffer->data), gx));
   if (gw) SC_TRY(multiply(c, s.outputs, s.inputs, s.rows, transposed(gy), plain(x), gw->buffer->data));
   if (!gb) return SC_OK;
   return sc_cuda_column_sums(c->device, c->op->name, c->in[X]->dtype, s.rows, s.outputs, gy, gb->buffer->data);
}

static ScStatus forward(ScCall *c) {
   return sc_linear_forward(c, forward_rows);
}

static ScStatus backward(ScCall *c) {
   return sc_linear_backward(c, backward_rows);
}

SC_KERNEL(cuda, linear, .dtypes = SC_FLOATS | 1u << SC_F16, .more_dtypes = sc_cuda_halves, .forward = forward,
          .backward = backward)
