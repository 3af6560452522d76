// A model's state on its way between a file and tensors: names and tensors in file order, and text metadata.
#ifndef SCUTE_STATE_H
#define SCUTE_STATE_H

#include "host/core/tensor.h"

// What a weight file may hold: some ten times what a checkpoint of the largest network here does, and names far
// longer than any.
enum { SC_MAXENTRIES = 20000, SC_MAXNAME = 1000 };

typedef struct {
   char *name;
   ScTensor *tensor;
} ScEntry;

typedef struct {
   char *key, *value;
} ScMetadata;

// All zero is an empty state.
typedef struct {
   int n, capacity;
   ScEntry *entries;
   int nmetadata, metadata_capacity;
   ScMetadata *metadata;
   int nnotes, notes_capacity;
   char **notes; // lines about what of a file was taken; never written into one
} ScState;

// Takes over `tensor`, also when it fails (SC_EMEM).
ScStatus sc_state_add(ScState *, const char *name, ScTensor *tensor);
ScStatus sc_state_annotate(ScState *, const char *key, const char *value);
ScStatus sc_state_note(ScState *, const char *line);
// Releases what the state holds and leaves it empty.
void sc_state_free(ScState *);

#endif
