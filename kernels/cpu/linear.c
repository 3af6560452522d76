#include <string.h>

#include "host/op.h"
#include "kernels/cpu/gemm.h"

enum { X, WEIGHT, BIAS };

// Rows of a rank-4 tensor, which lies channels-last, are not contiguous.
static bool has_rows(const ScTensor *x) {
   return x->rank != 4;
}

static float *values(const ScTensor *t) {
   return t->buffer->data;
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[X], *weight = c->in[WEIGHT], *bias = c->in[BIAS];
   if (!has_rows(x)) return SC_EUNSUPPORTED;
   int64_t outputs = weight->shape[0], inputs = weight->shape[1], rows = sc_numel(x) / inputs;
   float *y = values(c->out[0]);
   for (int64_t r = 0; bias && r < rows; r++)
      memcpy(y + r * outputs, values(bias), (size_t)outputs * sizeof *y);
   return sc_gemm(rows, outputs, inputs, (ScMatrix){values(x), false}, (ScMatrix){values(weight), true},
                  bias != NULL, y);
}

static void bias_gradient(int64_t rows, int64_t outputs, const float *gy, float *gb) {
   for (int64_t o = 0; o < outputs; o++) {
      double sum = 0;
      for (int64_t r = 0; r < rows; r++) sum += (double)gy[r * outputs + o];
      gb[o] = (float)sum;
   }
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[X];
   if (!has_rows(x)) return SC_EUNSUPPORTED;
   int64_t outputs = c->in[WEIGHT]->shape[0], inputs = c->in[WEIGHT]->shape[1], rows = sc_numel(x) / inputs;
   float *gy = values(c->grad_out[0]);
   if (c->grad_in[X])
      SC_TRY(sc_gemm(rows, inputs, outputs, (ScMatrix){gy, false}, (ScMatrix){values(c->in[WEIGHT]), false},
                     false, values(c->grad_in[X])));
   if (c->grad_in[WEIGHT])
      SC_TRY(sc_gemm(outputs, inputs, rows, (ScMatrix){gy, true}, (ScMatrix){values(x), false}, false,
                     values(c->grad_in[WEIGHT])));
   if (c->grad_in[BIAS]) bias_gradient(rows, outputs, gy, values(c->grad_in[BIAS]));
   return SC_OK;
}

SC_KERNEL(cpu, linear, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
