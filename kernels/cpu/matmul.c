#include "host/ops/matmul.h"

#include "kernels/cpu/gemm.h"

static ScStatus forward(ScCall *c) {
   ScMatmul g = sc_matmul_geometry(c);
   const float *a = c->in[0]->buffer->data, *b = c->in[1]->buffer->data;
   float *y = c->out[0]->buffer->data;
   for (int64_t i = 0; i < g.batch; i++)
      SC_TRY(sc_gemm(g.m, g.n, g.k, (ScMatrix){a + i * g.stride_a, false},
                     (ScMatrix){b + i * g.stride_b, false}, false, y + i * g.m * g.n));
   return SC_OK;
}

// A matrix that served the whole batch collects the gradients of all.
static ScStatus backward(ScCall *c) {
   ScMatmul g = sc_matmul_geometry(c);
   const float *gy = c->grad_out[0]->buffer->data;
   for (int64_t i = 0; i < g.batch; i++, gy += g.m * g.n) {
      if (c->grad_in[0]) {
         const float *b = (const float *)c->in[1]->buffer->data + i * g.stride_b;
         float *ga = (float *)c->grad_in[0]->buffer->data + i * g.stride_a;
         SC_TRY(sc_gemm(g.m, g.k, g.n, (ScMatrix){gy, false}, (ScMatrix){b, true}, i > 0 && !g.stride_a, ga));
      }
      if (c->grad_in[1]) {
         const float *a = (const float *)c->in[0]->buffer->data + i * g.stride_a;
         float *gb = (float *)c->grad_in[1]->buffer->data + i * g.stride_b;
         SC_TRY(sc_gemm(g.k, g.n, g.m, (ScMatrix){a, true}, (ScMatrix){gy, false}, i > 0 && !g.stride_b, gb));
      }
   }
   return SC_OK;
}

SC_KERNEL(cpu, matmul, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
