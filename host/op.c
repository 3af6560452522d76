// The registry of ops and the one way in which every op is called.
#include "host/op.h"

#include <stdlib.h>
#include <string.h>

#include "host/profile.h"
#include "host/tape.h"

enum { MAXOPS = 256 };

static const ScOp *ops[MAXOPS]; // by name
static int nops;

void sc_register_op(const ScOp *op) {
   if (nops == MAXOPS) return;
   int at = nops++;
   for (; at > 0 && strcmp(ops[at - 1]->name, op->name) > 0; at--) ops[at] = ops[at - 1];
   ops[at] = op;
}

static int by_name(const void *name, const void *entry) {
   return strcmp(name, (*(const ScOp *const *)entry)->name);
}

const ScOp *sc_op_find(const char *name) {
   const ScOp *const *found = bsearch(name, ops, (size_t)nops, sizeof ops[0], by_name);
   return found ? *found : NULL;
}

const ScOp *sc_op_at(int index) {
   return index < nops ? ops[index] : NULL;
}

static bool is_tensor(ScKind kind) {
   return kind == SC_TENSOR || kind == SC_OPERAND || kind == SC_TENSORS;
}

static void preset(ScCall *call) {
   int attr = 0, tensor = 0;
   for (int i = 0; i < call->op->nparams; i++) {
      const ScParam *param = &call->op->params[i];
      if (is_tensor(param->kind)) {
         call->count[tensor++] = 1;
         continue;
      }
      ScAttr *value = &call->attr[attr++];
      if (param->kind == SC_NUMBER)
         value->f = param->preset;
      else if (param->kind == SC_PAIR)
         value->ints.n = 2, value->ints.v[0] = value->ints.v[1] = (int64_t)param->preset;
      else if (param->kind == SC_DIM && param->optional)
         value->i = SC_NODIM;
      else if (param->kind != SC_INTS)
         value->i = (int64_t)param->preset;
   }
}

ScStatus sc_call_new(ScCall **out, const ScOp *op, int nin) {
   size_t n = (size_t)nin;
   ScCall *call = calloc(1, sizeof *call + n * (2 * sizeof(ScTensor *) + sizeof(bool)));
   if (!call) return sc_fail(SC_EMEM, "out of memory");
   call->op = op;
   call->keep_in = op->keep_in;
   call->keep_out = op->keep_out;
   call->nin = nin;
   call->in = (ScTensor **)(call + 1);
   call->grad_in = call->in + n;
   call->needs_grad = (bool *)(call->grad_in + n);
   preset(call);
   *out = call;
   return SC_OK;
}

static void release_all(int n, ScTensor **tensors) {
   for (int i = 0; i < n; i++) {
      sc_tensor_release(tensors[i]);
      tensors[i] = NULL;
   }
}

void sc_call_free(ScCall *call) {
   if (!call) return;
   release_all(call->nin, call->in);
   release_all(call->nin, call->grad_in);
   release_all(SC_MAXOUT, call->out);
   release_all(SC_MAXOUT, call->grad_out);
   release_all(SC_MAXSAVED, call->saved);
   free(call);
}

ScTensor *sc_call_take(ScCall *call, int output) {
   ScTensor *t = call->out[output];
   call->out[output] = NULL;
   return t;
}

const char *sc_input_name(const ScCall *call, int input) {
   int first = 0, tensor = 0;
   for (int i = 0; i < call->op->nparams; i++) {
      if (!is_tensor(call->op->params[i].kind)) continue;
      int past = first + call->count[tensor++];
      if (input >= first && input < past) return call->op->params[i].name;
      first = past;
   }
   return "?";
}

ScStatus sc_want_rank(const ScCall *call, int input, int rank) {
   const ScTensor *t = call->in[input];
   if (!t || t->rank == rank) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument '%s': expected %d dimensions, found shape %s", call->op->name,
                  sc_input_name(call, input), rank, sc_shape_text(t));
}

ScStatus sc_want_float(const ScCall *call, int input) {
   const ScTensor *t = call->in[input];
   if (!t || sc_dtype_is_float(t->dtype)) return SC_OK;
   return sc_fail(SC_EARG,
                  "%s: argument '%s': expected a floating-point tensor, found %s; convert it with :to('f32')",
                  call->op->name, sc_input_name(call, input), sc_dtype_name(t->dtype));
}

ScStatus sc_describe(ScCall *call, int output, ScDtype dtype, int rank, const int64_t *shape) {
   SC_TRY(sc_tensor_shape_only(&call->out[output], call->device, dtype, rank, shape));
   if (call->nout <= output) call->nout = output + 1;
   return SC_OK;
}

