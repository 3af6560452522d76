// Work of a device that is recorded once and then done again and again by one call: forward and backward of a
// training step, of which each costs the host more than a small network costs the device.
//
// While a graph is recorded nothing is computed; ops run as ever otherwise. It knows addresses, not tensors, so
//   * what it reads and writes beyond what it makes must be `watched`; it fits as long as that lies where it
//   did;
//   * memory that was taken while it was recorded, or before, is not given to others while it lives;
//   * random numbers are drawn from streams that are counted from one in the device's memory.
// There is one graph at a time. What is recorded uploads and reads nothing. See host/core/recording.h.
#ifndef SCUTE_GRAPH_H
#define SCUTE_GRAPH_H

#include "host/core/tensor.h"

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

#endif
