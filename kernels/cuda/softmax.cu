// Softmax and its logarithm. Rows that lie in one piece take a block each, or one warp of it if they are short.
// Rows whose elements lie apart, and very long ones, take two passes: what is to be known of each row is found
// by a reduction, in which neighbouring threads read neighbours whatever the dimension; then each element is
// done for itself.
#include "host/ops/softmax.h"

#include <math.h>

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/total.cuh"

namespace {

enum { SHORT = 1024, LONG = 65536 }; // elements that one warp takes, and that one block takes

bool takes_two_passes(ScAxis a) {
   return a.inner > 1 || a.n > LONG;
}

// ---- a block for each row ----

template <typename T>
__global__ void softmax_forward_rows(int64_t rows, int64_t n, bool log_scale, const T *x, T *y) {
   typedef ScMath<T> M;
   for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
      int64_t start = row * n;
      M top = -(M)INFINITY, total = 0;
      for (int64_t k = threadIdx.x; k < n; k += blockDim.x) top = ScMost::join(top, sc_widen(x[start + k]));
      top = sc_block_reduce<ScMost>(top);
      for (int64_t k = threadIdx.x; k < n; k += blockDim.x) total += exp(sc_widen(x[start + k]) - top);
      total = sc_block_reduce<ScAdd>(total);
      M log_total = log(total);
      for (int64_t k = threadIdx.x; k < n; k += blockDim.x) {
         M above = sc_widen(x[start + k]) - top;
         y[start + k] = sc_narrow<T>(log_scale ? above - log_total : exp(above) / total);
      }
   }
}

// softmax: gx = y (gy - sum(gy y)); log_softmax: gx = gy - exp(y) sum(gy).
template <typename M> __device__ M term(bool log_scale, M y, M gy) {
   return log_scale ? gy : gy * y;
}
template <typename M> __device__ M gradient(bool log_scale, M y, M gy, M total) {
   return log_scale ? gy - exp(y) * total : y * (gy - total);
}

template <typename T>
__global__ void softmax_backward_rows(int64_t rows, int64_t n, bool log_scale, const T *y, const T *gy, T *gx) {
   typedef ScMath<T> M;
   for (int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
      int64_t start = row * n;
      M total = 0;
      for (int64_t k = threadIdx.x; k < n; k += blockDim.x)
         total += term(log_scale, sc_widen(y[start + k]), sc_widen(gy[start + k]));
      total = sc_block_reduce<ScAdd>(total);
      for (int64_t k = threadIdx.x; k < n; k += blockDim.x)
         gx[start + k] =
             sc_narrow<T>(gradient(log_scale, sc_widen(y[start + k]), sc_widen(gy[start + k]), total));
   }
}

dim3 rows_grid(ScAxis a) {
   return dim3((unsigned)(a.outer < INT32_MAX ? a.outer : INT32_MAX));
}

int threads_for(ScAxis a) {
   return a.n <= SHORT ? SC_CUDA_WARP : SC_CUDA_BLOCK;
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
   __device__ Sum take(int64_t start, int64_t r) const {
      M x_r = sc_widen(x[start + r * axis.inner]);
      return {x_r, x_r < (M)INFINITY ? 1 : (M)NAN}; // an infinity leaves no finite ratio, nor does a NaN
   }
   __device__ void put(int64_t k, Sum sum) const { masses[k] = sum; }
};

template <typename T>
__global__ void softmax_forward_each(ScAxis a, bool log_scale, const T *x, const Mass<ScMath<T>> *masses,
                                     T *y) {
   typedef ScMath<T> M;
   for (int64_t i = sc_thread(); i < a.outer * a.n * a.inner; i += sc_threads()) {
      Mass<M> mass = masses[sc_member_of(a, i).result];
      M above = sc_widen(x[i]) - mass.top;
      y[i] = sc_narrow<T>(log_scale ? above - log(mass.total) : exp(above) / mass.total);
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
   __device__ void put(int64_t k, Sum sum) const { totals[k] = sum; }
};

template <typename T>
__global__ void softmax_backward_each(ScAxis a, bool log_scale, const T *y, const T *gy,
                                      const ScMath<T> *totals, T *gx) {
   for (int64_t i = sc_thread(); i < a.outer * a.n * a.inner; i += sc_threads())
      gx[i] =
          sc_narrow<T>(gradient(log_scale, sc_widen(y[i]), sc_widen(gy[i]), totals[sc_member_of(a, i).result]));
}

// Finds what `f` tells of each row, in f.*slot, then launches `second` on it.
template <typename F, typename S, typename L>
ScStatus in_two_passes(const ScCall *c, ScAxis a, F f, S *F::*slot, L second) {
   ScBuffer *space;
   SC_TRY(sc_buffer_new(&space, c->device, (size_t)(a.outer * a.inner) * sizeof(S)));
   f.*slot = (S *)space->data;
   ScStatus status = sc_reduce(c->device, c->op->name, f, a.outer * a.inner, a.n, a.inner == 1);
   if (status == SC_OK) status = second((const S *)space->data);
   sc_buffer_release(space); // whoever gets it next uses it later in the stream
   return status;
}

template <typename T> ScStatus forward_apart(const ScCall *c, ScAxis a, bool log_scale) {
   const T *x = sc_data<T>(c->in[0]);
   Masses<T> f = {a, x, nullptr};
   return in_two_passes(c, a, f, &Masses<T>::masses, [&](const Mass<ScMath<T>> *masses) {
      return sc_cuda_launch(c->device, c->op->name, softmax_forward_each<T>,
                            sc_cuda_grid(c->device, sc_numel(c->in[0])), SC_CUDA_BLOCK, 0, a, log_scale, x,
                            masses, sc_data<T>(c->out[0]));
   });
}

template <typename T> ScStatus backward_apart(const ScCall *c, ScAxis a, bool log_scale) {
   const T *y = sc_data<T>(c->out[0]), *gy = sc_data<T>(c->grad_out[0]);
   Totals<T> f = {a, log_scale, y, gy, nullptr};
   return in_two_passes(c, a, f, &Totals<T>::totals, [&](const ScMath<T> *totals) {
      return sc_cuda_launch(c->device, c->op->name, softmax_backward_each<T>,
                            sc_cuda_grid(c->device, sc_numel(c->out[0])), SC_CUDA_BLOCK, 0, a, log_scale, y, gy,
                            totals, sc_data<T>(c->grad_in[0]));
   });
}

// ---- calls ----

ScStatus forward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->in[0], c->attr[SC_SOFTMAX_DIM].i);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      if (takes_two_passes(a)) return forward_apart<T>(c, a, log_scale);
      return sc_cuda_launch(c->device, c->op->name, softmax_forward_rows<T>, rows_grid(a), threads_for(a), 0,
                            a.outer, a.n, log_scale, sc_data<T>(c->in[0]), sc_data<T>(c->out[0]));
   });
}

ScStatus backward(ScCall *c, bool log_scale) {
   ScAxis a = sc_axis(c->out[0], c->attr[SC_SOFTMAX_DIM].i);
   return sc_with_float(c->out[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      if (takes_two_passes(a)) return backward_apart<T>(c, a, log_scale);
      return sc_cuda_launch(c->device, c->op->name, softmax_backward_rows<T>, rows_grid(a), threads_for(a), 0,
                            a.outer, a.n, log_scale, sc_data<T>(c->out[0]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

} // namespace

SC_KERNEL_OF(cuda, softmax, SC_CUDA_FLOATS, forward(c, false), backward(c, false))
SC_KERNEL_OF(cuda, log_softmax, SC_CUDA_FLOATS, forward(c, true), backward(c, true))
