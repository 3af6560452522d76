// Pillow's resampling, bit for bit (src/libImaging/Resample.c of Pillow, 8 bits a channel): a filter whose
// support grows with the downscale, 22-bit fixed point, first along the rows, rounded to 8 bits, then along the
// columns. Any window of the result can be had alone, at the price of that window.
#include "host/photo/image_resize.h"

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
static void fill_target(Coefficients *c, int i, const Axis *axis, double scale, ScFilter filter, int repeat,
                        double *scratch) {
   double filter_scale = scale < 1.0 ? 1.0 : scale;
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
   for (int x = 0; x < high - low; x++) {
      int weight = fixed(sum != 0.0 ? scratch[x] / sum : scratch[x]);
      for (int r = 0; r < repeat; r++) c->weights[(size_t)i * c->stride + x * repeat + r] = weight;
   }
   c->first[i] = low;
   c->length[i] = high - low;
}

// Rows of weights are filled up with zeros to a multiple of `multiple`.
static ScStatus make_coefficients(Coefficients *c, const Axis *axis, ScFilter filter, int repeat,
                                  int multiple) {
   double scale = axis->extent / axis->to;
   double support = (filter == SC_BICUBIC ? 2.0 : 1.0) * (scale < 1.0 ? 1.0 : scale);
   c->taps = (int)ceil(support) * 2 + 1;
   c->stride = (c->taps * repeat + multiple - 1) / multiple * multiple;
   c->first = malloc((size_t)axis->count * sizeof(int));
   c->length = malloc((size_t)axis->count * sizeof(int));
   c->weights = calloc((size_t)axis->count * (size_t)c->stride, sizeof(int));
   double *scratch = malloc((size_t)c->taps * sizeof(double));
   bool enough = c->first && c->length && c->weights && scratch;
   for (int i = 0; enough && i < axis->count; i++) fill_target(c, i, axis, scale, filter, repeat, scratch);
   free(scratch);
   return enough ? SC_OK : sc_fail(SC_EMEM, "out of memory while resizing an image to %d pixels", axis->to);
}

static unsigned char clip8(int sum) {
   int value = sum >> PRECISION;
   return (unsigned char)(value < 0 ? 0 : value > 255 ? 255 : value);
}

// One row: `count` target pixels. Loads whole blocks, up to 47 bytes behind the last pixel, with weight zero.
HOT static void resample_row(const unsigned char *row, int dx, unsigned char *out, const Coefficients *c,
                             int count) {
   for (int i = 0; i < count; i++) {
      const unsigned char *from = row + (size_t)(c->first[i] - dx) * 3;
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
   ScStatus status = make_coefficients(&h, across, filter, 3, LANES);
   if (!status) status = make_coefficients(&v, down, filter, 1, 1);
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
