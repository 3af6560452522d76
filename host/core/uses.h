// How often the leaves of a graph are used in it, so that somebody can be told when backward is behind the last
// use of one: then nothing more is added to its gradient.
#ifndef SCUTE_USES_H
#define SCUTE_USES_H

#include <stdbool.h>
#include <stddef.h>

#include "host/core/node.h"
#include "host/core/status.h"

typedef struct {
   struct ScTensor *leaf;
   int left; // uses that are still ahead
} ScUse;

typedef struct {
   size_t n;
   ScUse *uses; // one for each leaf, in the order of their addresses
} ScUses;

// Of all edges of these nodes, which go on holding the leaves.
ScStatus sc_uses_count(ScUses *out, size_t n, ScNode *const *nodes);
// One use is behind; true: it was the last one.
bool sc_uses_pass(ScUses *, const struct ScTensor *leaf);
void sc_uses_free(ScUses *);

#endif
