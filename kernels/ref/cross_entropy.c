#include "host/ops/cross_entropy.h"

#include <math.h>

#include "host/core/op.h"
#include "kernels/ref/walk.h"

// The smoothed target of sample n and class k, k from 0.
static double target(const ScCall *c, int64_t n, int64_t k, int64_t classes) {
   const ScTensor *t = c->in[SC_CE_TARGETS];
   double smoothing = c->attr[SC_CE_SMOOTHING].f;
   double plain =
       t->dtype == SC_I64 ? ((const int64_t *)t->buffer->data)[n] == k + 1 : sc_get(t, n * classes + k);
   return (1 - smoothing) * plain + smoothing / (double)classes;
}

static double log_sum_exp(const ScTensor *x, int64_t start, int64_t n) {
   double top = -INFINITY, total = 0;
   for (int64_t k = 0; k < n; k++) top = fmax(top, sc_get(x, start + k));
   for (int64_t k = 0; k < n; k++) total += exp(sc_get(x, start + k) - top);
   return top + log(total);
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[SC_CE_LOGITS];
   int64_t samples = x->shape[0], classes = x->shape[1], reduction = c->attr[SC_CE_REDUCTION].i;
   double total = 0;
   for (int64_t n = 0; n < samples; n++) {
      double norm = log_sum_exp(x, n * classes, classes), loss = 0;
      for (int64_t k = 0; k < classes; k++) {
         double q = target(c, n, k, classes), log_p = sc_get(x, n * classes + k) - norm;
         if (q != 0) loss -= q * log_p;
         if (c->saved[0]) sc_put(c->saved[0], n * classes + k, log_p);
      }
      if (reduction == SC_CE_NONE) sc_put(c->out[0], n, loss);
      total += loss;
   }
   if (reduction != SC_CE_NONE) sc_put(c->out[0], 0, reduction == SC_CE_MEAN ? total / (double)samples : total);
   return SC_OK;
}

// By the logits: p * sum(q) - q. By targets that are probabilities: -(1 - s) * log p.
static ScStatus backward(ScCall *c) {
   const ScTensor *log_p = c->saved[0], *g = c->grad_out[0];
   int64_t samples = log_p->shape[0], classes = log_p->shape[1], reduction = c->attr[SC_CE_REDUCTION].i;
   for (int64_t n = 0; n < samples; n++) {
      double scale =
          sc_get(g, reduction == SC_CE_NONE ? n : 0) / (reduction == SC_CE_MEAN ? (double)samples : 1);
      double mass = 0;
      for (int64_t k = 0; k < classes; k++) mass += target(c, n, k, classes);
      for (int64_t k = 0; k < classes; k++) {
         int64_t at = n * classes + k;
         double lp = sc_get(log_p, at);
         if (c->grad_in[0]) sc_put(c->grad_in[0], at, scale * (exp(lp) * mass - target(c, n, k, classes)));
         if (c->grad_in[1]) sc_put(c->grad_in[1], at, -scale * (1 - c->attr[SC_CE_SMOOTHING].f) * lp);
      }
   }
   return SC_OK;
}

SC_KERNEL(ref, cross_entropy, .dtypes = SC_FLOATS, .forward = forward, .backward = backward)
