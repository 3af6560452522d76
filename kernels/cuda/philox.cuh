// host/core/rng.h on the device, bit for bit.
#ifndef SCUTE_CUDA_PHILOX_CUH
#define SCUTE_CUDA_PHILOX_CUH

#include <stdint.h>

#include "host/core/recording.h"
#include "kernels/cuda/launch.cuh"

// Where numbers are drawn. In a graph, `stream` is counted from base[1], and the seed is base[0].
typedef struct {
   uint64_t seed, stream;
   const uint64_t *base; // NULL outside of one
} ScDraws;

static inline ScDraws sc_cuda_draws(const ScDevice *device, int64_t seed, int64_t stream) {
   const ScGraphDraws *draws = sc_recording_draws(device);
   if (!draws) return {(uint64_t)seed, (uint64_t)stream, nullptr};
   return {0, (uint64_t)stream - draws->stream, draws->base};
}

// sc_philox: four 32-bit numbers for block `index` of a stream.
__device__ inline void sc_cuda_philox(ScDraws d, uint64_t index, uint32_t (&c)[4]) {
   if (d.base) d.seed = d.base[0], d.stream += d.base[1];
   c[0] = (uint32_t)index, c[1] = (uint32_t)(index >> 32), c[2] = (uint32_t)d.stream,
   c[3] = (uint32_t)(d.stream >> 32);
   uint32_t k0 = (uint32_t)d.seed, k1 = (uint32_t)(d.seed >> 32);
#pragma unroll
   for (int round = 0; round < 10; round++) {
      uint64_t p0 = (uint64_t)0xD2511F53 * c[0], p1 = (uint64_t)0xCD9E8D57 * c[2];
      uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
      c[1] = (uint32_t)p1, c[3] = (uint32_t)p0, c[0] = n0, c[2] = n2;
      k0 += 0x9E3779B9, k1 += 0xBB67AE85;
   }
}

// As sc_row_stream has it.
__device__ inline uint64_t sc_cuda_mixed(uint64_t z) {
   z += 0x9E3779B97F4A7C15u;
   z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
   z = (z ^ z >> 27) * 0x94D049BB133111EBu;
   return z ^ z >> 31;
}

// Where a row that has a key draws.
__device__ inline ScDraws sc_cuda_row_draws(ScDraws d, int64_t key) {
   if (d.base) d.seed = d.base[0], d.stream += d.base[1];
   return {d.seed, sc_cuda_mixed(sc_cuda_mixed((uint64_t)key) + d.stream), nullptr};
}

// sc_uniform_double.
__device__ inline double sc_cuda_uniform_double(const ScDraws &d, uint64_t index) {
   uint32_t bits[4];
   sc_cuda_philox(d, index / 2, bits);
   uint64_t two = index % 2 ? (uint64_t)bits[2] << 32 | bits[3] : (uint64_t)bits[0] << 32 | bits[1];
   return (double)(two >> 11) * 0x1p-53;
}

// sc_uniform is bits / 2^24 for the upper 24 bits of its number; it is at least p where those are at least
// this.
static inline uint32_t sc_threshold(double p) {
   double scaled = p * 0x1p24;
   uint32_t below = (uint32_t)scaled;
   return (double)below < scaled ? below + 1 : below;
}

__device__ inline bool sc_is_kept(uint32_t bits, uint32_t threshold) {
   return bits >> 8 >= threshold;
}

#endif
