// What the squeeze-excitation kernels need to know of the declaration.
#ifndef SCUTE_OPS_SQUEEZE_EXCITATION_H
#define SCUTE_OPS_SQUEEZE_EXCITATION_H

#include "host/core/op.h"
#include "host/ops/activation.h"

enum { SC_SE_X, SC_SE_WEIGHT1, SC_SE_BIAS1, SC_SE_WEIGHT2, SC_SE_BIAS2, SC_SE_INPUTS };
enum { SC_SE_ACT, SC_SE_SCALE_ACT };
// Kept for backward, all (N, ...): channel means (C), the squeezed ones before the activation (S), the scales
// before theirs (C) and after it (C).
enum { SC_SE_MEANS, SC_SE_SQUEEZED, SC_SE_EXCITED, SC_SE_SCALES, SC_SE_SAVED };

typedef struct {
   int64_t n, channels, pixels, squeezed;
   ScAct act, scale_act; // between the layers, and after them
} ScSqueeze;

static inline ScSqueeze sc_squeeze_sizes(const ScCall *c) {
   const int64_t *shape = c->in[SC_SE_X]->shape;
   return (ScSqueeze){shape[0],
                      shape[1],
                      shape[2] * shape[3],
                      c->in[SC_SE_WEIGHT1]->shape[0],
                      (ScAct)c->attr[SC_SE_ACT].i,
                      (ScAct)c->attr[SC_SE_SCALE_ACT].i};
}

#endif
