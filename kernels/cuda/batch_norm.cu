// Batch norm with residual and activation, in two launches forward (statistics, then everything else) and two
// backward (sums, then the gradients).
//
// A block takes a strip of channels, sixteen bytes of them a thread, and a part of the rows (pixels); the block
// that comes last of those that share a strip joins the parts in their order, so that results do not depend on
// which one that is. Variances are sums of (x - c)^2, where c is the first value that the thread meets, joined
// as in Chan, Golub and LeVeque 1979: one pass, and no cancellation where the mean is large.
#include <math.h>

#include <type_traits>

#include "host/ops/batch_norm.h"
#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/batch_norm_world.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/last_block.cuh"

namespace {

template <typename T> struct Norm {
   typedef ScMath<T> M;
   int64_t rows, channels;
   int act;
   bool training;
   M eps, values;             // values: in a channel, over all that statistics and sums are of
   const T *x, *residual, *y; // NULL where absent or without values
   const M *weight, *bias, *mean, *var;
   const M *running_mean, *running_var;
   M *moved_mean, *moved_var; // where those go; NULL where they stay as they are
   double momentum, unbias;
};

// ---- who computes what ----

// Lanes of a block are strips of N channels; `lanes` of them are side by side, the rest of its threads take
// further rows.
struct Layout {
   int lanes, threads, parts;
   dim3 grid;
};

Layout layout_of(int64_t rows, int64_t strips, int64_t most_lanes, int64_t most_blocks) {
   const int64_t rows_a_thread = 8;
   Layout l;
   l.lanes = (int)(strips <= 2 * most_lanes ? strips : most_lanes);
   int deep = SC_CUDA_BLOCK / l.lanes;
   l.threads = l.lanes * deep;
   int64_t wide = (strips + l.lanes - 1) / l.lanes, each = deep * rows_a_thread,
           most = (rows + each - 1) / each, parts = (most_blocks + wide - 1) / wide;
   l.parts = (int)(parts < most ? parts : most);
   l.grid = dim3((unsigned)wide, (unsigned)l.parts);
   return l;
}

int64_t resident_blocks(const ScDevice *device) {
   return sc_cuda_resident_threads(device) / SC_CUDA_BLOCK;
}

template <int N> Layout streaming(const ScDevice *device, int64_t rows, int64_t channels) {
   return layout_of(rows, channels / N, 64, resident_blocks(device));
}

// Of blocks whose results are joined: few channels each, and half as many as there may be, so that the one that
// joins them has little to read.
template <int N> Layout joining(const ScDevice *device, int64_t rows, int64_t channels) {
   return layout_of(rows, channels / N, 64 / N, (resident_blocks(device) + 1) / 2);
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

// ---- sums of a channel ----

// A functor F says how they are joined:
//    typename F::Sum, channels, parts (parts, channels)
//    Sum zero(), Sum join(Sum, Sum)
//    Sum take(int64_t at)                   parts[at], which another block has written
//    void put(int64_t channel, Sum)         stores the result

// Of the rows of a block: N sums of each of its threads, those of number k at all + k * SC_CUDA_BLOCK.
template <int N, typename F>
__device__ void join_rows(const F &f, const Mine &m, int lanes, typename F::Sum *all) {
   typename F::Sum *own = all + threadIdx.x;
   for (int left = m.deep; left > 1;) {
      int keep = (left + 1) / 2;
      __syncthreads();
      if (m.row < left - keep)
#pragma unroll
         for (int k = 0; k < N; k++)
            own[k * SC_CUDA_BLOCK] = f.join(own[k * SC_CUDA_BLOCK], own[k * SC_CUDA_BLOCK + keep * lanes]);
      left = keep;
   }
}

// Of all blocks that share `columns` channels, in their order. As many threads take a channel as there are.
template <typename F>
__device__ void join_parts(const F &f, int64_t first, int columns, typename F::Sum *sums) {
   int rows = (int)blockDim.x / columns, row = (int)threadIdx.x / columns;
   int64_t channel = first + (int)threadIdx.x % columns;
   bool mine = row < rows && channel < f.channels;
   typename F::Sum *own = sums + threadIdx.x, sum = f.zero();
   if (mine) {
#pragma unroll 8
      for (int64_t part = row; part < gridDim.y; part += rows)
         sum = f.join(sum, f.take(part * f.channels + channel));
   }
   *own = sum;
   for (int left = rows; left > 1;) {
      int keep = (left + 1) / 2;
      __syncthreads();
      if (row < left - keep) *own = f.join(*own, own[keep * columns]);
      left = keep;
   }
   if (mine && row == 0) f.put(channel, *own);
}

template <int N, typename F>
__device__ void join_all(const F &f, const Mine &m, int lanes, typename F::Sum *all, unsigned *arrivals) {
   join_rows<N>(f, m, lanes, all);
   if (m.row == 0 && m.channel < f.channels)
#pragma unroll
      for (int k = 0; k < N; k++)
         f.parts[blockIdx.y * f.channels + m.channel + k] = all[threadIdx.x + k * SC_CUDA_BLOCK];
   if (sc_is_last_block(arrivals + blockIdx.x, gridDim.y))
      join_parts(f, (int64_t)blockIdx.x * lanes * N, lanes * N, all);
}

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

// Joins the parts to the batch's mean and biased variance.
template <typename M> struct Statistics {
   typedef Moments<M> Sum;
   int64_t channels;
   Sum *parts;
   M *mean, *var;
   __device__ Sum zero() const { return {0, 0, 0}; }
   __device__ Sum join(Sum a, Sum b) const { return join_moments(a, b); }
   __device__ Sum take(int64_t at) const {
      const volatile Sum &part = parts[at];
      return {part.n, part.mean, part.square};
   }
   __device__ void put(int64_t channel, Sum s) const {
      mean[channel] = s.mean;
      var[channel] = s.square / s.n;
   }
};

template <typename T, int N>
__global__ void batch_norm_measure(Norm<T> b, int lanes, Statistics<ScMath<T>> joined, unsigned *arrivals) {
   typedef ScMath<T> M;
   __shared__ Moments<M> all[SC_CUDA_BLOCK * N];
   Mine m = mine_of<N>(b.rows, lanes);
   M first[N] = {}, sum[N] = {}, square[N] = {}, n = 0;
   if (m.channel < b.channels) {
      if (m.from < m.to) sc_get_vector(b.x, m.from * b.channels + m.channel, first);
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
   join_all<N>(joined, m, lanes, all, arrivals);
}

// ---- forward ----

// The running statistics of a strip, in double as ref has it; there are few channels.
template <typename T, int N> __device__ void move_running(const Norm<T> &b, int64_t first) {
   typedef ScMath<T> M;
   for (int64_t i = first; i < first + N; i++) {
      b.moved_mean[i] = (M)((1 - b.momentum) * (double)b.running_mean[i] + b.momentum * (double)b.mean[i]);
      b.moved_var[i] =
          (M)((1 - b.momentum) * (double)b.running_var[i] + b.momentum * b.unbias * (double)b.var[i]);
   }
}

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
      for (int k = 0; k < N; k++) x[k] = c.before_act(k, x[k], residual[k]);
      sc_cuda_act(b.act, x);
      sc_put_vector(y, at, x);
   }
   if (b.moved_mean && blockIdx.y == 0 && m.row == 0) move_running<T, N>(b, m.channel);
}

// Memory for sums of type S: of `parts` blocks, and one more where `spare`, before them.
template <typename S>
ScStatus find_sums(const ScDevice *device, const Layout &l, int64_t channels, int spare, S **sums,
                   unsigned **arrivals) {
   void *space;
   SC_TRY(sc_cuda_arrivals(device, (int)l.grid.x, arrivals));
   SC_TRY(sc_cuda_workspace(device, (size_t)((l.parts + spare) * channels) * sizeof(S), &space));
   *sums = (S *)space;
   return SC_OK;
}

template <typename T, int N> ScStatus measure(ScCall *c, Norm<T> b) {
   typedef ScMath<T> M;
   Layout l = joining<N>(c->device, b.rows, b.channels);
   unsigned *arrivals;
   Statistics<M> joined = {b.channels, nullptr, (M *)b.mean, (M *)b.var};
   SC_TRY(find_sums(c->device, l, b.channels, 0, &joined.parts, &arrivals));
   return sc_cuda_launch(c->device, "batch_norm", batch_norm_measure<T, N>, l.grid, l.threads, 0, b, l.lanes,
                         joined, arrivals);
}

template <typename T, int N> ScStatus forward_in(ScCall *c, Norm<T> b) {
   if (b.training) SC_TRY((measure<T, N>(c, b)));
   if (sc_bn_joins(c)) SC_TRY(join_statistics(c, b.rows, b.channels, b.mean, b.var, &b.unbias));
   Layout l = streaming<N>(c->device, b.rows, b.channels);
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
   sc_cuda_act_gradient(b.act, before, g);
}

// Joins the parts to the gradients of weight and bias, and to what the gradient of x needs.
template <typename M> struct ChannelGradients {
   typedef Sums<M> Sum;
   int64_t channels;
   Sum *parts, *sums;
   M *weight, *bias; // NULL where not wanted
   __device__ Sum zero() const { return {0, 0}; }
   __device__ Sum join(Sum a, Sum b) const { return {a.plain + b.plain, a.normal + b.normal}; }
   __device__ Sum take(int64_t at) const {
      const volatile Sum &part = parts[at];
      return {part.plain, part.normal};
   }
   __device__ void put(int64_t channel, Sum s) const {
      sums[channel] = s;
      if (weight) weight[channel] = s.normal;
      if (bias) bias[channel] = s.plain;
   }
};

template <typename T, int N>
__global__ void batch_norm_backward_sums(Norm<T> b, int lanes, const T *gy, ChannelGradients<ScMath<T>> joined,
                                         unsigned *arrivals) {
   typedef ScMath<T> M;
   __shared__ Sums<M> all[SC_CUDA_BLOCK * N];
   Mine m = mine_of<N>(b.rows, lanes);
   M plain[N] = {}, normal[N] = {};
   if (m.channel < b.channels) {
      Channels<T, N> c(b, m.channel);
#pragma unroll 2
      for (int64_t r = m.from; r < m.to; r += m.deep) {
         M x[N] = {}, g[N];
         masked(b, c, gy, r * b.channels + m.channel, x, g);
#pragma unroll
         for (int k = 0; k < N; k++) plain[k] += g[k], normal[k] += g[k] * c.normal(k, x[k]);
      }
   }
#pragma unroll
   for (int k = 0; k < N; k++) all[threadIdx.x + k * SC_CUDA_BLOCK] = {plain[k], normal[k]};
   join_all<N>(joined, m, lanes, all, arrivals);
}

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
      plain[k] = sums[m.channel + k].plain / b.values;
      normal[k] = sums[m.channel + k].normal / b.values;
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

template <typename T, int N> ScStatus sum_up(ScCall *c, Norm<T> b, const T *gy, Sums<ScMath<T>> **sums) {
   typedef ScMath<T> M;
   Layout l = joining<N>(c->device, b.rows, b.channels);
   unsigned *arrivals;
   SC_TRY(find_sums(c->device, l, b.channels, 1, sums, &arrivals));
   ChannelGradients<M> joined = {b.channels, *sums + b.channels, *sums, sc_data<M>(c->grad_in[SC_BN_WEIGHT]),
                                 sc_data<M>(c->grad_in[SC_BN_BIAS])};
   return sc_cuda_launch(c->device, "batch_norm", batch_norm_backward_sums<T, N>, l.grid, l.threads, 0, b,
                         l.lanes, gy, joined, arrivals);
}

template <typename T, int N> ScStatus backward_in(ScCall *c, Norm<T> b) {
   const T *gy = sc_data<T>(c->grad_out[0]);
   T *gx = sc_data<T>(c->grad_in[SC_BN_X]), *gresidual = sc_data<T>(c->grad_in[SC_BN_RESIDUAL]);
   if (gresidual == gy && b.act == SC_ACT_NONE) gresidual = nullptr; // handed on as it is
   Sums<ScMath<T>> *sums = nullptr;
   if (c->grad_in[SC_BN_WEIGHT] || c->grad_in[SC_BN_BIAS] || (gx && b.training))
      SC_TRY((sum_up<T, N>(c, b, gy, &sums)));
   if (gx && sc_bn_joins(c)) SC_TRY(join_gradients(c, b.channels, &sums));
   if (!gx && !gresidual) return SC_OK;
   Layout l = streaming<N>(c->device, b.rows, b.channels);
   return sc_cuda_launch(c->device, "batch_norm", batch_norm_backward<T, N>, l.grid, l.threads, 0, b, l.lanes,
                         gy, b.training ? sums : nullptr, gx, gresidual);
}

// ---- calls ----

// Where the running statistics go: where they are, or to memory of their own if somebody else looks at them
// there.
struct Moved {
   ScBuffer *to[2] = {}; // mean, variance; NULL where they stay as they are
};

template <typename M> M *moved_to(const Moved &moved, int i) {
   return moved.to[i] ? (M *)moved.to[i]->data : nullptr;
}

template <typename T> Norm<T> describe(const ScCall *c, const Moved &moved = Moved()) {
   typedef ScMath<T> M;
   const ScTensor *x = c->in[SC_BN_X];
   bool training = c->attr[SC_BN_TRAINING].i;
   double values = values_of(c);
   return {sc_numel(x) / x->shape[1],
           x->shape[1],
           (int)c->attr[SC_BN_ACT].i,
           training,
           (M)c->attr[SC_BN_EPS].f,
           (M)values,
           sc_data<T>(x),
           sc_data<T>(c->in[SC_BN_RESIDUAL]),
           sc_data<T>(c->out[0]),
           sc_data<M>(c->in[SC_BN_WEIGHT]),
           sc_data<M>(c->in[SC_BN_BIAS]),
           sc_data<M>(training ? c->saved[SC_BN_BATCH_MEAN] : c->in[SC_BN_MEAN]),
           sc_data<M>(training ? c->saved[SC_BN_BATCH_VAR] : c->in[SC_BN_VAR]),
           sc_data<M>(c->in[SC_BN_MEAN]),
           sc_data<M>(c->in[SC_BN_VAR]),
           moved_to<M>(moved, 0),
           moved_to<M>(moved, 1),
           c->attr[SC_BN_MOMENTUM].f,
           values / (values - 1)};
}

// Calls f with the number of channels that a thread takes, as a type.
template <typename T, typename F> ScStatus with_strip(int64_t channels, F f) {
   constexpr int N = sizeof(T) == 8 ? 1 : ScWide<T>::N; // f64 is for tests: one kernel will do
   if constexpr (N > 1)
      if (channels % N != 0) return f(std::integral_constant<int, 1>());
   return f(std::integral_constant<int, N>());
}

ScStatus compute(ScCall *c, const Moved &moved) {
   return sc_with_float(c->in[SC_BN_X]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Norm<T> b = describe<T>(c, moved);
      return with_strip<T>(b.channels, [&](auto strip) { return forward_in<T, decltype(strip)::value>(c, b); });
   });
}

