#include "kernels/cpu/interpolate_bytes.h"

#include <stdlib.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

enum { BLOCK = 256 };

// Weights in whole numbers, in the places of those of `b`.
static int32_t *fixed_weights(const ScBands *b) {
   int32_t *weights = malloc((size_t)(b->n * b->stride) * sizeof *weights);
   for (int64_t i = 0; weights && i < b->n * b->stride; i++) weights[i] = sc_resize_fixed(b->weights[i]);
   return weights;
}

// n bytes, each from `count` that lie `step` apart.
SC_INLINE void make_bytes(uint8_t *restrict to, const uint8_t *restrict from, int64_t n, const int32_t *weights,
                          int64_t count, int64_t step) {
   int32_t sums[BLOCK] = {0};
   for (int64_t t = 0; t < count; t++)
      for (int64_t i = 0; i < n; i++) sums[i] += from[t * step + i] * weights[t];
   for (int64_t i = 0; i < n; i++) to[i] = sc_resize_byte(sums[i]);
}

SC_CLONES static void along_row(const ScBands *b, const int32_t *weights, const uint8_t *row, uint8_t *to,
                                int64_t channels) {
   for (int64_t k = 0; k < b->n; k++)
      for (int64_t c = 0; c < channels; c += BLOCK)
         make_bytes(to + k * channels + c, row + b->first[k] * channels + c,
                    channels - c < BLOCK ? channels - c : BLOCK, weights + k * b->stride, b->count[k],
                    channels);
}

SC_CLONES static void from_rows(const uint8_t *first, uint8_t *to, int64_t pitch, const int32_t *weights,
                                int64_t count) {
   for (int64_t i = 0; i < pitch; i += BLOCK)
      make_bytes(to + i, first + i, pitch - i < BLOCK ? pitch - i : BLOCK, weights, count, pitch);
}

ScStatus sc_interpolate_bytes(const ScTensor *x, ScTensor *y, const ScBands *rows, const ScBands *columns) {
   int64_t n = x->shape[0], channels = x->shape[1], height = x->shape[2], width = x->shape[3];
   int64_t pitch = columns->n * channels;
   const uint8_t *from = x->buffer->data;
   uint8_t *to = y->buffer->data, *between = malloc((size_t)(n * height * pitch));
   int32_t *down = fixed_weights(rows), *across = fixed_weights(columns);
   bool enough = between && down && across;
   if (enough) {
#pragma omp parallel for
      for (int64_t row = 0; row < n * height; row++)
         along_row(columns, across, from + row * width * channels, between + row * pitch, channels);
#pragma omp parallel for
      for (int64_t at = 0; at < n * rows->n; at++) {
         int64_t i = at % rows->n, first = at / rows->n * height + rows->first[i];
         from_rows(between + first * pitch, to + at * pitch, pitch, down + i * rows->stride, rows->count[i]);
      }
   }
   free(between);
   free(down);
   free(across);
   return enough ? SC_OK : sc_fail(SC_EMEM, "out of memory");
}
