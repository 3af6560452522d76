// Pillow's resampling, bit for bit (src/libImaging/Resample.c of Pillow, 8 bits a channel): a filter whose
// support grows with the downscale, 22-bit fixed point, first along the rows, rounded to 8 bits, then along the
// columns. Any window of the result can be had alone, at the price of that window.
#include "host/image_resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HOT __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define HOT
#endif

enum {
   PRECISION = 32 - 8 - 2,
   LANES = 48, // a block of 16 pixels, three channels side by side
};

// Which source pixels make which target pixel, and how much of each.
typedef struct {
   int taps;     // the most that any target pixel has
   int *first;   // [count] source index
   int *length;  // [count]
   int *weights; // [count][taps], fixed point
   int stride;   // of weights
} Coefficients;

static double bilinear(double x) {
   x = fabs(x);
   return x < 1.0 ? 1.0 - x : 0.0;
}

static double bicubic(double x) {
   const double a = -0.5;
   x = fabs(x);
   if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1;
   if (x < 2.0) return (((x - 5) * x + 8) * x - 4) * a;
   return 0.0;
}

static int fixed(double weight) {
   return (int)(weight * (1 << PRECISION) + (weight < 0 ? -0.5 : 0.5));
}

static void free_coefficients(Coefficients *c) {
   free(c->first);
   free(c->length);
   free(c->weights);
}

// The weights of one target pixel, spread `repeat` times each (once for columns; three times, for R, G and B,
// along rows). `scratch` holds at least `taps` numbers.
static void fill_target(Coefficients *c, int i, int target, int from, double scale, ScFilter filter, int repeat,
                        double *scratch) {
   double filter_scale = scale < 1.0 ? 1.0 : scale;
   double support = (filter == SC_BICUBIC ? 2.0 : 1.0) * filter_scale;
   double center = (target + 0.5) * scale, step = 1.0 / filter_scale, sum = 0;
   int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
   if (low < 0) low = 0;
   if (high > from) high = from;
   for (int x = 0; x < high - low; x++) {
      double at = (x + low - center + 0.5) * step;
      scratch[x] = filter == SC_BICUBIC ? bicubic(at) : bilinear(at);
      sum += scratch[x];
   }
   for (int x = 0; x < high - low; x++) {
      int weight = fixed(sum != 0.0 ? scratch[x] / sum : scratch[x]);
      for (int r = 0; r < repeat; r++) c->weights[(size_t)i * c->stride + x * repeat + r] = weight;
   }
   c->first[i] = low;
   c->length[i] = high - low;
}

// For target pixels offset .. offset + count - 1 of `to`, out of `from` source pixels. Rows of weights are
// filled up with zeros to a multiple of `multiple`.
static ScStatus make_coefficients(Coefficients *c, int from, int to, int offset, int count, ScFilter filter,
                                  int repeat, int multiple) {
   double scale = (double)from / to;
   double support = (filter == SC_BICUBIC ? 2.0 : 1.0) * (scale < 1.0 ? 1.0 : scale);
   c->taps = (int)ceil(support) * 2 + 1;
   c->stride = (c->taps * repeat + multiple - 1) / multiple * multiple;
   c->first = malloc((size_t)count * sizeof(int));
   c->length = malloc((size_t)count * sizeof(int));
   c->weights = calloc((size_t)count * (size_t)c->stride, sizeof(int));
   double *scratch = malloc((size_t)c->taps * sizeof(double));
   bool enough = c->first && c->length && c->weights && scratch;
   for (int i = 0; enough && i < count; i++)
      fill_target(c, i, offset + i, from, scale, filter, repeat, scratch);
   free(scratch);
   return enough ? SC_OK : sc_fail(SC_EMEM, "out of memory while resizing an image to %d pixels", to);
}

