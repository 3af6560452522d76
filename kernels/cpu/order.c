#include "kernels/cpu/order.h"

#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

enum { BINS = 256, FEW = 48 };

// ---- keys ----

// The bits of a float of 32 or 64 bits in its order. `nan`: its key.
SC_INLINE uint32_t key_of_float(float x, uint32_t nan) {
   uint32_t bits;
   float value = x + 0.0f; // -0 becomes 0
   memcpy(&bits, &value, sizeof bits);
   bits ^= (uint32_t)((int32_t)bits >> 31) | (uint32_t)1 << 31;
   return x != x ? nan : bits;
}

SC_INLINE uint64_t key_of_double(double x, uint64_t nan) {
   uint64_t bits;
   double value = x + 0.0;
   memcpy(&bits, &value, sizeof bits);
   bits ^= (uint64_t)((int64_t)bits >> 63) | (uint64_t)1 << 63;
   return x != x ? nan : bits;
}

SC_CLONES static void keys_of_floats(ScKeyed *keys, const float *x, int64_t n, int64_t step, uint32_t nan) {
   for (int64_t k = 0; k < n; k++) keys[k] = (ScKeyed){key_of_float(x[k * step], nan), k};
}

static void keys_of_halves(ScKeyed *keys, const uint16_t *x, int64_t n, int64_t step, uint32_t nan) {
   for (int64_t k = 0; k < n; k++) keys[k] = (ScKeyed){key_of_float(sc_widen(x[k * step]), nan), k};
}

static void keys_of_doubles(ScKeyed *keys, const double *x, int64_t n, int64_t step, uint64_t nan) {
   for (int64_t k = 0; k < n; k++) keys[k] = (ScKeyed){key_of_double(x[k * step], nan), k};
}

static void keys_of_wholes(ScKeyed *keys, const int64_t *x, int64_t n, int64_t step) {
   for (int64_t k = 0; k < n; k++) keys[k] = (ScKeyed){(uint64_t)x[k * step] ^ (uint64_t)1 << 63, k};
}

static void keys_of_bytes(ScKeyed *keys, const uint8_t *x, int64_t n, int64_t step) {
   for (int64_t k = 0; k < n; k++) keys[k] = (ScKeyed){x[k * step], k};
}

void sc_keys_of_doubles(ScKeyed *keys, const double *x, int64_t n) {
   keys_of_doubles(keys, x, n, 1, UINT64_MAX);
}

static int bytes_of(ScDtype dtype) {
   return dtype == SC_U8 ? 1 : dtype == SC_I64 || dtype == SC_F64 ? 8 : 4;
}

static uint64_t all_ones(ScDtype dtype) {
   return UINT64_MAX >> (64 - 8 * bytes_of(dtype));
}

void sc_keys_of(ScKeyed *keys, const ScTensor *x, int64_t start, int64_t n, int64_t step, ScOrdering o) {
   const void *data = (const char *)x->buffer->data + (size_t)start * sc_dtype_size(x->dtype);
   uint64_t ones = all_ones(x->dtype), nan = o.nan_first ? 0 : ones;
   switch (x->dtype) {
   case SC_F32: keys_of_floats(keys, data, n, step, (uint32_t)nan); break;
   case SC_F64: keys_of_doubles(keys, data, n, step, nan); break;
   case SC_I64: keys_of_wholes(keys, data, n, step); break;
   case SC_U8: keys_of_bytes(keys, data, n, step); break;
   default: keys_of_halves(keys, data, n, step, (uint32_t)nan);
   }
   for (int64_t k = 0; o.descending && k < n; k++) keys[k].key ^= ones;
}

uint64_t sc_key_of_nan(ScDtype dtype, ScOrdering o) {
   return o.nan_first != o.descending ? 0 : all_ones(dtype);
}

// ---- sorting ----

static void sort_few(ScKeyed *keys, int64_t n) {
   for (int64_t i = 1; i < n; i++) {
      ScKeyed moved = keys[i];
      int64_t k = i;
      for (; k > 0 && keys[k - 1].key > moved.key; k--) keys[k] = keys[k - 1];
      keys[k] = moved;
   }
}

static int digit(ScKeyed k, int byte) {
   return (int)(k.key >> 8 * byte & 0xff);
}

// How many keys have each digit, of all bytes at once.
static void count_digits(int64_t (*counts)[BINS], const ScKeyed *keys, int64_t n, int bytes) {
   memset(counts, 0, (size_t)bytes * sizeof *counts);
   for (int64_t k = 0; k < n; k++)
      for (int byte = 0; byte < bytes; byte++) counts[byte][digit(keys[k], byte)]++;
}

// False where one digit has all of them; else counts become where each digit begins.
static bool begin_of_digits(int64_t *counts, int64_t n) {
   int64_t at = 0;
   for (int d = 0; d < BINS; d++) {
      int64_t count = counts[d];
      if (count == n) return false;
      counts[d] = at;
      at += count;
   }
   return true;
}

ScKeyed *sc_sort_keys(ScKeyed *keys, ScKeyed *room, int64_t n, ScDtype dtype) {
   int64_t counts[8][BINS];
   if (n <= FEW) return sort_few(keys, n), keys;
   count_digits(counts, keys, n, bytes_of(dtype));
   for (int byte = 0; byte < bytes_of(dtype); byte++) {
      if (!begin_of_digits(counts[byte], n)) continue;
      for (int64_t k = 0; k < n; k++) room[counts[byte][digit(keys[k], byte)]++] = keys[k];
      ScKeyed *sorted = room;
      room = keys;
      keys = sorted;
   }
   return keys;
}

// The keys that are below a digit come first, then those that have it; the others are dropped. Returns how many
// are below; *equal how many have it.
static int64_t part(ScKeyed *keys, ScKeyed *room, int64_t n, int byte, int wanted, int64_t *equal) {
   int64_t below = 0, same = 0;
   for (int64_t k = 0; k < n; k++) {
      int d = digit(keys[k], byte);
      ScKeyed key = keys[k];
      if (d < wanted)
         keys[below++] = key;
      else if (d == wanted)
         room[same++] = key;
   }
   memcpy(keys + below, room, (size_t)same * sizeof *keys);
   *equal = same;
   return below;
}

void sc_select_keys(ScKeyed *keys, ScKeyed *room, int64_t n, int64_t count, ScDtype dtype) {
   if (n <= FEW) return sort_few(keys, n);
   for (int byte = bytes_of(dtype) - 1; byte >= 0 && count < n; byte--) {
      int64_t counts[BINS] = {0}, before = 0, equal;
      int d = 0;
      for (int64_t k = 0; k < n; k++) counts[digit(keys[k], byte)]++;
      for (; before + counts[d] < count; d++) before += counts[d];
      if (counts[d] == n) continue;
      int64_t below = part(keys, room, n, byte, d, &equal);
      keys += below, count -= below, n = equal;
   }
}
