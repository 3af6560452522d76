#include "host/ops/linear_rows.h"

#include "host/core/call.h"
#include "host/core/tape.h"

ScLinear sc_linear_sizes(const ScCall *c) {
   const int64_t *weight = c->in[SC_LINEAR_WEIGHT]->shape;
   return (ScLinear){sc_numel(c->in[SC_LINEAR_X]) / weight[1], weight[1], weight[0]};
}

static void *values(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

// Another tensor with the elements of t in logical order as rows.
static ScStatus as_rows(ScTensor **out, ScTensor *t) {
   ScAttr shape = {.ints = {2, {sc_numel(t) / t->shape[3], t->shape[3]}}};
   return sc_apply(out, "reshape", 1, &t, &shape, 1);
}

static ScStatus from_rows(ScTensor *to, ScTensor *rows) {
   ScAttr shape = {.ints = {4, {to->shape[0], to->shape[1], to->shape[2], to->shape[3]}}};
   ScTensor *made;
   SC_TRY(sc_apply(&made, "reshape", 1, &rows, &shape, 1));
   sc_buffer_release(to->buffer);
   to->buffer = sc_buffer_retain(made->buffer);
   sc_tensor_release(made);
   return SC_OK;
}

static ScStatus forward_images(ScCall *c, ScLinearForward forward) {
   ScTensor *x, *y = NULL;
   ScLinear s = sc_linear_sizes(c);
   SC_TRY(as_rows(&x, c->in[SC_LINEAR_X]));
   ScStatus status = sc_tensor_new(&y, c->device, x->dtype, 2, (int64_t[]){s.rows, s.outputs});
   if (status == SC_OK) status = forward(c, values(x), values(y));
   if (status == SC_OK) status = from_rows(c->out[0], y);
   sc_tensor_release(y);
   sc_tensor_release(x);
   return status;
}

static ScStatus backward_images(ScCall *c, ScLinearBackward backward) {
   ScTensor *x = NULL, *gy, *gx = NULL;
   ScLinear s = sc_linear_sizes(c);
   SC_TRY(as_rows(&gy, c->grad_out[0]));
   ScStatus status = c->grad_in[SC_LINEAR_WEIGHT] ? as_rows(&x, c->in[SC_LINEAR_X]) : SC_OK;
   if (status == SC_OK && c->grad_in[SC_LINEAR_X])
      status = sc_tensor_new(&gx, c->device, gy->dtype, 2, (int64_t[]){s.rows, s.inputs});
   if (status == SC_OK) status = backward(c, values(x), values(gy), values(gx));
   if (status == SC_OK && gx) status = from_rows(c->grad_in[SC_LINEAR_X], gx);
   sc_tensor_release(gx);
   sc_tensor_release(gy);
   sc_tensor_release(x);
   return status;
}

// The reshapes within are no ops of the user's, and are not recorded.

ScStatus sc_linear_forward(ScCall *c, ScLinearForward forward) {
   const ScTensor *x = c->in[SC_LINEAR_X];
   if (x->rank != 4) return forward(c, values(x), values(c->out[0]));
   bool before = sc_set_recording(false);
   ScStatus status = forward_images(c, forward);
   sc_set_recording(before);
   return status;
}

ScStatus sc_linear_backward(ScCall *c, ScLinearBackward backward) {
   const ScTensor *x = c->in[SC_LINEAR_X];
   if (x->rank != 4) return backward(c, values(x), values(c->grad_out[0]), values(c->grad_in[SC_LINEAR_X]));
   bool before = sc_set_recording(false);
   ScStatus status = backward_images(c, backward);
   sc_set_recording(before);
   return status;
}
