#ifndef SCUTE_OPS_DROPOUT_H
#define SCUTE_OPS_DROPOUT_H

#include "host/core/op.h"

enum { SC_DROPOUT_X, SC_DROPOUT_KEYS };
// Attributes; the last two are drawn by forward and say which elements are dropped: the element at place i in
// memory is kept if sc_uniform(seed, stream, i) >= p. With keys it is kept if sc_uniform(seed,
// sc_row_stream(keys[row], stream), j) >= p, where j is its place within its row.
enum { SC_DROPOUT_P, SC_DROPOUT_TRAINING, SC_DROPOUT_SEED, SC_DROPOUT_STREAM };

// NULL: there are none.
static inline const int64_t *sc_dropout_keys(const ScCall *c) {
   const ScTensor *keys = c->nin > SC_DROPOUT_KEYS ? c->in[SC_DROPOUT_KEYS] : NULL;
   return keys ? (const int64_t *)keys->buffer->data : NULL;
}

#endif
