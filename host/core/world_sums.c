#include "host/core/world_sums.h"

#include <stdlib.h>

#include "host/core/call.h"
#include "host/core/retry.h"
#include "host/core/transfer.h"
#include "host/core/world.h"

static ScStatus check_memory(int n, ScTensor *const *tensors, bool in_host_memory) {
   for (int i = 0; i < n; i++) {
      const ScTensor *t = tensors[i];
      bool fits = in_host_memory ? t->device->backend->host_memory : t->device == tensors[0]->device;
      if (!fits || t->device->backend->shapes_only)
         return sc_fail(SC_EUNSUPPORTED,
                        "several processes average what is in the host's memory, or on one device; "
                        "there are tensors on '%s' and on '%s'",
                        tensors[0]->device->name, t->device->name);
      if (t->dtype != SC_F32 && !(t->dtype == SC_F64 && in_host_memory))
         return sc_fail(SC_EUNSUPPORTED,
                        "several processes average f32 (in the host's memory f64, too), not %s %s",
                        sc_dtype_name(t->dtype), sc_shape_text(t));
   }
   return SC_OK;
}

// Before the others are met, since what fails for want of memory then has them wait.
static ScStatus own_all(int n, ScTensor *const *tensors) {
   for (int i = 0; i < n; i++) SC_TRY(sc_tensor_own(tensors[i], true));
   return SC_OK;
}

// ---- in the host's memory ----

static ScStatus average(int n, ScTensor *const *tensors, double weight, double *sums, int64_t count) {
   double *at = sums;
   SC_TRY(own_all(n, tensors));
   for (int i = 0; i < n; i++)
      for (int64_t k = 0, size = sc_numel(tensors[i]); k < size; k++)
         *at++ = weight * sc_load(tensors[i]->dtype, tensors[i]->buffer->data, k);
   SC_TRY(sc_world_sum(SC_F64, count, sums));
   at = sums;
   for (int i = 0; i < n; i++) {
      for (int64_t k = 0, size = sc_numel(tensors[i]); k < size; k++)
         sc_store(tensors[i]->dtype, tensors[i]->buffer->data, k, *at++);
      sc_tensor_touch(tensors[i]);
   }
   return SC_OK;
}

// ---- on a device ----

static ScStatus pack(ScTensor *flat, int n, ScTensor *const *tensors) {
   char *at = flat->buffer->data;
   for (int i = 0; i < n; i++) {
      SC_TRY(flat->device->backend->copy(flat->device, at, tensors[i]->buffer->data, sc_nbytes(tensors[i])));
      at += sc_nbytes(tensors[i]);
   }
   return SC_OK;
}

static ScStatus unpack(const ScTensor *flat, int n, ScTensor *const *tensors) {
   const char *at = flat->buffer->data;
   for (int i = 0; i < n; i++) {
      SC_TRY(flat->device->backend->copy(flat->device, tensors[i]->buffer->data, at, sc_nbytes(tensors[i])));
      sc_tensor_touch(tensors[i]);
      at += sc_nbytes(tensors[i]);
   }
   return SC_OK;
}

typedef struct {
   int n;
   ScTensor *const *tensors;
   double weight;
   int64_t count;
   ScTensor *flat, *factor, *scaled;
} Average;

static ScStatus make_room(void *context) {
   Average *a = context;
   ScDevice *device = a->tensors[0]->device;
   if (!a->flat) SC_TRY(sc_tensor_new(&a->flat, device, SC_F32, 1, &a->count));
   SC_TRY(own_all(a->n, a->tensors));
   if (!a->factor) SC_TRY(sc_tensor_new(&a->factor, device, SC_F32, 0, NULL));
   SC_TRY(pack(a->flat, a->n, a->tensors));
   SC_TRY(sc_tensor_fill(a->factor, a->weight));
   return sc_apply(&a->scaled, "mul", 2, (ScTensor *[]){a->flat, a->factor}, NULL, 0);
}

// What may fail in one process alone comes first.
static ScStatus average_there(Average *a) {
   ScCommunicator *group;
   SC_TRY(sc_world_for(a->tensors[0]->device, &group));
   SC_TRY(sc_with_retry(make_room, a));
   SC_TRY(group->all_reduce(group, SC_F32, a->count, a->scaled->buffer->data));
   return unpack(a->scaled, a->n, a->tensors);
}

static ScStatus average_on_device(int n, ScTensor *const *tensors, double weight, int64_t count) {
   Average a = {.n = n, .tensors = tensors, .weight = weight, .count = count};
   ScStatus status = average_there(&a);
   sc_tensor_release(a.flat);
   sc_tensor_release(a.factor);
   sc_tensor_release(a.scaled);
   return status;
}

ScStatus sc_world_average(int n, ScTensor *const *tensors, double weight) {
   int64_t count = 0;
   bool in_host_memory = n == 0 || tensors[0]->device->backend->host_memory;
   SC_TRY(check_memory(n, tensors, in_host_memory));
   for (int i = 0; i < n; i++) count += sc_numel(tensors[i]);
   if (count == 0) return SC_OK;
   if (!in_host_memory) return average_on_device(n, tensors, weight, count);
   double *sums = malloc((size_t)count * sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory for averages");
   ScStatus status = average(n, tensors, weight, sums, count);
   free(sums);
   return status;
}
