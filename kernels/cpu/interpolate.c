// Channels-last pictures of float32, bfloat16 or u8 in another size: a row of the result is made of rows of the
// input first, then its pixels of that row's. Backward is the same with the weights transposed.
#include "host/ops/interpolate.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/interpolate_bytes.h"

enum { BLOCK = 64, WORTH_THREADS = 32768 };

typedef enum { FLOAT, HALF, BYTE } Kind;

typedef struct {
   int64_t height, width, channels; // of the input
   Kind kind;
   const void *x;
   void *y;
   ScBands rows, columns;
   int64_t across_stride; // at least 2
   float *across;         // the weights of the columns
} Job;

static int64_t size_of(Kind kind) {
   return kind == FLOAT ? 4 : kind == HALF ? 2 : 1;
}

SC_INLINE float load(const void *x, int64_t i, Kind kind) {
   return kind == BYTE ? (float)((const uint8_t *)x)[i] : sc_at(x, i, kind == HALF);
}

SC_INLINE void store(void *y, int64_t i, Kind kind, float value) {
   if (kind == BYTE)
      ((uint8_t *)y)[i] = (uint8_t)(value <= 0 ? 0 : value >= 255 ? 255 : rintf(value));
   else
      sc_set(y, i, kind == HALF, value);
}

// row = or += weight * n elements of x.
SC_INLINE void add_row(float *restrict row, const void *restrict x, int64_t n, float weight, bool first,
                       Kind kind) {
   if (first)
      for (int64_t i = 0; i < n; i++) row[i] = weight * load(x, i, kind);
   else
      for (int64_t i = 0; i < n; i++) row[i] += weight * load(x, i, kind);
}

// One pixel from `count` of a row, channel by channel.
SC_INLINE void sum_pixels(const float *restrict row, const float *weights, int64_t count, int64_t channels,
                          void *restrict y, int64_t at, Kind kind) {
   for (int64_t c = 0; c < channels; c += BLOCK) {
      int64_t n = channels - c < BLOCK ? channels - c : BLOCK;
      float sum[BLOCK] = {0};
      for (int64_t t = 0; t < count; t++)
         for (int64_t i = 0; i < n; i++) sum[i] += weights[t] * row[t * channels + c + i];
      for (int64_t i = 0; i < n; i++) store(y, at + c + i, kind, sum[i]);
   }
}

// One or two are the usual number, and need no sums in between.
SC_INLINE void make_pixel(const float *restrict row, const float *weights, int64_t count, int64_t channels,
                          void *restrict y, int64_t at, Kind kind) {
   float first = weights[0], second = weights[1];
   if (count == 1)
      for (int64_t i = 0; i < channels; i++) store(y, at + i, kind, first * row[i]);
   else if (count == 2)
      for (int64_t i = 0; i < channels; i++)
         store(y, at + i, kind, first * row[i] + second * row[channels + i]);
   else
      sum_pixels(row, weights, count, channels, y, at, kind);
}

SC_INLINE void make_pixels(const Job *j, const float *restrict row, void *restrict y, int64_t at,
                           int64_t channels, Kind kind) {
   for (int64_t k = 0; k < j->columns.n; k++)
      make_pixel(row + j->columns.first[k] * channels, j->across + k * j->across_stride, j->columns.count[k],
                 channels, y, (at * j->columns.n + k) * channels, kind);
}

// Row number `at` of all pictures, by way of `row`, which holds one of the input.
SC_INLINE void make_row_of(const Job *j, int64_t at, float *row, Kind kind) {
   int64_t picture = at / j->rows.n, i = at % j->rows.n, n = j->width * j->channels;
   const char *x = (const char *)j->x + (picture * j->height + j->rows.first[i]) * n * size_of(kind);
   for (int64_t t = 0; t < j->rows.count[i]; t++)
      add_row(row, x + t * n * size_of(kind), n, (float)j->rows.weights[i * j->rows.stride + t], t == 0, kind);
   if (!j->rows.count[i]) memset(row, 0, (size_t)n * sizeof *row);
   if (j->channels == 3)
      make_pixels(j, row, j->y, at, 3, kind); // a loop without a loop
   else
      make_pixels(j, row, j->y, at, j->channels, kind);
}

