#include "host/core/rng.h"

#include <math.h>

static ScRng session = {.seed = 0};

ScRng *sc_rng(void) {
   return &session;
}

uint64_t sc_rng_stream(void) {
   return session.next_stream++;
}

void sc_philox(uint64_t seed, uint64_t stream, uint64_t index, uint32_t out[4]) {
   uint32_t c[4] = {(uint32_t)index, (uint32_t)(index >> 32), (uint32_t)stream, (uint32_t)(stream >> 32)};
   uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
   for (int round = 0; round < 10; round++) {
      uint64_t p0 = (uint64_t)0xD2511F53 * c[0], p1 = (uint64_t)0xCD9E8D57 * c[2];
      uint32_t n0 = (uint32_t)(p1 >> 32) ^ c[1] ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c[3] ^ k1;
      c[1] = (uint32_t)p1, c[3] = (uint32_t)p0, c[0] = n0, c[2] = n2;
      k0 += 0x9E3779B9, k1 += 0xBB67AE85;
   }
   for (int i = 0; i < 4; i++) out[i] = c[i];
}

static float uniform_of(uint32_t bits) {
   return (float)(bits >> 8) * 0x1p-24f;
}

float sc_uniform(uint64_t seed, uint64_t stream, uint64_t index) {
   uint32_t bits[4];
   sc_philox(seed, stream, index / 4, bits);
   return uniform_of(bits[index % 4]);
}

static double double_of(const uint32_t bits[2]) {
   return (double)(((uint64_t)bits[0] << 32 | bits[1]) >> 11) * 0x1p-53;
}

double sc_uniform_double(uint64_t seed, uint64_t stream, uint64_t index) {
   uint32_t bits[4];
   sc_philox(seed, stream, index / 2, bits);
   return double_of(&bits[index % 2 * 2]);
}

void sc_uniform_doubles(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, double *out) {
   for (int64_t i = 0; i < n;) {
      uint32_t bits[4];
      uint64_t index = first + (uint64_t)i;
      sc_philox(seed, stream, index / 2, bits);
      for (uint64_t half = index % 2; half < 2 && i < n; half++) out[i++] = double_of(&bits[half * 2]);
   }
}

// splitmix64 (Steele, Lea and Flood 2014), of both numbers one after the other.
static uint64_t mixed(uint64_t z) {
   z += 0x9E3779B97F4A7C15u;
   z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
   z = (z ^ z >> 27) * 0x94D049BB133111EBu;
   return z ^ z >> 31;
}

uint64_t sc_row_stream(int64_t key, uint64_t draw) {
   return mixed(mixed((uint64_t)key) + draw);
}

void sc_uniforms(uint64_t seed, uint64_t stream, int64_t n, double *out) {
#pragma omp parallel for if (n > 4096)
   for (int64_t block = 0; block < (n + 3) / 4; block++) {
      uint32_t bits[4];
      sc_philox(seed, stream, (uint64_t)block, bits);
      for (int64_t i = 0; i < 4 && 4 * block + i < n; i++) out[4 * block + i] = uniform_of(bits[i]);
   }
}

// Two normal numbers are a point in the plane: its radius and its angle.
static double radius_of(const uint32_t bits[4]) {
   return sqrt(-2.0 * log(((double)bits[0] + 1.0) * 0x1p-32));
}

static double angle_of(const uint32_t bits[4]) {
   return 6.283185307179586 * (double)bits[1] * 0x1p-32;
}

double sc_normal(uint64_t seed, uint64_t stream, uint64_t index) {
   uint32_t bits[4];
   sc_philox(seed, stream, index / 2, bits);
   return radius_of(bits) * (index % 2 ? sin(angle_of(bits)) : cos(angle_of(bits)));
}

void sc_normals(uint64_t seed, uint64_t stream, int64_t n, double *out) {
#pragma omp parallel for if (n > 4096)
   for (int64_t pair = 0; pair < (n + 1) / 2; pair++) {
      uint32_t bits[4];
      sc_philox(seed, stream, (uint64_t)pair, bits);
      double radius = radius_of(bits), angle = angle_of(bits);
      out[2 * pair] = radius * cos(angle);
      if (2 * pair + 1 < n) out[2 * pair + 1] = radius * sin(angle);
   }
}

// 0 to span - 1 out of 64 bits; a span of 0 is one of 2^64.
static uint64_t within(uint64_t span, uint32_t high, uint32_t low) {
   uint64_t wide = (uint64_t)high << 32 | low;
   return span ? (uint64_t)(((unsigned __int128)wide * span) >> 64) : wide;
}

void sc_integers(uint64_t seed, uint64_t stream, int64_t low, int64_t high, int64_t n, int64_t *out) {
   uint64_t span = (uint64_t)high - (uint64_t)low + 1;
#pragma omp parallel for if (n > 4096)
   for (int64_t pair = 0; pair < (n + 1) / 2; pair++) {
      uint32_t bits[4];
      sc_philox(seed, stream, (uint64_t)pair, bits);
      for (int64_t i = 0; i < 2 && 2 * pair + i < n; i++)
         out[2 * pair + i] = (int64_t)((uint64_t)low + within(span, bits[2 * i], bits[2 * i + 1]));
   }
}

void sc_permutation(uint64_t seed, uint64_t stream, int64_t n, int64_t *out) {
   for (int64_t i = 0; i < n; i++) out[i] = i;
   for (int64_t i = n - 1; i > 0; i--) {
      uint32_t bits[4];
      sc_philox(seed, stream, (uint64_t)i, bits);
      int64_t j = (int64_t)within((uint64_t)i + 1, bits[0], bits[1]);
      int64_t kept = out[i];
      out[i] = out[j], out[j] = kept;
   }
}
