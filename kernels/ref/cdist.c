#include "host/ops/cdist.h"

#include <math.h>

#include "kernels/ref/view.h"

static double distance(const double *a, const double *b, int64_t k, double p) {
   double top = 0, sum = 0;
   for (int64_t i = 0; i < k; i++) {
      double size = fabs(a[i] - b[i]);
      if (size > top || size != size) top = size;
      if (top != top) return top;
   }
   if (isinf(p) || top == 0 || isinf(top)) return top;
   for (int64_t i = 0; i < k; i++) sum += pow(fabs(a[i] - b[i]) / top, p);
   return top * pow(sum, 1 / p);
}

static ScStatus forward(ScCall *c) {
   ScDistances g = sc_cdist_geometry(c);
   ScView v[] = {SC_READ(c->in[0]), SC_READ(c->in[1]), SC_WRITE(c->out[0])};
   SC_TRY(sc_views_open(v, 3));
#pragma omp parallel for
   for (int64_t r = 0; r < g.batch * g.m; r++) {
      const double *a = v[0].v + r / g.m * g.stride_a + r % g.m * g.k, *b = v[1].v + r / g.m * g.stride_b;
      for (int64_t n = 0; n < g.n; n++)
         v[2].v[r * g.n + n] = distance(a, b + n * g.k, g.k, c->attr[SC_CDIST_P].f);
   }
   sc_views_close(v, 3);
   return SC_OK;
}

// Of the distance by one difference, without its sign.
static double slope(double size, double distance, double p) {
   if (size == 0 || distance == 0) return 0;
   return isinf(p) ? size == distance : pow(size / distance, p - 1);
}

static ScStatus backward(ScCall *c) {
   ScDistances g = sc_cdist_geometry(c);
   ScView v[] = {SC_READ(c->in[0]),       SC_READ(c->in[1]),       SC_READ(c->out[0]),
                 SC_READ(c->grad_out[0]), SC_WRITE(c->grad_in[0]), SC_WRITE(c->grad_in[1])};
   SC_TRY(sc_views_open(v, 6));
   for (int64_t r = 0; r < g.batch * g.m; r++) {
      int64_t at_a = r / g.m * g.stride_a + r % g.m * g.k, at_b = r / g.m * g.stride_b;
      for (int64_t n = 0; n < g.n; n++)
         for (int64_t k = 0; k < g.k; k++) {
            double difference = v[0].v[at_a + k] - v[1].v[at_b + n * g.k + k];
            double share =
                v[3].v[r * g.n + n] *
                copysign(slope(fabs(difference), v[2].v[r * g.n + n], c->attr[SC_CDIST_P].f), difference);
            if (v[4].v) v[4].v[at_a + k] += share;
            if (v[5].v) v[5].v[at_b + n * g.k + k] -= share;
         }
   }
   sc_views_close(v, 6);
   return SC_OK;
}

SC_KERNEL(ref, cdist, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
