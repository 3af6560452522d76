// Softmax and its logarithm. Rows that lie in one piece take a block each, or one warp of it if they are short.
// Rows whose elements lie apart, and very long ones, take two passes: what is to be known of each row is found
// by a reduction, in which neighbouring threads read neighbours whatever the dimension; then each element is
// done for itself.
#include "host/ops/softmax.h"

#include <math.h>

#include <type_traits>

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/total.cuh"

namespace {

enum { SHORT = 1024, LONG = 65536 }; // elements that one warp takes, and that one block takes

bool takes_two_passes(ScAxis a) {
   return a.inner > 1 || a.n > LONG;
}

// ---- a block for each row ----

// f(first of N elements) for this thread's share of a row.
template <int N, typename F> __device__ void each_of_row(int64_t n, F f) {
   for (int64_t at = (int64_t)threadIdx.x * N; at < n; at += (int64_t)blockDim.x * N) f(at);
}

template <typename T, int N>
__global__ void softmax_forward_rows(int64_t rows, int64_t n, bool log_scale, const T *x, T *y) {
   typedef ScMath<T> M;
   for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
      const T *from = x + row * n;
      T *to = y + row * n;
      M v[N], top = -(M)INFINITY, total = 0;
      each_of_row<N>(n, [&](int64_t at) {
         sc_get_vector(from, at, v);
#pragma unroll
         for (int k = 0; k < N; k++) top = ScMost::join(top, v[k]);
      });
      top = sc_block_reduce<ScMost>(top);
      each_of_row<N>(n, [&](int64_t at) {
         sc_get_vector(from, at, v);
#pragma unroll
         for (int k = 0; k < N; k++) total += exp(v[k] - top);
      });
      total = sc_block_reduce<ScAdd>(total);
      M log_total = log(total);
      each_of_row<N>(n, [&](int64_t at) {
         sc_get_vector(from, at, v);
#pragma unroll
         for (int k = 0; k < N; k++) {
            M above = v[k] - top;
            v[k] = log_scale ? above - log_total : exp(above) / total;
         }
         sc_put_vector(to, at, v);
      });
   }
}

// softmax: gx = y (gy - sum(gy y)); log_softmax: gx = gy - exp(y) sum(gy).
template <typename M> __device__ M term(bool log_scale, M y, M gy) {
   return log_scale ? gy : gy * y;
}
template <typename M> __device__ M gradient(bool log_scale, M y, M gy, M total) {
   return log_scale ? gy - exp(y) * total : y * (gy - total);
}

template <typename T, int N>
__global__ void softmax_backward_rows(int64_t rows, int64_t n, bool log_scale, const T *y, const T *gy, T *gx) {
   typedef ScMath<T> M;
   for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
      int64_t start = row * n;
      M v[N], g[N], total = 0;
      each_of_row<N>(n, [&](int64_t at) {
         sc_get_vector(y, start + at, v);
         sc_get_vector(gy, start + at, g);
#pragma unroll
         for (int k = 0; k < N; k++) total += term(log_scale, v[k], g[k]);
      });
      total = sc_block_reduce<ScAdd>(total);
      each_of_row<N>(n, [&](int64_t at) {
         sc_get_vector(y, start + at, v);
         sc_get_vector(gy, start + at, g);
#pragma unroll
         for (int k = 0; k < N; k++) g[k] = gradient(log_scale, v[k], g[k], total);
         sc_put_vector(gx, start + at, g);
      });
   }
}

template <typename T, typename... A>
ScStatus launch_rows(const ScCall *c, ScAxis a, void (*wide)(int64_t, int64_t, A...),
                     void (*each)(int64_t, int64_t, A...), std::type_identity_t<A>... args) {
   dim3 grid((unsigned)(a.outer < INT32_MAX ? a.outer : INT32_MAX));
   int threads = a.n <= SHORT ? SC_CUDA_WARP : SC_CUDA_BLOCK;
   return sc_cuda_launch(c->device, c->op->name, a.n % ScWide<T>::N == 0 ? wide : each, grid, threads, 0,
                         a.outer, a.n, args...);
}

// ---- two passes ----

// The largest element of a row and the sum of exp(x - largest), found together (Milakov and Gimelshein 2018,
// https://arxiv.org/abs/1805.02867).
template <typename M> struct Mass {
   M top, total; // total 0: of nothing
};

template <typename T> struct Masses {
   typedef ScMath<T> M;
   typedef Mass<M> Sum;
   ScAxis axis;
   const T *x;
   Sum *masses;
   __device__ Sum zero() const { return {-(M)INFINITY, 0}; }
   __device__ static M scaled(Sum s, M top) { return s.top == top ? s.total : s.total * exp(s.top - top); }
   __device__ Sum join(Sum a, Sum b) const {
      if (a.total == 0) return b;
      if (b.total == 0) return a;
      M top = ScMost::join(a.top, b.top);
      return {top, scaled(a, top) + scaled(b, top)};
   }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   // An infinity leaves no finite ratio, nor does a NaN.
   __device__ static Sum mass(M top, M total) { return {top, top < (M)INFINITY ? total : (M)NAN}; }
   __device__ Sum take(int64_t start, int64_t r) const { return mass(sc_widen(x[start + r * axis.inner]), 1); }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      M v[N], total = 0;
      sc_get_vector(x, start + r, v);
      M top = v[0];
#pragma unroll
      for (int k = 1; k < N; k++) top = ScMost::join(top, v[k]);
#pragma unroll
      for (int k = 0; k < N; k++) total += v[k] == top ? 1 : exp(v[k] - top);
      return mass(top, total);
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&found)[N]) const {
      M v[N];
      sc_get_vector(x, start + r * axis.inner, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = mass(v[k], 1);
   }
   __device__ void put(int64_t k, Sum sum) const {
      masses[k] = sum;
   }
};

