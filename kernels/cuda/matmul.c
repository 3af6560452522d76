#include "host/ops/matmul.h"

#include "kernels/cuda/capability.h"
#include "kernels/cuda/gemm.h"

// One matrix b for a whole batch is one product with all rows of a.
static ScMatmul geometry(const ScCall *c) {
   ScMatmul g = sc_matmul_geometry(c);
   if (g.batch == 1 || g.stride_b != 0) return g;
   g.m *= g.batch;
   g.batch = 1;
   return g;
}

static ScProduct product(const ScCall *c, int64_t m, int64_t n, int64_t k, int64_t batch) {
   return (ScProduct){c->op->name, c->in[0]->dtype, m, n, k, batch, false};
}

static ScStatus forward(ScCall *c) {
   ScMatmul g = geometry(c);
   ScProduct p = product(c, g.m, g.n, g.k, g.batch);
   return sc_cuda_gemm(c->device, &p, (ScMatrix){c->in[0]->buffer->data, false, g.stride_a},
                       (ScMatrix){c->in[1]->buffer->data, false, g.stride_b}, false, c->out[0]->buffer->data);
}

// Where one matrix a served the whole batch, its gradient collects those of all.
static ScStatus gradient_of_a(ScCall *c, const ScMatmul *g) {
   const char *gy = c->grad_out[0]->buffer->data, *b = c->in[1]->buffer->data;
   size_t size = sc_dtype_size(c->in[0]->dtype);
   int64_t batch = g->stride_a ? g->batch : 1;
   ScProduct p = product(c, g->m, g->k, g->n, batch);
   for (int64_t i = 0; i < g->batch; i += batch)
      SC_TRY(sc_cuda_gemm(c->device, &p, (ScMatrix){gy + (size_t)(i * g->m * g->n) * size, false, g->m * g->n},
                          (ScMatrix){b + (size_t)(i * g->stride_b) * size, true, g->stride_b}, i > 0,
                          c->grad_in[0]->buffer->data));
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScMatmul g = geometry(c);
   if (c->grad_in[0]) SC_TRY(gradient_of_a(c, &g));
   if (!c->grad_in[1]) return SC_OK;
   ScProduct p = product(c, g.k, g.n, g.m, g.batch);
   return sc_cuda_gemm(c->device, &p, (ScMatrix){c->in[0]->buffer->data, true, g.stride_a},
                       (ScMatrix){c->grad_out[0]->buffer->data, false, g.m * g.n}, false,
                       c->grad_in[1]->buffer->data);
}

SC_KERNEL(cuda, matmul, .dtypes = SC_FLOATS | 1u << SC_F16, .more_dtypes = sc_cuda_halves, .forward = forward,
          .backward = backward)
