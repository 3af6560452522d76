// Reductions of any kind over any part of a tensor: deterministic, in one pass or two.
//
// What is reduced is a functor F:
//    typename F::Sum                        what is carried along
//    Sum zero()                             of nothing
//    Sum join(Sum, Sum)
//    auto place(int64_t kept)               whatever helps to find the elements of result number `kept`
//    Sum take(place, int64_t r)             element number r of those
//    void put(int64_t kept, Sum)            stores the result
// and where that is cheaper than join:
//    Sum follow(Sum a, Sum b)               of b, which is of later elements than a and not of nothing
//    int UNROLL                             how many steps of the loop are in one; 4 where it is not said
// For sc_reduce_along and sc_reduce_side, which read sixteen bytes at a time, one of
//    Sum take_along<N>(place, int64_t r)               elements r..r+N-1 of one result
//    void take_side<N>(place, int64_t r, Sum (&)[N])   element r of each of N neighbouring results
#ifndef SCUTE_CUDA_REDUCTION_CUH
#define SCUTE_CUDA_REDUCTION_CUH

#include <type_traits>
#include <utility>

#include "kernels/cuda/launch.cuh"
#include "kernels/cuda/workspace.h"

template <typename F, typename = void> struct ScUnroll { static constexpr int N = 4; };
template <typename F> struct ScUnroll<F, std::void_t<decltype(F::UNROLL)>> {
   static constexpr int N = F::UNROLL;
};

template <typename F>
__device__ typename F::Sum sc_follow(const F &f, typename F::Sum a, const typename F::Sum &b) {
   if constexpr (requires { f.follow(a, b); })
      return f.follow(a, b);
   else
      return f.join(a, b);
}

// A block computes `columns` results with SC_CUDA_BLOCK / columns threads each. Its neighbouring threads take
// neighbouring elements of one result if `along`, else the same element of neighbouring results: whichever lie
// side by side in memory. blockIdx.y is the part of the elements; with more than one part the sums go to
// partial[part][kept].
template <typename F>
__global__ void sc_reduction(F f, int64_t kept, int64_t reduced, int columns, bool along,
                             typename F::Sum *partial) {
   typedef typename F::Sum Sum;
   __shared__ Sum sums[SC_CUDA_BLOCK];
   int t = (int)threadIdx.x, rows = SC_CUDA_BLOCK / columns;
   int column = along ? t / rows : t % columns, row = along ? t % rows : t / columns;
   int64_t k = (int64_t)blockIdx.x * columns + column, part = (reduced + gridDim.y - 1) / gridDim.y;
   int64_t from = blockIdx.y * part, to = from + part < reduced ? from + part : reduced;
   Sum sum = f.zero();
   if (k < kept) {
      auto place = f.place(k);
      [[maybe_unused]] constexpr int unroll = ScUnroll<F>::N; // g++ knows no such pragma
#pragma unroll unroll
      for (int64_t r = from + row; r < to; r += rows) sum = sc_follow(f, sum, f.take(place, r));
   }
   Sum *mine = sums + t;
   int next = along ? 1 : columns; // from one row's sum to that of the next
   *mine = sum;
   for (int half = rows / 2; half > 0; half /= 2) {
      __syncthreads();
      if (row < half) *mine = f.join(mine[0], mine[half * next]);
   }
   if (row > 0 || k >= kept) return;
   if (partial)
      partial[blockIdx.y * kept + k] = *mine;
   else
      f.put(k, *mine);
}

// The second pass: joins the sums of the parts in their order.
template <typename F> struct ScReduceParts {
   typedef typename F::Sum Sum;
   F f;
   const Sum *partial;
   int64_t kept;
   __device__ Sum zero() const { return f.zero(); }
   __device__ Sum join(Sum a, Sum b) const { return f.join(a, b); }
   __device__ int64_t place(int64_t k) const { return k; }
   __device__ Sum take(int64_t k, int64_t part) const { return partial[part * kept + k]; }
   __device__ void put(int64_t k, Sum sum) const { f.put(k, sum); }
};

static inline int sc_power_of_two(int64_t least, int most) {
   int power = 1;
   while (power < least && power < most) power *= 2;
   return power;
}