// The rows of N elements side by side are N, or one.
template <typename T, int N>
__global__ void softmax_forward_each(ScAxis a, bool log_scale, const T *x, const Mass<ScMath<T>> *masses,
                                     T *y) {
   typedef ScMath<T> M;
   int next = a.inner > 1;
   for (int64_t i = sc_thread() * N; i < a.outer * a.n * a.inner; i += sc_threads() * N) {
      const Mass<M> *mass = masses + sc_member_of(a, i).result;
      M v[N];
      sc_get_vector(x, i, v);
#pragma unroll
      for (int k = 0; k < N; k++, mass += next) {
         M above = v[k] - mass->top;
         v[k] = log_scale ? above - log(mass->total) : exp(above) / mass->total;
      }
      sc_put_vector(y, i, v);
   }
}

template <typename T> struct Totals {
   typedef ScMath<T> Sum;
   ScAxis axis;
   bool log_scale;
   const T *y, *gy;
   Sum *totals;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ int64_t place(int64_t k) const { return k / axis.inner * axis.n * axis.inner + k % axis.inner; }
   __device__ Sum take(int64_t start, int64_t r) const {
      int64_t at = start + r * axis.inner;
      return term(log_scale, sc_widen(y[at]), sc_widen(gy[at]));
   }
   template <int N> __device__ void terms(int64_t at, Sum (&found)[N]) const {
      Sum g[N];
      sc_get_vector(y, at, found);
      sc_get_vector(gy, at, g);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = term(log_scale, found[k], g[k]);
   }
   template <int N> __device__ Sum take_along(int64_t start, int64_t r) const {
      Sum found[N], sum = 0;
      terms(start + r, found);
#pragma unroll
      for (int k = 0; k < N; k++) sum += found[k];
      return sum;
   }
   template <int N> __device__ void take_side(int64_t start, int64_t r, Sum (&found)[N]) const {
      terms(start + r * axis.inner, found);
   }
   __device__ void put(int64_t k, Sum sum) const {
      totals[k] = sum;
   }
};

template <typename T, int N>
__global__ void softmax_backward_each(ScAxis a, bool log_scale, const T *y, const T *gy,
                                      const ScMath<T> *totals, T *gx) {
   int next = a.inner > 1;
   for (int64_t i = sc_thread() * N; i < a.outer * a.n * a.inner; i += sc_threads() * N) {
      const ScMath<T> *total = totals + sc_member_of(a, i).result;
      ScMath<T> v[N], g[N];
      sc_get_vector(y, i, v);
      sc_get_vector(gy, i, g);
#pragma unroll
      for (int k = 0; k < N; k++, total += next) g[k] = gradient(log_scale, v[k], g[k], *total);
      sc_put_vector(gx, i, g);
   }
}

// Finds what `f` tells of each row, in f.*slot, then launches `second` on it.
template <typename T, typename F, typename S, typename L>
ScStatus in_two_passes(const ScCall *c, ScAxis a, F f, S *F::*slot, L second) {
   ScBuffer *space;
   SC_TRY(sc_buffer_new(&space, c->device, (size_t)(a.outer * a.inner) * sizeof(S)));
   f.*slot = (S *)space->data;
   ScStatus status = sc_reduce_axis<T>(c->device, c->op->name, f, a);
   if (status == SC_OK) status = second((const S *)space->data);
   sc_buffer_release(space); // whoever gets it next uses it later in the stream
   return status;
}

template <typename T> ScStatus forward_apart(const ScCall *c, ScAxis a, bool log_scale) {
   const T *x = sc_data<T>(c->in[0]);
   Masses<T> f = {a, x, nullptr};
   return in_two_passes<T>(c, a, f, &Masses<T>::masses, [&](const Mass<ScMath<T>> *masses) {
      return sc_launch_along<T>(c, a, softmax_forward_each<T, ScWide<T>::N>, softmax_forward_each<T, 1>,
                                log_scale, x, masses, sc_data<T>(c->out[0]));
   });
}

template <typename T> ScStatus backward_apart(const ScCall *c, ScAxis a, bool log_scale) {
   const T *y = sc_data<T>(c->out[0]), *gy = sc_data<T>(c->grad_out[0]);
   Totals<T> f = {a, log_scale, y, gy, nullptr};
   return in_two_passes<T>(c, a, f, &Totals<T>::totals, [&](const ScMath<T> *totals) {
      return sc_launch_along<T>(c, a, softmax_backward_each<T, ScWide<T>::N>, softmax_backward_each<T, 1>,
                                log_scale, y, gy, totals, sc_data<T>(c->grad_in[0]));
   });
}

// ---- calls ----

ScStatus forward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->in[0], c->attr[SC_SOFTMAX_DIM].i);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      if (takes_two_passes(a)) return forward_apart<T>(c, a, log_scale);
      return launch_rows<T>(c, a, softmax_forward_rows<T, ScWide<T>::N>, softmax_forward_rows<T, 1>, log_scale,
                            sc_data<T>(c->in[0]), sc_data<T>(c->out[0]));
   });
}

ScStatus backward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->out[0], c->attr[SC_SOFTMAX_DIM].i);
   return sc_with_float(c->out[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      if (takes_two_passes(a)) return backward_apart<T>(c, a, log_scale);
      return launch_rows<T>(c, a, softmax_backward_rows<T, ScWide<T>::N>, softmax_backward_rows<T, 1>,
                            log_scale, sc_data<T>(c->out[0]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

} // namespace

SC_KERNEL_OF(cuda, softmax, SC_CUDA_FLOATS, forward(c, false), backward(c, false))
SC_KERNEL_OF(cuda, log_softmax, SC_CUDA_FLOATS, forward(c, true), backward(c, true))
