// Depthwise convolutions, channels last: the greater part of a MobileNet and of an EfficientNet.
//
// Own kernels and not cuDNN's: there a group of one channel leaves the matrix units idle, and which of its
// algorithms takes channels-last groups in f32 at all depends on its version. These are bound by memory, as the
// operation is, and the same on every card.
#include "kernels/cuda/depthwise.h"

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/reduction.cuh"
#include "kernels/cuda/workspace.h"

namespace {

enum { PIXELS = 4, SHARED = 48 << 10, TAPS = 9 };

// From one image to another: forward from x to y, for the input's gradient from that of y to that of x.
struct Slide {
   int64_t images;
   int h, w, channels;         // of the image that is written
   int from_h, from_w, from_c; // of the one that is read
   int kh, kw, sh, sw, ph, pw, dh, dw;
   int multiple; // output channels per input channel
};

// Where the window's tap `tap` at `at` reads, or -1: outside of `size`, or backward between the strides.
template <bool BACK>
__device__ inline int source(int at, int tap, int stride, int padding, int dilation, int size) {
   if constexpr (BACK) {
      int place = at + padding - tap * dilation, step = stride == 1 ? place : place / stride;
      return place >= 0 && step * stride == place && step < size ? step : -1;
   } else {
      int place = at * stride - padding + tap * dilation;
      return place >= 0 && place < size ? place : -1;
   }
}

struct Pixel {
   int x, y;
   int64_t image;
};

template <typename I> __device__ inline Pixel pixel_as(I i, I wide, I high) {
   I row = i / wide, image = row / high;
   return {(int)(i - row * wide), (int)(row - image * high), (int64_t)image};
}

// Number i of n in images of wide x high; 32-bit division is many times faster.
__device__ inline Pixel pixel_of(int64_t i, int64_t n, int wide, int high) {
   if (n <= INT32_MAX) return pixel_as((uint32_t)i, (uint32_t)wide, (uint32_t)high);
   return pixel_as(i, (int64_t)wide, (int64_t)high);
}

// How many filters reach a channel of the image that is written.
template <bool BACK> __host__ __device__ inline int terms_of(const Slide &s) {
   return BACK ? s.multiple : 1;
}

// filters[tap][channel of this block][term] in f32, as the threads read them.
template <typename T, bool BACK>
__device__ inline void load_filters(const Slide &s, int first, int chunk, const T *w, float *filters) {
   int taps = s.kh * s.kw, terms = terms_of<BACK>(s), n = chunk * terms;
   for (int i = (int)threadIdx.x; i < taps * n; i += (int)blockDim.x) {
      int tap = i % taps, o = first * terms + i / taps;
      filters[tap * n + i / taps] = o < s.channels * terms ? sc_widen(w[(int64_t)o * taps + tap]) : 0;
   }
   __syncthreads();
}

// Each thread computes N channels of PIXELS neighbours in a row; `lanes` threads side by side have the channels
// of one block. N > 1 only without a multiple.
template <typename T, int N, bool BACK>
__global__ void depthwise_slide(Slide s, int lanes, const T *from, const T *w, T *to) {
   SC_DYNAMIC_SHARED(float, filters);
   int chunk = lanes * N, first = (int)blockIdx.x * chunk, lane = (int)threadIdx.x % lanes;
   int terms = terms_of<BACK>(s), channel = first + lane * N, across = (s.w + PIXELS - 1) / PIXELS;
   load_filters<T, BACK>(s, first, chunk, w, filters);
   if (channel >= s.channels) return;
   int64_t groups = s.images * s.h * across, step = (int64_t)gridDim.y * blockDim.x / lanes;
   int64_t group = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) / lanes;
   for (; group < groups; group += step) {
      Pixel first_pixel = pixel_of(group, groups, across, s.h);
      int left = first_pixel.x * PIXELS, row = first_pixel.y;
      float sum[PIXELS][N] = {};
      for (int i = 0; i < s.kh; i++) {
         int y = source<BACK>(row, i, s.sh, s.ph, s.dh, s.from_h);
         if (y < 0) continue;
         const T *line = from + (first_pixel.image * s.from_h + y) * s.from_w * s.from_c;
         for (int j = 0; j < s.kw; j++)
            for (int term = 0; term < terms; term++) {
               const float *filter = filters + ((i * s.kw + j) * chunk + lane * N) * terms + term;
               int at = N > 1 ? channel : BACK ? channel * s.multiple + term : channel / s.multiple;
#pragma unroll
               for (int p = 0; p < PIXELS; p++) {
                  int x = source<BACK>(left + p, j, s.sw, s.pw, s.dw, s.from_w);
                  if (x < 0) continue;
                  float v[N];
                  sc_get_vector(line + (int64_t)x * s.from_c, at, v);
#pragma unroll
                  for (int k = 0; k < N; k++) sum[p][k] += v[k] * filter[k];
               }
            }
      }
      T *out = to + ((first_pixel.image * s.h + row) * s.w + left) * s.channels;
#pragma unroll
      for (int p = 0; p < PIXELS; p++)
         if (left + p < s.w) sc_put_vector(out + (int64_t)p * s.channels, channel, sum[p]);
   }
}

