// Running sums, in double. Long rows are cut into parts: a first launch sums each part up, a second begins each
// with the sum of those before it, added up in their order. Rows that lie in one piece take a block for each
// part, rows whose elements lie apart, and short ones, a thread.
#include "host/ops/cumsum.h"

#include "kernels/cuda/total.cuh"
#include "kernels/cuda/workspace.h"

namespace {

enum { EACH = 4, TILE = 1024, SHORT = 128, MOST_PARTS = 64 }; // a tile: EACH elements of each thread

template <typename T>
using Total = typename std::conditional<std::is_integral<T>::value, __int128, double>::type;

template <typename T, typename R> struct Scan {
   ScAxis axis;
   bool from_end;
   int64_t length; // of a part
   const T *x;
   R *y;              // NULL: the sums of the parts are wanted
   Total<T> *partial; // (rows, parts); NULL if there is but one part
   __device__ int64_t at(int64_t row, int64_t k) const {
      int64_t place = from_end ? axis.n - 1 - k : k;
      return (row / axis.inner * axis.n + place) * axis.inner + row % axis.inner;
   }
   __device__ void put(int64_t place, Total<T> total) const {
      if constexpr (std::is_integral<R>::value)
         y[place] = sc_saturate(total);
      else
         y[place] = sc_narrow<R>((ScMath<R>)total);
   }
   __device__ Total<T> before(int64_t row) const {
      Total<T> sum = 0;
      for (unsigned part = 0; y && part < blockIdx.y; part++) sum += partial[row * gridDim.y + part];
      return sum;
   }
   __device__ int64_t first(void) const { return blockIdx.y * length; }
   __device__ int64_t end(void) const { return first() + length < axis.n ? first() + length : axis.n; }
   __device__ void leave(int64_t row, Total<T> sum) const {
      if (!y) partial[row * gridDim.y + blockIdx.y] = sum;
   }
};

static_assert((int)TILE == (int)SC_CUDA_BLOCK * (int)EACH, "as many as a block takes");

template <typename T, typename R> __global__ void cumsum_threads(Scan<T, R> s) {
   int64_t rows = s.axis.outer * s.axis.inner;
   for (int64_t row = sc_thread(); row < rows; row += sc_threads()) {
      Total<T> sum = s.before(row);
      for (int64_t k = s.first(); k < s.end(); k++) {
         int64_t at = s.at(row, k);
         sum += (Total<T>)sc_widen(s.x[at]);
         if (s.y) s.put(at, sum);
      }
      s.leave(row, sum);
   }
}

// The sum of the values of all threads before this one; *all: of all of them.
template <typename A> __device__ A sum_before(A value, A *all) {
   __shared__ A sums[2][SC_CUDA_BLOCK];
   int t = (int)threadIdx.x, now = 0;
   __syncthreads(); // the last call's sums have been read
   sums[0][t] = value;
   for (int step = 1; step < SC_CUDA_BLOCK; step *= 2, now = 1 - now) {
      __syncthreads();
      sums[1 - now][t] = sums[now][t] + (t >= step ? sums[now][t - step] : 0);
   }
   __syncthreads();
   *all = sums[now][SC_CUDA_BLOCK - 1];
   return t > 0 ? sums[now][t - 1] : 0;
}

template <typename T, typename R> __global__ void cumsum_blocks(Scan<T, R> s) {
   int64_t row = blockIdx.x;
   Total<T> carried = s.before(row);
   for (int64_t tile = s.first(); tile < s.end(); tile += TILE) {
      int64_t from = tile + (int64_t)threadIdx.x * EACH;
      Total<T> sums[EACH], sum = 0, all;
#pragma unroll
      for (int i = 0; i < EACH; i++) {
         if (from + i < s.end()) sum += (Total<T>)sc_widen(s.x[s.at(row, from + i)]);
         sums[i] = sum;
      }
      Total<T> before = carried + sum_before(sum, &all);
#pragma unroll
      for (int i = 0; i < EACH; i++)
         if (s.y && from + i < s.end()) s.put(s.at(row, from + i), before + sums[i]);
      carried += all;
   }
   if (threadIdx.x == 0) s.leave(row, carried);
}

template <typename T, typename R> ScStatus sum_up(const ScCall *c, ScAxis a, bool from_end, const T *x, R *y) {
   int64_t rows = a.outer * a.inner, resident = sc_cuda_resident_threads(c->device);
   bool blocks = a.inner == 1 && a.n > SHORT;
   int64_t least = blocks ? 4096 : 256, wanted = resident / (blocks ? rows * SC_CUDA_BLOCK : rows);
   int64_t most = a.n / least, parts = wanted < most ? wanted : most;
   parts = parts < 1 ? 1 : parts > MOST_PARTS ? (int64_t)MOST_PARTS : parts;
   Scan<T, R> s = {a, from_end, (a.n + parts - 1) / parts, x, y, nullptr};
   dim3 grid = blocks ? dim3((unsigned)rows) : sc_cuda_grid(c->device, rows);
   grid.y = (unsigned)parts;
   auto kernel = blocks ? cumsum_blocks<T, R> : cumsum_threads<T, R>;
   if (parts > 1) {
      void *space;
      SC_TRY(sc_cuda_workspace(c->device, (size_t)(rows * parts) * sizeof(Total<T>), &space));
      s.partial = (Total<T> *)space;
      Scan<T, R> first = s;
      first.y = nullptr;
      SC_TRY(sc_cuda_launch(c->device, c->op->name, kernel, grid, SC_CUDA_BLOCK, 0, first));
   }
   return sc_cuda_launch(c->device, c->op->name, kernel, grid, SC_CUDA_BLOCK, 0, s);
}

ScStatus forward(ScCall *c) {
   ScAxis a = sc_axis(c->in[0], c->attr[SC_CUMSUM_DIM].i);
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef typename std::conditional<std::is_integral<T>::value, int64_t, T>::type R;
      return sum_up(c, a, false, sc_data<const T>(c->in[0]), sc_data<R>(c->out[0]));
   });
}

ScStatus backward(ScCall *c) {
   ScAxis a = sc_axis(c->grad_in[0], c->attr[SC_CUMSUM_DIM].i);
   return sc_with_float(c->grad_in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sum_up(c, a, true, sc_data<const T>(c->grad_out[0]), sc_data<T>(c->grad_in[0]));
   });
}

} // namespace

SC_KERNEL(cuda, cumsum, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
