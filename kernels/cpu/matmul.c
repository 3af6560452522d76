#include "host/ops/matmul.h"

#include "kernels/cpu/gemm.h"
#include "kernels/cpu/half.h"

// ---- bf16 ----

static const void *half_at(const ScTensor *t, int64_t element) {
   return sc_past(t->buffer->data, element, true);
}

static ScStatus forward_half(const ScCall *c, ScMatmul g) {
   for (int64_t i = 0; i < g.batch; i++)
      SC_TRY(sc_gemm_half(c->device, g.m, g.n, g.k, (ScHalfMatrix){half_at(c->in[0], i * g.stride_a), false},
                          (ScHalfMatrix){half_at(c->in[1], i * g.stride_b), false}, NULL,
                          sc_past(c->out[0]->buffer->data, i * g.m * g.n, true)));
   return SC_OK;
}

// The gradients of a whole batch are added up in f32 only.
static ScStatus backward_half(const ScCall *c, ScMatmul g) {
   const ScTensor *gy = c->grad_out[0], *ga = c->grad_in[0], *gb = c->grad_in[1];
   if (g.batch > 1 && ((ga && !g.stride_a) || (gb && !g.stride_b))) return SC_EUNSUPPORTED;
   for (int64_t i = 0; i < g.batch; i++) {
      const void *from = half_at(gy, i * g.m * g.n);
      if (ga)
         SC_TRY(sc_gemm_half(c->device, g.m, g.k, g.n, (ScHalfMatrix){from, false},
                             (ScHalfMatrix){half_at(c->in[1], i * g.stride_b), true}, NULL,
                             sc_past(ga->buffer->data, i * g.stride_a, true)));
      if (gb)
         SC_TRY(sc_gemm_half(c->device, g.k, g.n, g.m, (ScHalfMatrix){half_at(c->in[0], i * g.stride_a), true},
                             (ScHalfMatrix){from, false}, NULL,
                             sc_past(gb->buffer->data, i * g.stride_b, true)));
   }
   return SC_OK;
}

// ---- f32 ----

static ScStatus forward(ScCall *c) {
   ScMatmul g = sc_matmul_geometry(c);
   if (sc_is_half(c->out[0])) return forward_half(c, g);
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
   if (sc_is_half(c->grad_out[0])) return backward_half(c, g);
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

SC_KERNEL(cpu, matmul, SC_F32_AND_BF16, .forward = forward, .backward = backward)
