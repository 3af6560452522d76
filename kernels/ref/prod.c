#include "host/ops/prod.h"

#include "kernels/ref/walk.h"

// i64 of i64. What goes beyond its range stays there, whatever the order: at 2^63, which is not in it.
static int64_t whole_product(const ScTensor *x, int64_t start, ScAxis a) {
   const __int128 end = (__int128)INT64_MAX + 1;
   __int128 product = 1;
   for (int64_t k = 0; k < a.n; k++) {
      product *= sc_whole(x)[start + k * a.inner];
      product = product > end ? end : product < -end ? -end : product;
   }
   return product == end ? INT64_MAX : (int64_t)product;
}

static void product(const ScCall *c, int64_t at, int64_t start, ScAxis a) {
   double others = 1, zeros = 0;
   for (int64_t k = 0; k < a.n; k++) {
      double v = sc_get(c->in[0], start + k * a.inner);
      others *= v == 0 ? 1 : v;
      zeros += v == 0;
   }
   sc_put(c->out[0], at, zeros > 0 ? others * 0 : others);
   if (c->saved[SC_PROD_OTHERS]) sc_put(c->saved[SC_PROD_OTHERS], at, others);
   if (c->saved[SC_PROD_ZEROS]) sc_put(c->saved[SC_PROD_ZEROS], at, zeros);
}

static ScStatus forward(ScCall *c) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   for (int64_t at = 0; at < a.outer * a.inner; at++) {
      int64_t start = at / a.inner * a.n * a.inner + at % a.inner;
      if (c->in[0]->dtype == SC_I64)
         sc_whole(c->out[0])[at] = whole_product(c->in[0], start, a);
      else
         product(c, at, start, a);
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *x = c->in[0];
   ScAxis a = sc_axis(x, SC_REDUCED);
   for (int64_t i = 0; i < a.outer * a.n * a.inner; i++) {
      int64_t at = i / (a.n * a.inner) * a.inner + i % a.inner;
      double v = sc_get(x, i), zeros = sc_get(c->saved[SC_PROD_ZEROS], at);
      double others = sc_get(c->saved[SC_PROD_OTHERS], at) * sc_get(c->grad_out[0], at);
      sc_put(c->grad_in[0], i, zeros == 0 ? others / v : zeros == 1 && v == 0 ? others : 0);
   }
   return SC_OK;
}

SC_KERNEL(ref, prod, .dtypes = SC_NUMBERS, .forward = forward, .backward = backward)
