#include "host/ops/interpolate.h"

#include "kernels/ref/view.h"

// y (N, H', W', C) of x (N, H, W, C).
static void resample(const int64_t *from, const double *x, double *y, const ScBands *rows,
                     const ScBands *columns) {
   int64_t channels = from[1], height = from[2], width = from[3];
#pragma omp parallel for
   for (int64_t row = 0; row < from[0] * rows->n; row++) {
      const double *picture = x + row / rows->n * height * width * channels;
      int64_t i = row % rows->n;
      for (int64_t j = 0; j < columns->n; j++)
         for (int64_t s = 0; s < rows->count[i]; s++)
            for (int64_t t = 0; t < columns->count[j]; t++) {
               double weight = rows->weights[i * rows->stride + s] * columns->weights[j * columns->stride + t];
               const double *pixel =
                   picture + ((rows->first[i] + s) * width + columns->first[j] + t) * channels;
               for (int64_t c = 0; c < channels; c++)
                  y[(row * columns->n + j) * channels + c] += weight * pixel[c];
            }
   }
}

// One byte of row y, column j, channel c, from a picture's row; and one of what that makes of each row.
static uint8_t across(const uint8_t *row, int64_t channels, const ScBands *b, int64_t j) {
   int32_t sum = 0;
   for (int64_t t = 0; t < b->count[j]; t++)
      sum += row[(b->first[j] + t) * channels] * sc_resize_fixed(b->weights[j * b->stride + t]);
   return sc_resize_byte(sum);
}

static void resample_bytes(const int64_t *from, const uint8_t *x, uint8_t *y, const ScBands *rows,
                           const ScBands *columns) {
   int64_t channels = from[1], height = from[2], pitch = from[3] * channels;
   for (int64_t k = 0; k < from[0] * rows->n * columns->n * channels; k++) {
      int64_t c = k % channels, j = k / channels % columns->n, row = k / channels / columns->n,
              i = row % rows->n;
      const uint8_t *first = x + (row / rows->n * height + rows->first[i]) * pitch + c;
      int32_t sum = 0;
      for (int64_t s = 0; s < rows->count[i]; s++)
         sum += across(first + s * pitch, channels, columns, j) *
                sc_resize_fixed(rows->weights[i * rows->stride + s]);
      y[k] = sc_resize_byte(sum);
   }
}

static ScStatus resample_views(ScTensor *x, ScTensor *y, const ScBands *rows, const ScBands *columns) {
   ScView v[] = {SC_READ(x), SC_WRITE(y)};
   SC_TRY(sc_views_open(v, 2));
   resample(x->shape, v[0].v, v[1].v, rows, columns);
   for (int64_t i = 0; y->dtype == SC_U8 && i < sc_numel(y); i++) v[1].v[i] = nearbyint(v[1].v[i]);
   sc_views_close(v, 2);
   return SC_OK;
}

static ScStatus run(ScCall *c, ScTensor *x, ScTensor *y, bool transposed) {
   ScResize down = sc_resize_of(c, 0), across = sc_resize_of(c, 1);
   ScBands rows, columns = {0};
   SC_TRY(sc_bands_new(&rows, &down, transposed));
   ScStatus status = sc_bands_new(&columns, &across, transposed);
   if (status == SC_OK && x->dtype == SC_U8 && down.antialias)
      resample_bytes(x->shape, x->buffer->data, y->buffer->data, &rows, &columns);
   else if (status == SC_OK)
      status = resample_views(x, y, &rows, &columns);
   sc_bands_free(&rows);
   sc_bands_free(&columns);
   return status;
}

static ScStatus forward(ScCall *c) {
   return run(c, c->in[0], c->out[0], false);
}

static ScStatus backward(ScCall *c) {
   return run(c, c->grad_out[0], c->grad_in[0], true);
}

SC_KERNEL(ref, interpolate, .dtypes = SC_NUMBERS, .forward = forward, .backward = backward)
