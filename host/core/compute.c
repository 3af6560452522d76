#include "host/core/compute.h"

#include "host/core/dispatch.h"
#include "host/core/retry.h"
#include "host/core/tape.h"

static void find_what_needs_grad(ScCall *call) {
   call->recording = false;
   for (int i = 0; i < call->nin; i++) {
      call->needs_grad[i] = sc_needs_grad(call->in[i]) && call->op->differentiable && sc_is_recording();
      call->recording |= call->needs_grad[i];
   }
}

// What was computed is a function of its inputs; written over, it would still have their gradients.
static ScStatus want_leaf(ScCall *call, int input) {
   if (!call->in[input]->node) return SC_OK;
   return sc_fail(SC_EARG,
                  "%s: argument '%s': expected tensors of their own, found one that was computed and recorded; "
                  "compute it inside scute.no_grad, or pass its :detach()",
                  call->op->name, sc_input_name(call, input));
}

static ScStatus own(ScCall *call, int input) {
   return sc_tensor_own(call->in[input], true);
}

static ScStatus touch(ScCall *call, int input) {
   sc_tensor_touch(call->in[input]);
   return SC_OK;
}

// What an op in place writes into: every tensor of the parameters marked in its mask.
static ScStatus each_target(ScCall *call, ScStatus (*act)(ScCall *, int input)) {
   int at = 0;
   for (int p = 0; at < call->nin; p++)
      for (int i = 0; i < call->count[p]; i++, at++)
         if (call->op->in_place >> p & 1 && call->in[at]) SC_TRY(act(call, at));
   return SC_OK;
}

static ScStatus record(void *call) {
   return sc_tape_record(call);
}

// What the kernel has changed for good (see ScCall.committed) it is not to change twice: where memory runs out
// now, the tape alone tries again, and nobody else does.
static ScStatus record_for_good(ScCall *call) {
   ScStatus status = sc_with_retry(record, call);
   return status == SC_EMEM
              ? sc_fail(SC_EDEVICE, "%s, after statistics had been updated; go on from a checkpoint",
                        sc_error())
              : status;
}

static ScStatus record_call(ScCall *call) {
   return call->committed ? record_for_good(call) : sc_tape_record(call);
}

ScStatus sc_compute(ScCall *call) {
   const ScOp *op = call->op;
   if (op->infer) SC_TRY(op->infer(call));
   if (op->in_place) SC_TRY(each_target(call, want_leaf));
   if (op->in_place) SC_TRY(each_target(call, own));
   find_what_needs_grad(call);
   SC_TRY(op->forward ? op->forward(call) : sc_run_kernel(call));
   if (op->in_place) SC_TRY(each_target(call, touch));
   return call->recording && op->infer ? record_call(call) : SC_OK;
}