int lanes_for(const Slide &s, int n, int terms) {
   int lanes = sc_power_of_two((s.channels + n - 1) / n, SC_CUDA_WARP);
   while (lanes > 1 && (size_t)(s.kh * s.kw * lanes * n * terms) * sizeof(float) > SHARED) lanes /= 2;
   return lanes;
}

template <typename T, int N, bool BACK>
ScStatus launch_slide(const ScDevice *device, const char *what, const Slide &s, const void *from, const void *w,
                      void *to) {
   int terms = terms_of<BACK>(s), lanes = lanes_for(s, N, terms), rows = SC_CUDA_BLOCK / lanes;
   int64_t chunks = (s.channels + lanes * N - 1) / (lanes * N);
   int64_t wanted = (s.images * s.h * ((s.w + PIXELS - 1) / PIXELS) + rows - 1) / rows;
   int64_t most = 4 * (int64_t)sc_cuda_resident_threads(device) / SC_CUDA_BLOCK / chunks;
   int64_t blocks = wanted < most ? wanted : most;
   size_t shared = (size_t)(s.kh * s.kw * lanes * N * terms) * sizeof(float);
   return sc_cuda_launch(device, what, depthwise_slide<T, N, BACK>,
                         dim3((unsigned)chunks, (unsigned)(blocks < 1 ? 1 : blocks)), SC_CUDA_BLOCK, shared, s,
                         lanes, (const T *)from, (const T *)w, (T *)to);
}

template <typename F> ScStatus with_conv_type(ScDtype dtype, F f) {
   switch (dtype) {
   case SC_F16: return f(__half());
   case SC_BF16: return f(__nv_bfloat16());
   default: return f(float());
   }
}

template <bool BACK>
ScStatus slide_any(const ScDevice *device, const char *what, ScDtype dtype, const Slide &s, const void *from,
                   const void *w, void *to) {
   return with_conv_type(dtype, [&](auto type) {
      typedef decltype(type) T;
      constexpr int N = ScWide<T>::N;
      if (s.multiple == 1 && s.channels % N == 0) return launch_slide<T, N, BACK>(device, what, s, from, w, to);
      return launch_slide<T, 1, BACK>(device, what, s, from, w, to);
   });
}

// ---- the filters' gradient ----

// Channels are those of y. Each thread adds up TAPS taps of N channels over its pixels; the threads of a block
// that have the same channels add theirs in order; partial[part][tap][channel].
template <typename T, int N>
__global__ void depthwise_correlate(Slide s, int lanes, int64_t part, const T *x, const T *gy, float *partial) {
   __shared__ float sums[SC_CUDA_BLOCK];
   int lane = (int)threadIdx.x % lanes, row = (int)threadIdx.x / lanes, rows = SC_CUDA_BLOCK / lanes;
   int channel = ((int)blockIdx.x * lanes + lane) * N, first = (int)blockIdx.z * TAPS, taps = s.kh * s.kw;
   int64_t pixels = s.images * s.h * s.w, from = blockIdx.y * part,
           to = from + part < pixels ? from + part : pixels;
   float sum[TAPS][N] = {};
   for (int64_t p = from + row; p < to && channel < s.channels; p += rows) {
      Pixel at = pixel_of(p, pixels, s.w, s.h);
      const T *image = x + at.image * s.from_h * s.from_w * s.from_c;
      float g[N], v[N];
      sc_get_vector(gy + p * s.channels, channel, g);
#pragma unroll
      for (int t = 0; t < TAPS; t++) {
         int tap = first + t;
         if (tap >= taps) break;
         int iy = source<false>(at.y, tap / s.kw, s.sh, s.ph, s.dh, s.from_h);
         int ix = source<false>(at.x, tap % s.kw, s.sw, s.pw, s.dw, s.from_w);
         if (iy < 0 || ix < 0) continue;
         sc_get_vector(image + ((int64_t)iy * s.from_w + ix) * s.from_c, N > 1 ? channel : channel / s.multiple,
                       v);
#pragma unroll
         for (int k = 0; k < N; k++) sum[t][k] += g[k] * v[k];
      }
   }
#pragma unroll
   for (int t = 0; t < TAPS; t++)
#pragma unroll
      for (int k = 0; k < N; k++) {
         __syncthreads();
         sums[threadIdx.x] = sum[t][k];
         __syncthreads();
         if (row > 0 || channel >= s.channels || first + t >= taps) continue;
         float total = 0;
         for (int r = 0; r < rows; r++) total += sums[r * lanes + lane];
         partial[((int64_t)blockIdx.y * taps + first + t) * s.channels + channel + k] = total;
      }
}