static unsigned char clip8(int sum) {
   int value = sum >> PRECISION;
   return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// One row: `count` target pixels. Loads whole blocks, up to 47 bytes behind the last pixel, with weight zero.
HOT static void resample_row(const unsigned char *row, unsigned char *out, const Coefficients *c, int count) {
   for (int i = 0; i < count; i++) {
      const unsigned char *from = row + (size_t)c->first[i] * 3;
      const int *weights = c->weights + (size_t)i * c->stride;
      int sums[LANES] = {0};
      for (int at = 0; at < c->length[i] * 3; at += LANES)
         for (int l = 0; l < LANES; l++) sums[l] += from[at + l] * weights[at + l];
      for (int half = LANES / 2; half >= 6; half /= 2)
         for (int l = 0; l < half; l++) sums[l] += sums[l + half];
      for (int ch = 0; ch < 3; ch++) out[3 * i + ch] = clip8((1 << (PRECISION - 1)) + sums[ch] + sums[ch + 3]);
   }
}

// One row of `bytes` channels out of `length` rows that lie `pitch` bytes apart.
HOT static void resample_column(const unsigned char *from, size_t pitch, const int *weights, int length,
                                int *sums, unsigned char *out, int bytes) {
   for (int x = 0; x < bytes; x++) sums[x] = 1 << (PRECISION - 1);
   for (int y = 0; y < length; y++) {
      const unsigned char *row = from + (size_t)y * pitch;
      int weight = weights[y];
      for (int x = 0; x < bytes; x++) sums[x] += row[x] * weight;
   }
   for (int x = 0; x < bytes; x++) out[x] = clip8(sums[x]);
}

// Source rows first .. first + count - 1, resampled along the rows into `out` (whose height is count). Without
// a change of width the columns of the window are copied, as Pillow skips that pass.
static ScStatus along_rows(const ScImage *in, const ScWindow *w, ScFilter filter, int first, ScImage *out) {
   size_t pitch = (size_t)in->width * 3;
   if (in->width == w->to_width) {
      for (int y = 0; y < out->height; y++)
         memcpy(out->rgb + (size_t)y * w->width * 3, in->rgb + (size_t)(first + y) * pitch + (size_t)w->x * 3,
                (size_t)w->width * 3);
      return SC_OK;
   }
   Coefficients c = {0};
   ScStatus status = make_coefficients(&c, in->width, w->to_width, w->x, w->width, filter, 3, LANES);
   if (!status)
      for (int y = 0; y < out->height; y++)
         resample_row(in->rgb + (size_t)(first + y) * pitch, out->rgb + (size_t)y * w->width * 3, &c, w->width);
   free_coefficients(&c);
   return status;
}

static ScStatus along_columns(const ScImage *rows, const Coefficients *c, int first, ScImage *out) {
   int bytes = out->width * 3;
   int *sums = malloc((size_t)bytes * sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory while resizing an image: %d sums", bytes);
   for (int y = 0; y < out->height; y++)
      resample_column(rows->rgb + (size_t)(c->first[y] - first) * (size_t)bytes, (size_t)bytes,
                      c->weights + (size_t)y * c->stride, c->length[y], sums,
                      out->rgb + (size_t)y * (size_t)bytes, bytes);
   free(sums);
   return SC_OK;
}

// Both passes; `c` says which source rows the window needs.
static ScStatus two_passes(const ScImage *in, const ScWindow *w, ScFilter filter, const Coefficients *c,
                           ScImage *out) {
   int first = c->first[0], last = c->first[w->height - 1] + c->length[w->height - 1];
   ScImage rows;
   SC_TRY(sc_image_new(w->width, last - first, &rows));
   ScStatus status = along_rows(in, w, filter, first, &rows);
   if (!status) status = along_columns(&rows, c, first, out);
   sc_image_free(&rows);
   return status;
}

ScStatus sc_image_resize_window(const ScImage *in, const ScWindow *w, ScFilter filter, ScImage *out) {
   Coefficients c = {0};
   SC_TRY(sc_image_new(w->width, w->height, out));
   ScStatus status = SC_OK;
   if (in->height == w->to_height) {
      status = along_rows(in, w, filter, w->y, out);
   } else {
      status = make_coefficients(&c, in->height, w->to_height, w->y, w->height, filter, 1, 1);
      if (!status) status = two_passes(in, w, filter, &c, out);
      free_coefficients(&c);
   }
   if (status) sc_image_free(out);
   return status;
}
