#include "host/core/op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/layer.h"

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

const ScKernel *sc_op_kernel(const ScOp *op, const ScDevice *device) {
   return sc_find_kernel(device, op->kernel ? op->kernel : op->name);
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
      else if (param->kind != SC_INTS && param->kind != SC_DIMS)
         value->i = (int64_t)param->preset;
   }
}

ScStatus sc_call_new(ScCall **out, const ScOp *op, int nin) {
   size_t n = (size_t)nin;
   ScCall *call = calloc(1, sizeof *call + n * (2 * sizeof(ScTensor *) + sizeof(bool)));
   if (!call) return sc_fail(SC_EMEM, "out of memory");
   call->op = op;
   call->layer = sc_layer();
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

ScStatus sc_call_prepare(ScCall **out, const char *name, int nin, ScTensor *const *in, const ScAttr *attr,
                         int nattr) {
   const ScOp *op = sc_op_find(name);
   if (!op) return sc_fail(SC_EUNSUPPORTED, "no op named '%s'", name);
   ScCall *call;
   SC_TRY(sc_call_new(&call, op, nin));
   for (int i = 0; i < nin; i++) call->in[i] = in[i] ? sc_tensor_retain(in[i]) : NULL;
   for (int i = 0; i < nattr; i++) call->attr[i] = attr[i];
   if (op->params[0].kind == SC_TENSORS) call->count[0] = nin;
   *out = call;
   return SC_OK;
}

void sc_call_free(ScCall *call) {
   if (!call) return;
   sc_tensor_release_all(call->nin, call->in);
   sc_tensor_release_all(call->nin, call->grad_in);
   sc_tensor_release_all(SC_MAXOUT, call->out);
   sc_tensor_release_all(SC_MAXOUT, call->grad_out);
   sc_tensor_release_all(SC_MAXSAVED, call->saved);
   if (call->function) call->function->release(call->function);
   free(call);
}

ScTensor *sc_call_take(ScCall *call, int output) {
   ScTensor *t = call->out[output];
   call->out[output] = NULL;
   return t;
}

ScStatus sc_call_finish(ScCall *call, ScStatus status, ScTensor **out) {
   if (status == SC_OK && out) *out = sc_call_take(call, 0);
   sc_call_free(call);
   return status;
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

ScStatus sc_call_place(ScCall *call) {
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