ScStatus find_room(const ScTensor *running, ScBuffer **to) {
   if (__atomic_load_n(&running->buffer->refs, __ATOMIC_ACQUIRE) > 1)
      return sc_buffer_new(to, running->device, sc_nbytes(running));
   *to = sc_buffer_retain(running->buffer);
   return SC_OK;
}

void settle(ScTensor *running, ScBuffer **to) {
   ScBuffer *before = running->buffer;
   running->buffer = *to;
   *to = before;
   sc_tensor_touch(running);
}

// The running statistics move with the last launch, where they may (see ScCall.may_commit).
ScStatus forward(ScCall *c) {
   Moved moved;
   c->committed = c->may_commit && c->attr[SC_BN_TRAINING].i && c->in[SC_BN_MEAN];
   if (!c->committed) return compute(c, moved);
   ScStatus status = find_room(c->in[SC_BN_MEAN], &moved.to[0]);
   if (status == SC_OK) status = find_room(c->in[SC_BN_VAR], &moved.to[1]);
   if (status == SC_OK) status = compute(c, moved);
   for (int i = 0; i < 2; i++) {
      if (status == SC_OK) settle(c->in[SC_BN_MEAN + i], &moved.to[i]);
      sc_buffer_release(moved.to[i]);
   }
   return status;
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
