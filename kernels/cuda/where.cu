#include "host/ops/broadcast.h"
#include "kernels/cuda/neighbours.cuh"
#include "kernels/cuda/stretched.cuh"

namespace {

enum { CONDITION, A, B, OPERANDS };

// N elements as they are, from `at` on or N times the one there.
template <typename U, int N> __device__ ScVector<U, N> read(const U *p, bool one, int64_t at) {
   ScVector<U, N> v;
   if (!one) {
      typedef std::conditional_t<std::is_void<ScWord<U, N>>::value, ScVector<U, N>, ScWord<U, N>> Word;
      Word word = *(const Word *)(p + at);
      memcpy(&v, &word, sizeof v);
      return v;
   }
#pragma unroll
   for (int k = 0; k < N; k++) v.v[k] = p[at];
   return v;
}

// `index` is one of vectors.
template <typename U>
__global__ void where_choose_vectors(ScIndex<OPERANDS> index, const uint8_t *condition, bool one_condition,
                                     const U *a, bool one_a, const U *b, bool one_b, U *y) {
   constexpr int N = ScWide<U>::N;
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[OPERANDS] = {};
      sc_offsets(index, i, at);
      ScVector<uint8_t, N> chosen = read<uint8_t, N>(condition, one_condition, at[CONDITION]);
      ScVector<U, N> va = read<U, N>(a, one_a, at[A]), vb = read<U, N>(b, one_b, at[B]);
#pragma unroll
      for (int k = 0; k < N; k++) va.v[k] = chosen.v[k] ? va.v[k] : vb.v[k];
      uint4 word;
      memcpy(&word, &va, sizeof word);
      *(uint4 *)(y + i * N) = word;
   }
}

template <typename U>
__global__ void where_choose(ScIndex<OPERANDS> index, const uint8_t *condition, const U *a, const U *b, U *y) {
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[OPERANDS] = {};
      sc_offsets(index, i, at);
      y[i] = condition[at[CONDITION]] ? a[at[A]] : b[at[B]];
   }
}

void strides_of(const ScCall *c, const ScTensor *y, int64_t (*strides)[SC_MAXRANK]) {
   for (int i = 0; i < OPERANDS; i++) sc_broadcast_strides(c->in[i], y, strides[i]);
}

ScStatus forward(ScCall *c) {
   const ScTensor *y = c->out[0];
   int64_t strides[OPERANDS][SC_MAXRANK], order[SC_MAXRANK];
   strides_of(c, y, strides);
   sc_strides(y, order);
   ScIndex<OPERANDS> index = sc_index<OPERANDS>(y->rank, y->shape, order, strides);
   return sc_with_size(y->dtype, [&](auto type) {
      typedef decltype(type) U;
      const uint8_t *condition = sc_data<uint8_t>(c->in[CONDITION]);
      const U *a = sc_data<U>(c->in[A]), *b = sc_data<U>(c->in[B]);
      bool one[OPERANDS];
      if (sc_index_by_vectors(index, ScWide<U>::N, one))
         return sc_cuda_launch(c->device, "where", where_choose_vectors<U>, sc_cuda_grid(c->device, index.n),
                               SC_CUDA_BLOCK, 0, index, condition, one[CONDITION], a, one[A], b, one[B],
                               sc_data<U>(y));
      return sc_cuda_launch(c->device, "where", where_choose<U>, sc_cuda_grid(c->device, index.n),
                            SC_CUDA_BLOCK, 0, index, condition, a, b, sc_data<U>(y));
   });
}

// The gradient of operand a or b: the sum over where it was stretched of the result's, where it was chosen.
template <typename T> struct Chosen {
   typedef ScMath<T> Sum;
   enum { OF_CONDITION, OF_GRADIENT, OPERANDS };
   bool first;
   const uint8_t *condition;
   const T *gy;
   T *gx;
   ScIndex<OPERANDS> kept, reduced;
   bool one[OPERANDS];
   template <int N> __device__ void terms(const int64_t (&at)[OPERANDS], Sum (&found)[N]) const {
      int64_t chosen[N];
      sc_get_neighbours(condition, one[OF_CONDITION], at[OF_CONDITION], chosen);
      sc_get_neighbours(gy, one[OF_GRADIENT], at[OF_GRADIENT], found);
#pragma unroll
      for (int k = 0; k < N; k++)
         if ((chosen[k] != 0) != first) found[k] = 0;
   }
   __device__ void put(int64_t k, Sum sum) const {
      gx[k] = sc_narrow<T>(sum);
   }
};

template <typename T> ScStatus sum_up(ScCall *c, int operand) {
   typedef Chosen<T> F;
   const ScTensor *g = c->grad_out[0];
   int64_t strides[OPERANDS][SC_MAXRANK], walked[F::OPERANDS][SC_MAXRANK];
   bool stretched[SC_MAXRANK], full[SC_MAXRANK];
   strides_of(c, g, strides);
   sc_strides(g, walked[F::OF_GRADIENT]);
   for (int d = 0; d < g->rank; d++) {
      walked[F::OF_CONDITION][d] = strides[CONDITION][d];
      stretched[d] = strides[operand][d] == 0, full[d] = !stretched[d];
   }
   F f = {operand == A, sc_data<uint8_t>(c->in[CONDITION]), sc_data<T>(g), sc_data<T>(c->grad_in[operand])};
   f.kept = sc_index<F::OPERANDS>(g->rank, g->shape, strides[operand], walked, stretched);
   f.reduced = sc_index<F::OPERANDS>(g->rank, g->shape, walked[F::OF_GRADIENT], walked, full);
   return sc_sum_stretched<T>(c->device, "where", f, F::OF_GRADIENT);
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->grad_out[0]->dtype, [&](auto type) -> ScStatus {
      for (int i = A; i <= B; i++)
         if (c->grad_in[i]) SC_TRY(sum_up<decltype(type)>(c, i));
      return SC_OK;
   });
}

} // namespace

SC_KERNEL(cuda, where, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
