#ifndef SCUTE_OPS_STOCHASTIC_DEPTH_H
#define SCUTE_OPS_STOCHASTIC_DEPTH_H

#include "host/core/op.h"
#include "host/core/rng.h"

enum { SC_DEPTH_X, SC_DEPTH_RESIDUAL, SC_DEPTH_KEYS, SC_DEPTH_INPUTS };
// Attributes; the last two are drawn by forward.
enum { SC_DEPTH_P, SC_DEPTH_TRAINING, SC_DEPTH_SEED, SC_DEPTH_STREAM };

// NULL: there are none.
static inline const int64_t *sc_depth_keys(const ScCall *c) {
   const ScTensor *keys = c->nin > SC_DEPTH_KEYS ? c->in[SC_DEPTH_KEYS] : NULL;
   return keys ? (const int64_t *)keys->buffer->data : NULL;
}

// What sample `row` is multiplied by: 0, or 1 / (1 - p).
static inline double sc_depth_scale(const ScCall *c, int64_t row) {
   double p = c->attr[SC_DEPTH_P].f;
   if (!c->attr[SC_DEPTH_TRAINING].i || p <= 0) return 1;
   uint64_t seed = (uint64_t)c->attr[SC_DEPTH_SEED].i, stream = (uint64_t)c->attr[SC_DEPTH_STREAM].i;
   const int64_t *keys = sc_depth_keys(c);
   float drawn =
       keys ? sc_uniform(seed, sc_row_stream(keys[row], stream), 0) : sc_uniform(seed, stream, (uint64_t)row);
   return drawn >= p ? 1 / (1 - p) : 0;
}

#endif