ScStatus sc_describe_saved(ScCall *call, int index, ScDtype dtype, int rank, const int64_t *shape) {
   SC_TRY(sc_tensor_shape_only(&call->saved[index], call->device, dtype, rank, shape));
   if (call->nsaved <= index) call->nsaved = index + 1;
   return SC_OK;
}

// ---- running a kernel ----

static ScStatus give_buffer(ScTensor *t) {
   return t->buffer ? SC_OK : sc_buffer_new(&t->buffer, t->device, sc_nbytes(t));
}

static ScDtype compute_dtype(const ScCall *call) {
   for (int i = 0; i < call->nin; i++)
      if (call->in[i]) return call->in[i]->dtype;
   return SC_F32;
}

static ScStatus (*kernel_function(const ScKernel *kernel, ScDtype dtype, bool backward))(ScCall *) {
   if (!kernel || !(kernel->dtypes >> dtype & 1)) return NULL;
   return backward ? kernel->backward : kernel->forward;
}

static ScStatus timed(ScCall *call, ScStatus (*function)(ScCall *), bool backward, bool fallback) {
   double start = sc_seconds();
   ScStatus status = function(call);
   if (status != SC_EUNSUPPORTED) sc_profile_add(call, backward, fallback, sc_seconds() - start);
   return status;
}

static ScStatus run_function(ScCall *call, bool backward) {
   ScDtype dtype = compute_dtype(call);
   const char *name = call->op->name;
   if (call->device->backend->shapes_only) return SC_OK;
   ScStatus (*function)(ScCall *) = kernel_function(sc_find_kernel(call->device, name), dtype, backward);
   if (function) {
      ScStatus status = timed(call, function, backward, false);
      if (status != SC_EUNSUPPORTED) return status;
   }
   if (call->device != sc_device_ref() && call->device->backend->host_memory) {
      function = kernel_function(sc_find_kernel(sc_device_ref(), name), dtype, backward);
      if (function) return timed(call, function, backward, true);
   }
   return sc_fail(SC_EUNSUPPORTED, "%s%s: no kernel for %s on %s", name, backward ? " (backward)" : "",
                  sc_dtype_name(dtype), call->device->name);
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
   return run_function(call, false);
}

ScStatus sc_run_backward_kernel(ScCall *call) {
   for (int i = 0; i < call->nin; i++) {
      if (!call->needs_grad[i] || call->grad_in[i]) continue; // the host side may have supplied one
      const ScTensor *x = call->in[i];
      SC_TRY(sc_tensor_new(&call->grad_in[i], call->device, x->dtype, x->rank, x->shape));
   }
   return run_function(call, true);
}

// ---- bringing the inputs to one device and to computable dtypes ----

static ScStatus find_device(ScCall *call) {
   for (int i = 0; i < call->nin; i++) {
      const ScTensor *t = call->in[i];
      if (!t) continue;
      if (!t->buffer)
         return sc_fail(SC_EARG, "%s: argument '%s' has been freed", call->op->name, sc_input_name(call, i));
      if (!call->device) call->device = t->device;
      if (call->device != t->device)
         return sc_fail(SC_EARG, "%s: argument '%s' is on %s but the others are on %s; move it with :to('%s')",
                        call->op->name, sc_input_name(call, i), t->device->name, call->device->name,
                        call->device->name);
   }
   if (!call->device) call->device = sc_device_cpu();
   return SC_OK;
}

static ScStatus convert_to(ScTensor **slot, ScDtype dtype) {
   if (!*slot || (*slot)->dtype == dtype) return SC_OK;
   ScTensor *converted;
   ScAttr attr = {.i = dtype};
   SC_TRY(sc_apply(&converted, "to", 1, slot, &attr, 1));
   sc_tensor_release(*slot);
   *slot = converted;
   return SC_OK;
}

// Which dtype wins when two meet.
static int strength(ScDtype dtype) {
   static const int order[SC_NDTYPE] = {
       [SC_U8] = 0, [SC_I64] = 1, [SC_F16] = 2, [SC_BF16] = 3, [SC_F32] = 4, [SC_F64] = 5};
   return order[dtype];
}

ScStatus sc_promote(ScCall *call, int first) {
   ScDtype widest = SC_U8;
   for (int i = first; i < call->nin; i++)
      if (call->in[i] && strength(call->in[i]->dtype) > strength(widest)) widest = call->in[i]->dtype;
   for (int i = first; i < call->nin; i++) SC_TRY(convert_to(&call->in[i], widest));
   return SC_OK;
}

static bool is_half(const ScTensor *t) {
   return t && (t->dtype == SC_F16 || t->dtype == SC_BF16);
}

// Half-width tensors that the op may write, and the stamps of their widened copies before it does.
typedef struct {
   ScTensor *tensor[SC_MAXPARAM];
   uint64_t stamp[SC_MAXPARAM];
} Halves;

