#include "host/core/dispatch.h"

#include <stdlib.h>

#include "host/core/clock.h"
#include "host/core/costs.h"
#include "host/core/profile.h"
#include "host/core/recording.h"
#include "host/core/span.h"

static ScStatus run_widened(ScCall *, bool backward);

static ScStatus give_buffer(ScTensor *t) {
   return t->buffer ? SC_OK : sc_buffer_new(&t->buffer, t->device, sc_nbytes(t));
}

static ScDtype compute_dtype(const ScCall *call) {
   for (int i = 0; i < call->nin; i++)
      if (call->in[i]) return call->in[i]->dtype;
   return SC_F32;
}

static ScStatus (*kernel_function(const ScDevice *device, const ScOp *op, ScDtype dtype,
                                  bool backward))(ScCall *) {
   const ScKernel *kernel = sc_op_kernel(op, device);
   if (!sc_kernel_takes(kernel, device, dtype)) return NULL;
   return backward ? kernel->backward : kernel->forward;
}

// A device that computes on its own is waited for, so that a profile has the time of each op; not while a graph
// is recorded, in which nothing is computed.
static void wait_for_profile(ScDevice *device) {
   if (sc_profiling() && device->backend->wait && !sc_records(device)) device->backend->wait(device);
}

static ScStatus timed(ScCall *call, ScStatus (*function)(ScCall *), bool backward, bool fallback) {
   const ScBackend *backend = call->device->backend;
   wait_for_profile(call->device);
   double start = sc_seconds();
   if (backend->begin_range) backend->begin_range(call->op->name, backward ? " backward" : "");
   ScStatus status = function(call);
   if (backend->end_range) backend->end_range();
   if (status == SC_EUNSUPPORTED) return status;
   wait_for_profile(call->device);
   double seconds = sc_seconds() - start;
   sc_profile_add(call, backward, fallback, seconds);
   if (sc_profiling()) sc_costs_add(call, backward, fallback, start, seconds);
   return status;
}

static ScStatus run_function(ScCall *call, bool backward, bool fallback) {
   ScDtype dtype = compute_dtype(call);
   ScStatus (*function)(ScCall *) = kernel_function(call->device, call->op, dtype, backward);
   if (function) {
      ScStatus status = timed(call, function, backward, fallback);
      if (status != SC_EUNSUPPORTED) return status;
      if (sc_dtype_is_half(dtype)) return run_widened(call, backward);
   }
   if (call->device != sc_device_ref() && call->device->backend->host_memory) {
      function = kernel_function(sc_device_ref(), call->op, dtype, backward);
      if (function) return timed(call, function, backward, true);
   }
   return sc_fail(SC_EUNSUPPORTED, "%s%s: no kernel for %s on %s", call->op->name,
                  backward ? " (backward)" : "", sc_dtype_name(dtype), call->device->name);
}

ScStatus sc_run_kernel(ScCall *call) {
   for (int i = 0; i < call->nout; i++) SC_TRY(give_buffer(call->out[i]));
   for (int i = 0; i < call->nsaved; i++) {
      if (call->recording) {
         SC_TRY(give_buffer(call->saved[i]));
      } else {
         sc_tensor_release(call->saved[i]);
         call->saved[i] = NULL;
      }
   }
   return call->device->backend->shapes_only ? SC_OK : run_function(call, false, false);
}

ScStatus sc_run_backward_kernel(ScCall *call) {
   for (int i = 0; i < call->nin; i++) {
      if (!call->needs_grad[i] || call->grad_in[i]) continue; // the host side may have supplied one
      const ScTensor *x = call->in[i];
      SC_TRY(sc_tensor_new(&call->grad_in[i], call->device, x->dtype, x->rank, x->shape));
   }
   return call->device->backend->shapes_only ? SC_OK : run_function(call, true, false);
}

ScStatus sc_tensor_convert(ScTensor **out, const ScTensor *x, ScDtype dtype) {
   ScCall *call;
   SC_TRY(sc_call_prepare(&call, "to", 1, (ScTensor *[]){(ScTensor *)x}, &(ScAttr){.i = dtype}, 1));
   ScStatus status = sc_call_place(call);
   if (status == SC_OK) status = call->op->infer(call);
   if (status == SC_OK) status = sc_run_kernel(call);
   return sc_call_finish(call, sc_name_call(call, status), out);
}

// ---- a native call that the kernel does not take after all ----

typedef struct {
   ScTensor **slot, *half;
   bool result;
} Swap;

typedef struct {
   int n;
   Swap swaps[];
} Swaps;

static ScStatus swap(Swaps *s, ScTensor **slot, bool result) {
   ScTensor *half = *slot, *wide;
   if (!half || !sc_dtype_is_half(half->dtype)) return SC_OK;
   if (!half->buffer)
      SC_TRY(sc_tensor_shape_only(&wide, half->device, SC_F32, half->rank, half->shape));
   else if (result)
      SC_TRY(sc_tensor_new(&wide, half->device, SC_F32, half->rank, half->shape));
   else
      SC_TRY(sc_tensor_convert(&wide, half, SC_F32));
   *slot = wide;
   s->swaps[s->n++] = (Swap){slot, half, result};
   return SC_OK;
}

static ScStatus swap_all(Swaps *s, ScCall *call, bool backward) {
   for (int i = 0; i < call->nin; i++) {
      SC_TRY(swap(s, &call->in[i], false));
      if (backward) SC_TRY(swap(s, &call->grad_in[i], true));
   }
   for (int i = 0; i < call->nout; i++) {
      SC_TRY(swap(s, &call->out[i], !backward));
      if (backward) SC_TRY(swap(s, &call->grad_out[i], false));
   }
   return SC_OK;
}

// The half-width tensor gets the buffer of the converted result.
static ScStatus store(ScTensor *half, ScTensor *wide) {
   ScTensor *converted;
   SC_TRY(sc_tensor_convert(&converted, wide, half->dtype));
   sc_buffer_release(half->buffer);
   half->buffer = sc_buffer_retain(converted->buffer);
   sc_tensor_release(converted);
   return SC_OK;
}

static ScStatus swap_back(Swaps *s, ScStatus status) {
   for (int i = 0; i < s->n; i++) {
      Swap *each = &s->swaps[i];
      if (status == SC_OK && each->result) status = store(each->half, *each->slot);
      sc_tensor_release(*each->slot);
      *each->slot = each->half;
   }
   return status;
}

// Runs with f32 copies in place of the half-width tensors.
static ScStatus run_widened(ScCall *call, bool backward) {
   size_t most = 2 * (size_t)(call->nin + SC_MAXOUT);
   Swaps *s = calloc(1, sizeof *s + most * sizeof *s->swaps);
   if (!s) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = swap_all(s, call, backward);
   if (status == SC_OK) status = run_function(call, backward, true);
   status = swap_back(s, status);
   free(s);
   return status;
}