template <typename F>
ScStatus sc_reduce_launch(const ScDevice *device, const char *what, F f, int64_t kept, int64_t reduced,
                          int columns, bool along, int64_t parts, typename F::Sum *partial) {
   dim3 grid((unsigned)((kept + columns - 1) / columns), (unsigned)parts);
   return sc_cuda_launch(device, what, sc_reduction<F>, grid, SC_CUDA_BLOCK, 0, f, kept, reduced, columns,
                         along, partial);
}

// `along`: the elements of one result lie side by side, not those of neighbouring results.
template <typename F>
ScStatus sc_reduce(const ScDevice *device, const char *what, F f, int64_t kept, int64_t reduced, bool along) {
   const int side_by_side = 32, least = 16; // results in a row of threads; elements that are worth a thread
   int columns = SC_CUDA_BLOCK / sc_power_of_two(reduced, along ? SC_CUDA_BLOCK : SC_CUDA_BLOCK / side_by_side);
   if (!along && kept < columns) columns = sc_power_of_two(kept, columns);
   int rows = SC_CUDA_BLOCK / columns;
   int64_t blocks = (kept + columns - 1) / columns, most = reduced / ((int64_t)rows * least);
   int64_t parts = 2 * (int64_t)sc_cuda_resident_threads(device) / SC_CUDA_BLOCK / blocks;
   parts = parts < most ? parts : most;
   if (parts <= 1) return sc_reduce_launch(device, what, f, kept, reduced, columns, along, 1, nullptr);
   typedef typename F::Sum Sum;
   void *partial;
   SC_TRY(sc_cuda_workspace(device, (size_t)(parts * kept) * sizeof(Sum), &partial));
   SC_TRY(sc_reduce_launch(device, what, f, kept, reduced, columns, along, parts, (Sum *)partial));
   ScReduceParts<F> joined = {f, (const Sum *)partial, kept};
   columns = sc_power_of_two(kept, SC_CUDA_BLOCK / sc_power_of_two(parts, SC_CUDA_BLOCK));
   return sc_reduce_launch(device, what, joined, kept, parts, columns, false, 1, (Sum *)nullptr);
}

// ---- vectors ----

// F with N elements of a result for one.
template <typename F, int N> struct ScAlong : F {
   typedef decltype(std::declval<F>().place(0)) Place;
   __device__ typename F::Sum take(Place place, int64_t r) const {
      return this->template take_along<N>(place, r * N);
   }
};

// F with N neighbouring results for one.
template <typename F, int N> struct ScSide {
   typedef decltype(std::declval<F>().place(0)) Place;
   enum { UNROLL = ScUnroll<F>::N };
   struct Sum {
      typename F::Sum v[N];
   };
   F f;
   __device__ Sum zero() const {
      Sum sum;
#pragma unroll
      for (int k = 0; k < N; k++) sum.v[k] = f.zero();
      return sum;
   }
   __device__ Sum join(Sum a, const Sum &b) const {
#pragma unroll
      for (int k = 0; k < N; k++) a.v[k] = f.join(a.v[k], b.v[k]);
      return a;
   }
   __device__ Sum follow(Sum a, const Sum &b) const {
#pragma unroll
      for (int k = 0; k < N; k++) a.v[k] = sc_follow(f, a.v[k], b.v[k]);
      return a;
   }
   __device__ Place place(int64_t k) const {
      return f.place(k * N);
   }
   __device__ Sum take(Place place, int64_t r) const {
      Sum sum;
      f.template take_side<N>(place, r, sum.v);
      return sum;
   }
   __device__ void put(int64_t k, const Sum &sum) const {
#pragma unroll
      for (int i = 0; i < N; i++) f.put(k * N + i, sum.v[i]);
   }
};

// sc_reduce by vectors of N elements of one result, which lie side by side, where that is possible.
template <int N, typename F>
ScStatus sc_reduce_along(const ScDevice *device, const char *what, F f, int64_t kept, int64_t reduced) {
   if constexpr (N > 1)
      if (reduced % N == 0) return sc_reduce(device, what, ScAlong<F, N>{f}, kept, reduced / N, true);
   return sc_reduce(device, what, f, kept, reduced, true);
}

// The same where elements of `row` neighbouring results lie side by side.
template <int N, typename F>
ScStatus sc_reduce_side(const ScDevice *device, const char *what, F f, int64_t kept, int64_t reduced,
                        int64_t row) {
   if constexpr (N > 1)
      if (row % N == 0) return sc_reduce(device, what, ScSide<F, N>{f}, kept / N, reduced, false);
   return sc_reduce(device, what, f, kept, reduced, false);
}

#endif
