#include "host/core/world_sums.h"

#include <stdlib.h>

#include "host/core/transfer.h"
#include "host/core/world.h"

static ScStatus check_memory(int n, ScTensor *const *tensors) {
   for (int i = 0; i < n; i++) {
      const ScTensor *t = tensors[i];
      if (!t->device->backend->host_memory || t->device->backend->shapes_only)
         return sc_fail(SC_EUNSUPPORTED, "several processes add up what is in the host's memory, not on '%s'",
                        t->device->name);
      if (t->dtype != SC_F32 && t->dtype != SC_F64)
         return sc_fail(SC_EUNSUPPORTED, "several processes add up f32 and f64, not %s %s",
                        sc_dtype_name(t->dtype), sc_shape_text(t));
   }
   return SC_OK;
}

static ScStatus average(int n, ScTensor *const *tensors, double weight, double *sums, int64_t count) {
   double *at = sums;
   for (int i = 0; i < n; i++)
      for (int64_t k = 0, size = sc_numel(tensors[i]); k < size; k++)
         *at++ = weight * sc_load(tensors[i]->dtype, tensors[i]->buffer->data, k);
   SC_TRY(sc_world_sum(SC_F64, count, sums));
   at = sums;
   for (int i = 0; i < n; i++) {
      SC_TRY(sc_tensor_own(tensors[i], false));
      for (int64_t k = 0, size = sc_numel(tensors[i]); k < size; k++)
         sc_store(tensors[i]->dtype, tensors[i]->buffer->data, k, *at++);
      sc_tensor_touch(tensors[i]);
   }
   return SC_OK;
}

ScStatus sc_world_average(int n, ScTensor *const *tensors, double weight) {
   int64_t count = 0;
   SC_TRY(check_memory(n, tensors));
   for (int i = 0; i < n; i++) count += sc_numel(tensors[i]);
   if (count == 0) return SC_OK;
   double *sums = malloc((size_t)count * sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory for averages");
   ScStatus status = average(n, tensors, weight, sums, count);
   free(sums);
   return status;
}
