// The state of the unpickler and what its instructions share: values, and the stack.
#ifndef SCUTE_UNPICKLER_H
#define SCUTE_UNPICKLER_H

#include "host/core/status.h"
#include "host/files/pickled.h"

typedef struct {
   ScPickle *pickle;
   const char *file;
   const uint8_t *bytes;
   size_t size, at;
   uint64_t operand; // of the current instruction
   ScPickled **stack;
   size_t depth, capacity;
   ScPickled **memo;
   size_t nmemo, remembered; // slots, slots in use
   ScPickled *result;
} ScUnpickler;

// Failures, which name the file and where in the pickle it was.
ScStatus sc_pickle_damaged(const ScUnpickler *, const char *problem);
ScStatus sc_pickle_no_memory(const ScUnpickler *);

// A value of the arena; push puts one on the stack.
ScStatus sc_pickle_new(ScUnpickler *, ScPickledKind, ScPickled **out);
ScStatus sc_pickle_push(ScUnpickler *, ScPickled *);
ScStatus sc_pickle_push_new(ScUnpickler *, ScPickledKind, ScPickled **out);
ScStatus sc_pickle_push_text(ScUnpickler *, ScPickledKind, const char *text, size_t length);
ScStatus sc_pickle_pop(ScUnpickler *, ScPickled **out);
// The last `n` values, in order, stay in the stack's memory above its new top.
ScStatus sc_pickle_pop_many(ScUnpickler *, size_t n, ScPickled ***out);
// Adds items to a container.
ScStatus sc_pickle_append(ScUnpickler *, ScPickled *to, ScPickled *const *items, size_t n);

#endif
