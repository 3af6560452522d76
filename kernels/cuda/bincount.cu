// How often each class is there. Counts may come in any order; weights are added in one that does not change.
#include "host/ops/bincount.h"

#include "host/core/transfer.h"
#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/order.cuh"

namespace {

template <typename X> __global__ void bincount_count(int64_t n, const X *x, int64_t *counts) {
   for (int64_t i = sc_thread(); i < n; i += sc_threads())
      atomicAdd((unsigned long long *)&counts[x[i] - 1], 1ull);
}

// A block has a class and looks at all numbers.
template <typename X, typename T>
__global__ void bincount_add(int64_t n, int64_t classes, const X *x, const T *weights, T *sums) {
   for (int64_t k = blockIdx.x; k < classes; k += gridDim.x) {
      double sum = 0;
      for (int64_t i = threadIdx.x; i < n; i += blockDim.x)
         if ((int64_t)x[i] == k + 1) sum += (double)sc_widen(weights[i]);
      sum = sc_block_reduce<ScAdd>(sum);
      if (threadIdx.x == 0) sums[k] = sc_narrow<T>((ScMath<T>)sum);
   }
}

// The numbers are in their order: the first of those that are equal adds the weights of all.
template <typename T> struct AddEqual {
   int64_t count;
   const T *weights;
   T *sums;
   template <typename X, typename E>
   __device__ void operator()(const ScSorting &, const X *x, int64_t, int64_t k, const E *sorted) const {
      if (!sc_begins_equal(sorted, k)) return;
      int64_t end = sc_end_of_equal(sorted, k, count);
      double sum = 0;
      for (int64_t i = k; i < end; i++) sum += (double)sc_widen(weights[sorted[i].index()]);
      sums[x[sorted[k].index()] - 1] = sc_narrow<T>((ScMath<T>)sum);
   }
};

enum : int64_t { MOST_READ = 100000000 }; // more than that is worth sorting

template <typename T, typename X> ScStatus add(ScCall *c, const X *x) {
   int64_t n = sc_numel(c->in[0]), classes = sc_numel(c->out[0]);
   const T *weights = sc_data<const T>(c->in[1]);
   T *sums = sc_data<T>(c->out[0]);
   if (classes <= MOST_READ / n)
      return sc_cuda_launch(c->device, "bincount", bincount_add<X, T>,
                            sc_cuda_grid(c->device, classes * SC_CUDA_BLOCK), SC_CUDA_BLOCK, 0, n, classes, x,
                            weights, sums);
   SC_TRY(sc_tensor_fill(c->out[0], 0));
   return sc_sort_rows(c->device, "bincount", {{1, n, 1}, n, false, false}, x, AddEqual<T>{n, weights, sums});
}

template <typename X> ScStatus count(ScCall *c, const X *x) {
   int64_t n = sc_numel(c->in[0]);
   if (c->in[1]) return sc_with_float(c->in[1]->dtype, [&](auto type) { return add<decltype(type)>(c, x); });
   SC_TRY(sc_tensor_fill(c->out[0], 0));
   return sc_cuda_launch(c->device, "bincount", bincount_count<X>, sc_cuda_grid(c->device, n), SC_CUDA_BLOCK, 0,
                         n, x, sc_data<int64_t>(c->out[0]));
}

ScStatus forward(ScCall *c) {
   if (c->in[0]->dtype == SC_U8) return count(c, sc_data<const uint8_t>(c->in[0]));
   return count(c, sc_data<const int64_t>(c->in[0]));
}

} // namespace

SC_KERNEL(cuda, bincount, .dtypes = 1u << SC_I64 | 1u << SC_U8, .forward = forward, .backward = nullptr)