SC_CLONES static void make_row(const Job *j, int64_t at, float *row) {
   switch (j->kind) {
   case FLOAT: make_row_of(j, at, row, FLOAT); break;
   case HALF: make_row_of(j, at, row, HALF); break;
   default: make_row_of(j, at, row, BYTE);
   }
}

static ScStatus make_rows(const Job *j, int64_t pictures) {
   bool failed = false;
   int64_t elements = j->rows.n * j->columns.n * j->channels;
#pragma omp parallel reduction(|| : failed) if (pictures * elements > WORTH_THREADS)
   {
      float *row = malloc((size_t)(j->width * j->channels) * sizeof *row);
      failed = !row;
#pragma omp for
      for (int64_t at = 0; at < pictures * j->rows.n; at++)
         if (row) make_row(j, at, row);
      free(row);
   }
   return failed ? sc_fail(SC_EMEM, "out of memory") : SC_OK;
}

// Row `at` of the result where each pixel is one of the input.
static void copy_row(const Job *j, int64_t at) {
   int64_t size = j->channels * size_of(j->kind),
           row = at / j->rows.n * j->height + j->rows.first[at % j->rows.n];
   const char *x = (const char *)j->x + row * j->width * size;
   char *y = (char *)j->y + at * j->columns.n * size;
   for (int64_t k = 0; k < j->columns.n; k++)
      memcpy(y + k * size, x + j->columns.first[k] * size, (size_t)size);
}

static ScStatus copy_rows(const Job *j, int64_t pictures) {
#pragma omp parallel for if (pictures * j->rows.n * j->columns.n * j->channels > WORTH_THREADS)
   for (int64_t at = 0; at < pictures * j->rows.n; at++) copy_row(j, at);
   return SC_OK;
}

static ScStatus find_weights(ScCall *c, Job *j, bool transposed) {
   ScResize down = sc_resize_of(c, 0), across = sc_resize_of(c, 1);
   SC_TRY(sc_bands_new(&j->rows, &down, transposed));
   SC_TRY(sc_bands_new(&j->columns, &across, transposed));
   int64_t stride = j->columns.stride;
   j->across_stride = stride > 2 ? stride : 2;
   j->across = calloc((size_t)(j->columns.n * j->across_stride), sizeof *j->across);
   if (!j->across) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t k = 0; k < j->columns.n; k++)
      for (int64_t t = 0; t < stride; t++)
         j->across[k * j->across_stride + t] = (float)j->columns.weights[k * stride + t];
   return SC_OK;
}

static ScStatus run(ScCall *c, const ScTensor *x, ScTensor *y, bool transposed) {
   Job j = {.height = x->shape[2],
            .width = x->shape[3],
            .channels = x->shape[1],
            .kind = x->dtype == SC_U8 ? BYTE
                    : sc_is_half(x)   ? HALF
                                      : FLOAT,
            .x = x->buffer->data,
            .y = y->buffer->data};
   bool copies = !transposed && c->attr[SC_RESIZE_MODE].i <= SC_RESIZE_EXACT;
   ScStatus status = find_weights(c, &j, transposed);
   if (status == SC_OK && j.kind == BYTE && c->attr[SC_RESIZE_ANTIALIAS].i)
      status = sc_interpolate_bytes(x, y, &j.rows, &j.columns);
   else if (status == SC_OK)
      status = copies ? copy_rows(&j, x->shape[0]) : make_rows(&j, x->shape[0]);
   sc_bands_free(&j.rows);
   sc_bands_free(&j.columns);
   free(j.across);
   return status;
}

static ScStatus forward(ScCall *c) {
   return run(c, c->in[0], c->out[0], false);
}

static ScStatus backward(ScCall *c) {
   return run(c, c->grad_out[0], c->grad_in[0], true);
}

SC_KERNEL(cpu, interpolate, .dtypes = 1u << SC_F32 | 1u << SC_U8, .more_dtypes = sc_cpu_half,
          .forward = forward, .backward = backward)
