// Pooling on channels-last pictures; neighbouring threads take neighbouring channels. Backward asks at each
// input pixel which windows it was in, so that nothing is added up in a random order.
#include "host/ops/pool.h"

#include <math.h>

#include <type_traits>

#include "kernels/cuda/total.cuh"

namespace {

struct Place {
   int64_t n, y, x, channel;
};

template <typename I> __device__ Place place_as(I i, I strips, I width, I height, int strip) {
   I pixel = i / strips, row = pixel / width, n = row / height;
   return {(int64_t)n, (int64_t)(row - n * height), (int64_t)(pixel - row * width),
           (int64_t)(i - pixel * strips) * strip};
}

// Of strip number i of a picture; `count` is how many there are.
__device__ Place place_of(int64_t i, int64_t count, int64_t strips, int64_t width, int64_t height, int strip) {
   if (count <= INT32_MAX)
      return place_as((uint32_t)i, (uint32_t)strips, (uint32_t)width, (uint32_t)height, strip);
   return place_as(i, strips, width, height, strip);
}

// A range of rows (or columns), and its end without the padding's bound.
struct Range {
   int64_t from, to, padded;
};

// The input that window o covers, as sc_pool_window has it; `padded` is the divisor that counts padding.
__device__ Range window(int64_t o, int64_t size, int64_t kernel, int64_t stride, int64_t padding) {
   int64_t start = o * stride - padding, end = start + kernel;
   if (end > size + padding) end = size + padding;
   return {start < 0 ? 0 : start, end > size ? size : end, end - start};
}

// The windows that cover input position i.
__device__ Range windows_of(int64_t i, int64_t count, int64_t kernel, int64_t stride, int64_t padding) {
   int64_t last = (i + padding) / stride, before = i + padding - kernel;
   int64_t from = before < 0 ? 0 : before / stride + 1;
   return {from, last < count ? last + 1 : count, 0};
}

// Taps at..at+N-1, which are bytes where a window has no more than those can tell.
template <int N> __device__ void get_taps(bool bytes, const void *p, int64_t at, int64_t (&taps)[N]) {
   if (bytes)
      sc_get_vector((const uint8_t *)p, at, taps);
   else
      sc_get_vector((const int64_t *)p, at, taps);
}

template <int N> __device__ void put_taps(bool bytes, void *p, int64_t at, const int64_t (&taps)[N]) {
   if (bytes)
      sc_put_vector((uint8_t *)p, at, taps);
   else
      sc_put_vector((int64_t *)p, at, taps);
}

// ---- maximum ----

// A NaN wins over all before it, and padding never wins. `where` (NULL if nothing is recorded) tells the tap.
template <typename T, int N>
__global__ void max_pool2d_forward(ScPool2d g, const T *x, T *y, bool bytes, void *where) {
   typedef ScMath<T> M;
   int64_t strips = g.c / N, count = g.n * g.oh * g.ow * strips;
   for (int64_t i = sc_thread(); i < count; i += sc_threads()) {
      Place p = place_of(i, count, strips, g.ow, g.oh, N);
      Range rows = window(p.y, g.h, g.kh, g.sh, g.ph), columns = window(p.x, g.w, g.kw, g.sw, g.pw);
      M most[N];
      int64_t best[N];
#pragma unroll
      for (int k = 0; k < N; k++) most[k] = -(M)INFINITY, best[k] = -1;
      for (int64_t iy = rows.from; iy < rows.to; iy++)
         for (int64_t ix = columns.from; ix < columns.to; ix++) {
            M v[N];
            sc_get_vector(x, ((p.n * g.h + iy) * g.w + ix) * g.c + p.channel, v);
            int64_t tap = (iy - (p.y * g.sh - g.ph)) * g.kw + ix - (p.x * g.sw - g.pw);
#pragma unroll
            for (int k = 0; k < N; k++)
               if (best[k] < 0 || v[k] > most[k] || v[k] != v[k]) most[k] = v[k], best[k] = tap;
         }
      sc_put_vector(y, i * N, most);
      if (where) put_taps(bytes, where, i * N, best);
   }
}

template <typename T, int N>
__global__ void max_pool2d_backward(ScPool2d g, const T *gy, bool bytes, const void *where, T *gx) {
   typedef ScMath<T> M;
   int64_t strips = g.c / N, count = g.n * g.h * g.w * strips;
   for (int64_t i = sc_thread(); i < count; i += sc_threads()) {
      Place p = place_of(i, count, strips, g.w, g.h, N);
      Range rows = windows_of(p.y, g.oh, g.kh, g.sh, g.ph), columns = windows_of(p.x, g.ow, g.kw, g.sw, g.pw);
      M sum[N] = {};
      for (int64_t oy = rows.from; oy < rows.to; oy++)
         for (int64_t ox = columns.from; ox < columns.to; ox++) {
            int64_t at = ((p.n * g.oh + oy) * g.ow + ox) * g.c + p.channel;
            int64_t tap = (p.y - (oy * g.sh - g.ph)) * g.kw + p.x - (ox * g.sw - g.pw);
            M v[N];
            int64_t taps[N];
            sc_get_vector(gy, at, v);
            get_taps(bytes, where, at, taps);
#pragma unroll
            for (int k = 0; k < N; k++)
               if (taps[k] == tap) sum[k] += v[k];
         }
      sc_put_vector(gx, i * N, sum);
   }
}

// ---- mean ----

__device__ double divisor(Range rows, Range columns, bool include_pad) {
   return include_pad ? (double)(rows.padded * columns.padded)
                      : (double)((rows.to - rows.from) * (columns.to - columns.from));
}

template <typename T, int N>
__global__ void avg_pool2d_forward(ScPool2d g, bool include_pad, const T *x, T *y) {
   typedef ScMath<T> M;
   int64_t strips = g.c / N, count = g.n * g.oh * g.ow * strips;
   for (int64_t i = sc_thread(); i < count; i += sc_threads()) {
      Place p = place_of(i, count, strips, g.ow, g.oh, N);
      Range rows = window(p.y, g.h, g.kh, g.sh, g.ph), columns = window(p.x, g.w, g.kw, g.sw, g.pw);
      M sum[N] = {}, factor = (M)(1 / divisor(rows, columns, include_pad));
      for (int64_t iy = rows.from; iy < rows.to; iy++)
         for (int64_t ix = columns.from; ix < columns.to; ix++) {
            M v[N];
            sc_get_vector(x, ((p.n * g.h + iy) * g.w + ix) * g.c + p.channel, v);
#pragma unroll
            for (int k = 0; k < N; k++) sum[k] += v[k];
         }
#pragma unroll
      for (int k = 0; k < N; k++) sum[k] *= factor;
      sc_put_vector(y, i * N, sum);
   }
}

template <typename T, int N>
__global__ void avg_pool2d_backward(ScPool2d g, bool include_pad, const T *gy, T *gx) {
   typedef ScMath<T> M;
   int64_t strips = g.c / N, count = g.n * g.h * g.w * strips;
   for (int64_t i = sc_thread(); i < count; i += sc_threads()) {
      Place p = place_of(i, count, strips, g.w, g.h, N);
      Range rows = windows_of(p.y, g.oh, g.kh, g.sh, g.ph), columns = windows_of(p.x, g.ow, g.kw, g.sw, g.pw);
      M sum[N] = {};
      for (int64_t oy = rows.from; oy < rows.to; oy++)
         for (int64_t ox = columns.from; ox < columns.to; ox++) {
            Range high = window(oy, g.h, g.kh, g.sh, g.ph), wide = window(ox, g.w, g.kw, g.sw, g.pw);
            M v[N], factor = (M)(1 / divisor(high, wide, include_pad));
            sc_get_vector(gy, ((p.n * g.oh + oy) * g.ow + ox) * g.c + p.channel, v);
#pragma unroll
            for (int k = 0; k < N; k++) sum[k] += v[k] * factor;
         }
      sc_put_vector(gx, i * N, sum);
   }
}

// ---- calls ----

// Calls f with a value of the element type and the number of channels that a thread takes, as a type.
template <typename F> ScStatus with_strip(const ScTensor *x, F f) {
   return sc_with_float(x->dtype, [&](auto type) {
      constexpr int N = sizeof type == 8 ? 1 : ScWide<decltype(type)>::N; // f64 is for tests
      if constexpr (N > 1)
         if (x->shape[1] % N != 0) return f(type, std::integral_constant<int, 1>());
      return f(type, std::integral_constant<int, N>());
   });
}

dim3 grid_of(const ScCall *c, const ScTensor *t, int strip) {
   return sc_cuda_grid(c->device, sc_numel(t) / strip);
}

ScStatus forward_max(ScCall *c) {
   bool bytes = c->saved[0] && c->saved[0]->dtype == SC_U8;
   return with_strip(c->in[0], [&](auto type, auto strip) {
      typedef decltype(type) T;
      constexpr int N = decltype(strip)::value;
      return sc_cuda_launch(c->device, "max_pool2d", max_pool2d_forward<T, N>, grid_of(c, c->out[0], N),
                            SC_CUDA_BLOCK, 0, sc_pool_geometry(c), sc_data<T>(c->in[0]), sc_data<T>(c->out[0]),
                            bytes, sc_data<void>(c->saved[0]));
   });
}

ScStatus backward_max(ScCall *c) {
   bool bytes = c->saved[0]->dtype == SC_U8;
   return with_strip(c->in[0], [&](auto type, auto strip) {
      typedef decltype(type) T;
      constexpr int N = decltype(strip)::value;
      return sc_cuda_launch(c->device, "max_pool2d", max_pool2d_backward<T, N>, grid_of(c, c->grad_in[0], N),
                            SC_CUDA_BLOCK, 0, sc_pool_geometry(c), sc_data<T>(c->grad_out[0]), bytes,
                            sc_data<void>(c->saved[0]), sc_data<T>(c->grad_in[0]));
   });
}

ScStatus forward_avg(ScCall *c) {
   bool include_pad = c->attr[SC_POOL_INCLUDE_PAD].i;
   return with_strip(c->in[0], [&](auto type, auto strip) {
      typedef decltype(type) T;
      constexpr int N = decltype(strip)::value;
      return sc_cuda_launch(c->device, "avg_pool2d", avg_pool2d_forward<T, N>, grid_of(c, c->out[0], N),
                            SC_CUDA_BLOCK, 0, sc_pool_geometry(c), include_pad, sc_data<T>(c->in[0]),
                            sc_data<T>(c->out[0]));
   });
}

ScStatus backward_avg(ScCall *c) {
   bool include_pad = c->attr[SC_POOL_INCLUDE_PAD].i;
   return with_strip(c->in[0], [&](auto type, auto strip) {
      typedef decltype(type) T;
      constexpr int N = decltype(strip)::value;
      return sc_cuda_launch(c->device, "avg_pool2d", avg_pool2d_backward<T, N>, grid_of(c, c->grad_in[0], N),
                            SC_CUDA_BLOCK, 0, sc_pool_geometry(c), include_pad, sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[0]));
   });
}

