#ifndef SCUTE_OPS_MULTINOMIAL_H
#define SCUTE_OPS_MULTINOMIAL_H

#include "host/core/op.h"

// Attributes; the last two are drawn by forward. Weights have been checked: rows of numbers from 0 on with a
// finite sum above it, each of which has enough of them that are above 0.
//
// With replacement, sample s of row r is the first number up to which the weights sum to more than
// sc_uniform_double(seed, stream, r * samples + s) of all. Without, every number of a row gets the time after
// which it would come if it came at the rate of its weight, of sc_uniform_double(seed, stream, r * numbers +
// k), and the first ones are taken (Efraimidis and Spirakis 2006).
enum { SC_MULTINOMIAL_SAMPLES, SC_MULTINOMIAL_REPLACEMENT, SC_MULTINOMIAL_SEED, SC_MULTINOMIAL_STREAM };

typedef struct {
   int64_t rows, numbers, samples;
} ScMultinomial;

static inline ScMultinomial sc_multinomial_of(const ScCall *c) {
   const ScTensor *x = c->in[0];
   int64_t numbers = x->shape[x->rank - 1];
   return (ScMultinomial){sc_numel(x) / numbers, numbers, c->attr[SC_MULTINOMIAL_SAMPLES].i};
}

#endif
