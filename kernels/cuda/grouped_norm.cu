// Layer norm and group norm. Where each pixel is by itself its row of channels takes a block, or one warp of it
// if it is short, in one launch. Samples of many pixels take two: a reduction over each of their groups, then
// each value by itself. Gradients of weight and bias are a reduction of their own, in a fixed order.
#include "host/ops/grouped_norm.h"

#include <math.h>

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/reduction.cuh"

namespace {

enum { SHORT = 1024 }; // values that one warp takes

template <typename T> struct Norm {
   typedef ScMath<T> M;
   ScGroups g;
   const T *x, *gy;
   const M *weight, *bias; // NULL where absent
   M *mean, *inverse;      // of each sample and group; NULL where nobody wants them
   T *out, *gx;
};

template <typename T, int N>
__device__ void get_affine(const ScMath<T> *p, int64_t at, ScMath<T> absent, ScMath<T> (&to)[N]) {
#pragma unroll
   for (int k = 0; k < N; k++) to[k] = absent;
   if (p) sc_get_vector(p, at, to);
}

// ---- rows ----

// f(first of N values) for this thread's share of a row.
template <int N, typename F> __device__ void each_of_row(int64_t n, F f) {
   for (int64_t at = (int64_t)threadIdx.x * N; at < n; at += (int64_t)blockDim.x * N) f(at);
}

template <typename T, int N> __global__ void grouped_norm_rows(Norm<T> b) {
   typedef ScMath<T> M;
   int64_t n = b.g.width;
   for (int64_t row = blockIdx.x; row < b.g.samples * b.g.groups; row += gridDim.x) {
      int64_t start = row * n, channel = row % b.g.groups * n;
      M v[N], sum = 0, square = 0;
      each_of_row<N>(n, [&](int64_t at) {
         sc_get_vector(b.x, start + at, v);
#pragma unroll
         for (int k = 0; k < N; k++) sum += v[k];
      });
      M mean = sc_block_reduce<ScAdd>(sum) / (M)n;
      each_of_row<N>(n, [&](int64_t at) {
         sc_get_vector(b.x, start + at, v);
#pragma unroll
         for (int k = 0; k < N; k++) square += (v[k] - mean) * (v[k] - mean);
      });
      M inverse = 1 / sqrt(sc_block_reduce<ScAdd>(square) / (M)n + (M)b.g.eps);
      if (b.mean && threadIdx.x == 0) b.mean[row] = mean, b.inverse[row] = inverse;
      each_of_row<N>(n, [&](int64_t at) {
         M weight[N], bias[N];
         get_affine<T>(b.weight, channel + at, (M)1, weight);
         get_affine<T>(b.bias, channel + at, (M)0, bias);
         sc_get_vector(b.x, start + at, v);
#pragma unroll
         for (int k = 0; k < N; k++) v[k] = (v[k] - mean) * inverse * weight[k] + bias[k];
         sc_put_vector(b.out, start + at, v);
      });
   }
}

// The gradient times the weight, and the normalised value, of values at..at+N-1.
template <typename T, int N>
__device__ void get_scaled(const Norm<T> &b, int64_t at, int64_t channel, ScMath<T> mean, ScMath<T> inverse,
                           ScMath<T> (&g)[N], ScMath<T> (&x)[N]) {
   ScMath<T> weight[N];
   get_affine<T>(b.weight, channel, (ScMath<T>)1, weight);
   sc_get_vector(b.gy, at, g);
   sc_get_vector(b.x, at, x);
#pragma unroll
   for (int k = 0; k < N; k++) {
      g[k] *= weight[k];
      x[k] = (x[k] - mean) * inverse;
   }
}

// gx may lie where gy does: an element is read before it is written.
template <typename T, int N> __global__ void grouped_norm_rows_backward(Norm<T> b) {
   typedef ScMath<T> M;
   int64_t n = b.g.width;
   for (int64_t row = blockIdx.x; row < b.g.samples * b.g.groups; row += gridDim.x) {
      int64_t start = row * n, channel = row % b.g.groups * n;
      M mean = b.mean[row], inverse = b.inverse[row], g[N], x[N], plain = 0, normal = 0;
      each_of_row<N>(n, [&](int64_t at) {
         get_scaled(b, start + at, channel + at, mean, inverse, g, x);
#pragma unroll
         for (int k = 0; k < N; k++) plain += g[k], normal += g[k] * x[k];
      });
      plain = sc_block_reduce<ScAdd>(plain) / (M)n;
      normal = sc_block_reduce<ScAdd>(normal) / (M)n;
      each_of_row<N>(n, [&](int64_t at) {
         get_scaled(b, start + at, channel + at, mean, inverse, g, x);
#pragma unroll
         for (int k = 0; k < N; k++) g[k] = inverse * (g[k] - plain - x[k] * normal);
         sc_put_vector(b.gx, start + at, g);
      });
   }
}

template <typename T> ScStatus launch_rows(const ScCall *c, const Norm<T> &b, void (*kernel)(Norm<T>)) {
   int64_t rows = b.g.samples * b.g.groups;
   return sc_cuda_launch(c->device, c->op->name, kernel, dim3((unsigned)(rows < INT32_MAX ? rows : INT32_MAX)),
                         b.g.width <= SHORT ? SC_CUDA_WARP : SC_CUDA_BLOCK, 0, b);
}

// ---- samples of many pixels ----

// Where a sample's group lies: the values of pixel p from start + p * channels on.
struct Place {
   int64_t start, channel, group; // the group's first channel, and its number of all
};

__device__ inline Place place_of(const ScGroups &g, int64_t number) {
   int64_t sample = number / g.groups, channel = number % g.groups * g.width;
   return {sample * g.pixels * g.channels + channel, channel, number};
}

// Of value r of a group, whose width is mostly small: 32 bits divide many times faster.
struct Value {
   int64_t at, channel;
};

__device__ inline Value value_of(const ScGroups &g, const Place &place, int64_t r) {
   int64_t pixel = r <= INT32_MAX ? (int64_t)((uint32_t)r / (uint32_t)g.width) : r / g.width;
   int64_t channel = r - pixel * g.width;
   return {place.start + pixel * g.channels + channel, place.channel + channel};
}

template <typename M> struct Moments {
   M n, mean, square; // square: sum of (x - mean)^2
};

// Joined as in Chan, Golub and LeVeque 1979.
template <typename T> struct Statistics {
   typedef ScMath<T> M;
   typedef Moments<M> Sum;
   Norm<T> b;
   __device__ Sum zero() const { return {0, 0, 0}; }
   __device__ Sum join(Sum x, Sum y) const {
      if (x.n == 0) return y;
      if (y.n == 0) return x;
      M n = x.n + y.n, apart = y.mean - x.mean, share = y.n / n;
      return {n, x.mean + apart * share, x.square + y.square + apart * apart * x.n * share};
   }
   __device__ Place place(int64_t number) const { return place_of(b.g, number); }
   template <int N> __device__ Sum take_along(const Place &place, int64_t r) const {
      M v[N], sum = 0, square = 0;
      sc_get_vector(b.x, value_of(b.g, place, r).at, v);
#pragma unroll
      for (int k = 0; k < N; k++) sum += v[k];
      M mean = sum / (M)N;
#pragma unroll
      for (int k = 0; k < N; k++) square += (v[k] - mean) * (v[k] - mean);
      return {(M)N, mean, square};
   }
   __device__ Sum take(const Place &place, int64_t r) const {
      return take_along<1>(place, r);
   }
   __device__ void put(int64_t number, Sum s) const {
      b.mean[number] = s.mean;
      b.inverse[number] = 1 / sqrt(s.square / s.n + (M)b.g.eps);
   }
};

template <typename M> struct Sums {
   M plain, normal; // of a gradient, and of that times the normalised value
};

// Of the gradient times the weight, over each sample's group.
template <typename T> struct GroupSums {
   typedef ScMath<T> M;
   typedef Sums<M> Sum;
   Norm<T> b;
   Sum *sums;
   __device__ Sum zero() const { return {0, 0}; }
   __device__ Sum join(Sum x, Sum y) const { return {x.plain + y.plain, x.normal + y.normal}; }
   __device__ Place place(int64_t number) const { return place_of(b.g, number); }
   template <int N> __device__ Sum take_along(const Place &place, int64_t r) const {
      Value value = value_of(b.g, place, r);
      M g[N], x[N];
      Sum sum = {0, 0};
      get_scaled(b, value.at, value.channel, b.mean[place.group], b.inverse[place.group], g, x);
#pragma unroll
      for (int k = 0; k < N; k++) sum.plain += g[k], sum.normal += g[k] * x[k];
      return sum;
   }
   __device__ Sum take(const Place &place, int64_t r) const {
      return take_along<1>(place, r);
   }
   __device__ void put(int64_t number, Sum s) const {
      sums[number] = s;
   }
};

// The channel of value i of all, and the number of its sample's group.
struct Member {
   int64_t channel, group;
};

template <typename I> __device__ Member member_as(const ScGroups &g, I i) {
   I pixel = i / (I)g.channels, channel = i - pixel * (I)g.channels;
   return {(int64_t)channel, (int64_t)(pixel / (I)g.pixels * (I)g.groups + channel / (I)g.width)};
}

__device__ inline Member member_of(const ScGroups &g, int64_t i) {
   if (g.samples * g.pixels * g.channels <= INT32_MAX) return member_as<uint32_t>(g, (uint32_t)i);
   return member_as<int64_t>(g, i);
}

template <typename T, int N> __global__ void grouped_norm_each(Norm<T> b) {
   typedef ScMath<T> M;
   for (int64_t i = sc_thread() * N; i < b.g.samples * b.g.pixels * b.g.channels; i += sc_threads() * N) {
      Member m = member_of(b.g, i);
      M v[N], weight[N], bias[N], mean = b.mean[m.group], inverse = b.inverse[m.group];
      get_affine<T>(b.weight, m.channel, (M)1, weight);
      get_affine<T>(b.bias, m.channel, (M)0, bias);
      sc_get_vector(b.x, i, v);
#pragma unroll
      for (int k = 0; k < N; k++) v[k] = (v[k] - mean) * inverse * weight[k] + bias[k];
      sc_put_vector(b.out, i, v);
   }
}

template <typename T, int N>
__global__ void grouped_norm_each_backward(Norm<T> b, const Sums<ScMath<T>> *sums) {
   typedef ScMath<T> M;
   M n = (M)(b.g.pixels * b.g.width);
   for (int64_t i = sc_thread() * N; i < b.g.samples * b.g.pixels * b.g.channels; i += sc_threads() * N) {
      Member m = member_of(b.g, i);
      M g[N], x[N], inverse = b.inverse[m.group], plain = sums[m.group].plain / n,
                    normal = sums[m.group].normal / n;
      get_scaled(b, i, m.channel, b.mean[m.group], inverse, g, x);
#pragma unroll
      for (int k = 0; k < N; k++) g[k] = inverse * (g[k] - plain - x[k] * normal);
      sc_put_vector(b.gx, i, g);
   }
}

template <typename T, int N, typename... P, typename... A>
ScStatus launch_each(const ScCall *c, const Norm<T> &b, void (*kernel)(Norm<T>, P...), A... args) {
   int64_t n = b.g.samples * b.g.pixels * b.g.channels;
   return sc_cuda_launch(c->device, c->op->name, kernel, sc_cuda_grid(c->device, n / N), SC_CUDA_BLOCK, 0, b,
                         args...);
}

// Memory for what a launch leaves to the next; whoever gets it afterwards uses it later in the stream.
template <typename F> ScStatus with_memory(const ScCall *c, size_t bytes, F f) {
   ScBuffer *space;
   SC_TRY(sc_buffer_new(&space, c->device, bytes));
   ScStatus status = f(space->data);
   sc_buffer_release(space);
   return status;
}

template <typename T, int N> ScStatus pixels_forward(const ScCall *c, Norm<T> b) {
   typedef ScMath<T> M;
   int64_t groups = b.g.samples * b.g.groups;
   return with_memory(c, b.mean ? 1 : (size_t)(2 * groups) * sizeof(M), [&](void *space) {
      if (!b.mean) b.mean = (M *)space, b.inverse = b.mean + groups;
      SC_TRY(sc_reduce_along<N>(c->device, c->op->name, Statistics<T>{b}, groups, b.g.pixels * b.g.width));
      return launch_each<T, N>(c, b, grouped_norm_each<T, N>);
   });
}

template <typename T, int N> ScStatus pixels_backward(const ScCall *c, const Norm<T> &b) {
   typedef Sums<ScMath<T>> Sum;
   int64_t groups = b.g.samples * b.g.groups;
   return with_memory(c, (size_t)groups * sizeof(Sum), [&](void *space) {
      GroupSums<T> f = {b, (Sum *)space};
      SC_TRY(sc_reduce_along<N>(c->device, c->op->name, f, groups, b.g.pixels * b.g.width));
      return launch_each<T, N>(c, b, grouped_norm_each_backward<T, N>, (const Sum *)space);
   });
}

// ---- gradients of weight and bias ----

template <typename T> struct ChannelSums {
   typedef ScMath<T> M;
   typedef Sums<M> Sum;
   Norm<T> b;
   M *weight, *bias; // NULL where not wanted
   __device__ Sum zero() const { return {0, 0}; }
   __device__ Sum join(Sum x, Sum y) const { return {x.plain + y.plain, x.normal + y.normal}; }
   __device__ int64_t place(int64_t channel) const { return channel; }
   template <int N> __device__ void take_side(int64_t channel, int64_t row, Sum (&found)[N]) const {
      int64_t group = row / b.g.pixels * b.g.groups + channel / b.g.width;
      M g[N], x[N], mean = b.mean[group], inverse = b.inverse[group];
      sc_get_vector(b.gy, row * b.g.channels + channel, g);
      sc_get_vector(b.x, row * b.g.channels + channel, x);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = {g[k], g[k] * ((x[k] - mean) * inverse)};
   }
   __device__ Sum take(int64_t channel, int64_t row) const {
      Sum found[1];
      take_side(channel, row, found);
      return found[0];
   }
   __device__ void put(int64_t channel, Sum s) const {
      if (weight) weight[channel] = s.normal;
      if (bias) bias[channel] = s.plain;
   }
};

template <typename T, int N> ScStatus affine_gradients(const ScCall *c, const Norm<T> &b) {
   typedef ScMath<T> M;
   ChannelSums<T> f = {b, sc_data<M>(c->grad_in[SC_GN_WEIGHT]), sc_data<M>(c->grad_in[SC_GN_BIAS])};
   if (!f.weight && !f.bias) return SC_OK;
   return sc_reduce_side<N>(c->device, c->op->name, f, b.g.channels, b.g.samples * b.g.pixels, b.g.channels);
}

// ---- calls ----

template <typename T> Norm<T> describe(const ScCall *c) {
   typedef ScMath<T> M;
   return {sc_groups(c),
           sc_data<T>(c->in[SC_GN_X]),
           sc_data<T>(c->grad_out[0]),
           sc_data<M>(c->in[SC_GN_WEIGHT]),
           sc_data<M>(c->in[SC_GN_BIAS]),
           sc_data<M>(c->saved[SC_GN_MEAN]),
           sc_data<M>(c->saved[SC_GN_INVERSE]),
           sc_data<T>(c->out[0]),
           nullptr};
}

// Calls f with how many values of a group a thread takes, as a type.
template <typename T, typename F> ScStatus with_strip(int64_t width, F f) {
   constexpr int N = sizeof(T) == 8 ? 1 : ScWide<T>::N; // f64 is for tests: one kernel will do
   if constexpr (N > 1)
      if (width % N != 0) return f(std::integral_constant<int, 1>());
   return f(std::integral_constant<int, N>());
}

ScStatus forward(ScCall *c) {
   return sc_with_float(c->in[SC_GN_X]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Norm<T> b = describe<T>(c);
      return with_strip<T>(b.g.width, [&](auto strip) {
         constexpr int N = decltype(strip)::value;
         if (b.g.pixels > 1) return pixels_forward<T, N>(c, b);
         return launch_rows<T>(c, b, grouped_norm_rows<T, N>);
      });
   });
}

// The gradient of x comes last: it may lie where the one that came in does.
ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[SC_GN_X]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Norm<T> b = describe<T>(c);
      b.gx = sc_data<T>(c->grad_in[SC_GN_X]);
      return with_strip<T>(b.g.width, [&](auto strip) {
         constexpr int N = decltype(strip)::value;
         SC_TRY((affine_gradients<T, N>(c, b)));
         if (!b.gx) return SC_OK;
         if (b.g.pixels > 1) return pixels_backward<T, N>(c, b);
         return launch_rows<T>(c, b, grouped_norm_rows_backward<T, N>);
      });
   });
}

} // namespace

SC_KERNEL(cuda, grouped_norm, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
