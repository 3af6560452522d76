// Which pixels of the input make a pixel of the output, and with what weights: one direction is like the other,
// so all is told of one. Compiled for GPUs too.
#ifndef SCUTE_INTERPOLATE_H
#define SCUTE_INTERPOLATE_H

#include <math.h>

#include "host/core/op.h"

#ifdef __CUDACC__
#define SC_EVERYWHERE static inline __host__ __device__
#else
#define SC_EVERYWHERE static inline
#endif

enum { SC_RESIZE_SIZE, SC_RESIZE_FACTOR, SC_RESIZE_MODE, SC_RESIZE_ALIGN, SC_RESIZE_ANTIALIAS }; // attributes

#define SC_RESIZE_MODES "nearest|nearest-exact|bilinear|bicubic"
typedef enum { SC_RESIZE_NEAREST, SC_RESIZE_EXACT, SC_RESIZE_BILINEAR, SC_RESIZE_BICUBIC } ScResizeMode;

typedef struct {
   int64_t from, to; // pixels
   double scale;     // pixels of the input for one of the output
   bool by_size;     // the scale is from / to
   ScResizeMode mode;
   bool align, antialias;
} ScResize;

// Of output pixel `i`: `count` pixels of the input from `first` on.
typedef struct {
   int64_t first, count;
   double at, sum; // where it lies among them; by what weights are divided
} ScTaps;

// A product that is rounded by itself. Compilers, nvcc above all (which sees through volatile), make one
// operation of a product and the sum it is part of, and a GPU would find other pixels, and more of them, than
// the host has counted.
SC_EVERYWHERE double sc_resize_times(double a, double b) {
#ifdef __CUDA_ARCH__
   return __dmul_rn(a, b);
#else
   volatile double product = a * b;
   return product;
#endif
}

SC_EVERYWHERE double sc_resize_triangle(double x) {
   x = fabs(x);
   return x < 1 ? 1 - x : 0;
}

// Keys 1981, with the slope `a` at 1: -0.75 as PyTorch has it, -0.5 as Pillow has it.
SC_EVERYWHERE double sc_resize_cubic(double x, double a) {
   x = fabs(x);
   if (x < 1) return sc_resize_times((sc_resize_times(a + 2, x) - (a + 3)) * x, x) + 1;
   return x < 2 ? sc_resize_times(sc_resize_times(sc_resize_times(x - 5, x) + 8, x) - 4, a) : 0;
}

SC_EVERYWHERE int64_t sc_resize_clamp(int64_t i, int64_t n) {
   return i < 0 ? 0 : i < n ? i : n - 1;
}

// PyTorch's `nearest`: a scale and places in float32, but for the same and twice the size. `nearest-exact` in
// whole numbers where they will do: no scale is exact.
SC_EVERYWHERE int64_t sc_resize_nearest(const ScResize *r, int64_t i) {
   if (r->mode == SC_RESIZE_NEAREST) {
      if (r->to == r->from || r->to == 2 * r->from) return i * r->from / r->to;
      float scale = r->by_size ? (float)r->from / (float)r->to : (float)r->scale;
      return sc_resize_clamp((int64_t)floorf((float)i * scale), r->from);
   }
   if (r->by_size) return (2 * i + 1) * r->from / (2 * r->to);
   return sc_resize_clamp((int64_t)floor(((double)i + 0.5) * r->scale), r->from);
}

SC_EVERYWHERE double sc_resize_filter(const ScResize *r, double x) {
   double wide = r->scale > 1 ? r->scale : 1;
   return r->mode == SC_RESIZE_BICUBIC ? sc_resize_cubic(x / wide, -0.5) : sc_resize_triangle(x / wide);
}

