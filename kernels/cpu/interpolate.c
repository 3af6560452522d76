// Channels-last pictures of float32, bfloat16 or u8 in another size: a row of the result is made of rows of the
// input first, then its pixels of that row's. Backward is the same with the weights transposed.
#include "host/ops/interpolate.h"

#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/half.h"

enum { BLOCK = 64, WORTH_THREADS = 32768 };

typedef enum { FLOAT, HALF, BYTE } Kind;

typedef struct {
   int64_t height, width, channels; // of the input
   Kind kind;
   const void *x;
   void *y;
   ScBands rows, columns;
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

SC_INLINE void sum_pixels(const Job *j, const float *restrict row, const double *weights, int64_t count,
                          void *y, int64_t at, Kind kind) {
   for (int64_t c = 0; c < j->channels; c += BLOCK) {
      int64_t n = j->channels - c < BLOCK ? j->channels - c : BLOCK;
      float sum[BLOCK] = {0};
      for (int64_t t = 0; t < count; t++) {
         float weight = (float)weights[t];
         for (int64_t i = 0; i < n; i++) sum[i] += weight * row[t * j->channels + c + i];
      }
      for (int64_t i = 0; i < n; i++) store(y, at + c + i, kind, sum[i]);
   }
}

// Row number `at` of all pictures, by way of `row`, which holds one of the input.
SC_INLINE void make_row_of(const Job *j, int64_t at, float *row, Kind kind) {
   int64_t picture = at / j->rows.n, i = at % j->rows.n, n = j->width * j->channels;
   const char *x = (const char *)j->x + (picture * j->height + j->rows.first[i]) * n * size_of(kind);
   for (int64_t t = 0; t < j->rows.count[i]; t++)
      add_row(row, x + t * n * size_of(kind), n, (float)j->rows.weights[i * j->rows.stride + t], t == 0, kind);
   if (!j->rows.count[i]) memset(row, 0, (size_t)n * sizeof *row);
   for (int64_t k = 0; k < j->columns.n; k++)
      sum_pixels(j, row + j->columns.first[k] * j->channels, j->columns.weights + k * j->columns.stride,
                 j->columns.count[k], j->y, (at * j->columns.n + k) * j->channels, kind);
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

static ScStatus run(ScCall *c, const ScTensor *x, ScTensor *y, bool transposed) {
   ScResize down = sc_resize_of(c, 0), across = sc_resize_of(c, 1);
   Job j = {.height = x->shape[2],
            .width = x->shape[3],
            .channels = x->shape[1],
            .kind = x->dtype == SC_U8 ? BYTE
                    : sc_is_half(x)   ? HALF
                                      : FLOAT,
            .x = x->buffer->data,
            .y = y->buffer->data};
   SC_TRY(sc_bands_new(&j.rows, &down, transposed));
   ScStatus status = sc_bands_new(&j.columns, &across, transposed);
   if (status == SC_OK) status = make_rows(&j, x->shape[0]);
   sc_bands_free(&j.rows);
   sc_bands_free(&j.columns);
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
