#include "host/core/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/transcript.h"

static ScStatus named(ScStatus status, const char *what, const ScTensor *t) {
   return sc_name_tensor(status, what, t, t->device);
}

// Matrices of 4-byte elements, `rows` x `columns`, transposed one by one.
static void transpose(uint32_t *to, const uint32_t *from, int64_t count, int64_t rows, int64_t columns) {
   for (int64_t n = 0; n < count; n++, to += rows * columns, from += rows * columns)
      for (int64_t c = 0; c < columns; c++)
         for (int64_t r = 0; r < rows; r++) to[c * rows + r] = from[r * columns + c];
}

// Copies elements between memory order (channels-last at rank 4) and logical order.
static void reorder(const ScTensor *t, char *to, const char *from, bool to_logical) {
   size_t size = sc_dtype_size(t->dtype);
   int64_t channels = t->rank == 4 ? t->shape[1] : 1, pixels = t->rank == 4 ? t->shape[2] * t->shape[3] : 1;
   if (channels == 1 || pixels == 1) {
      memcpy(to, from, sc_nbytes(t));
      return;
   }
   if (size == 4) {
      int64_t rows = to_logical ? pixels : channels;
      transpose((uint32_t *)to, (const uint32_t *)from, t->shape[0], rows, channels * pixels / rows);
      return;
   }
   for (int64_t n = 0; n < t->shape[0]; n++)
      for (int64_t c = 0; c < channels; c++)
         for (int64_t p = 0; p < pixels; p++) {
            size_t logical = (size_t)((n * channels + c) * pixels + p) * size;
            size_t memory = (size_t)((n * pixels + p) * channels + c) * size;
            memcpy(to + (to_logical ? logical : memory), from + (to_logical ? memory : logical), size);
         }
}

ScStatus sc_tensor_content(const ScTensor *t, const void **out, void **downloaded) {
   *downloaded = NULL;
   if (t->device->backend->host_memory) {
      *out = t->buffer->data;
      return SC_OK;
   }
   *downloaded = malloc(sc_nbytes(t));
   if (!*downloaded) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = t->device->backend->download(t->device, *downloaded, t->buffer->data, sc_nbytes(t));
   if (status != SC_OK) free(*downloaded), *downloaded = NULL;
   *out = *downloaded;
   return status;
}

ScStatus sc_tensor_read(const ScTensor *t, void *logical) {
   void *downloaded;
   const void *content;
   SC_TRY(sc_transcript_read(t));
   SC_TRY(named(sc_tensor_content(t, &content, &downloaded), "reading", t));
   reorder(t, logical, content, true);
   free(downloaded);
   return SC_OK;
}

ScStatus sc_tensor_write(ScTensor *t, const void *logical) {
   if (t->device->backend->shapes_only) return SC_OK;
   SC_TRY(sc_tensor_own(t, false));
   ScStatus status = SC_OK;
   if (t->device->backend->host_memory) {
      reorder(t, t->buffer->data, logical, false);
   } else {
      void *staging = malloc(sc_nbytes(t));
      if (!staging) return sc_fail(SC_EMEM, "out of memory");
      reorder(t, staging, logical, false);
      status = t->device->backend->upload(t->device, t->buffer->data, staging, sc_nbytes(t));
      free(staging);
   }
   sc_tensor_touch(t);
   return named(status, "writing", t);
}

ScStatus sc_tensor_write_f64(ScTensor *t, const double *logical) {
   if (t->device->backend->shapes_only) return SC_OK;
   void *own = malloc(sc_nbytes(t));
   if (!own) return sc_fail(SC_EMEM, "out of memory");
   sc_convert(t->dtype, own, SC_F64, logical, sc_numel(t));
   ScStatus status = sc_tensor_write(t, own);
   free(own);
   return status;
}

ScStatus sc_tensor_item(const ScTensor *t, int64_t index, void *element) {
   int64_t strides[SC_MAXRANK], at = 0;
   SC_TRY(sc_transcript_read(t));
   sc_strides(t, strides);
   for (int d = t->rank - 1; d >= 0; d--) {
      at += index % t->shape[d] * strides[d];
      index /= t->shape[d];
   }
   size_t size = sc_dtype_size(t->dtype);
   const char *from = (const char *)t->buffer->data + (size_t)at * size;
   return named(t->device->backend->download(t->device, element, from, size), "reading an element of", t);
}

// Doubles what is filled, up to what a cache holds.
static void repeat(char *to, const void *element, size_t size, size_t bytes) {
   if (bytes == 0) return;
   memcpy(to, element, size);
   for (size_t done = size, n; done < bytes; done += n) {
      n = done < 1 << 14 ? done : 1 << 14;
      if (n > bytes - done) n = bytes - done;
      memcpy(to + done, to, n);
   }
}

ScStatus sc_tensor_fill_element(ScTensor *t, const void *element) {
   const ScBackend *backend = t->device->backend;
   if (backend->shapes_only) return SC_OK;
   SC_TRY(sc_tensor_own(t, false));
   ScStatus status = SC_OK;
   size_t size = sc_dtype_size(t->dtype);
   if (backend->host_memory)
      repeat(t->buffer->data, element, size, sc_nbytes(t));
   else
      status = backend->fill(t->device, t->buffer->data, element, size, sc_numel(t));
   sc_tensor_touch(t);
   return named(status, "filling", t);
}

ScStatus sc_tensor_fill(ScTensor *t, double value) {
   _Alignas(int64_t) char element[sizeof(int64_t)]; // of any dtype
   sc_store(t->dtype, element, 0, value);
   return sc_tensor_fill_element(t, element);
}
