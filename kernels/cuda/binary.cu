// Arithmetic on two operands that broadcast, and its gradients. That of an operand that was stretched is summed
// over where it was stretched, in a fixed order.
#include <math.h>

#include "kernels/cuda/combine.cuh"
#include "kernels/cuda/stretched.cuh"

namespace {

enum Function { ADD, SUB, MUL, DIV, FLOOR_DIVIDE, REMAINDER, POW, MAXIMUM, MINIMUM };

// Results beyond the range of i64 end at its ends.
__device__ int64_t limit(bool negative) {
   return negative ? INT64_MIN : INT64_MAX;
}

// With the sign of b. Whole numbers are not divided by 0, but for those past the end, of which nothing is kept.
template <typename M> __device__ M with_sign_of(M b, M r) {
   return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

__device__ int64_t floor_divide(int64_t a, int64_t b) {
   if (b == -1) return a == INT64_MIN ? INT64_MAX : -a;
   return b == 0 ? 0 : a / b - (a % b != 0 && (a < 0) != (b < 0));
}

// By way of the rest: a / b may be rounded up to a whole number.
template <typename M> __device__ M floor_quotient(M a, M b) {
   bool has_rest = b != 0 && isfinite(a) && isfinite(b);
   return has_rest ? rint((a - with_sign_of(b, (M)fmod(a, b))) / b) : floor(a / b);
}

struct Arithmetic {
   int function;
   __device__ int64_t operator()(int64_t a, int64_t b) const {
      int64_t sum = (int64_t)((uint64_t)a + (uint64_t)b), difference = (int64_t)((uint64_t)a - (uint64_t)b);
      __int128 product = (__int128)a * b;
      switch (function) {
      case ADD: return ((a ^ sum) & (b ^ sum)) < 0 ? limit(a < 0) : sum;
      case SUB: return ((a ^ b) & (a ^ difference)) < 0 ? limit(a < 0) : difference;
      case MUL: return product == (int64_t)product ? (int64_t)product : limit(product < 0);
      case FLOOR_DIVIDE: return floor_divide(a, b);
      case REMAINDER: return b == -1 || b == 0 ? 0 : with_sign_of(b, a % b);
      case MAXIMUM: return a > b ? a : b;
      default: return a < b ? a : b;
      }
   }
   template <typename M> __device__ M operator()(M a, M b) const {
      switch (function) {
      case ADD: return a + b;
      case SUB: return a - b;
      case MUL: return a * b;
      case DIV: return a / b;
      case FLOOR_DIVIDE: return floor_quotient(a, b);
      case REMAINDER: return with_sign_of(b, (M)fmod(a, b));
      case POW: return pow(a, b);
      case MAXIMUM: return a > b || a != a ? a : b;
      default: return a < b || a != a ? a : b;
      }
   }
};

// By the first operand or by the second.
struct Derivative {
   int function;
   template <typename M> __device__ M operator()(M a, M b, bool second) const {
      switch (function) {
      case ADD: return 1;
      case SUB: return second ? -1 : 1;
      case MUL: return second ? a : b;
      case DIV: return second ? -a / (b * b) : 1 / b;
      case REMAINDER: return second ? -floor_quotient(a, b) : 1;
      case POW:
         if (second) return a == 0 ? 0 : pow(a, b) * log(a);
         return b == 0 ? 0 : b * pow(a, b - 1);
      default: {
         M larger = a > b ? 1 : a == b ? (M)0.5 : 0, smaller = a < b ? 1 : a == b ? (M)0.5 : 0;
         M first = function == MAXIMUM ? larger : smaller;
         return second ? 1 - first : first;
      }
      }
   }
};

template <typename T> struct Operands {
   const T *a, *b, *gy; // a or b is NULL where the derivative does not use its values
   bool one_a, one_b;   // it is one element for all
};

// ---- an operand that has the result's shape ----

template <typename T>
__global__ void binary_backward_flat(Derivative derivative, bool second, int64_t n, Operands<T> o, T *gx) {
   constexpr int N = ScWide<T>::N;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      ScMath<T> a[N] = {}, b[N] = {}, g[N];
      if (o.a) sc_get_operand(o.a, o.one_a, i, n, a);
      if (o.b) sc_get_operand(o.b, o.one_b, i, n, b);
      sc_get_some(o.gy, i, n, g);
#pragma unroll
      for (int k = 0; k < N; k++) g[k] *= derivative(a[k], b[k], second);
      sc_put_some(gx, i, n, g);
   }
}

template <typename T>
__global__ void binary_backward_strided(Derivative derivative, bool second, ScIndex<2> index, Operands<T> o,
                                        T *gx) {
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[2] = {};
      sc_offsets(index, i, at);
      ScMath<T> a = o.a ? sc_widen(o.a[at[0]]) : 0, b = o.b ? sc_widen(o.b[at[1]]) : 0;
      gx[at[second]] = sc_narrow<T>(sc_widen(o.gy[i]) * derivative(a, b, second));
   }
}

