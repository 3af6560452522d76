#include "host/core/buffer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/recording.h"
#include "host/core/reserve.h"

uint64_t sc_next_stamp(void) {
   static _Atomic uint64_t last;
   return atomic_fetch_add(&last, 1) + 1;
}

// A buffer that nobody holds and a block of memory have the same place: going from one to the other takes no
// memory, which the host may not have.
_Static_assert(sizeof(ScBlock) <= sizeof(ScBuffer), "a block has the place of a buffer");

static ScBlock *as_block(ScBuffer *buffer) {
   ScBlock block = {NULL, buffer->data, buffer->bytes};
   return memcpy(buffer, &block, sizeof block);
}

static ScBuffer *as_buffer(ScBlock *block) {
   ScBuffer buffer = {.data = block->data, .bytes = block->bytes};
   return memcpy(block, &buffer, sizeof buffer);
}

static ScStatus from_pool(ScBuffer **out, ScDevice *device, size_t bytes) {
   ScBuffer *buffer = calloc(1, sizeof *buffer);
   if (!buffer) return sc_fail(SC_EMEM, "out of memory");
   buffer->bytes = bytes;
   ScStatus status = sc_pool_take(device->pool, &buffer->bytes, &buffer->data);
   if (status != SC_OK) {
      free(buffer);
      return status;
   }
   *out = buffer;
   return SC_OK;
}

ScStatus sc_buffer_new(ScBuffer **out, ScDevice *device, size_t bytes) {
   size_t wanted = device->backend->shapes_only ? 0 : sc_pool_size(device->pool, bytes);
   ScBlock *block = sc_recording_take(device, wanted);
   if (block)
      *out = as_buffer(block);
   else
      SC_TRY(from_pool(out, device, wanted));
   (*out)->refs = 1;
   (*out)->stamp = sc_next_stamp();
   (*out)->era = sc_recording_era();
   (*out)->device = device;
   return SC_OK;
}

ScStatus sc_buffer_lend(ScBuffer **out, ScDevice *device, const void *data, size_t bytes, ScLender *lender) {
   ScBuffer *buffer = calloc(1, sizeof *buffer);
   if (!buffer) return sc_fail(SC_EMEM, "out of memory");
   *buffer = (ScBuffer){.refs = 2,
                        .stamp = sc_next_stamp(),
                        .bytes = bytes,
                        .era = sc_recording_era(),
                        .device = device,
                        .data = (void *)data,
                        .lender = lender};
   *out = buffer;
   return SC_OK;
}

ScBuffer *sc_buffer_retain(ScBuffer *buffer) {
   __atomic_fetch_add(&buffer->refs, 1, __ATOMIC_RELAXED);
   return buffer;
}

void sc_buffer_release(ScBuffer *buffer) {
   if (!buffer) return;
   ScLender *lender = buffer->lender;
   if (__atomic_fetch_sub(&buffer->refs, 1, __ATOMIC_ACQ_REL) > (lender ? 2 : 1)) return;
   ScDevice *device = buffer->device;
   if (buffer->packed && device->backend->forget) device->backend->forget(buffer->stamp);
   if (lender) {
      free(buffer);
      lender->take_back(lender);
      return;
   }
   uint64_t era = buffer->era;
   ScBlock *block = as_block(buffer);
   if (sc_recording_keep(device, era, block)) return;
   sc_pool_give(device->pool, block->data, block->bytes);
   free(block);
}
