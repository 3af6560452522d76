#include "host/core/width.h"

#include "host/core/compute.h"
#include "host/core/copy.h"
#include "host/core/halves.h"

// Recorded, as the op `to`.
static ScStatus convert(ScTensor **out, ScTensor *x, ScDtype dtype) {
   ScCall *call;
   SC_TRY(sc_call_prepare(&call, "to", 1, &x, &(ScAttr){.i = dtype}, 1));
   ScStatus status = sc_call_place(call);
   if (status == SC_OK) status = sc_compute(call);
   return sc_call_finish(call, sc_name_call(call, status), out);
}

static ScStatus convert_to(ScTensor **slot, ScDtype dtype) {
   if (!*slot || (*slot)->dtype == dtype) return SC_OK;
   ScTensor *converted;
   SC_TRY(convert(&converted, *slot, dtype));
   sc_tensor_release(*slot);
   *slot = converted;
   return SC_OK;
}

// ---- mixed operands ----

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

// ---- autocast ----

static ScDtype autocast = SC_F32;

ScDtype sc_set_autocast(ScDtype dtype) {
   ScDtype before = autocast;
   autocast = dtype;
   return before;
}

// To the dtype of autocast. Weights come behind what they are for.
static ScStatus cast_input(ScCall *call, int i) {
   SC_TRY(sc_half_refresh(call->in[i], autocast));
   if (i == 0) return convert_to(&call->in[i], autocast);
   ScTensor *wide = sc_tensor_retain(call->in[i]);
   ScStatus status = convert_to(&call->in[i], autocast);
   if (status == SC_OK) status = sc_half_keep(wide, call->in[i]);
   sc_tensor_release(wide);
   return status;
}

// ---- half width ----

static bool is_half(const ScTensor *t) {
   return t && sc_dtype_is_half(t->dtype);
}

static bool is_marked(unsigned mask, int input) {
   return input < SC_MAXPARAM && mask >> input & 1;
}

ScStatus sc_apply_autocast(ScCall *call) {
   ScCast cast = call->op->autocast;
   if (autocast == SC_F32 || cast == SC_CAST_NONE) return SC_OK;
   for (int i = 0; i < call->nin; i++) {
      const ScTensor *t = call->in[i];
      if (cast == SC_CAST_WIDE && is_half(t)) SC_TRY(convert_to(&call->in[i], SC_F32));
      if (cast != SC_CAST_HALF || !t || t->dtype != SC_F32 || is_marked(call->op->wide, i)) continue;
      SC_TRY(cast_input(call, i));
   }
   return SC_OK;
}

static bool is_native(const ScCall *call) {
   const ScTensor *first = NULL;
   for (int i = 0; i < call->nin && !first; i++) first = call->in[i];
   if (!is_half(first)) return false;
   if (!sc_kernel_takes(sc_op_kernel(call->op, call->device), call->device, first->dtype)) return false;
   for (int i = 0; i < call->nin; i++) {
      const ScTensor *t = call->in[i];
      if (t && sc_dtype_is_float(t->dtype) && t->dtype != first->dtype && !is_marked(call->op->wide, i))
         return false;
   }
   return true;
}

// The results are as narrow as the first floating-point tensor: a half weight beside an f32 x makes nothing of
// x narrower.
static void choose_narrow(const ScCall *call, ScWidth *width) {
   int first = 0;
   while (first < call->nin && !(call->in[first] && sc_dtype_is_float(call->in[first]->dtype))) first++;
   if (width->narrows || first == call->nin || !is_half(call->in[first])) return;
   width->narrows = true;
   width->narrow = call->in[first]->dtype;
}

ScStatus sc_choose_width(ScCall *call, ScWidth *width) {
   bool native = is_native(call);
   if (!native) choose_narrow(call, width);
   for (int i = 0; i < call->nin; i++) {
      if (!is_half(call->in[i]) || (native && !is_marked(call->op->wide, i))) continue;
      if (call->op->in_place)
         return sc_fail(SC_EARG, "%s: argument '%s': expected f32, found %s", call->op->name,
                        sc_input_name(call, i), sc_dtype_name(call->in[i]->dtype));
      if (is_marked(call->op->updates, i)) width->written[i] = sc_tensor_retain(call->in[i]);
      SC_TRY(convert_to(&call->in[i], SC_F32));
      if (i < SC_MAXPARAM) width->stamp[i] = call->in[i]->buffer->stamp;
   }
   return SC_OK;
}

ScStatus sc_narrow_results(ScCall *call, const ScWidth *width) {
   for (int i = 0; width->narrows && i < call->nout; i++)
      if (call->out[i]->dtype == SC_F32) SC_TRY(convert_to(&call->out[i], width->narrow));
   return SC_OK;
}

ScStatus sc_write_back(ScCall *call, ScStatus status, ScWidth *width) {
   for (int i = 0; i < SC_MAXPARAM; i++) {
      if (!width->written[i]) continue;
      if (status == SC_OK && call->in[i]->buffer->stamp != width->stamp[i])
         status = sc_tensor_copy(width->written[i], call->in[i]);
      sc_tensor_release(width->written[i]);
   }
   return status;
}
