#ifndef SCUTE_OPS_STOCHASTIC_DEPTH_H
#define SCUTE_OPS_STOCHASTIC_DEPTH_H

#include "host/core/op.h"
#include "host/core/rng.h"

enum { SC_DEPTH_X, SC_DEPTH_RESIDUAL, SC_DEPTH_INPUTS };
// Attributes; the last two are drawn by forward.
enum { SC_DEPTH_P, SC_DEPTH_TRAINING, SC_DEPTH_SEED, SC_DEPTH_STREAM };

// What sample `row` is multiplied by: 0, or 1 / (1 - p).
static inline double sc_depth_scale(const ScCall *c, int64_t row) {
   double p = c->attr[SC_DEPTH_P].f;
   if (!c->attr[SC_DEPTH_TRAINING].i || p <= 0) return 1;
   uint64_t seed = (uint64_t)c->attr[SC_DEPTH_SEED].i, stream = (uint64_t)c->attr[SC_DEPTH_STREAM].i;
   return sc_uniform(seed, stream, (uint64_t)row) >= p ? 1 / (1 - p) : 0;
}

#endif
