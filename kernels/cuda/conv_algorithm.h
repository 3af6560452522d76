// The algorithms that cuDNN has for a convolution: asked for, timed, run.
#ifndef SCUTE_CUDA_CONV_ALGORITHM_H
#define SCUTE_CUDA_CONV_ALGORITHM_H

#include "kernels/cuda/conv_describe.h"

// One algorithm with what belongs to it: its workspace is that of its math type.
typedef struct {
   int algorithm;
   cudnnMathType_t math;
   size_t workspace;      // bytes
   cudnnStatus_t refused; // why it is not run any more
} ScConvChoice;

enum { SC_CONV_MOST_CHOICES = 32 };

// No algorithm is timed with more than this: a little time is not worth all memory.
static const size_t SC_CONV_MOST_WORKSPACE = (size_t)1 << 30;

typedef struct {
   int n;
   ScConvChoice choice[SC_CONV_MOST_CHOICES];
} ScConvChoices;

// The three sides of a convolution, or the gradients that stand in their place, as they lie: x (N, H, W, C),
// w (O, KH, KW, C / groups), y (N, OH, OW, O); and what is added to y, shift (O) in its dtype, residual as y or
// NULL.
typedef struct {
   void *x, *w, *y;
   const void *shift, *residual;
} ScConvSides;

bool sc_conv_same_choice(const ScConvChoice *, const ScConvChoice *);

// Adds an algorithm that can do what the description says and is not in the list yet.
void sc_conv_add_choice(ScConvChoices *, ScPlanKind, ScConvChoice);

// All that the convolution by itself can have, as cuDNN's heuristics rank them; those first that repeat their
// results, the others only if the user does not insist on that. A query that is refused finds none; the status
// is the query's.
cudnnStatus_t sc_conv_rank(cudnnHandle_t, const ScConvDescription *, ScDtype, ScConvChoices *);

// The same from the fastest to the slowest, by running all that make do with a workspace; waits for the device.
// The result's side is overwritten. Finds none where that is refused.
void sc_conv_time(cudnnHandle_t, const ScConvDescription *, ScDtype, ScConvSides, void *workspace, size_t bytes,
                  ScConvChoices *);

// `add`: to what the result's side holds (of a gradient).
cudnnStatus_t sc_conv_execute(cudnnHandle_t, const ScConvDescription *, const ScConvChoice *, ScConvSides,
                              void *workspace, bool add);

#endif
