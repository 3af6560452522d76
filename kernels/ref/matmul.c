#include "host/ops/matmul.h"

#include "kernels/ref/view.h"

static ScStatus forward(ScCall *c) {
   ScMatmul g = sc_matmul_geometry(c);
   ScView v[] = {SC_READ(c->in[0]), SC_READ(c->in[1]), SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 3));
#pragma omp parallel for
   for (int64_t r = 0; r < g.batch * g.m; r++) {
      const double *a = v[0].v + r / g.m * g.stride_a + r % g.m * g.k, *b = v[1].v + r / g.m * g.stride_b;
      double *y = v[2].v + r * g.n;
      for (int64_t k = 0; k < g.k; k++)
         for (int64_t n = 0; n < g.n; n++) y[n] += a[k] * b[k * g.n + n];
   }
   sc_views_close(v, 3);
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScMatmul g = sc_matmul_geometry(c);
   ScView v[] = {SC_READ(c->in[0]), SC_READ(c->in[1]), SC_READ(c->grad_out[0]), SC_WRITE(c->grad_in[0]),
                 SC_WRITE(c->grad_in[1])};
   SC_TRY(sc_views_open(v, 5));
   for (int64_t r = 0; r < g.batch * g.m; r++) {
      int64_t at_a = r / g.m * g.stride_a + r % g.m * g.k, at_b = r / g.m * g.stride_b;
      const double *gy = v[2].v + r * g.n;
      for (int64_t k = 0; k < g.k; k++)
         for (int64_t n = 0; n < g.n; n++) {
            if (v[3].v) v[3].v[at_a + k] += gy[n] * v[1].v[at_b + k * g.n + n];
            if (v[4].v) v[4].v[at_b + k * g.n + n] += gy[n] * v[0].v[at_a + k];
         }
   }
   sc_views_close(v, 5);
   return SC_OK;
}

SC_KERNEL(ref, matmul, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
