// sort, argsort, topk and median.
#include "host/ops/sort.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/half.h"
#include "kernels/cpu/order.h"

enum { WORTH_THREADS = 4096 };

typedef struct {
   const ScCall *c;
   ScAxis a;
   int64_t count; // of the first numbers of each row that are wanted
   ScOrdering order;
   const ScTensor *values, *indices; // where they go; any of the two may be NULL
} Rows;

static int64_t start_of(const Rows *r, int64_t row) {
   return row / r->a.inner * r->a.n * r->a.inner + row % r->a.inner;
}

// The first numbers of a row, from where they stand in it.
static void put_row(const Rows *r, int64_t row, const ScKeyed *sorted) {
   int64_t inner = r->a.inner, from = start_of(r, row), to = row / inner * r->count * inner + row % inner;
   const void *x = r->c->in[0]->buffer->data;
   size_t size = sc_dtype_size(r->c->in[0]->dtype);
   if (r->values)
      for (int64_t k = 0; k < r->count; k++)
         sc_copy_element(r->values->buffer->data, to + k * inner, x, from + sorted[k].index * inner, size);
   if (r->indices)
      for (int64_t k = 0; k < r->count; k++)
         ((int64_t *)r->indices->buffer->data)[to + k * inner] = sorted[k].index + 1;
}

static void sort_row(const Rows *r, int64_t row, ScKeyed *keys, ScKeyed *room) {
   const ScTensor *x = r->c->in[0];
   sc_keys_of(keys, x, start_of(r, row), r->a.n, r->a.inner, r->order);
   sc_select_keys(keys, room, r->a.n, r->count, x->dtype);
   put_row(r, row, sc_sort_keys(keys, room, r->count, x->dtype));
}

// Of the lower half the largest is the median; NaNs come before all others.
static void median_of_row(const Rows *r, int64_t row, ScKeyed *keys, ScKeyed *room) {
   const ScTensor *x = r->c->in[0];
   int64_t half = SC_MIDDLE(r->a.n) + 1;
   ScKeyed first, middle;
   sc_keys_of(keys, x, start_of(r, row), r->a.n, r->a.inner, r->order);
   sc_select_keys(keys, room, r->a.n, half, x->dtype);
   first = middle = keys[0];
   for (int64_t k = 1; k < half; k++) {
      if (keys[k].key < first.key) first = keys[k];
      if (keys[k].key >= middle.key) middle = keys[k];
   }
   bool nan = sc_dtype_is_float(x->dtype) && first.key == sc_key_of_nan(x->dtype, r->order);
   put_row(r, row, nan ? &first : &middle);
}

static ScStatus each_row(const Rows *r, void (*work)(const Rows *, int64_t row, ScKeyed *keys, ScKeyed *room)) {
   int64_t n = r->a.n, rows = r->a.outer * r->a.inner;
   int threads = rows > 1 && n * rows > WORTH_THREADS ? omp_get_max_threads() : 1;
   ScKeyed *keys = malloc(2 * (size_t)threads * (size_t)n * sizeof *keys);
   if (!keys) return sc_fail(SC_EMEM, "out of memory");
#pragma omp parallel for num_threads(threads) if (threads > 1)
   for (int64_t row = 0; row < rows; row++) {
      ScKeyed *own = keys + 2 * omp_get_thread_num() * n;
      work(r, row, own, own + n);
   }
   free(keys);
   return SC_OK;
}

static ScStatus first_of_rows(ScCall *c, int64_t dim, int64_t count, bool descending, const ScTensor *values,
                              const ScTensor *indices) {
   ScAxis a = sc_axis(c->in[0], dim);
   Rows r = {c, a, count > 0 ? count : a.n, {.descending = descending}, values, indices};
   return each_row(&r, sort_row);
}

// Each result goes where it came from.
static ScStatus backward(ScCall *c, int64_t dim) {
   const ScTensor *origins = sc_sort_origins(c);
   ScAxis to = sc_axis(c->grad_in[0], dim), from = sc_axis(origins, dim);
   const int64_t *origin = origins->buffer->data;
   const void *g = c->grad_out[0]->buffer->data;
   void *dx = c->grad_in[0]->buffer->data;
   size_t size = sc_dtype_size(c->grad_in[0]->dtype);
   memset(dx, 0, sc_nbytes(c->grad_in[0]));
#pragma omp parallel for if (from.outer * from.n * from.inner > WORTH_THREADS)
   for (int64_t row = 0; row < from.outer * from.n; row++)
      for (int64_t i = 0; i < from.inner; i++) {
         int64_t at = row * from.inner + i, k = origin[at] - 1;
         sc_copy_element(dx, (row / from.n * to.n + k) * to.inner + i, g, at, size);
      }
   return SC_OK;
}

static ScStatus forward_sort(ScCall *c) {
   return first_of_rows(c, c->attr[SC_SORT_DIM].i, 0, c->attr[SC_SORT_DESCENDING].i, c->out[0], c->out[1]);
}
static ScStatus backward_sort(ScCall *c) {
   return backward(c, c->attr[SC_SORT_DIM].i);
}
static ScStatus forward_argsort(ScCall *c) {
   return first_of_rows(c, c->attr[SC_SORT_DIM].i, 0, c->attr[SC_SORT_DESCENDING].i, NULL, c->out[0]);
}
static ScStatus forward_topk(ScCall *c) {
   return first_of_rows(c, c->attr[SC_TOPK_DIM].i, c->attr[SC_TOPK_K].i, c->attr[SC_TOPK_LARGEST].i, c->out[0],
                        c->out[1]);
}
static ScStatus backward_topk(ScCall *c) {
   return backward(c, c->attr[SC_TOPK_DIM].i);
}

static ScStatus forward_median(ScCall *c) {
   ScAxis a = sc_axis(c->in[0], c->attr[SC_MEDIAN_DIM].i);
   const ScTensor *indices = c->out[1] ? c->out[1] : c->saved[0];
   Rows r = {c, a, 1, {.nan_first = true}, c->out[0], indices};
   SC_TRY(each_row(&r, median_of_row));
   if (c->out[1] && c->saved[0])
      memcpy(c->saved[0]->buffer->data, c->out[1]->buffer->data, sc_nbytes(c->out[1]));
   return SC_OK;
}
static ScStatus backward_median(ScCall *c) {
   return backward(c, c->attr[SC_MEDIAN_DIM].i);
}

#define NUMBERS .dtypes = SC_NUMBERS, .more_dtypes = sc_cpu_half

SC_KERNEL(cpu, sort, NUMBERS, .forward = forward_sort, .backward = backward_sort)
SC_KERNEL(cpu, argsort, NUMBERS, .forward = forward_argsort)
SC_KERNEL(cpu, topk, NUMBERS, .forward = forward_topk, .backward = backward_topk)
SC_KERNEL(cpu, median, NUMBERS, .forward = forward_median, .backward = backward_median)
