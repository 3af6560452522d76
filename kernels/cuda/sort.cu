// sort, argsort, topk and median.
#include "host/ops/sort.h"

#include "host/core/transfer.h"
#include "kernels/cuda/order.cuh"

namespace {

// Entry k of each row, as number and as index from 1; any of the results may be NULL.
template <typename T> struct Take {
   int64_t count;
   T *values;
   int64_t *indices;
   __device__ void operator()(const ScSorting &s, const T *x, int64_t row, int64_t k,
                              const ScKeyOf<T> *sorted) const {
      int64_t index = sorted[k].index(), inner = s.axis.inner;
      int64_t to = (row / inner * count + k) * inner + row % inner;
      if (values) values[to] = x[s.place(row, index)];
      if (indices) indices[to] = index + 1;
   }
};

ScStatus first_of_rows(ScCall *c, int64_t dim, int64_t count, bool descending, const ScTensor *values,
                       const ScTensor *indices) {
   ScSorting s = {sc_axis(c->in[0], dim), count, descending, false};
   if (count == 0) s.wanted = s.axis.n;
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_sort_rows(c->device, c->op->name, s, sc_data<const T>(c->in[0]),
                          Take<T>{s.wanted, sc_data<T>(values), sc_data<int64_t>(indices)});
   });
}

// NaNs come first.
template <typename T> struct TakeMiddle {
   int64_t count; // 1
   T *value;
   int64_t *index, *kept;
   __device__ void operator()(const ScSorting &s, const T *x, int64_t row, int64_t,
                              const ScKeyOf<T> *sorted) const {
      bool nan = !std::is_integral<T>::value && sorted[0].key() == 0;
      int64_t found = sorted[nan ? 0 : SC_MIDDLE(s.axis.n)].index();
      value[row] = x[s.place(row, found)];
      if (index) index[row] = found + 1;
      if (kept) kept[row] = found + 1;
   }
};

ScStatus forward_median(ScCall *c) {
   ScSorting s = {sc_axis(c->in[0], c->attr[SC_MEDIAN_DIM].i), 0, false, true};
   s.wanted = SC_MIDDLE(s.axis.n) + 1;
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_sort_rows(
          c->device, c->op->name, s, sc_data<const T>(c->in[0]),
          TakeMiddle<T>{1, sc_data<T>(c->out[0]), sc_data<int64_t>(c->out[1]), sc_data<int64_t>(c->saved[0])});
   });
}

// ---- the gradient ----

template <typename T>
__global__ void sort_backward(ScAxis to, ScAxis from, const int64_t *origins, const T *gy, T *gx) {
   for (int64_t i = sc_thread(); i < from.outer * from.n * from.inner; i += sc_threads()) {
      int64_t row = i / from.inner;
      gx[(row / from.n * to.n + origins[i] - 1) * to.inner + i % from.inner] = gy[i];
   }
}

// Each result goes where it came from.
ScStatus backward(ScCall *c, int64_t dim) {
   const ScTensor *origins = sc_sort_origins(c);
   ScAxis to = sc_axis(c->grad_in[0], dim), from = sc_axis(origins, dim);
   if (to.n > from.n) SC_TRY(sc_tensor_fill(c->grad_in[0], 0));
   return sc_with_float(c->grad_in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, sort_backward<T>,
                            sc_cuda_grid(c->device, sc_numel(origins)), SC_CUDA_BLOCK, 0, to, from,
                            sc_data<const int64_t>(origins), sc_data<const T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

// ---- calls ----

ScStatus forward_sort(ScCall *c) {
   return first_of_rows(c, c->attr[SC_SORT_DIM].i, 0, c->attr[SC_SORT_DESCENDING].i, c->out[0], c->out[1]);
}
ScStatus backward_sort(ScCall *c) {
   return backward(c, c->attr[SC_SORT_DIM].i);
}
ScStatus forward_argsort(ScCall *c) {
   return first_of_rows(c, c->attr[SC_SORT_DIM].i, 0, c->attr[SC_SORT_DESCENDING].i, nullptr, c->out[0]);
}
ScStatus forward_topk(ScCall *c) {
   return first_of_rows(c, c->attr[SC_TOPK_DIM].i, c->attr[SC_TOPK_K].i, c->attr[SC_TOPK_LARGEST].i, c->out[0],
                        c->out[1]);
}
ScStatus backward_topk(ScCall *c) {
   return backward(c, c->attr[SC_TOPK_DIM].i);
}
ScStatus backward_median(ScCall *c) {
   return backward(c, c->attr[SC_MEDIAN_DIM].i);
}

} // namespace

SC_KERNEL(cuda, sort, .dtypes = SC_ALL_DTYPES, .forward = forward_sort, .backward = backward_sort)
SC_KERNEL(cuda, argsort, .dtypes = SC_ALL_DTYPES, .forward = forward_argsort, .backward = nullptr)
SC_KERNEL(cuda, topk, .dtypes = SC_ALL_DTYPES, .forward = forward_topk, .backward = backward_topk)
SC_KERNEL(cuda, median, .dtypes = SC_ALL_DTYPES, .forward = forward_median, .backward = backward_median)
