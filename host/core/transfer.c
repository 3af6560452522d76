// Values in and out of tensors: logical order on the host's side, memory order on the device's.
#include "host/core/tensor.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/device.h"
#include "host/core/op.h"
#include "host/core/tape.h"

double sc_load(ScDtype dtype, const void *data, int64_t index) {
   switch (dtype) {
   case SC_F32: return ((const float *)data)[index];
   case SC_F64: return ((const double *)data)[index];
   case SC_F16: return sc_f16_to_f32(((const uint16_t *)data)[index]);
   case SC_BF16: return sc_bf16_to_f32(((const uint16_t *)data)[index]);
   case SC_I64: return (double)((const int64_t *)data)[index];
   default: return ((const uint8_t *)data)[index];
   }
}

static int64_t to_integer(double value, double low, double high) {
   if (value != value) return 0;
   if (value <= low) return (int64_t)low;
   return value >= high ? (int64_t)(high >= 0x1p63 ? INT64_MAX : (int64_t)high) : (int64_t)value;
}

void sc_store(ScDtype dtype, void *data, int64_t index, double value) {
   switch (dtype) {
   case SC_F32: ((float *)data)[index] = (float)value; break;
   case SC_F64: ((double *)data)[index] = value; break;
   case SC_F16: ((uint16_t *)data)[index] = sc_f32_to_f16((float)value); break;
   case SC_BF16: ((uint16_t *)data)[index] = sc_f32_to_bf16((float)value); break;
   case SC_I64: ((int64_t *)data)[index] = to_integer(value, -0x1p63, 0x1p63); break;
   default: ((uint8_t *)data)[index] = (uint8_t)to_integer(value, 0, 255);
   }
}

void sc_convert(ScDtype to_dtype, void *to, ScDtype from_dtype, const void *from, int64_t n) {
   if (to_dtype == from_dtype) {
      memcpy(to, from, (size_t)n * sc_dtype_size(to_dtype));
   } else if (to_dtype == SC_F32 && from_dtype == SC_BF16) {
      for (int64_t i = 0; i < n; i++) ((float *)to)[i] = sc_bf16_to_f32(((const uint16_t *)from)[i]);
   } else if (to_dtype == SC_BF16 && from_dtype == SC_F32) {
      for (int64_t i = 0; i < n; i++) ((uint16_t *)to)[i] = sc_f32_to_bf16(((const float *)from)[i]);
   } else if (to_dtype == SC_F32 && from_dtype == SC_U8) {
      for (int64_t i = 0; i < n; i++) ((float *)to)[i] = ((const uint8_t *)from)[i];
   } else {
      for (int64_t i = 0; i < n; i++) sc_store(to_dtype, to, i, sc_load(from_dtype, from, i));
   }
}

ScStatus sc_name_tensor(ScStatus status, const char *what, const ScTensor *t, const ScDevice *where) {
   if (status != SC_EDEVICE && status != SC_EMEM) return status;
   return sc_fail(status, "%s; in %s %s %s on %s", sc_error(), what, sc_dtype_name(t->dtype), sc_shape_text(t),
                  where->name);
}

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

// Host view of a tensor's content in memory order: the buffer itself or a downloaded copy in *staging.
static ScStatus host_content(const ScTensor *t, void **staging, const void **out) {
   *staging = NULL;
   if (t->device->backend->host_memory) {
      *out = t->buffer->data;
      return SC_OK;
   }
   *staging = malloc(sc_nbytes(t));
   if (!*staging) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = t->device->backend->download(t->device, *staging, t->buffer->data, sc_nbytes(t));
   if (status != SC_OK) free(*staging), *staging = NULL;
   *out = *staging;
   return status;
}

ScStatus sc_tensor_read(const ScTensor *t, void *logical) {
   void *staging;
   const void *content;
   SC_TRY(named(host_content(t, &staging, &content), "reading", t));
   reorder(t, logical, content, true);
   free(staging);
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

// Within a device whose memory the CPU cannot reach: its own conversion makes the new content.
static ScStatus copy_within(ScTensor *to, const ScTensor *from) {
   ScTensor *converted, *in = (ScTensor *)from;
   ScAttr dtype = {.i = to->dtype};
   bool recording = sc_set_recording(false);
   ScStatus status = sc_apply(&converted, "to", 1, &in, &dtype, 1);
   sc_set_recording(recording);
   if (status != SC_OK) return status;
   sc_buffer_release(to->buffer);
   to->buffer = sc_buffer_retain(converted->buffer);
   sc_tensor_release(converted);
   sc_tensor_touch(to);
   return SC_OK;
}

// *content, of `from`, in the dtype of `to`: as it is, or a copy in *converted.
static ScStatus convert_content(const ScTensor *to, const ScTensor *from, const void **content,
                                void **converted) {
   *converted = NULL;
   if (to->dtype == from->dtype) return SC_OK;
   *converted = malloc(sc_nbytes(to));
   if (!*converted) return sc_fail(SC_EMEM, "out of memory");
   sc_convert(to->dtype, *converted, from->dtype, *content, sc_numel(to));
   *content = *converted;
   return SC_OK;
}

// Same shape means same memory order, so elements correspond one to one.
ScStatus sc_tensor_copy(ScTensor *to, const ScTensor *from) {
   if (!sc_same_shape(to, from))
      return sc_fail(SC_EARG, "copy_: expected shape %s, found %s", sc_shape_text(to), sc_shape_text(from));
   if (to->device->backend->shapes_only) return SC_OK;
   if (to->device == from->device && !to->device->backend->host_memory) return copy_within(to, from);
   if (to->buffer == from->buffer && to->dtype == from->dtype) return SC_OK;
   void *staging, *converted;
   const void *content;
   SC_TRY(host_content(from, &staging, &content));
   ScStatus status = convert_content(to, from, &content, &converted);
   if (status == SC_OK) status = sc_tensor_own(to, false);
   if (status == SC_OK) {
      status = to->device->backend->upload(to->device, to->buffer->data, content, sc_nbytes(to));
      sc_tensor_touch(to);
   }
   free(staging);
   free(converted);
   return named(status, "copying", to->device->backend->host_memory ? from : to);
}