template <typename T> ScStatus derive(ScCall *c, Derivative derivative, bool second, Operands<T> o) {
   ScIndex<2> index = sc_operand_index(c, c->grad_out[0]);
   T *gx = sc_data<T>(c->grad_in[second]);
   if (!sc_index_is_flat(index))
      return sc_cuda_launch(c->device, c->op->name, binary_backward_strided<T>,
                            sc_cuda_grid(c->device, index.n), SC_CUDA_BLOCK, 0, derivative, second, index, o,
                            gx);
   o.one_a = index.strides[0][0] == 0, o.one_b = index.strides[1][0] == 0;
   return sc_cuda_launch(c->device, c->op->name, binary_backward_flat<T>,
                         sc_cuda_grid(c->device, index.n / ScWide<T>::N), SC_CUDA_BLOCK, 0, derivative, second,
                         index.n, o, gx);
}

// ---- an operand that was stretched ----

template <typename T> struct Slopes {
   typedef ScMath<T> Sum;
   enum { A, B, G, OPERANDS };
   Derivative derivative;
   bool second;
   const T *a, *b, *gy; // a or b is NULL where the derivative does not use its values
   T *gx;
   ScIndex<OPERANDS> kept, reduced;
   bool one[OPERANDS];
   template <int N> __device__ void terms(const int64_t (&at)[OPERANDS], Sum (&found)[N]) const {
      Sum va[N] = {}, vb[N] = {};
      if (a) sc_get_neighbours(a, one[A], at[A], va);
      if (b) sc_get_neighbours(b, one[B], at[B], vb);
      sc_get_neighbours(gy, one[G], at[G], found);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] *= derivative(va[k], vb[k], second);
   }
   __device__ void put(int64_t k, Sum sum) const {
      gx[k] = sc_narrow<T>(sum);
   }
};

template <typename T> ScStatus sum_up(ScCall *c, Derivative derivative, bool second, Operands<T> o) {
   typedef Slopes<T> F;
   const ScTensor *g = c->grad_out[0];
   int64_t strides[F::OPERANDS][SC_MAXRANK];
   bool stretched[SC_MAXRANK], full[SC_MAXRANK];
   for (int i = 0; i < 2; i++) sc_broadcast_strides(c->in[i], g, strides[i]);
   sc_strides(g, strides[F::G]);
   for (int d = 0; d < g->rank; d++) stretched[d] = strides[second][d] == 0, full[d] = !stretched[d];
   F f = {derivative, second, o.a, o.b, o.gy, sc_data<T>(c->grad_in[second])};
   f.kept = sc_index<F::OPERANDS>(g->rank, g->shape, strides[second], strides, stretched);
   f.reduced = sc_index<F::OPERANDS>(g->rank, g->shape, strides[F::G], strides, full);
   return sc_sum_stretched<T>(c->device, c->op->name, f, F::G);
}

// ---- calls ----

ScStatus forward(ScCall *c, Function function) {
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_combine<T, T>(c, Arithmetic{function});
   });
}

ScStatus backward(ScCall *c, Function function) {
   Derivative derivative = {function};
   int64_t n = sc_numel(c->grad_out[0]);
   return sc_with_float(c->grad_out[0]->dtype, [&](auto type) -> ScStatus {
      typedef decltype(type) T;
      Operands<T> o = {sc_data<T>(c->in[0]), sc_data<T>(c->in[1]), sc_data<T>(c->grad_out[0]), false, false};
      for (int i = 0; i < 2; i++) {
         if (!c->grad_in[i]) continue;
         bool whole = sc_numel(c->in[i]) == n;
         SC_TRY(whole ? derive(c, derivative, i, o) : sum_up(c, derivative, i, o));
      }
      return SC_OK;
   });
}

} // namespace

#define BINARY(name, function, accepted)                                                                       \
   SC_KERNEL_OF(cuda, name, accepted, forward(c, function), backward(c, function))

BINARY(add, ADD, SC_ALL_DTYPES)
BINARY(sub, SUB, SC_ALL_DTYPES)
BINARY(mul, MUL, SC_ALL_DTYPES)
BINARY(div, DIV, SC_CUDA_FLOATS)
static ScStatus forward_floor_divide(ScCall *c) {
   return forward(c, FLOOR_DIVIDE);
}
SC_KERNEL(cuda, floor_divide, .dtypes = SC_ALL_DTYPES, .forward = forward_floor_divide, .backward = nullptr)
BINARY(remainder, REMAINDER, SC_ALL_DTYPES)
BINARY(pow, POW, SC_CUDA_FLOATS)
BINARY(maximum, MAXIMUM, SC_ALL_DTYPES)
BINARY(minimum, MINIMUM, SC_ALL_DTYPES)