// As Pillow's precompute_coeffs, which PyTorch's antialias follows.
SC_EVERYWHERE ScTaps sc_resize_wide_taps(const ScResize *r, int64_t i) {
   double support = (r->mode == SC_RESIZE_BICUBIC ? 2 : 1) * (r->scale > 1 ? r->scale : 1);
   double center = sc_resize_times((double)i + 0.5, r->scale);
   int64_t low = (int64_t)(center - support + 0.5), high = (int64_t)(center + support + 0.5);
   ScTaps taps = {low < 0 ? 0 : low, 0, center - 0.5, 0};
   taps.count = (high < r->from ? high : r->from) - taps.first;
   for (int64_t t = 0; t < taps.count; t++) taps.sum += sc_resize_filter(r, (double)(t + taps.first) - taps.at);
   return taps;
}

SC_EVERYWHERE ScTaps sc_resize_taps(const ScResize *r, int64_t i) {
   if (r->mode <= SC_RESIZE_EXACT) {
      ScTaps nearest = {sc_resize_nearest(r, i), 1, 0, 1};
      return nearest;
   }
   if (r->antialias) return sc_resize_wide_taps(r, i);
   double at = sc_resize_times(r->align ? (double)i : (double)i + 0.5, r->scale) - (r->align ? 0 : 0.5);
   if (r->mode == SC_RESIZE_BILINEAR && at < 0) at = 0;
   int64_t below = (int64_t)floor(at);
   if (r->mode == SC_RESIZE_BILINEAR) {
      below = sc_resize_clamp(below, r->from);
      ScTaps two = {below, below + 1 < r->from && at > (double)below ? 2 : 1, at, 1};
      return two;
   }
   ScTaps four = {sc_resize_clamp(below - 1, r->from), 0, at, 1};
   four.count = sc_resize_clamp(below + 2, r->from) - four.first + 1;
   return four;
}

// Beyond its edges the picture goes on as its edge.
SC_EVERYWHERE double sc_resize_four_weights(const ScResize *r, const ScTaps *taps, int64_t pixel) {
   int64_t below = (int64_t)floor(taps->at);
   double weight = 0;
   for (int64_t k = below - 1; k <= below + 2; k++)
      if (sc_resize_clamp(k, r->from) == pixel) weight += sc_resize_cubic((double)k - taps->at, -0.75);
   return weight;
}

// Of tap number `t`.
SC_EVERYWHERE double sc_resize_weight(const ScResize *r, const ScTaps *taps, int64_t t) {
   if (taps->count == 1) return 1;
   if (r->antialias) return sc_resize_filter(r, (double)(t + taps->first) - taps->at) / taps->sum;
   if (r->mode == SC_RESIZE_BICUBIC) return sc_resize_four_weights(r, taps, t + taps->first);
   return t == 0 ? 1 - (taps->at - (double)taps->first) : taps->at - (double)taps->first;
}

// Antialiased bytes are made as Pillow makes them: along the rows first, each direction in whole numbers and
// rounded.
enum { SC_RESIZE_BITS = 22 };

SC_EVERYWHERE int32_t sc_resize_fixed(double weight) {
   return (int32_t)(weight * (1 << SC_RESIZE_BITS) + (weight < 0 ? -0.5 : 0.5));
}

// Of a sum of products with such weights.
SC_EVERYWHERE uint8_t sc_resize_byte(int32_t sum) {
   int32_t value = (sum + (1 << (SC_RESIZE_BITS - 1))) >> SC_RESIZE_BITS;
   return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

SC_API_BEGIN

// Rows (d = 0) or columns (d = 1) of a checked call.
ScResize sc_resize_of(const ScCall *, int d);

// All weights of one direction: pixel i of the result is the sum of weight[i * stride + t] * pixel first[i] +
// t.
typedef struct {
   int64_t n, stride;
   int64_t *first, *count;
   double *weights;
} ScBands;

// `transposed`: from gradients of the output to those of the input.
ScStatus sc_bands_new(ScBands *, const ScResize *, bool transposed);
void sc_bands_free(ScBands *);

SC_API_END

#endif
