// Work of a device that is recorded once and then done again and again by one call: forward and backward of a
// training step, of which each costs the host more than a small network costs the device.
//
// While a graph is recorded nothing is computed; ops run as ever otherwise. It knows addresses, not tensors, so
//   * what it reads and writes beyond what it makes must be `watched`; it fits as long as that lies where it
//   did;
//   * memory that was taken while it was recorded, or before, is not given to others while it lives;
//   * random numbers are drawn from streams that are counted from one in the device's memory.
// There is one graph at a time. What is recorded uploads and reads nothing.
#ifndef SCUTE_GRAPH_H
#define SCUTE_GRAPH_H

#include "host/core/api.h"
#include "host/core/tensor.h"

SC_API_BEGIN

typedef struct ScGraph ScGraph;

// Whether there are to be any (at the start: yes).
bool *sc_graphs(void);
// Begins to record what comes. `watched` (n, retained) are tensors of the device that live on; the gradients
// that those have at the end are the graph's results, too. SC_EUNSUPPORTED where the device has no graphs.
ScStatus sc_graph_begin(ScGraph **out, ScDevice *, int n, ScTensor *const *watched);
// Ends that. On failure, which leaves nothing of what was recorded, the graph is still to be freed.
ScStatus sc_graph_end(ScGraph *);
// Does what was recorded, if it fits, with the content of `inputs` in the first n watched tensors: then those
// have their new content and gradients, and as many random streams have been used up. `fits` false: nothing has
// happened.
ScStatus sc_graph_launch(ScGraph *, int n, ScTensor *const *inputs, bool *fits);
void sc_graph_free(ScGraph *); // NULL is fine; one that is being recorded is given up

// ---- for ops and backends ----

bool sc_graph_records(const ScDevice *);
bool sc_graph_watches(const ScTensor *); // of the graph that is recorded
void sc_graph_reads(const ScTensor *);   // by an op that is called
void sc_graph_writes(const ScTensor *);  // in place

// Where random streams are counted from; NULL outside of a graph. In the device's memory: {seed, stream}.
typedef struct {
   const uint64_t *base;
   uint64_t stream; // what the second is while it is recorded
} ScGraphDraws;
const ScGraphDraws *sc_graph_draws(const ScDevice *);

// Memory that a graph has: for host/core/buffer.c.
bool sc_graph_take(const ScDevice *, size_t *bytes, void **out); // false: the pool has to give it
bool sc_graph_keep(const ScBuffer *);                            // true: it is kept, not given back
uint64_t sc_graph_era(void);                                     // of a buffer that is made now

SC_API_END

#endif
