// any and all of float32 and of masks: whether something is found, piece by piece, whose order does not matter.
#include "host/ops/reduction.h"

#include <string.h>

#include "kernels/cpu/clones.h"

enum { CHUNK = 4096, STRIP = 256, ROWS = 64, WORTH_THREADS = 32768 };

typedef bool (*Row)(const void *x, int64_t at, int64_t n, bool wanted);
typedef void (*Strip)(uint8_t *found, const void *x, int64_t at, int64_t n, int64_t stride, int64_t width,
                      bool wanted);

// row_NAME: whether one of n elements is as wanted; strip_NAME: the same of n rows of `width` columns.
#define FIND(name, type)                                                                                       \
   SC_CLONES static bool row_##name(const void *x, int64_t at, int64_t n, bool wanted) {                       \
      const type *from = (const type *)x + at;                                                                 \
      int found = 0;                                                                                           \
      for (int64_t k = 0; k < n; k++) found |= (from[k] != 0) == wanted;                                       \
      return found;                                                                                            \
   }                                                                                                           \
   SC_CLONES static void strip_##name(uint8_t *restrict found, const void *restrict x, int64_t at, int64_t n,  \
                                      int64_t stride, int64_t width, bool wanted) {                            \
      const type *from = (const type *)x + at;                                                                 \
      for (int64_t k = 0; k < n; k++)                                                                          \
         for (int64_t i = 0; i < width; i++) found[i] |= (from[k * stride + i] != 0) == wanted;                \
   }

FIND(f32, float)
FIND(u8, uint8_t)

static int64_t shorter(int64_t a, int64_t b) {
   return a < b ? a : b;
}

static bool find_in_row(Row row, const void *x, int64_t at, int64_t n, bool wanted) {
   for (int64_t k = 0; k < n; k += CHUNK)
      if (row(x, at + k, shorter(CHUNK, n - k), wanted)) return true;
   return false;
}

// In pieces of ROWS, so that what has been found everywhere ends it.
static void find_in_strip(Strip strip, uint8_t *found, const void *x, int64_t at, ScAxis a, int64_t width,
                          bool wanted) {
   memset(found, 0, (size_t)width);
   for (int64_t k = 0; k < a.n && memchr(found, 0, (size_t)width); k += ROWS)
      strip(found, x, at + k * a.inner, shorter(ROWS, a.n - k), a.inner, width, wanted);
}

static ScStatus find(ScCall *c, bool wanted) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   bool mask = c->in[0]->dtype == SC_U8;
   const void *x = c->in[0]->buffer->data;
   uint8_t *y = c->out[0]->buffer->data;
   int64_t strips = (a.inner + STRIP - 1) / STRIP;
#pragma omp parallel for if (a.outer * a.n * a.inner > WORTH_THREADS)
   for (int64_t task = 0; task < a.outer * strips; task++) {
      int64_t o = task / strips, i = task % strips * STRIP, at = o * a.n * a.inner + i;
      uint8_t *found = y + o * a.inner + i;
      int64_t width = shorter(STRIP, a.inner - i);
      if (a.inner == 1)
         *found = find_in_row(mask ? row_u8 : row_f32, x, at, a.n, wanted);
      else
         find_in_strip(mask ? strip_u8 : strip_f32, found, x, at, a, width, wanted);
      for (int64_t k = 0; k < width; k++) found[k] = found[k] == wanted;
   }
   return SC_OK;
}

static ScStatus forward_any(ScCall *c) {
   return find(c, true);
}
static ScStatus forward_all(ScCall *c) {
   return find(c, false);
}

SC_KERNEL(cpu, any, .dtypes = 1u << SC_F32 | 1u << SC_U8, .forward = forward_any)
SC_KERNEL(cpu, all, .dtypes = 1u << SC_F32 | 1u << SC_U8, .forward = forward_all)
