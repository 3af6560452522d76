// Copies of memory between fences, on which a function is tried that may use its pointers wrongly.
#ifndef SCUTE_CPU_OWN_FENCE_H
#define SCUTE_CPU_OWN_FENCE_H

#include "host/core/op.h"

enum { SC_FENCES = 2 * SC_MAXPARAM + 2 * SC_MAXOUT };

typedef struct {
   char name[72]; // for messages
   float *block, *original;
   int64_t n, width; // floats between the fences, and in each of them
   bool written;     // whether the function may write there
} ScFence;

typedef struct {
   int n;
   ScFence fences[SC_FENCES];
} ScFences;

// The n floats at *at (none where it is NULL), copied between fences of NaN; *at leads to the copy.
ScStatus sc_fence(ScFences *, const char *name, float **at, int64_t n, bool written);
// Copies back what was written. SC_EARG where something was written outside, or into what is only read; frees
// all.
ScStatus sc_fences_end(ScFences *, const char *function);
void sc_fences_free(ScFences *);

#endif
