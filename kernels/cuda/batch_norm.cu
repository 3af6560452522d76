// Batch norm with residual and activation, in two passes over memory forward (statistics, then everything else)
// and two backward (sums, then the gradients).
//
// A block takes a strip of channels, sixteen bytes of them a thread, and a part of the rows (pixels); the parts
// are joined in their order afterwards, so that results do not depend on which block comes first. Variances are
// sums of (x - c)^2, where c is the first value that the thread meets, joined as in Chan, Golub and LeVeque
// 1979: one pass, and no cancellation where the mean is large.
#include <math.h>

#include <type_traits>

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/reduction.cuh"
#include "kernels/cuda/workspace.h"

namespace {

template <typename T> struct Norm {
   typedef ScMath<T> M;
   int64_t rows, channels;
   int act;
   bool training;
   M eps;
   const T *x, *residual, *y; // NULL where absent or without values
   const M *weight, *bias, *mean, *var;
};

// ---- who computes what ----

// Lanes of a block are strips of N channels; `lanes` of them are side by side, the rest of its threads take
// further rows.
struct Layout {
   int lanes, threads, parts;
   dim3 grid;
};

Layout layout_of(const ScDevice *device, int64_t rows, int64_t strips) {
   const int64_t most_lanes = 64, rows_a_thread = 8;
   Layout l;
   l.lanes = (int)(strips <= 2 * most_lanes ? strips : most_lanes);
   int deep = SC_CUDA_BLOCK / l.lanes;
   l.threads = l.lanes * deep;
   int64_t wide = (strips + l.lanes - 1) / l.lanes, each = deep * rows_a_thread,
           most = (rows + each - 1) / each;
   int64_t parts = (sc_cuda_resident_threads(device) / SC_CUDA_BLOCK + wide - 1) / wide;
   l.parts = (int)(parts < most ? parts : most);
   l.grid = dim3((unsigned)wide, (unsigned)l.parts);
   return l;
}

struct Mine {
   int lane, row, deep;
   int64_t channel, from, to; // first channel; first row and the end of the part's rows
};

template <int N> __device__ Mine mine_of(int64_t rows, int lanes) {
   Mine m;
   m.lane = (int)threadIdx.x % lanes, m.row = (int)threadIdx.x / lanes, m.deep = (int)blockDim.x / lanes;
   m.channel = ((int64_t)blockIdx.x * lanes + m.lane) * N;
   int64_t part = (rows + gridDim.y - 1) / gridDim.y, start = blockIdx.y * part;
   m.to = start + part < rows ? start + part : rows;
   m.from = start + m.row;
   return m;
}

// ---- what is known of each channel ----

template <typename T, int N> struct Channels {
   typedef ScMath<T> M;
   M mean[N], inverse[N], weight[N], bias[N]; // inverse standard deviation

   __device__ Channels(const Norm<T> &b, int64_t first) {
      sc_get_vector(b.mean, first, mean);
      sc_get_vector(b.var, first, inverse);
#pragma unroll
      for (int k = 0; k < N; k++) {
         inverse[k] = 1 / sqrt(inverse[k] + b.eps);
         weight[k] = 1, bias[k] = 0;
      }
      if (b.weight) sc_get_vector(b.weight, first, weight);
      if (b.bias) sc_get_vector(b.bias, first, bias);
   }
   __device__ M normal(int k, M x) const {
      return (x - mean[k]) * inverse[k];
   }
   __device__ M before_act(int k, M x, M residual) const {
      return normal(k, x) * weight[k] + bias[k] + residual;
   }
};

// ---- statistics ----

template <typename M> struct Moments {
   M n, mean, square; // square: sum of (x - mean)^2
};

template <typename M> __device__ Moments<M> join_moments(Moments<M> a, Moments<M> b) {
   if (a.n == 0) return b;
   if (b.n == 0) return a;
   M n = a.n + b.n, apart = b.mean - a.mean, share = b.n / n;
   return {n, a.mean + apart * share, a.square + b.square + apart * apart * a.n * share};
}

template <typename T, int N>
__global__ void batch_norm_measure(Norm<T> b, int lanes, Moments<ScMath<T>> *parts) {
   typedef ScMath<T> M;
   __shared__ Moments<M> all[SC_CUDA_BLOCK * N];
   Mine m = mine_of<N>(b.rows, lanes);
   bool inside = m.channel < b.channels;
   M first[N] = {}, sum[N] = {}, square[N] = {}, n = 0;
   if (inside && m.from < m.to) sc_get_vector(b.x, m.from * b.channels + m.channel, first);
   if (inside) {
#pragma unroll 4
      for (int64_t r = m.from; r < m.to; r += m.deep) {
         M x[N];
         sc_get_vector(b.x, r * b.channels + m.channel, x);
         n += 1;
#pragma unroll
         for (int k = 0; k < N; k++) {
            M d = x[k] - first[k];
            sum[k] += d, square[k] += d * d;
         }
      }
   }
   Moments<M> *own = all + threadIdx.x;
#pragma unroll
   for (int k = 0; k < N; k++) {
      M mean = n > 0 ? sum[k] / n : 0;
      own[k * SC_CUDA_BLOCK] = {n, first[k] + mean, square[k] - sum[k] * mean};
   }
   for (int left = m.deep; left > 1;) {
      int keep = (left + 1) / 2;
      __syncthreads();
      if (m.row < left - keep)
#pragma unroll
         for (int k = 0; k < N; k++)
            own[k * SC_CUDA_BLOCK] =
                join_moments(own[k * SC_CUDA_BLOCK], own[k * SC_CUDA_BLOCK + keep * lanes]);
      left = keep;
   }
   if (m.row > 0 || !inside) return;
#pragma unroll
   for (int k = 0; k < N; k++) parts[blockIdx.y * b.channels + m.channel + k] = own[k * SC_CUDA_BLOCK];
}

// Joins the parts to the batch's mean and biased variance.
template <typename M> struct Statistics {
   typedef Moments<M> Sum;
   int64_t channels;
   const Sum *parts;
   M *mean, *var;
   __device__ Sum zero() const { return {0, 0, 0}; }
   __device__ Sum join(Sum a, Sum b) const { return join_moments(a, b); }
   __device__ int64_t place(int64_t channel) const { return channel; }
   __device__ Sum take(int64_t channel, int64_t part) const { return parts[part * channels + channel]; }
   __device__ void put(int64_t channel, Sum s) const {
      mean[channel] = s.mean;
      var[channel] = s.square / s.n;
   }
};

// One launch: a few parts of every channel.
template <typename F> ScStatus join_parts(const ScDevice *device, F f, int64_t channels, int parts) {
   int columns = sc_power_of_two(channels, SC_CUDA_BLOCK / sc_power_of_two(parts, SC_CUDA_BLOCK));
   return sc_reduce_launch(device, "batch_norm", f, channels, parts, columns, false, 1,
                           (typename F::Sum *)nullptr);
}

// ---- forward ----

template <typename T, int N> __global__ void batch_norm_normalise(Norm<T> b, int lanes, T *y) {
   typedef ScMath<T> M;
   Mine m = mine_of<N>(b.rows, lanes);
   if (m.channel >= b.channels) return;
   Channels<T, N> c(b, m.channel);
#pragma unroll 2
   for (int64_t r = m.from; r < m.to; r += m.deep) {
      int64_t at = r * b.channels + m.channel;
      M x[N], residual[N] = {};
      sc_get_vector(b.x, at, x);
      if (b.residual) sc_get_vector(b.residual, at, residual);
#pragma unroll
      for (int k = 0; k < N; k++) x[k] = sc_cuda_act(b.act, c.before_act(k, x[k], residual[k]));
      sc_put_vector(y, at, x);
   }
}

template <typename T, int N> ScStatus forward_in(ScCall *c, Norm<T> b) {
   typedef ScMath<T> M;
   Layout l = layout_of(c->device, b.rows, b.channels / N);
   if (b.training) {
      void *parts;
      SC_TRY(sc_cuda_workspace(c->device, (size_t)(l.parts * b.channels) * sizeof(Moments<M>), &parts));
      SC_TRY(sc_cuda_launch(c->device, "batch_norm", batch_norm_measure<T, N>, l.grid, l.threads, 0, b, l.lanes,
                            (Moments<M> *)parts));
      Statistics<M> joined = {b.channels, (const Moments<M> *)parts, (M *)b.mean, (M *)b.var};
      SC_TRY(join_parts(c->device, joined, b.channels, l.parts));
   }
   return sc_cuda_launch(c->device, "batch_norm", batch_norm_normalise<T, N>, l.grid, l.threads, 0, b, l.lanes,
                         sc_data<T>(c->out[0]));
}

// ---- backward ----

template <typename M> struct Sums {
   M plain, normal; // of the gradient before the activation, and of that times the normalised value
};

// Elements at..at+N-1 of the gradient before the activation. y is kept only where it tells the activation's
// derivative; x is NULL where nothing needs it.
template <typename T, int N>
__device__ void masked(const Norm<T> &b, const Channels<T, N> &c, const T *gy, int64_t at, ScMath<T> (&x)[N],
                       ScMath<T> (&g)[N]) {
   typedef ScMath<T> M;
   sc_get_vector(gy, at, g);
   if (b.x) sc_get_vector(b.x, at, x);
   if (b.act == SC_ACT_NONE) return;
   M before[N], residual[N] = {};
   if (b.y)
      sc_get_vector(b.y, at, before);
   else {
      if (b.residual) sc_get_vector(b.residual, at, residual);
#pragma unroll
      for (int k = 0; k < N; k++) before[k] = c.before_act(k, x[k], residual[k]);
   }
#pragma unroll
   for (int k = 0; k < N; k++) g[k] *= sc_cuda_act_derivative(b.act, before[k]);
}

template <typename T, int N>
__global__ void batch_norm_backward_sums(Norm<T> b, int lanes, const T *gy, Sums<ScMath<T>> *parts) {
   typedef ScMath<T> M;
   __shared__ Sums<M> all[SC_CUDA_BLOCK * N];
   Mine m = mine_of<N>(b.rows, lanes);
   bool inside = m.channel < b.channels;
   M plain[N] = {}, normal[N] = {};
   if (inside) {
      Channels<T, N> c(b, m.channel);
#pragma unroll 2
      for (int64_t r = m.from; r < m.to; r += m.deep) {
         M x[N] = {}, g[N];
         masked(b, c, gy, r * b.channels + m.channel, x, g);
#pragma unroll
         for (int k = 0; k < N; k++) plain[k] += g[k], normal[k] += g[k] * c.normal(k, x[k]);
      }
   }
   Sums<M> *own = all + threadIdx.x;
#pragma unroll
   for (int k = 0; k < N; k++) own[k * SC_CUDA_BLOCK] = {plain[k], normal[k]};
   for (int left = m.deep; left > 1;) {
      int keep = (left + 1) / 2;
      __syncthreads();
      if (m.row < left - keep)
#pragma unroll
         for (int k = 0; k < N; k++) {
            Sums<M> *sum = own + k * SC_CUDA_BLOCK, other = sum[keep * lanes];
            sum->plain += other.plain, sum->normal += other.normal;
         }
      left = keep;
   }
   if (m.row > 0 || !inside) return;
#pragma unroll
   for (int k = 0; k < N; k++) parts[blockIdx.y * b.channels + m.channel + k] = own[k * SC_CUDA_BLOCK];
}

// Joins the parts to the gradients of weight and bias, and to what the gradient of x needs.
template <typename M> struct ChannelGradients {
   typedef Sums<M> Sum;
   int64_t channels;
   const Sum *parts;
   Sum *sums;
   M *weight, *bias; // NULL where not wanted
   __device__ Sum zero() const { return {0, 0}; }
   __device__ Sum join(Sum a, Sum b) const { return {a.plain + b.plain, a.normal + b.normal}; }
   __device__ int64_t place(int64_t channel) const { return channel; }
   __device__ Sum take(int64_t channel, int64_t part) const { return parts[part * channels + channel]; }
   __device__ void put(int64_t channel, Sum s) const {
      sums[channel] = s;
      if (weight) weight[channel] = s.normal;
      if (bias) bias[channel] = s.plain;
   }
};

// gx or gresidual may lie where gy does: an element is read before it is written. sums is NULL in evaluation.
template <typename T, int N>
__global__ void batch_norm_backward(Norm<T> b, int lanes, const T *gy, const Sums<ScMath<T>> *sums, T *gx,
                                    T *gresidual) {
   typedef ScMath<T> M;
   Mine m = mine_of<N>(b.rows, lanes);
   if (m.channel >= b.channels) return;
   Channels<T, N> c(b, m.channel);
   M plain[N] = {}, normal[N] = {};
   for (int k = 0; sums && k < N; k++) {
      plain[k] = sums[m.channel + k].plain / (M)b.rows;
      normal[k] = sums[m.channel + k].normal / (M)b.rows;
   }
#pragma unroll 2
   for (int64_t r = m.from; r < m.to; r += m.deep) {
      int64_t at = r * b.channels + m.channel;
      M x[N] = {}, g[N];
      masked(b, c, gy, at, x, g);
      if (gresidual) sc_put_vector(gresidual, at, g);
      if (!gx) continue;
#pragma unroll
      for (int k = 0; k < N; k++) {
         if (sums) g[k] -= plain[k] + c.normal(k, x[k]) * normal[k]; // the statistics depend on x too
         g[k] *= c.weight[k] * c.inverse[k];
      }
      sc_put_vector(gx, at, g);
   }
}

template <typename T, int N> ScStatus backward_in(ScCall *c, Norm<T> b) {
   typedef ScMath<T> M;
   const T *gy = sc_data<T>(c->grad_out[0]);
   T *gx = sc_data<T>(c->grad_in[SC_BN_X]), *gresidual = sc_data<T>(c->grad_in[SC_BN_RESIDUAL]);
   M *gweight = sc_data<M>(c->grad_in[SC_BN_WEIGHT]), *gbias = sc_data<M>(c->grad_in[SC_BN_BIAS]);
   if (gresidual == gy && b.act == SC_ACT_NONE) gresidual = nullptr; // handed on as it is
   Layout l = layout_of(c->device, b.rows, b.channels / N);
   Sums<M> *sums = nullptr;
   if (gweight || gbias || (gx && b.training)) {
      void *space;
      SC_TRY(sc_cuda_workspace(c->device, (size_t)((l.parts + 1) * b.channels) * sizeof *sums, &space));
      sums = (Sums<M> *)space;
      Sums<M> *parts = sums + b.channels;
      SC_TRY(sc_cuda_launch(c->device, "batch_norm", batch_norm_backward_sums<T, N>, l.grid, l.threads, 0, b,
                            l.lanes, gy, parts));
      ChannelGradients<M> joined = {b.channels, parts, sums, gweight, gbias};
      SC_TRY(join_parts(c->device, joined, b.channels, l.parts));
   }
   if (!gx && !gresidual) return SC_OK;
   return sc_cuda_launch(c->device, "batch_norm", batch_norm_backward<T, N>, l.grid, l.threads, 0, b, l.lanes,
                         gy, b.training ? sums : nullptr, gx, gresidual);
}

// ---- calls ----

template <typename T> Norm<T> describe(const ScCall *c) {
   typedef ScMath<T> M;
   const ScTensor *x = c->in[SC_BN_X];
   bool training = c->attr[SC_BN_TRAINING].i;
   return {sc_numel(x) / x->shape[1],
           x->shape[1],
           (int)c->attr[SC_BN_ACT].i,
           training,
           (M)c->attr[SC_BN_EPS].f,
           sc_data<T>(x),
           sc_data<T>(c->in[SC_BN_RESIDUAL]),
           sc_data<T>(c->out[0]),
           sc_data<M>(c->in[SC_BN_WEIGHT]),
           sc_data<M>(c->in[SC_BN_BIAS]),
           sc_data<M>(training ? c->saved[SC_BN_BATCH_MEAN] : c->in[SC_BN_MEAN]),
           sc_data<M>(training ? c->saved[SC_BN_BATCH_VAR] : c->in[SC_BN_VAR])};
}

// Calls f with the number of channels that a thread takes, as a type.
template <typename T, typename F> ScStatus with_strip(int64_t channels, F f) {
   constexpr int N = sizeof(T) == 8 ? 1 : ScWide<T>::N; // f64 is for tests: one kernel will do
   if constexpr (N > 1)
      if (channels % N != 0) return f(std::integral_constant<int, 1>());
   return f(std::integral_constant<int, N>());
}

ScStatus forward(ScCall *c) {
   return sc_with_float(c->in[SC_BN_X]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Norm<T> b = describe<T>(c);
      return with_strip<T>(b.channels, [&](auto strip) { return forward_in<T, decltype(strip)::value>(c, b); });
   });
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[SC_BN_X]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Norm<T> b = describe<T>(c);
      return with_strip<T>(b.channels,
                           [&](auto strip) { return backward_in<T, decltype(strip)::value>(c, b); });
   });
}

} // namespace

SC_KERNEL(cuda, batch_norm, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
