// Which numbers there are: where each stands in their order, then of neighbours that are equal the first.
#include "host/ops/unique.h"

#include "kernels/cuda/order.cuh"

namespace {

enum { EACH = (int)SC_PIECE / (int)SC_CUDA_BLOCK }; // neighbours that a thread looks at

template <typename T> struct KeepOrder {
   int64_t count;
   int64_t *order;
   __device__ void operator()(const ScSorting &, const T *, int64_t, int64_t k,
                              const ScKeyOf<T> *sorted) const {
      order[k] = sorted[k].index();
   }
};

// The numbers in their order, of which some begin a group of equal ones.
template <typename T> struct Ordered {
   const T *x;
   int64_t n;
   const int64_t *order;
   __device__ bool begins(int64_t k) const {
      return k < n && (k == 0 || !(sc_widen(x[order[k]]) == sc_widen(x[order[k - 1]])));
   }
   __device__ int begin_here(int64_t first) const {
      int count = 0;
      for (int i = 0; i < EACH; i++) count += begins(first + i);
      return count;
   }
};

// The sum over the threads before this one, and in *total over all of the block.
__device__ int64_t unique_before(int64_t value, int64_t *total) {
   __shared__ int64_t sums[2][SC_CUDA_BLOCK];
   int t = (int)threadIdx.x, side = 0;
   __syncthreads();
   sums[0][t] = value;
   for (int step = 1; step < SC_CUDA_BLOCK; step *= 2, side = 1 - side) {
      __syncthreads();
      sums[1 - side][t] = sums[side][t] + (t >= step ? sums[side][t - step] : 0);
   }
   __syncthreads();
   *total = sums[side][SC_CUDA_BLOCK - 1];
   return sums[side][t] - value;
}

template <typename T> __global__ void unique_count(Ordered<T> o, int64_t pieces, int64_t *counts) {
   for (int64_t piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
      int64_t total;
      unique_before(o.begin_here(piece * SC_PIECE + threadIdx.x * EACH), &total);
      if (threadIdx.x == 0) counts[piece] = total;
   }
}

// One block: counts become what comes before them, with the sum of all behind the last.
__global__ void unique_sum(int64_t pieces, int64_t *counts) {
   int64_t before = 0, total;
   for (int64_t first = 0; first < pieces; first += SC_CUDA_BLOCK, before += total) {
      int64_t piece = first + threadIdx.x;
      int64_t sum = unique_before(piece < pieces ? counts[piece] : 0, &total);
      if (piece < pieces) counts[piece] = before + sum;
   }
   if (threadIdx.x == 0) counts[pieces] = before;
}

template <typename T>
__global__ void unique_place(Ordered<T> o, int64_t pieces, const int64_t *counts, T *values, int64_t *starts,
                             int64_t *inverse) {
   for (int64_t piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
      int64_t first = piece * SC_PIECE + threadIdx.x * EACH, total;
      int64_t group = counts[piece] + unique_before(o.begin_here(first), &total);
      for (int64_t k = first; k < first + EACH && k < o.n; k++) {
         if (o.begins(k)) {
            values[group] = o.x[o.order[k]];
            if (starts) starts[group] = k;
            group++;
         }
         if (inverse) inverse[o.order[k]] = group;
      }
   }
}

__global__ void unique_sizes(int64_t n, const int64_t *found, const int64_t *starts, int64_t *counts) {
   for (int64_t i = sc_thread(); i < *found; i += sc_threads())
      counts[i] = (i + 1 < *found ? starts[i + 1] : n) - starts[i];
}

// Memory for the order, for how many begin in each piece and in all, and for where they begin.
struct Room {
   int64_t *order, *counts, *starts;
};

template <typename T> ScStatus find(ScCall *c, int64_t pieces, Room r) {
   ScTensor *counts = sc_unique_counts(c);
   const T *x = sc_data<const T>(c->in[0]);
   int64_t n = sc_numel(c->in[0]);
   dim3 grid = sc_cuda_grid(c->device, pieces * SC_CUDA_BLOCK);
   Ordered<T> o = {x, n, r.order};
   SC_TRY(sc_sort_rows(c->device, "unique", {{1, n, 1}, n, false, false}, x, KeepOrder<T>{n, r.order}));
   SC_TRY(sc_cuda_launch(c->device, "unique", unique_count<T>, grid, SC_CUDA_BLOCK, 0, o, pieces, r.counts));
   SC_TRY(sc_cuda_launch(c->device, "unique", unique_sum, 1, SC_CUDA_BLOCK, 0, pieces, r.counts));
   SC_TRY(sc_cuda_launch(c->device, "unique", unique_place<T>, grid, SC_CUDA_BLOCK, 0, o, pieces, r.counts,
                         sc_data<T>(c->out[0]), counts ? r.starts : nullptr,
                         sc_data<int64_t>(sc_unique_inverse(c))));
   if (!counts) return SC_OK;
   return sc_cuda_launch(c->device, "unique", unique_sizes, sc_cuda_grid(c->device, n), SC_CUDA_BLOCK, 0, n,
                         r.counts + pieces, r.starts, sc_data<int64_t>(counts));
}

ScStatus forward(ScCall *c) {
   int64_t n = sc_numel(c->in[0]), pieces = (n + SC_PIECE - 1) / SC_PIECE;
   ScBuffer *memory;
   SC_TRY(sc_buffer_new(&memory, c->device, (size_t)(2 * n + pieces + 1) * sizeof(int64_t)));
   int64_t *order = (int64_t *)memory->data;
   Room r = {order, order + n, order + n + pieces + 1};
   ScStatus status =
       sc_with_number(c->in[0]->dtype, [&](auto type) { return find<decltype(type)>(c, pieces, r); });
   if (status == SC_OK)
      status = c->device->backend->download(c->device, &c->attr[SC_UNIQUE_FOUND].i, r.counts + pieces,
                                            sizeof(int64_t));
   sc_buffer_release(memory);
   return status;
}

} // namespace

SC_KERNEL(cuda, unique, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = nullptr)
