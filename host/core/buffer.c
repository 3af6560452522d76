#include "host/core/buffer.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "host/core/recording.h"

uint64_t sc_next_stamp(void) {
   static _Atomic uint64_t last;
   return atomic_fetch_add(&last, 1) + 1;
}

ScStatus sc_buffer_new(ScBuffer **out, ScDevice *device, size_t bytes) {
   ScBuffer *buffer = calloc(1, sizeof *buffer);
   if (!buffer) return sc_fail(SC_EMEM, "out of memory");
   size_t taken = device->backend->shapes_only ? 0 : sc_pool_size(device->pool, bytes);
   ScStatus status = SC_OK;
   if (!sc_recording_take(device, &taken, &buffer->data))
      status = sc_pool_take(device->pool, &taken, &buffer->data);
   if (status != SC_OK) {
      free(buffer);
      return status;
   }
   buffer->refs = 1;
   buffer->bytes = taken;
   buffer->stamp = sc_next_stamp();
   buffer->era = sc_recording_era();
   buffer->device = device;
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
   if (!sc_recording_keep(device, buffer->era, buffer->data, buffer->bytes))
      sc_pool_give(device->pool, buffer->data, buffer->bytes);
   free(buffer);
}
