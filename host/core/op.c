// The registry of ops and the one way in which every op is called.
#include "host/core/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/function.h"
#include "host/core/profile.h"
#include "host/core/width.h"
#include "host/core/tape.h"

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
   if (call->function) call->function->release(call->function);
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

ScStatus sc_want_dtype_of_first(const ScCall *call, int input) {
   const ScTensor *t = call->in[input];
   bool wide = input < SC_MAXPARAM && call->op->wide >> input & 1;
   ScDtype wanted = wide ? sc_wide_dtype(call->in[0]->dtype) : call->in[0]->dtype;
   if (!t || t->dtype == wanted) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument '%s': expected %s %s, found %s", call->op->name,
                  sc_input_name(call, input), sc_dtype_name(wanted),
                  wanted == call->in[0]->dtype ? "as in x" : "beside a half-width x", sc_dtype_name(t->dtype));
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

// ---- what failed, for messages ----

// "x f32 (2, 3), weight f32 (4, 3)"; of a list its first tensor and how many follow.
static void list_inputs(const ScCall *call, char *text, size_t size) {
   size_t used = 0;
   text[0] = 0;
   for (int p = 0, at = 0; p < SC_MAXPARAM && at < call->nin && used < size; at += call->count[p++]) {
      const ScTensor *t = call->in[at];
      if (!t) continue;
      used += (size_t)snprintf(text + used, size - used, "%s%s %s %s", used ? ", " : "",
                               sc_input_name(call, at), sc_dtype_name(t->dtype), sc_shape_text(t));
      if (call->count[p] > 1 && used < size)
         used += (size_t)snprintf(text + used, size - used, " and %d more", call->count[p] - 1);
   }
}

ScStatus sc_name_call(const ScCall *call, ScStatus status) {
   if (status != SC_EDEVICE && status != SC_EMEM) return status;
   bool composite = !call->op->infer; // what it is made of has been named
   if (composite || call->nin == 0) return status;
   char inputs[400];
   list_inputs(call, inputs, sizeof inputs);
   return sc_fail(status, "%s; in %s on %s of %s", sc_error(), call->op->name,
                  call->device ? call->device->name : "no device", inputs);
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
   if (!sc_kernel_takes(kernel, dtype)) return NULL;
   return backward ? kernel->backward : kernel->forward;
}

static ScStatus timed(ScCall *call, ScStatus (*function)(ScCall *), bool backward, bool fallback) {
   double start = sc_seconds();
   ScStatus status = function(call);
   if (status != SC_EUNSUPPORTED) sc_profile_add(call, backward, fallback, sc_seconds() - start);
   return status;
}

static ScStatus run_function(ScCall *call, bool backward, bool fallback) {
   ScDtype dtype = compute_dtype(call);
   const char *name = call->op->name;
   ScStatus (*function)(ScCall *) = kernel_function(sc_find_kernel(call->device, name), dtype, backward);
   if (function) {
      ScStatus status = timed(call, function, backward, fallback);
      if (status != SC_EUNSUPPORTED) return status;
      if (sc_dtype_is_half(dtype)) return sc_run_widened(call, backward, run_function);
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

// ---- the call ----

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

static ScStatus compute(ScCall *call) {
   const ScOp *op = call->op;
   if (op->infer) SC_TRY(op->infer(call));
   if (op->in_place) SC_TRY(each_target(call, want_leaf));
   if (op->in_place) SC_TRY(each_target(call, own));
   find_what_needs_grad(call);
   SC_TRY(op->forward ? op->forward(call) : sc_run_kernel(call));
   if (op->in_place) SC_TRY(each_target(call, touch));
   return call->recording && op->infer ? sc_tape_record(call) : SC_OK;
}

ScStatus sc_call_run(ScCall *call) {
   ScWidth width = {.narrows = call->half != SC_F32, .narrow = call->half};
   call->device = NULL;
   call->nout = call->nsaved = 0;
   ScStatus status = find_device(call);
   if (status == SC_OK) status = sc_apply_autocast(call);
   if (status == SC_OK && call->op->promote) status = sc_promote(call, 0);
   if (status == SC_OK && !call->op->any_dtype && call->op->infer) status = sc_choose_width(call, &width);
   if (status == SC_OK) status = compute(call);
   status = sc_name_call(call, sc_restore_width(call, status, &width));
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
