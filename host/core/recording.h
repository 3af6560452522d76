// What everything below a graph (host/core/graph.h) has to know while one is recorded, and of the memory that
// it has: a recording knows addresses alone.
#ifndef SCUTE_RECORDING_H
#define SCUTE_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/core/api.h"

SC_API_BEGIN

struct ScBlock;
struct ScDevice;
struct ScPool;

// Memory of the device that a recording may read and write, though it did not take it itself.
typedef struct {
   const void *data;
   bool written;
} ScWatched;

// Where random streams are counted from; in the device's memory: {seed, stream}.
typedef struct {
   const uint64_t *base;
   uint64_t stream; // what the second is while it is recorded
} ScGraphDraws;

// There is one at a time: false where there is. `watched` (n) stays the caller's.
bool sc_recording_begin(const struct ScDevice *, int n, ScWatched *watched, ScGraphDraws draws);
// What comes is not recorded any more; the memory stays. Returns what makes it useless, or NULL.
const char *sc_recording_stop(void);
void sc_recording_end(struct ScPool *); // gives its memory back

bool sc_records(const struct ScDevice *);
bool sc_has_recording(const struct ScDevice *);                  // also one that is recorded
const ScGraphDraws *sc_recording_draws(const struct ScDevice *); // NULL: none is being recorded

// Every buffer is of the era in which it was made.
uint64_t sc_recording_era(void);
bool sc_recording_watches(const struct ScDevice *, const void *data);
void sc_recording_reads(const struct ScDevice *, uint64_t era, const void *data);
void sc_recording_writes(const struct ScDevice *, uint64_t era, const void *data); // in place
// Memory of a buffer that was let go of, of at least so many bytes; NULL: the pool has to give it.
struct ScBlock *sc_recording_take(const struct ScDevice *, size_t bytes);
// Memory of a buffer that is let go of; true: the block is the recording's now, nothing is to be given back.
bool sc_recording_keep(const struct ScDevice *, uint64_t era, struct ScBlock *);

SC_API_END

#endif
