// Moving between devices.
#include "host/core/call.h"
#include "host/core/copy.h"
#include "host/core/op.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "device", .kind = SC_DEVICE, .doc = "the device wanted"},
};
enum { DEVICE };

static ScStatus infer(ScCall *c) {
   c->nout = 1;
   return sc_tensor_shape_only(&c->out[0], c->attr[DEVICE].device, c->in[0]->dtype, c->in[0]->rank,
                               c->in[0]->shape);
}

static ScStatus forward(ScCall *c) {
   ScTensor *x = c->in[0], *y = c->out[0];
   if (y->device == x->device) {
      y->buffer = sc_buffer_retain(x->buffer);
      return SC_OK;
   }
   SC_TRY(sc_buffer_new(&y->buffer, y->device, sc_nbytes(y)));
   return sc_tensor_copy(y, x);
}

static ScStatus backward(ScCall *c) {
   ScAttr home = {.device = c->in[0]->device};
   return sc_apply(&c->grad_in[0], "to_device", 1, c->grad_out, &home, 1);
}

SC_OP(to_device, .doc = "x on another device.", SC_PARAMS(params), .differentiable = true, .any_dtype = true,
      .no_method = true, .infer = infer, .forward = forward, .backward = backward)
