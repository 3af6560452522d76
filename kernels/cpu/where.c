// A choice between two float32 operands. Stretched operands collect their gradient in ref.
#include "host/ops/broadcast.h"
#include "kernels/cpu/clones.h"
#include "kernels/cpu/loop.h"

typedef struct {
   int64_t condition, a, b;
} Steps;

SC_CLONES static void choose(float *restrict y, const uint8_t *condition, const float *a, const float *b,
                             Steps s, int64_t n) {
   if (s.condition == 1 && s.a == 1 && s.b == 1)
      for (int64_t i = 0; i < n; i++) y[i] = condition[i] ? a[i] : b[i];
   else
      for (int64_t i = 0; i < n; i++) y[i] = condition[i * s.condition] ? a[i * s.a] : b[i * s.b];
}

static ScStatus forward(ScCall *c) {
   const ScTensor *y = c->out[0];
   if (y->dtype != SC_F32) return SC_EUNSUPPORTED;
   int64_t strides[4][SC_MAXRANK];
   sc_strides(y, strides[0]);
   for (int i = 0; i < 3; i++) sc_broadcast_strides(c->in[i], y, strides[1 + i]);
   ScLoop loop;
   sc_loop_init(&loop, y->rank, y->shape, 4, strides);
   Steps steps = {sc_loop_step(&loop, 1), sc_loop_step(&loop, 2), sc_loop_step(&loop, 3)};
#pragma omp parallel for if (sc_loop_is_large(&loop))
   for (int64_t task = 0; task < loop.tasks; task++) {
      int64_t at[SC_LOOP_MAX], n = sc_loop_task(&loop, task, at);
      choose((float *)y->buffer->data + at[0], (const uint8_t *)c->in[0]->buffer->data + at[1],
             (const float *)c->in[1]->buffer->data + at[2], (const float *)c->in[2]->buffer->data + at[3],
             steps, n);
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const ScTensor *g = c->grad_out[0];
   bool plain = g->dtype == SC_F32 && sc_same_shape(c->in[0], g);
   for (int i = 1; i < 3; i++) plain &= !c->grad_in[i] || sc_same_shape(c->grad_in[i], g);
   if (!plain) return SC_EUNSUPPORTED;
   const uint8_t *condition = c->in[0]->buffer->data;
   const float *from = g->buffer->data;
   float *a = c->grad_in[1] ? c->grad_in[1]->buffer->data : NULL,
         *b = c->grad_in[2] ? c->grad_in[2]->buffer->data : NULL;
   int64_t n = sc_numel(g);
#pragma omp parallel for if (n > 32768)
   for (int64_t i = 0; i < n; i++) {
      if (a) a[i] = condition[i] ? from[i] : 0;
      if (b) b[i] = condition[i] ? 0 : from[i];
   }
   return SC_OK;
}

SC_KERNEL(cpu, where, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
