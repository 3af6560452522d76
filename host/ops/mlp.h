// What the kernels of mlp share. A row is what lies side by side in memory: x (N, C), or a pixel of (N, C, H,
// W).
#ifndef SCUTE_OPS_MLP_H
#define SCUTE_OPS_MLP_H

#include "host/core/op.h"

enum { SC_MLP_X, SC_MLP_WEIGHT1, SC_MLP_BIAS1, SC_MLP_WEIGHT2, SC_MLP_BIAS2, SC_MLP_INPUTS };
enum { SC_MLP_HIDDEN }; // saved: what the activation is given (rows, M)

typedef struct {
   int64_t rows, inputs, hidden, outputs;
} ScMlp;

static inline ScMlp sc_mlp_sizes(const ScCall *c) {
   const int64_t *first = c->in[SC_MLP_WEIGHT1]->shape;
   return (ScMlp){sc_numel(c->in[SC_MLP_X]) / first[1], first[1], first[0], c->in[SC_MLP_WEIGHT2]->shape[0]};
}

#endif
