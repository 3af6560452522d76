#include "host/core/world_sums.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/transfer.h"
#include "host/core/world.h"

// What is smaller goes together: a message costs as much as some 100 kB of it.
enum { BUCKET = 4 << 20 };

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

// ---- gradients ----

// Gradients of one dtype whose bytes lie one behind another in `bytes`.
typedef struct {
   char *bytes;
   size_t used;
   ScDtype dtype;
   int n;
   ScTensor **gradients;
} Bucket;

static ScStatus reduce(ScDtype dtype, size_t bytes, void *data) {
   ScCommunicator *world = sc_world();
   return world->all_reduce(world, dtype, (int64_t)(bytes / sc_dtype_size(dtype)), data);
}

static ScStatus empty(Bucket *bucket) {
   size_t at = 0;
   if (bucket->used > 0) SC_TRY(reduce(bucket->dtype, bucket->used, bucket->bytes));
   for (int i = 0; i < bucket->n; i++) {
      ScTensor *gradient = bucket->gradients[i];
      memcpy(gradient->buffer->data, bucket->bytes + at, sc_nbytes(gradient));
      at += sc_nbytes(gradient);
      sc_tensor_touch(gradient);
   }
   bucket->n = 0;
   bucket->used = 0;
   return SC_OK;
}

static ScStatus add(Bucket *bucket, ScTensor *gradient) {
   size_t bytes = sc_nbytes(gradient);
   SC_TRY(sc_tensor_own(gradient, true));
   if (bytes >= BUCKET) {
      SC_TRY(reduce(gradient->dtype, bytes, gradient->buffer->data));
      sc_tensor_touch(gradient);
      return SC_OK;
   }
   if (bucket->used + bytes > BUCKET || bucket->dtype != gradient->dtype) SC_TRY(empty(bucket));
   memcpy(bucket->bytes + bucket->used, gradient->buffer->data, bytes);
   bucket->dtype = gradient->dtype;
   bucket->used += bytes;
   bucket->gradients[bucket->n++] = gradient;
   return SC_OK;
}

static ScStatus give_zeros(ScTensor *parameter) {
   if (parameter->grad) return SC_OK;
   SC_TRY(
       sc_tensor_new(&parameter->grad, parameter->device, parameter->dtype, parameter->rank, parameter->shape));
   return sc_tensor_fill(parameter->grad, 0);
}

// has[i]: how many processes have a gradient of it.
static ScStatus sum(int n, ScTensor *const *parameters, const int64_t *has, Bucket *bucket) {
   for (int i = 0; i < n; i++) {
      if (has[i] == 0) continue;
      SC_TRY(give_zeros(parameters[i]));
      SC_TRY(add(bucket, parameters[i]->grad));
   }
   return empty(bucket);
}

ScStatus sc_world_sum_gradients(int n, ScTensor *const *parameters) {
   if (n <= 0) return SC_OK;
   SC_TRY(check_memory(n, parameters));
   size_t count = (size_t)n;
   int64_t *has = calloc(count, sizeof *has);
   Bucket bucket = {.bytes = malloc(BUCKET), .gradients = calloc(count, sizeof(ScTensor *))};
   ScStatus status = SC_OK;
   if (!has || !bucket.bytes || !bucket.gradients)
      status = sc_fail(SC_EMEM, "out of memory for sums of gradients");
   for (int i = 0; i < n && !status; i++) has[i] = parameters[i]->grad != NULL;
   if (!status) status = reduce(SC_I64, count * sizeof *has, has);
   if (!status) status = sum(n, parameters, has, &bucket);
   free(has);
   free(bucket.bytes);
   free(bucket.gradients);
   return status;
}

// ---- averages ----

static ScStatus average(int n, ScTensor *const *tensors, double weight, double *sums, int64_t count) {
   ScCommunicator *world = sc_world();
   double *at = sums;
   for (int i = 0; i < n; i++)
      for (int64_t k = 0, size = sc_numel(tensors[i]); k < size; k++)
         *at++ = weight * sc_load(tensors[i]->dtype, tensors[i]->buffer->data, k);
   SC_TRY(world->all_reduce(world, SC_F64, count, sums));
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
