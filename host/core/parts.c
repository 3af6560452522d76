#include "host/core/parts.h"

#include <string.h>

#include "host/core/call.h"

enum { DIM, FROM, TO, STEP, NATTR }; // of slice

static bool is_alone(const ScTensor *t) {
   return t->refs == 1 && __atomic_load_n(&t->buffer->refs, __ATOMIC_ACQUIRE) == 1;
}

static bool may_add(const ScNode *node, const ScTensor *whole) {
   const ScCall *call = node->call;
   return whole && call->op == sc_op_find("slice") && whole->device->backend->host_memory && is_alone(whole) &&
          whole->dtype == call->grad_out[0]->dtype;
}

// The range of `whole` becomes `part`, entry by entry of the dimension as they lie in memory.
static void put(const ScCall *call, ScTensor *whole, const ScTensor *part) {
   int64_t strides[SC_MAXRANK], dim = call->attr[DIM].i, step = call->attr[STEP].i;
   sc_strides(whole, strides);
   int64_t inner = strides[dim], outer = sc_numel(whole) / (inner * whole->shape[dim]),
           count = part->shape[dim];
   int64_t entries = step == 1 ? count : 1; // that lie one after the other
   size_t size = sc_dtype_size(whole->dtype), run = (size_t)(entries * inner) * size;
   for (int64_t o = 0; o < outer; o++)
      for (int64_t k = 0; k < count; k += entries) {
         int64_t to = o * whole->shape[dim] + call->attr[FROM].i - 1 + k * step, from = o * count + k;
         memcpy((char *)whole->buffer->data + (size_t)(to * inner) * size,
                (const char *)part->buffer->data + (size_t)(from * inner) * size, run);
      }
   sc_tensor_touch(whole);
}

ScStatus sc_part_add(ScNode *node, ScTensor *whole, bool *added) {
   *added = may_add(node, whole);
   if (!*added) return SC_OK;
   ScTensor *both[2] = {NULL, node->call->grad_out[0]}, *sum = NULL;
   SC_TRY(sc_apply(&both[0], "slice", 1, &whole, node->call->attr, NATTR));
   ScStatus status = sc_apply(&sum, "add", 2, both, NULL, 0);
   if (status == SC_OK) put(node->call, whole, sum);
   sc_tensor_release(both[0]);
   sc_tensor_release(sum);
   return status;
}
