// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011). What is drawn depends only on (seed,
// stream, index), never on threads or on what was drawn before.
#ifndef SCUTE_RNG_H
#define SCUTE_RNG_H

#include <stdint.h>

#include "host/core/api.h"

SC_API_BEGIN

// Four 32-bit numbers for block `index` of a stream.
void sc_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]);
// Uniform in [0, 1) with 24 bits, and standard normal (Box-Muller), for element `index` of a stream.
float sc_uniform(uint64_t seed, uint64_t stream, uint64_t index);
double sc_normal(uint64_t seed, uint64_t stream, uint64_t index);
// Uniform in [0, 1) with 53 bits; n of them from element `first` on.
double sc_uniform_double(uint64_t seed, uint64_t stream, uint64_t index);
void sc_uniform_doubles(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, double *out);
// A stream of its own for each draw of a row that has a key (host/core/row_keys.h).
uint64_t sc_row_stream(int64_t key, uint64_t draw);
// The first n elements of a stream, the same as one by one: a block serves several of them.
void sc_uniforms(uint64_t seed, uint64_t stream, int64_t n, double *out);
void sc_normals(uint64_t seed, uint64_t stream, int64_t n, double *out);
// The first n elements of a stream of whole numbers from `low` to `high`, both included.
void sc_integers(uint64_t seed, uint64_t stream, int64_t low, int64_t high, int64_t n, int64_t *out);
// A permutation of 0..n-1 (Fisher-Yates).
void sc_permutation(uint64_t seed, uint64_t stream, int64_t n, int64_t *out);

// The session's generator: a seed (scute.manual_seed) and a count of streams handed out. Saved with
// checkpoints.
typedef struct {
   uint64_t seed, next_stream;
} ScRng;
ScRng *sc_rng(void);
uint64_t sc_rng_stream(void); // a fresh stream

SC_API_END

#endif
