#include "host/ops/running_update.h"

#include "host/core/op.h"

// In double, as ref has it: a thousand steps with a small momentum add up.
static void blend(const ScTensor *running, const ScTensor *batch, double momentum, double factor) {
   float *r = running->buffer->data;
   const float *b = batch->buffer->data;
   for (int64_t i = 0, n = sc_numel(running); i < n; i++)
      r[i] = (float)((1 - momentum) * r[i] + momentum * factor * b[i]);
}

static ScStatus forward(ScCall *c) {
   double momentum = c->attr[SC_RUNNING_MOMENTUM].f;
   blend(c->in[SC_RUNNING_MEAN], c->in[SC_RUNNING_BATCH_MEAN], momentum, 1);
   blend(c->in[SC_RUNNING_VAR], c->in[SC_RUNNING_BATCH_VAR], momentum, c->attr[SC_RUNNING_UNBIAS].f);
   return SC_OK;
}

SC_KERNEL(cpu, running_update, .dtypes = 1u << SC_F32, .forward = forward)