// (N, H, W, C) as N x pixels x C.
ScAxis pixels_of(const ScTensor *x) {
   return {x->shape[0], x->shape[2] * x->shape[3], x->shape[1]};
}

ScStatus forward_global(ScCall *c) {
   ScAxis pixels = pixels_of(c->in[0]);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_total(c->device, "global_avg_pool2d", pixels, 1 / (double)pixels.n, sc_data<const T>(c->in[0]),
                      sc_data<T>(c->out[0]));
   });
}

ScStatus backward_global(ScCall *c) {
   ScAxis pixels = pixels_of(c->in[0]);
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_spread(c->device, "global_avg_pool2d", pixels, 1 / (double)pixels.n,
                       sc_data<const T>(c->grad_out[0]), sc_data<T>(c->grad_in[0]));
   });
}

} // namespace

SC_KERNEL(cuda, max_pool2d, .dtypes = SC_CUDA_FLOATS, .forward = forward_max, .backward = backward_max)
SC_KERNEL(cuda, avg_pool2d, .dtypes = SC_CUDA_FLOATS, .forward = forward_avg, .backward = backward_avg)
SC_KERNEL(cuda, global_avg_pool2d, .dtypes = SC_CUDA_FLOATS, .forward = forward_global,
          .backward = backward_global)
