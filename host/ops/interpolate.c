// Pictures of another size.
#include "host/ops/interpolate.h"

#include <stdlib.h>

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "pictures (N, C, H, W), floating point or u8"},
    {.name = "size",
     .kind = SC_PAIR,
     .optional = true,
     .doc = "pixels of the result, one number or { vertical, horizontal }; this or scale_factor"},
    {.name = "scale_factor",
     .kind = SC_NUMBER,
     .optional = true,
     .doc = "how many times as large the result is, rounded down to whole pixels; bicubic and nearest-exact "
            "without antialias move a picture whose size it leaves, as PyTorch does"},
    {.name = "mode",
     .kind = SC_CHOICE,
     .optional = true,
     .choices = SC_RESIZE_MODES,
     .doc = "how pixels between pixels are made (default nearest)"},
    {.name = "align_corners",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "corner pixels keep their place, else the picture's edges do (default false)"},
    {.name = "antialias",
     .kind = SC_BOOL,
     .optional = true,
     .doc = "made smaller, all pixels count, as in Pillow (default false)"},
};

static int64_t size_of(const ScCall *c, int d) {
   int64_t size = c->attr[SC_RESIZE_SIZE].ints.v[d];
   return size ? size : (int64_t)floor((double)c->in[0]->shape[2 + d] * c->attr[SC_RESIZE_FACTOR].f);
}

ScResize sc_resize_of(const ScCall *c, int d) {
   ScResize r = {.from = c->in[0]->shape[2 + d],
                 .to = size_of(c, d),
                 .by_size = c->attr[SC_RESIZE_SIZE].ints.v[d] != 0,
                 .mode = (ScResizeMode)c->attr[SC_RESIZE_MODE].i,
                 .align = c->attr[SC_RESIZE_ALIGN].i,
                 .antialias = c->attr[SC_RESIZE_ANTIALIAS].i};
   // As PyTorch has it: these keep what keeps its size, whatever the factor; bicubic and nearest-exact move it.
   if (r.to == r.from) r.by_size |= r.antialias || r.mode == SC_RESIZE_NEAREST || r.mode == SC_RESIZE_BILINEAR;
   if (r.align)
      r.scale = r.to > 1 ? (double)(r.from - 1) / (double)(r.to - 1) : 0;
   else
      r.scale = r.by_size ? (double)r.from / (double)r.to : 1 / c->attr[SC_RESIZE_FACTOR].f;
   return r;
}

static ScStatus check_size(const ScCall *c) {
   const int64_t *size = c->attr[SC_RESIZE_SIZE].ints.v;
   double factor = c->attr[SC_RESIZE_FACTOR].f;
   const int64_t most = 1 << 20;
   if (!size[0] && !size[1] && factor == 0)
      return sc_fail(SC_EARG, "interpolate: expected 'size', in pixels, or 'scale_factor'");
   if ((size[0] || size[1]) && factor != 0)
      return sc_fail(SC_EARG, "interpolate: expected one of 'size' and 'scale_factor', found both");
   for (int d = 0; d < 2; d++)
      if (factor == 0 && (size[d] < 1 || size[d] > most))
         return sc_fail(SC_EARG, "interpolate: argument 'size': expected 1 to %lld pixels, found {%lld, %lld}",
                        (long long)most, (long long)size[0], (long long)size[1]);
   if (factor == 0) return SC_OK;
   for (int d = 0; d < 2; d++) {
      double pixels = floor((double)c->in[0]->shape[2 + d] * factor);
      if (!(pixels >= 1 && pixels <= (double)most))
         return sc_fail(
             SC_EARG,
             "interpolate: argument 'scale_factor': expected one that gives 1 to %lld pixels, found %g "
             "for shape %s",
             (long long)most, factor, sc_shape_text(c->in[0]));
   }
   return SC_OK;
}

static ScStatus check_mode(const ScCall *c) {
   bool nearest = c->attr[SC_RESIZE_MODE].i <= SC_RESIZE_EXACT;
   bool align = c->attr[SC_RESIZE_ALIGN].i, antialias = c->attr[SC_RESIZE_ANTIALIAS].i;
   if (nearest && (align || antialias))
      return sc_fail(SC_EARG, "interpolate: argument '%s': it is for mode bilinear or bicubic, found %s",
                     align ? "align_corners" : "antialias",
                     c->attr[SC_RESIZE_MODE].i == SC_RESIZE_EXACT ? "nearest-exact" : "nearest");
   if (align && antialias)
      return sc_fail(SC_EARG, "interpolate: expected one of 'align_corners' and 'antialias', found both");
   return SC_OK;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   SC_TRY(sc_want_rank(c, 0, 4));
   if (x->dtype != SC_U8) SC_TRY(sc_want_float(c, 0));
   SC_TRY(check_size(c));
   SC_TRY(check_mode(c));
   return sc_describe(c, 0, x->dtype, 4, (int64_t[]){x->shape[0], x->shape[1], size_of(c, 0), size_of(c, 1)});
}

// ---- weights ----

void sc_bands_free(ScBands *b) {
   free(b->first);
   free(b->count);
   free(b->weights);
   *b = (ScBands){0};
}

// Which pixels of the result each is in; `stride` becomes the most that one has.
static void find_spans(ScBands *b, const ScResize *r, bool transposed) {
   for (int64_t i = 0; i < r->to; i++) {
      ScTaps taps = sc_resize_taps(r, i);
      if (!transposed) b->first[i] = taps.first, b->count[i] = taps.count;
      for (int64_t t = taps.first; transposed && t < taps.first + taps.count; t++) {
         if (!b->count[t]) b->first[t] = i;
         b->count[t] = i - b->first[t] + 1;
      }
   }
   for (int64_t i = 0; i < b->n; i++)
      if (b->count[i] > b->stride) b->stride = b->count[i];
}

static void fill_weights(ScBands *b, const ScResize *r, bool transposed) {
   for (int64_t i = 0; i < r->to; i++) {
      ScTaps taps = sc_resize_taps(r, i);
      for (int64_t t = 0; t < taps.count; t++) {
         int64_t pixel = taps.first + t;
         int64_t at = transposed ? pixel * b->stride + i - b->first[pixel] : i * b->stride + t;
         b->weights[at] = sc_resize_weight(r, &taps, t);
      }
   }
}

ScStatus sc_bands_new(ScBands *b, const ScResize *r, bool transposed) {
   *b = (ScBands){.n = transposed ? r->from : r->to};
   b->first = calloc((size_t)b->n, sizeof *b->first);
   b->count = calloc((size_t)b->n, sizeof *b->count);
   if (b->first && b->count) {
      find_spans(b, r, transposed);
      b->weights = calloc((size_t)(b->n * b->stride), sizeof *b->weights);
   }
   if (!b->weights) {
      sc_bands_free(b);
      return sc_fail(SC_EMEM, "out of memory");
   }
   fill_weights(b, r, transposed);
   return SC_OK;
}

SC_OP(interpolate,
      .doc =
          "Pictures of another size, (N, C, H, W) becomes (N, C, H', W'): nearest pixels, or weighted sums "
          "of the 2 x 2 (bilinear) or 4 x 4 (bicubic) around; with antialias those of all pixels that one of "
          "the result covers, as Pillow has it. nearest takes the pixel at floor(i * H / H'), H / H' in "
          "float32 as in PyTorch, nearest-exact that at the middle, as Pillow does. u8 is rounded to the "
          "nearest, with antialias along the rows and then along the columns, to the bit as Pillow does (which "
          "since 13 takes tall pictures the other way round).",
      SC_PARAMS(params), .differentiable = true, .infer = infer)
