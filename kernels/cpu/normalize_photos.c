// A byte of a channel can become 256 numbers only: they are computed once and looked up.
#include "host/ops/normalize_photos.h"

#include "host/core/op.h"

enum { MOST_CHANNELS = 8, BLOCK = 1024 }; // pixels

// table (channels, 256), with the arithmetic of sc_image_to_float.
static void fill_table(int channels, const float *mean, const float *std, float *table) {
   for (int c = 0; c < channels; c++)
      for (int v = 0; v < 256; v++) table[c * 256 + v] = ((float)v / 255.0f - mean[c]) / std[c];
}

static void look_up(int64_t pixels, int channels, const float *table, const uint8_t *x, float *y) {
   for (int64_t p = 0; p < pixels; p++)
      for (int c = 0; c < channels; c++) y[p * channels + c] = table[c * 256 + x[p * channels + c]];
}

static void run(const ScCall *c, int64_t pixels, int channels, const float *table) {
   const uint8_t *x = c->in[SC_NORMALIZE_X]->buffer->data;
   ScDtype dtype = c->out[0]->dtype;
   char *y = c->out[0]->buffer->data;
#pragma omp parallel for if (pixels > 8 * BLOCK)
   for (int64_t p = 0; p < pixels; p += BLOCK) {
      int64_t some = pixels - p < BLOCK ? pixels - p : BLOCK, first = p * channels;
      void *to = y + (size_t)first * sc_dtype_size(dtype);
      float block[BLOCK * MOST_CHANNELS];
      look_up(some, channels, table, x + first, dtype == SC_F32 ? to : block);
      if (dtype != SC_F32) sc_convert(dtype, to, SC_F32, block, some * channels);
   }
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[SC_NORMALIZE_X], *mean = c->in[SC_NORMALIZE_MEAN], *std = c->in[SC_NORMALIZE_STD];
   if (mean->dtype != SC_F32 || x->shape[1] > MOST_CHANNELS) return SC_EUNSUPPORTED;
   int channels = (int)x->shape[1];
   float table[MOST_CHANNELS * 256];
   fill_table(channels, mean->buffer->data, std->buffer->data, table);
   run(c, sc_numel(x) / channels, channels, table);
   return SC_OK;
}

SC_KERNEL(cpu, normalize_photos, .dtypes = 1u << SC_U8, .forward = forward)
