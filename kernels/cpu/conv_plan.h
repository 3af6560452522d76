// Convolutions as oneDNN primitives over channels-last activations, shared by conv2d and conv2d_folded.
#ifndef SCUTE_CPU_CONV_PLAN_H
#define SCUTE_CPU_CONV_PLAN_H

#include "host/ops/batch_norm.h"
#include "host/ops/conv2d.h"
#include "kernels/cpu/packed.h"

// With the order of their arguments; filters are always at SC_PLAN_WEIGHTS.
typedef enum {
   SC_PLAN_FORWARD,     // x, weights, y, [bias,] [residual]
   SC_PLAN_INPUT_GRAD,  // gradient of y, weights, gradient of x
   SC_PLAN_WEIGHT_GRAD, // x, gradient of weights, gradient of y, [gradient of bias]
} ScPlanKind;

enum { SC_PLAN_WEIGHTS = 1 };

typedef struct {
   ScPlanKind kind;
   ScConv g;
   bool bias, residual;
   ScAct act;
   ScDtype dtype; // of activations and filters, f32 or bf16; biases are f32
} ScPlan;

ScStatus sc_plan_primitive(ScPrimitive **out, const ScPlan *);
// Copies filters (O, KH, KW, C / groups) in `dtype` into the layout that the primitive wants, in a new buffer.
ScStatus sc_plan_pack(ScBuffer **out, ScDevice *, const ScPlan *, const ScPrimitive *, ScDtype dtype,
                      void *plain);
// The other way, for the gradient of the filters.
ScStatus sc_plan_unpack(ScDevice *, const ScPlan *, const ScPrimitive *, void *packed, void *plain);
size_t sc_plan_packed_bytes(const ScPrimitive *);

#endif
