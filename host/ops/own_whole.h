// Whole functions in C that a script declares (lua/scute/kernel/whole.lua): the code of "own_whole" on the CPU.
#ifndef SCUTE_OWN_WHOLE_H
#define SCUTE_OWN_WHOLE_H

#include "host/ops/own_op.h"

SC_API_BEGIN

enum { SC_OWN_STRIDES = SC_MAXRANK }; // where they begin in what a function gets of a tensor's shape

// in: the inputs, then (backward) the outputs and their gradients; those that `keep_in` and `keep_out` leave
// out are NULL. out: the outputs; backward: the gradient of each input that has one, zeros. shapes: of each
// input and each output, its shape (SC_MAXRANK numbers), and from SC_OWN_STRIDES on how far apart neighbours
// lie in memory; ranks: likewise. wanted: whether anybody reads out[i].
typedef void (*ScOwnFunction)(float *const *out, const float *const *in, const int64_t *const *shapes,
                              const int *ranks, const double *numbers, const int *wanted);

typedef struct {
   ScOwnFunction forward, backward; // backward: NULL where there is none
   bool check;                      // each call runs on copies between fences (kernels/cpu/own_fence.h)
} ScOwnFunctions;

// Opens a library that was compiled for "own_whole"; it lives as long as the program.
ScStatus sc_own_functions_open(const char *path, bool backward, bool check, const ScOwnFunctions **out);

SC_API_END

#endif
