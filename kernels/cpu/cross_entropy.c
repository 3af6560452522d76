// Cross entropy of float32 logits; each row becomes log-probabilities, which backward turns into the gradient.
#include "host/ops/cross_entropy.h"

#include <stdlib.h>

#include "host/core/op.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/softmax.h"
#include "kernels/cpu/sum.h"
#include "kernels/cpu/vmath.h"

// The target of one sample: a class from 0, or probabilities.
typedef struct {
   const float *probabilities; // NULL if it is a class
   int64_t class;
   float smoothing;
} Target;

static Target target_of(const ScCall *c, int64_t sample, int64_t classes) {
   const ScTensor *t = c->in[SC_CE_TARGETS];
   Target target = {.smoothing = (float)c->attr[SC_CE_SMOOTHING].f};
   if (t->dtype == SC_I64)
      target.class = ((const int64_t *)t->buffer->data)[sample] - 1;
   else
      target.probabilities = (const float *)t->buffer->data + sample * classes;
   return target;
}

static double loss_of_row(const float *log_p, Target t, int64_t classes) {
   double plain = 0, even = t.smoothing > 0 ? sc_sum(log_p, classes) / (double)classes : 0;
   if (!t.probabilities) plain = log_p[t.class];
   for (int64_t k = 0; t.probabilities && k < classes; k++)
      if (t.probabilities[k] != 0) plain += (double)t.probabilities[k] * log_p[k];
   return -((1 - t.smoothing) * plain + t.smoothing * even);
}

static double *losses_of(const ScCall *c, float *saved, float *row, double *losses) {
   const ScTensor *x = c->in[SC_CE_LOGITS];
   int64_t classes = x->shape[1];
   for (int64_t n = 0; n < x->shape[0]; n++) {
      float *log_p = saved ? saved + n * classes : row;
      sc_softmax_row(log_p, (const float *)x->buffer->data + n * classes, classes, true);
      losses[n] = loss_of_row(log_p, target_of(c, n, classes), classes);
   }
   return losses;
}

static ScStatus forward(ScCall *c) {
   int64_t samples = c->in[SC_CE_LOGITS]->shape[0], classes = c->in[SC_CE_LOGITS]->shape[1];
   float *saved = c->saved[0] ? c->saved[0]->buffer->data : NULL, *y = c->out[0]->buffer->data;
   double *losses = malloc((size_t)samples * sizeof *losses + (size_t)classes * sizeof(float)), total = 0;
   if (!losses) return sc_fail(SC_EMEM, "out of memory");
   losses_of(c, saved, (float *)(losses + samples), losses);
   for (int64_t n = 0; n < samples; n++) total += losses[n];
   if (c->attr[SC_CE_REDUCTION].i == SC_CE_NONE)
      for (int64_t n = 0; n < samples; n++) y[n] = (float)losses[n];
   else
      *y = (float)(c->attr[SC_CE_REDUCTION].i == SC_CE_MEAN ? total / (double)samples : total);
   free(losses);
   return SC_OK;
}

// By the logits: p * sum(q) - q, where q is the smoothed target.
SC_CLONES static void logit_row(float *dx, const float *log_p, Target t, int64_t classes, float scale) {
   float even = t.smoothing / (float)classes, rest = 1 - t.smoothing, mass = 1;
   if (t.probabilities) mass = rest * (float)sc_sum(t.probabilities, classes) + t.smoothing;
   for (int64_t k = 0; k < classes; k++) dx[k] = scale * (sc_expf(log_p[k]) * mass - even);
   if (!t.probabilities) dx[t.class] -= scale * rest;
   for (int64_t k = 0; t.probabilities && k < classes; k++) dx[k] -= scale * rest * t.probabilities[k];
}

static ScStatus backward(ScCall *c) {
   const float *log_p = c->saved[0]->buffer->data, *g = c->grad_out[0]->buffer->data;
   int64_t samples = c->saved[0]->shape[0], classes = c->saved[0]->shape[1],
           reduction = c->attr[SC_CE_REDUCTION].i;
   for (int64_t n = 0; n < samples; n++) {
      Target t = target_of(c, n, classes);
      float scale = g[reduction == SC_CE_NONE ? n : 0] / (reduction == SC_CE_MEAN ? (float)samples : 1);
      if (c->grad_in[0])
         logit_row((float *)c->grad_in[0]->buffer->data + n * classes, log_p + n * classes, t, classes, scale);
      for (int64_t k = 0; c->grad_in[1] && k < classes; k++)
         ((float *)c->grad_in[1]->buffer->data)[n * classes + k] =
             -scale * (1 - t.smoothing) * log_p[n * classes + k];
   }
   return SC_OK;
}

SC_KERNEL(cpu, cross_entropy, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
