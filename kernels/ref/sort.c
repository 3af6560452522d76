// sort, argsort, topk and median.
#include "host/ops/sort.h"

#include "host/core/transfer.h"
#include "kernels/ref/order.h"

// Element (o, k, i) of the results comes from that element of x; any of the two may be NULL.
static void put(const ScCall *c, ScAxis a, int64_t start, int64_t at, int64_t index, const ScTensor *values,
                const ScTensor *indices) {
   if (values) sc_copy_element(values, at, c->in[0], start + index * a.inner);
   if (indices) sc_whole(indices)[at] = index + 1;
}

static ScStatus first_of_rows(ScCall *c, int64_t dim, int64_t count, bool descending, const ScTensor *values,
                              const ScTensor *indices) {
   ScAxis a = sc_axis(c->in[0], dim);
   ScEntry *row = malloc((size_t)a.n * sizeof *row);
   if (!row) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t i = 0; i < a.inner; i++) {
         int64_t start = o * a.n * a.inner + i;
         sc_order_row(row, c->in[0], start, a.n, a.inner, descending, false);
         for (int64_t k = 0; k < count; k++)
            put(c, a, start, (o * count + k) * a.inner + i, row[k].index, values, indices);
      }
   free(row);
   return SC_OK;
}

// Each result goes where it came from.
static ScStatus backward(ScCall *c, int64_t dim) {
   const ScTensor *origins = sc_sort_origins(c);
   ScAxis to = sc_axis(c->grad_in[0], dim), from = sc_axis(origins, dim);
   SC_TRY(sc_tensor_fill(c->grad_in[0], 0));
   for (int64_t at = 0; at < from.outer * from.n * from.inner; at++) {
      int64_t o = at / (from.n * from.inner), i = at % from.inner, k = sc_whole(origins)[at] - 1;
      sc_copy_element(c->grad_in[0], (o * to.n + k) * to.inner + i, c->grad_out[0], at);
   }
   return SC_OK;
}

static int64_t row_length(const ScCall *c, int dim) {
   return sc_axis(c->in[0], c->attr[dim].i).n;
}

static ScStatus forward_sort(ScCall *c) {
   return first_of_rows(c, c->attr[SC_SORT_DIM].i, row_length(c, SC_SORT_DIM), c->attr[SC_SORT_DESCENDING].i,
                        c->out[0], c->out[1]);
}
static ScStatus backward_sort(ScCall *c) {
   return backward(c, c->attr[SC_SORT_DIM].i);
}
static ScStatus forward_argsort(ScCall *c) {
   return first_of_rows(c, c->attr[SC_SORT_DIM].i, row_length(c, SC_SORT_DIM), c->attr[SC_SORT_DESCENDING].i,
                        NULL, c->out[0]);
}
static ScStatus forward_topk(ScCall *c) {
   return first_of_rows(c, c->attr[SC_TOPK_DIM].i, c->attr[SC_TOPK_K].i, c->attr[SC_TOPK_LARGEST].i, c->out[0],
                        c->out[1]);
}
static ScStatus backward_topk(ScCall *c) {
   return backward(c, c->attr[SC_TOPK_DIM].i);
}

SC_KERNEL(ref, sort, .dtypes = SC_NUMBERS, .forward = forward_sort, .backward = backward_sort)
SC_KERNEL(ref, argsort, .dtypes = SC_NUMBERS, .forward = forward_argsort)
SC_KERNEL(ref, topk, .dtypes = SC_NUMBERS, .forward = forward_topk, .backward = backward_topk)

// ---- median ----

static ScStatus forward_median(ScCall *c) {
   ScAxis a = sc_axis(c->in[0], c->attr[SC_MEDIAN_DIM].i);
   ScEntry *row = malloc((size_t)a.n * sizeof *row);
   if (!row) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t o = 0; o < a.outer; o++)
      for (int64_t i = 0; i < a.inner; i++) {
         int64_t start = o * a.n * a.inner + i, at = o * a.inner + i;
         sc_order_row(row, c->in[0], start, a.n, a.inner, false, true);
         int64_t index = row[row[0].nan ? 0 : SC_MIDDLE(a.n)].index;
         put(c, a, start, at, index, c->out[0], c->out[1]);
         put(c, a, start, at, index, NULL, c->saved[0]);
      }
   free(row);
   return SC_OK;
}

static ScStatus backward_median(ScCall *c) {
   return backward(c, c->attr[SC_MEDIAN_DIM].i);
}

SC_KERNEL(ref, median, .dtypes = SC_NUMBERS, .forward = forward_median, .backward = backward_median)