// Sums of the parts, from [part][tap][channel] to (channel, tap).
template <typename T> struct Gather {
   typedef float Sum;
   int taps, channels;
   const float *partial;
   T *gw;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ int64_t place(int64_t k) const { return k; }
   __device__ Sum take(int64_t k, int64_t part) const { return partial[part * taps * channels + k]; }
   __device__ void put(int64_t k, Sum sum) const { gw[k % channels * taps + k / channels] = sc_narrow<T>(sum); }
};

template <typename T, int N>
ScStatus launch_correlate(const ScDevice *device, const char *what, const Slide &s, const void *x,
                          const void *gy, void *gw) {
   const int64_t least = 16, most_parts = 128; // pixels that are worth a thread
   int lanes = sc_power_of_two((s.channels + N - 1) / N, SC_CUDA_WARP), rows = SC_CUDA_BLOCK / lanes;
   int taps = s.kh * s.kw, chunks = (s.channels + lanes * N - 1) / (lanes * N),
       groups = (taps + TAPS - 1) / TAPS;
   int64_t pixels = s.images * s.h * s.w, parts = pixels / (rows * least);
   int64_t most = 4 * (int64_t)sc_cuda_resident_threads(device) / SC_CUDA_BLOCK / (chunks * groups);
   if (parts > most) parts = most;
   parts = parts < 1 ? 1 : parts > most_parts ? most_parts : parts;
   void *partial;
   SC_TRY(sc_cuda_workspace(device, (size_t)(parts * taps * s.channels) * sizeof(float), &partial));
   SC_TRY(sc_cuda_launch(device, what, depthwise_correlate<T, N>,
                         dim3((unsigned)chunks, (unsigned)parts, (unsigned)groups), SC_CUDA_BLOCK, 0, s, lanes,
                         (pixels + parts - 1) / parts, (const T *)x, (const T *)gy, (float *)partial));
   Gather<T> f = {taps, s.channels, (const float *)partial, (T *)gw};
   return sc_reduce_launch(device, what, f, (int64_t)taps * s.channels, parts, SC_CUDA_WARP, false, 1,
                           (float *)nullptr);
}

Slide geometry(const ScConv *g, bool back) {
   int h = (int)g->h, w = (int)g->w, c = (int)g->c, oh = (int)g->oh, ow = (int)g->ow, o = (int)g->o;
   return Slide{g->n,         back ? h : oh, back ? w : ow, back ? c : o, back ? oh : h, back ? ow : w,
                back ? o : c, (int)g->kh,    (int)g->kw,    (int)g->sh,   (int)g->sw,    (int)g->ph,
                (int)g->pw,   (int)g->dh,    (int)g->dw,    (int)g->og};
}

} // namespace

bool sc_is_depthwise(const ScConv *g) {
   const int wide = 8; // channels that one thread may have
   size_t filters = (size_t)(g->kh * g->kw) * (size_t)(g->og > wide ? g->og : wide) * sizeof(float);
   return g->cg == 1 && g->groups > 1 && filters <= SHARED;
}

ScStatus sc_depthwise_forward(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g,
                              const void *x, const void *w, void *y) {
   return slide_any<false>(device, what, dtype, geometry(g, false), x, w, y);
}

ScStatus sc_depthwise_input_grad(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g,
                                 const void *gy, const void *w, void *gx) {
   return slide_any<true>(device, what, dtype, geometry(g, true), gy, w, gx);
}

ScStatus sc_depthwise_weight_grad(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g,
                                  const void *x, const void *gy, void *gw) {
   return with_conv_type(dtype, [&](auto type) {
      typedef decltype(type) T;
      Slide s = geometry(g, false);
      if (s.multiple == 1 && s.channels % 4 == 0) return launch_correlate<T, 4>(device, what, s, x, gy, gw);
      return launch_correlate<T, 1>(device, what, s, x, gy, gw);
   });
}
