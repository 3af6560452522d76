#include "host/core/tensor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/node.h"
#include "host/core/recording.h"

static ScStatus check_shape(ScDtype dtype, int rank, const int64_t *shape) {
   if (rank > SC_MAXRANK)
      return sc_fail(SC_EARG, "a tensor has at most %d dimensions, found %d", SC_MAXRANK, rank);
   int64_t bytes = (int64_t)sc_dtype_size(dtype);
   for (int i = 0; i < rank; i++) {
      if (shape[i] < 1)
         return sc_fail(SC_EARG, "shape %s: every dimension must be at least 1", sc_dims_text(rank, shape));
      if (__builtin_mul_overflow(bytes, shape[i], &bytes) || bytes > (int64_t)1 << 46)
         return sc_fail(SC_EARG, "shape %s is too large", sc_dims_text(rank, shape));
   }
   return SC_OK;
}

ScStatus sc_tensor_shape_only(ScTensor **out, ScDevice *device, ScDtype dtype, int rank, const int64_t *shape) {
   SC_TRY(check_shape(dtype, rank, shape));
   ScTensor *t = calloc(1, sizeof *t);
   if (!t) return sc_fail(SC_EMEM, "out of memory");
   t->refs = 1;
   t->dtype = dtype;
   t->rank = rank;
   t->device = device;
   if (rank > 0) memcpy(t->shape, shape, (size_t)rank * sizeof *shape);
   *out = t;
   return SC_OK;
}

ScStatus sc_tensor_new(ScTensor **out, ScDevice *device, ScDtype dtype, int rank, const int64_t *shape) {
   ScTensor *t;
   SC_TRY(sc_tensor_shape_only(&t, device, dtype, rank, shape));
   ScStatus status = sc_buffer_new(&t->buffer, device, sc_nbytes(t));
   if (status != SC_OK) {
      sc_tensor_release(t);
      return status;
   }
   *out = t;
   return SC_OK;
}

ScStatus sc_tensor_lend(ScTensor **out, ScDevice *device, ScDtype dtype, int rank, const int64_t *shape,
                        const void *data, ScLender *lender) {
   ScTensor *t;
   SC_TRY(sc_tensor_shape_only(&t, device, dtype, rank, shape));
   ScStatus status = sc_buffer_lend(&t->buffer, device, data, sc_nbytes(t), lender);
   if (status != SC_OK) {
      sc_tensor_release(t);
      return status;
   }
   *out = t;
   return SC_OK;
}

ScStatus sc_tensor_alias(ScTensor **out, const ScTensor *from, int rank, const int64_t *shape) {
   SC_TRY(sc_tensor_shape_only(out, from->device, from->dtype, rank, shape));
   if (from->buffer) (*out)->buffer = sc_buffer_retain(from->buffer);
   return SC_OK;
}

ScTensor *sc_tensor_retain(ScTensor *t) {
   t->refs++;
   return t;
}

// A gradient may have a gradient, and that one too, as often as a script likes.
void sc_tensor_release(ScTensor *t) {
   while (t && --t->refs == 0) {
      ScTensor *grad = t->grad;
      if (t->node) t->node->release(t->node);
      if (t->half) t->half->release(t->half);
      sc_buffer_release(t->buffer);
      free(t);
      t = grad;
   }
}

void sc_tensor_release_all(int n, ScTensor **tensors) {
   for (int i = 0; i < n; i++) {
      sc_tensor_release(tensors[i]);
      tensors[i] = NULL;
   }
}

static void forget_packed(ScTensor *t) {
   if (t->buffer->packed && t->device->backend->forget) t->device->backend->forget(t->buffer->stamp);
   t->buffer->packed = false;
}

ScStatus sc_tensor_own(ScTensor *t, bool keep) {
   if (__atomic_load_n(&t->buffer->refs, __ATOMIC_ACQUIRE) == 1)
      return SC_OK; // a thread that saves may share it
   ScBuffer *buffer;
   SC_TRY(sc_buffer_new(&buffer, t->device, sc_nbytes(t)));
   if (keep) {
      ScStatus status = t->device->backend->copy(t->device, buffer->data, t->buffer->data, sc_nbytes(t));
      if (status != SC_OK) {
         sc_buffer_release(buffer);
         return status;
      }
   }
   forget_packed(t); // whoever only remembers the content has no use for it
   sc_buffer_release(t->buffer);
   t->buffer = buffer;
   return SC_OK;
}

void sc_tensor_touch(ScTensor *t) {
   sc_recording_writes(t->device, t->buffer->era, t->buffer->data);
   forget_packed(t);
   t->buffer->stamp = sc_next_stamp();
}

int64_t sc_numel(const ScTensor *t) {
   int64_t n = 1;
   for (int i = 0; i < t->rank; i++) n *= t->shape[i];
   return n;
}

size_t sc_nbytes(const ScTensor *t) {
   return (size_t)sc_numel(t) * sc_dtype_size(t->dtype);
}

bool sc_same_shape(const ScTensor *a, const ScTensor *b) {
   if (a->rank != b->rank) return false;
   for (int i = 0; i < a->rank; i++)
      if (a->shape[i] != b->shape[i]) return false;
   return true;
}

void sc_strides(const ScTensor *t, int64_t strides[SC_MAXRANK]) {
   const int64_t *s = t->shape;
   if (t->rank == 4) {
      strides[0] = s[1] * s[2] * s[3], strides[1] = 1, strides[2] = s[3] * s[1], strides[3] = s[1];
      return;
   }
   int64_t stride = 1;
   for (int i = t->rank - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= s[i];
   }
}

const char *sc_dims_text(int rank, const int64_t *shape) {
   static _Thread_local char ring[8][160];
   static _Thread_local int next;
   char *text = ring[next++ % 8];
   size_t used = (size_t)snprintf(text, sizeof ring[0], "(");
   for (int i = 0; i < rank && used < sizeof ring[0]; i++)
      used +=
          (size_t)snprintf(text + used, sizeof ring[0] - used, "%s%lld", i ? ", " : "", (long long)shape[i]);
   if (used < sizeof ring[0]) snprintf(text + used, sizeof ring[0] - used, ")");
   return text;
}

const char *sc_shape_text(const ScTensor *t) {
   return sc_dims_text(t->rank, t->shape);
}

ScStatus sc_name_tensor(ScStatus status, const char *what, const ScTensor *t, const ScDevice *where) {
   if (status != SC_EDEVICE && status != SC_EMEM) return status;
   return sc_fail(status, "%s; in %s %s %s on %s", sc_error(), what, sc_dtype_name(t->dtype), sc_shape_text(t),
                  where->name);
}
