#include "host/core/function.h"

#include "host/core/dispatch.h"
#include "host/core/tape.h"
#include "host/core/transfer.h"

static ScStatus fill_in_zeros(ScCall *call) {
   for (int i = 0; i < call->nout; i++) {
      const ScTensor *y = call->out[i];
      if (call->grad_out[i] || !sc_dtype_is_float(y->dtype)) continue;
      SC_TRY(sc_tensor_new(&call->grad_out[i], y->device, y->dtype, y->rank, y->shape));
      SC_TRY(sc_tensor_fill(call->grad_out[i], 0));
   }
   return SC_OK;
}

// What came back has the shape and the device of its input; another float type is converted.
static ScStatus check_gradient(const ScCall *call, int i) {
   ScTensor *gradient = call->grad_in[i];
   const ScTensor *x = call->in[i];
   if (!gradient) return SC_OK;
   if (!sc_same_shape(gradient, x) || gradient->device != x->device || !sc_dtype_is_float(gradient->dtype))
      return sc_fail(SC_EARG, "argument %d: expected a gradient of shape %s, %s on %s, found %s, %s on %s",
                     i + 1, sc_shape_text(x), sc_dtype_name(x->dtype), x->device->name, sc_shape_text(gradient),
                     sc_dtype_name(gradient->dtype), gradient->device->name);
   if (gradient->dtype == x->dtype) return SC_OK;
   ScTensor *converted;
   SC_TRY(sc_tensor_convert(&converted, gradient, x->dtype));
   sc_tensor_release(gradient);
   call->grad_in[i] = converted;
   return SC_OK;
}

static ScStatus run_backward(ScCall *call) {
   SC_TRY(fill_in_zeros(call));
   SC_TRY(call->function->backward(call->function, call));
   for (int i = 0; i < call->nin; i++)
      if (call->needs_grad[i]) SC_TRY(check_gradient(call, i));
   return SC_OK;
}

static const ScParam params[] = {{"inputs", SC_TENSORS, .doc = "what the function was called with"}};
static const ScOp op = {"function", .differentiable = true, .backward = run_backward, SC_PARAMS(params)};

ScStatus sc_function_record(ScFunction *function, int nin, ScTensor *const *in, int nout,
                            ScTensor *const *out) {
   ScCall *call;
   ScStatus status = sc_call_new(&call, &op, nin);
   if (status != SC_OK) {
      function->release(function);
      return status;
   }
   call->function = function;
   call->count[0] = nin;
   call->nout = nout;
   for (int i = 0; i < nin; i++) {
      if (!in[i]) continue;
      call->in[i] = sc_tensor_retain(in[i]);
      call->device = in[i]->device;
      call->needs_grad[i] = sc_needs_grad(in[i]);
   }
   for (int i = 0; i < nout; i++) call->out[i] = sc_tensor_retain(out[i]);
   status = sc_tape_record(call);
   sc_call_free(call);
   return status;
}
