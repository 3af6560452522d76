// Pillow's resampling, bit for bit (src/libImaging/Resample.c of Pillow, 8 bits a channel): a filter whose
// support grows with the downscale, 22-bit fixed point, first along the rows, rounded to 8 bits, then along the
// columns. Any window of the result can be had alone, at the price of that window.
#include "host/photo/image_resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define HOT __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "arch=x86-64-v2", "default")))
#else
#define HOT
#endif

enum {
   PRECISION = 32 - 8 - 2,
   TOGETHER = 4, // pixels of a row that are summed up at once, three channels side by side
   LANES = 16,   // which leaves the last lanes empty
   BLOCK = 64,   // target pixels of a row
};

// The pixels that a resize sees; rows lie `pitch` bytes apart.
typedef struct {
   const unsigned char *rgb;
   int width, height;
   size_t pitch;
} View;

// One axis: `length` source pixels, of which the stretch from `start` on, `extent` long, becomes `to` pixels.
// Of those, `count` from `offset` on are wanted.
typedef struct {
   int length;
   double start, extent;
   int to, offset, count;
} Axis;

// Which source pixels make which target pixel, and how much of each.
typedef struct {
   int taps;     // the most that any target pixel has
   int *first;   // [count] source index
   int *length;  // [count]
   int *weights; // [count][stride], fixed point: of columns one a tap, of rows LANES for TOGETHER taps
   int stride;
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

// Along rows R, G and B of a tap have a weight each, and the lanes behind TOGETHER taps have zeros.
static void set_weight(Coefficients *c, bool rows, int target, int tap, int weight) {
   int *weights = c->weights + (size_t)target * c->stride;
   if (!rows) weights[tap] = weight;
   for (int channel = 0; rows && channel < 3; channel++)
      weights[tap / TOGETHER * LANES + tap % TOGETHER * 3 + channel] = weight;
}

// The weights of one target pixel. `scratch` holds at least `taps` numbers.
static void fill_target(Coefficients *c, int i, const Axis *axis, ScFilter filter, bool rows, double *scratch) {
   double scale = axis->extent / axis->to, filter_scale = scale < 1.0 ? 1.0 : scale;
   double support = (filter == SC_BICUBIC ? 2.0 : 1.0) * filter_scale;
   double center = axis->start + (axis->offset + i + 0.5) * scale, step = 1.0 / filter_scale, sum = 0;
   int low = (int)(center - support + 0.5), high = (int)(center + support + 0.5);
   if (low < 0) low = 0;
   if (high > axis->length) high = axis->length;
   for (int x = 0; x < high - low; x++) {
      double at = (x + low - center + 0.5) * step;
      scratch[x] = filter == SC_BICUBIC ? bicubic(at) : bilinear(at);
      sum += scratch[x];
   }
   for (int x = 0; x < high - low; x++)
      set_weight(c, rows, i, x, fixed(sum != 0.0 ? scratch[x] / sum : scratch[x]));
   c->first[i] = low;
   c->length[i] = high - low;
}

static ScStatus make_coefficients(Coefficients *c, const Axis *axis, ScFilter filter, bool rows) {
   double scale = axis->extent / axis->to;
   double support = (filter == SC_BICUBIC ? 2.0 : 1.0) * (scale < 1.0 ? 1.0 : scale);
   c->taps = (int)ceil(support) * 2 + 1;
   c->stride = rows ? (c->taps + TOGETHER - 1) / TOGETHER * LANES : c->taps;
   c->first = malloc((size_t)axis->count * sizeof(int));
   c->length = malloc((size_t)axis->count * sizeof(int));
   c->weights = calloc((size_t)axis->count * (size_t)c->stride, sizeof(int));
   double *scratch = malloc((size_t)c->taps * sizeof(double));
   bool enough = c->first && c->length && c->weights && scratch;
   for (int i = 0; enough && i < axis->count; i++) fill_target(c, i, axis, filter, rows, scratch);
   free(scratch);
   return enough ? SC_OK : sc_fail(SC_EMEM, "out of memory while resizing an image to %d pixels", axis->to);
}

static unsigned char clip8(int sum) {
   int value = sum >> PRECISION;
   return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// Up to BLOCK target pixels of a row: first the sums of each lane, then those of each channel, so that all
// lanes are busy. Loads up to 13 bytes behind the last source pixel, with weight zero.
HOT static void resample_block(const unsigned char *restrict row, int dx, unsigned char *restrict out,
                               const Coefficients *c, int start, int count) {
   int sums[BLOCK * LANES + LANES];
   unsigned char clipped[BLOCK * LANES];
   memset(sums, 0, sizeof sums);
   for (int i = 0; i < count; i++) {
      const unsigned char *restrict from = row + (size_t)(c->first[start + i] - dx) * 3;
      const int *restrict weights = c->weights + (size_t)(start + i) * c->stride;
      int *restrict sum = sums + i * LANES;
      for (int tap = 0; tap < c->length[start + i]; tap += TOGETHER, from += TOGETHER * 3, weights += LANES)
#pragma GCC unroll 1
         for (int l = 0; l < LANES; l++) sum[l] += from[l] * weights[l];
   }
   for (int i = 0; i < count * LANES; i++)
      clipped[i] = clip8((1 << (PRECISION - 1)) + sums[i] + sums[i + 3] + sums[i + 6] + sums[i + 9]);
   for (int i = 0; i < count; i++) memcpy(out + 3 * i, clipped + i * LANES, 3);
}

static void resample_row(const unsigned char *row, int dx, unsigned char *out, const Coefficients *c,
                         int count) {
   for (int start = 0; start < count; start += BLOCK)
      resample_block(row, dx, out + 3 * start, c, start, count - start < BLOCK ? count - start : BLOCK);
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

// Along the rows: row y of `out` is made from row y + dy of `in`, which lacks dx columns on the left.
static void along_rows(const View *in, const Coefficients *c, int dx, int dy, ScImage *out) {
   for (int y = 0; y < out->height; y++)
      resample_row(in->rgb + (size_t)(y + dy) * in->pitch, dx, out->rgb + (size_t)y * out->width * 3, c,
                   out->width);
}

// Along the columns: column x of `out` is made from column x + dx of `in`, which lacks dy rows at the top.
static ScStatus along_columns(const View *in, const Coefficients *c, int dx, int dy, ScImage *out) {
   int bytes = out->width * 3;
   int *sums = malloc((size_t)bytes * sizeof *sums);
   if (!sums) return sc_fail(SC_EMEM, "out of memory while resizing an image: %d sums", bytes);
   for (int y = 0; y < out->height; y++)
      resample_column(in->rgb + (size_t)(c->first[y] - dy) * in->pitch + (size_t)dx * 3, in->pitch,
                      c->weights + (size_t)y * c->stride, c->length[y], sums, out->rgb + (size_t)y * bytes,
                      bytes);
   free(sums);
   return SC_OK;
}

static View whole(const ScImage *image) {
   return (View){image->rgb, image->width, image->height, (size_t)image->width * 3};
}

// Pillow before version 13 always goes along the rows first. Since then tall images (upright, more than twice
// as high as wide) start with the columns; with bicubic the order shows, since the picture in between is
// clipped.
static bool columns_first(const View *in, const Axis *h, const Axis *v) {
   return v->to < in->height && in->height - v->to > 2 * ((int64_t)in->width - h->to);
}

// `h` and `v` make the window out of a part of the source; only that part is looked at. A size that does not
// change has one tap of weight 1, which is the copy that Pillow makes.
static ScStatus two_passes(const View *in, bool columns, const Coefficients *h, const Coefficients *v,
                           ScImage *out) {
   int left = h->first[0], right = h->first[out->width - 1] + h->length[out->width - 1];
   int top = v->first[0], bottom = v->first[out->height - 1] + v->length[out->height - 1];
   ScImage between;
   SC_TRY(columns ? sc_image_new(right - left, out->height, &between)
                  : sc_image_new(out->width, bottom - top, &between));
   View made = whole(&between);
   ScStatus status;
   if (columns) {
      status = along_columns(in, v, left, 0, &between);
      if (!status) along_rows(&made, h, left, 0, out);
   } else {
      along_rows(in, h, 0, top, &between);
      status = along_columns(&made, v, 0, top, out);
   }
   sc_image_free(&between);
   return status;
}

static ScStatus resample(const View *in, const Axis *across, const Axis *down, ScFilter filter, ScImage *out) {
   Coefficients h = {0}, v = {0};
   SC_TRY(sc_image_new(across->count, down->count, out));
   ScStatus status = make_coefficients(&h, across, filter, true);
   if (!status) status = make_coefficients(&v, down, filter, false);
   if (!status) status = two_passes(in, columns_first(in, across, down), &h, &v, out);
   free_coefficients(&h);
   free_coefficients(&v);
   if (status) sc_image_free(out);
   return status;
}

ScStatus sc_image_resize_window(const ScImage *in, const ScWindow *w, ScFilter filter, ScImage *out) {
   Axis across = {in->width, 0, in->width, w->to_width, w->x, w->width};
   Axis down = {in->height, 0, in->height, w->to_height, w->y, w->height};
   View view = whole(in);
   return resample(&view, &across, &down, filter, out);
}

ScStatus sc_image_resize_part(const ScImage *in, const ScRect *part, const ScBox *box, int width, int height,
                              ScFilter filter, ScImage *out) {
   Axis across = {part->width, box->x - part->x, box->width, width, 0, width};
   Axis down = {part->height, box->y - part->y, box->height, height, 0, height};
   View view = whole(in);
   view.rgb += (size_t)part->y * view.pitch + (size_t)part->x * 3;
   view.width = part->width;
   view.height = part->height;
   return resample(&view, &across, &down, filter, out);
}
