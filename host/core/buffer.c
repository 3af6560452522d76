#include "host/core/buffer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "host/core/recording.h"

uint64_t sc_next_stamp(void) {
   static _Atomic uint64_t last;
   return atomic_fetch_add(&last, 1) + 1;
}

static ScStatus from_pool(ScBuffer **out, ScDevice *device, size_t bytes) {
   ScBuffer *buffer = calloc(1, sizeof *buffer);
   if (!buffer) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_pool_take(device->pool, &bytes, &buffer->data);
   if (status != SC_OK) {
      free(buffer);
      return status;
   }
   buffer->bytes = bytes;
   buffer->device = device;
   *out = buffer;
   return SC_OK;
}

ScStatus sc_buffer_new(ScBuffer **out, ScDevice *device, size_t bytes) {
   size_t wanted = device->backend->shapes_only ? 0 : sc_pool_size(device->pool, bytes);
   ScBuffer *buffer = sc_recording_take(device, wanted);
   if (!buffer) SC_TRY(from_pool(&buffer, device, wanted));
   buffer->refs = 1;
   buffer->packed = false;
   buffer->stamp = sc_next_stamp();
   buffer->era = sc_recording_era();
   *out = buffer;
   return SC_OK;
}

ScBuffer *sc_buffer_retain(ScBuffer *buffer) {
   __atomic_fetch_add(&buffer->refs, 1, __ATOMIC_RELAXED);
   return buffer;
}

void sc_buffer_release(ScBuffer *buffer) {
   if (!buffer || __atomic_fetch_sub(&buffer->refs, 1, __ATOMIC_ACQ_REL) > 1) return;
   ScDevice *device = buffer->device;
   if (buffer->packed && device->backend->forget) device->backend->forget(buffer->stamp);
   if (sc_recording_keep(buffer)) return;
   sc_pool_give(device->pool, buffer->data, buffer->bytes);
   free(buffer);
}
