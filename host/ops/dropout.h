#ifndef SCUTE_OPS_DROPOUT_H
#define SCUTE_OPS_DROPOUT_H

// Attributes; the last two are drawn by forward and say which elements are dropped: the element at place i in
// memory is kept if sc_uniform(seed, stream, i) >= p.
enum { SC_DROPOUT_P, SC_DROPOUT_TRAINING, SC_DROPOUT_SEED, SC_DROPOUT_STREAM };

#endif