// f16 and bf16 are storage: ops that compute see float32. Remembers the first half dtype met, else leaves
// *narrow.
// The originals of what the op may write are kept in `halves`.
static ScStatus widen(ScCall *call, ScDtype *narrow, Halves *halves) {
   for (int i = 0; i < call->nin; i++) {
      if (!is_half(call->in[i])) continue;
      if (call->op->in_place)
         return sc_fail(SC_EARG, "%s: argument '%s': expected f32, found %s", call->op->name,
                        sc_input_name(call, i), sc_dtype_name(call->in[i]->dtype));
      if (*narrow == SC_F32) *narrow = call->in[i]->dtype;
      if (i < SC_MAXPARAM && call->op->updates >> i & 1) halves->tensor[i] = sc_tensor_retain(call->in[i]);
      SC_TRY(convert_to(&call->in[i], SC_F32));
      if (i < SC_MAXPARAM) halves->stamp[i] = call->in[i]->buffer->stamp;
   }
   return SC_OK;
}

// Releases the originals, after converting back what was written.
static ScStatus narrow_again(ScCall *call, ScStatus status, Halves *halves) {
   for (int i = 0; i < SC_MAXPARAM; i++) {
      if (!halves->tensor[i]) continue;
      if (status == SC_OK && call->in[i]->buffer->stamp != halves->stamp[i])
         status = sc_tensor_copy(halves->tensor[i], call->in[i]);
      sc_tensor_release(halves->tensor[i]);
   }
   return status;
}

// ---- the call ----

static void find_what_needs_grad(ScCall *call) {
   call->recording = false;
   for (int i = 0; i < call->nin; i++) {
      call->needs_grad[i] = sc_needs_grad(call->in[i]) && call->op->differentiable && sc_is_recording();
      call->recording |= call->needs_grad[i];
   }
}

static ScStatus own(ScTensor *t) {
   return sc_tensor_own(t, true);
}

static ScStatus touch(ScTensor *t) {
   sc_tensor_touch(t);
   return SC_OK;
}

// What an op in place writes into: every tensor of the parameters marked in its mask.
static ScStatus each_target(ScCall *call, ScStatus (*act)(ScTensor *)) {
   int at = 0;
   for (int p = 0; at < call->nin; p++)
      for (int i = 0; i < call->count[p]; i++, at++)
         if (call->op->in_place >> p & 1 && call->in[at]) SC_TRY(act(call->in[at]));
   return SC_OK;
}

static ScStatus compute(ScCall *call) {
   const ScOp *op = call->op;
   if (op->infer) SC_TRY(op->infer(call));
   if (op->in_place) SC_TRY(each_target(call, own));
   find_what_needs_grad(call);
   SC_TRY(op->forward ? op->forward(call) : sc_run_kernel(call));
   if (op->in_place) SC_TRY(each_target(call, touch));
   return call->recording && op->infer ? sc_tape_record(call) : SC_OK;
}

ScStatus sc_call_run(ScCall *call) {
   ScDtype narrow = SC_F32;
   Halves halves = {0};
   call->device = NULL;
   call->nout = call->nsaved = 0;
   ScStatus status = find_device(call);
   if (status == SC_OK && call->op->promote) status = sc_promote(call, 0);
   if (status == SC_OK && !call->op->any_dtype && call->op->infer) status = widen(call, &narrow, &halves);
   if (status == SC_OK) status = compute(call);
   status = narrow_again(call, status, &halves);
   for (int i = 0; status == SC_OK && narrow != SC_F32 && i < call->nout; i++)
      if (call->out[i]->dtype == SC_F32) status = convert_to(&call->out[i], narrow);
   if (status != SC_OK) release_all(SC_MAXOUT, call->out);
   release_all(SC_MAXSAVED, call->saved); // a recorded call has handed them to the tape
   return status;
}

ScStatus sc_apply(ScTensor **out, const char *name, int nin, ScTensor *const *in, const ScAttr *attr,
                  int nattr) {
   const ScOp *op = sc_op_find(name);
   if (!op) return sc_fail(SC_EUNSUPPORTED, "no op named '%s'", name);
   ScCall *call;
   SC_TRY(sc_call_new(&call, op, nin));
   for (int i = 0; i < nin; i++) call->in[i] = in[i] ? sc_tensor_retain(in[i]) : NULL;
   for (int i = 0; i < nattr; i++) call->attr[i] = attr[i];
   if (op->params[0].kind == SC_TENSORS) call->count[0] = nin;
   ScStatus status = sc_call_run(call);
   if (status == SC_OK && out) *out = sc_call_take(call, 0);
   sc_call_free(call);
   return status;
}
