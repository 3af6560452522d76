// Sums over where an operand was stretched to the shape of others, by vectors where it can be.
//
// What is summed is a functor:
//    typename Sum, OPERANDS             in what it adds up, how many operands there are
//    ScIndex<OPERANDS> kept, reduced    where each lies along what is kept, and along what is summed
//    bool one[OPERANDS]                 set here: N neighbours of that operand are one element
//    void terms(at, Sum (&)[N])         N neighbouring terms; each operand is at at[operand]
//    void put(int64_t kept, Sum)        stores the result
#ifndef SCUTE_CUDA_STRETCHED_CUH
#define SCUTE_CUDA_STRETCHED_CUH

#include "kernels/cuda/neighbours.cuh"
#include "kernels/cuda/reduction.cuh"

template <int K> struct ScPlace { int64_t at[K]; };

// F with what reductions ask for.
template <typename F> struct ScStretched : F {
   typedef typename F::Sum Sum;
   typedef ScPlace<F::OPERANDS> Place;
   enum { UNROLL = 1 }; // where each operand lies takes more than its elements
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ Place place(int64_t k) const {
      Place p = {};
      sc_offsets(this->kept, k, p.at);
      return p;
   }
   template <int N> __device__ void take_side(Place p, int64_t r, Sum (&found)[N]) const {
      sc_offsets(this->reduced, r, p.at);
      this->terms(p.at, found);
   }
   template <int N> __device__ Sum take_along(Place p, int64_t r) const {
      Sum found[N], sum = 0;
      take_side(p, r, found);
#pragma unroll
      for (int k = 0; k < N; k++) sum += found[k];
      return sum;
   }
   __device__ Sum take(Place p, int64_t r) const {
      return take_along<1>(p, r);
   }
};

// Operand `walked` is the one that lies as it is walked.
template <typename T, typename F>
ScStatus sc_sum_stretched(const ScDevice *device, const char *what, F summed, int walked) {
   constexpr int N = std::is_same<typename F::Sum, float>::value ? ScWide<T>::N : 1;
   ScStretched<F> f = {summed};
   int last = f.reduced.rank - 1;
   bool along = last >= 0 && f.reduced.strides[walked][last] == 1;
   const auto &inner = along ? f.reduced : f.kept, &outer = along ? f.kept : f.reduced;
   if (N == 1 || !sc_index_takes(inner, outer, N))
      return sc_reduce(device, what, f, f.kept.n, f.reduced.n, along);
   sc_index_ones(inner, f.one);
   if (along) return sc_reduce_along<N>(device, what, f, f.kept.n, f.reduced.n);
   return sc_reduce_side<N>(device, what, f, f.kept.n, f.reduced.n, f.kept.n);
}

#endif
