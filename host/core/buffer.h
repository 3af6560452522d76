// Buffers: memory of a device that tensors share, counted, each content of which has a stamp. Some memory is
// lent: it is to be read alone, and whoever writes into such a tensor gets a copy first.
#ifndef SCUTE_BUFFER_H
#define SCUTE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/core/api.h"
#include "host/core/device.h"

SC_API_BEGIN

// Whose memory a lent buffer has: a mapped file, say.
typedef struct ScLender {
   void (*take_back)(struct ScLender *); // once for each buffer, from any thread, when nobody holds it any more
} ScLender;

typedef struct {
   int refs;    // counted with atomic operations; a lender counts as one more holder, so that nobody is alone
   bool packed; // some backend cache holds something derived from this content
   uint64_t stamp; // unique to this content: new at creation and after every write in place
   size_t bytes;
   uint64_t era; // see host/core/recording.h
   ScDevice *device;
   void *data;       // 64-byte aligned; host memory only if the device says so
   ScLender *lender; // NULL: it is the pool's
} ScBuffer;

// From the device's pool, with one reference and a fresh stamp. Thread-safe.
ScStatus sc_buffer_new(ScBuffer **out, ScDevice *, size_t bytes);
// Over memory that stays the lender's, on a device with host memory. On failure the lender gets nothing back.
ScStatus sc_buffer_lend(ScBuffer **out, ScDevice *, const void *data, size_t bytes, ScLender *);
ScBuffer *sc_buffer_retain(ScBuffer *);
void sc_buffer_release(ScBuffer *);
uint64_t sc_next_stamp(void);

SC_API_END

#endif
