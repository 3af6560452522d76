// A node of the tape: a recorded call, as those see it who hold it (tensors), make it (host/core/tape.c) and
// walk through it (host/core/backward.c).
#ifndef SCUTE_NODE_H
#define SCUTE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ScNode ScNode;

// Where the gradient of an input goes; empty where none is needed.
typedef struct {
   ScNode *node;          // to the call that made the input, or
   int output;            // ... which of its outputs
   struct ScTensor *leaf; // to the leaf itself
   bool redone;           // the input's values are not kept: `node` computes them again (host/core/redo.h)
} ScEdge;

struct ScNode {
   int refs;
   void (*release)(ScNode *); // one reference; the last one frees the node
   uint64_t order;            // later calls have higher numbers
   struct ScCall *call;       // NULL once backward has consumed it
   int nedges;
   ScEdge *edges;    // one per input of the call
   const void *walk; // the backward that goes through it now
   int redo;         // 0: its output cannot be computed again; else how many calls in a row that takes
   uint64_t stamp;   // of its first output when it was computed
   size_t spared;    // bytes of its output that are kept though they could be computed again
   ScNode *next_dead;
};

#endif
