// Depthwise convolutions, channels last: the greater part of a MobileNet and of an EfficientNet. Forward and
// the input's gradient, which differ in where a pixel reads; for that of the filters see depthwise_filters.cu.
//
// Own kernels and not cuDNN's: there a group of one channel leaves the matrix units idle, and which of its
// algorithms takes channels-last groups in f32 at all depends on its version. These are bound by memory, as the
// operation is, and the same on every card.
#include "kernels/cuda/depthwise.h"

#include "kernels/cuda/activation.cuh"
#include "kernels/cuda/depthwise.cuh"
#include "kernels/cuda/reduction.cuh"

namespace {

enum { PIXELS = SC_NEIGHBOURS, SHARED = 48 << 10 };

// How many filters reach a channel of the image that is written.
template <bool BACK> __host__ __device__ inline int terms_of(const ScSlide &s) {
   return BACK ? s.multiple : 1;
}

// filters[tap][channel of this block][term] in f32, as the threads read them.
template <typename T, bool BACK>
__device__ inline void load_filters(const ScSlide &s, int taps, int first, int chunk, const T *w,
                                    float *filters) {
   int terms = terms_of<BACK>(s), n = chunk * terms;
   for (int i = (int)threadIdx.x; i < taps * n; i += (int)blockDim.x) {
      int tap = i % taps, o = first * terms + i / taps;
      filters[tap * n + i / taps] = o < s.channels * terms ? sc_widen(w[(int64_t)o * taps + tap]) : 0;
   }
   __syncthreads();
}

// ---- what a sum begins with, and what becomes of it ----

struct Plain {
   template <int N> __device__ void begin(int, float (&)[N]) const {}
   template <int N> __device__ void end(int64_t, float (&)[N]) const {}
};

template <typename T> struct Finished {
   const float *shift; // NULL where absent, as residual
   const T *residual;
   int act;
   template <int N> __device__ void begin(int channel, float (&sum)[N]) const {
      if (shift) sc_get_vector(shift, channel, sum);
   }
   template <int N> __device__ void end(int64_t at, float (&sum)[N]) const {
      float added[N] = {};
      if (residual) sc_get_vector(residual, at, added);
#pragma unroll
      for (int k = 0; k < N; k++) sum[k] += added[k];
      sc_cuda_act(act, sum);
   }
};

// The sums of PIXELS neighbours as they begin.
template <int N, typename E>
__device__ inline void begin_all(const E &ends, int channel, float (&sum)[PIXELS][N]) {
   ends.begin(channel, sum[0]);
#pragma unroll
   for (int p = 1; p < PIXELS; p++)
#pragma unroll
      for (int k = 0; k < N; k++) sum[p][k] = sum[0][k];
}

// ---- windows that are known at compile time ----

// The columns that PIXELS neighbours read, and the one that tap `tap` of neighbour `pixel` does; -1: none.
// Backward the first neighbour is one that tap 0 reaches.
template <int K, int S, bool BACK> struct Columns {
   static constexpr int N = BACK ? (PIXELS - 1) / S + (K - 1) / S + 1 : (PIXELS - 1) * S + K;
   __device__ static constexpr int of(int pixel, int tap) {
      if (!BACK) return pixel * S + tap;
      return (pixel - tap) % S == 0 ? (pixel - tap) / S + (K - 1) / S : -1;
   }
};

// So many threads side by side have room for their filters, as lanes_for has it.
template <int K, int N> struct Lanes {
   static constexpr int WARP = K * K * SC_CUDA_WARP * N * (int)sizeof(float);
   static constexpr int MOST = WARP <= SHARED ? SC_CUDA_WARP : SC_CUDA_WARP / 2;
};

// Each thread computes N channels of PIXELS neighbours, row by row of the window; `lanes` threads side by side
// have the channels of one block.
template <typename T, int N, int K, int S, bool BACK, typename E>
__global__ void depthwise_window(ScSlide s, int lanes, const T *from, const T *w, E ends, T *to) {
   typedef Columns<K, S, BACK> C;
   alignas(sizeof(float) * N) __shared__ float filters[K * K * Lanes<K, N>::MOST * N];
   int chunk = lanes * N, first = (int)blockIdx.x * chunk, lane = (int)threadIdx.x % lanes;
   int channel = first + lane * N, skip = BACK ? s.pw % S : 0, across = (s.w + skip + PIXELS - 1) / PIXELS;
   load_filters<T, BACK>(s, K * K, first, chunk, w, filters);
   if (channel >= s.channels) return;
   int64_t begin = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) / lanes;
   int64_t pitch = (int64_t)s.from_w * s.channels;
   ScWalk walk(begin, (int64_t)gridDim.y * blockDim.x / lanes, across, s.h);
   for (; walk.at.image < s.images; walk.next()) {
      int left = walk.at.x * PIXELS - skip, row = walk.at.y;
      int start = BACK ? (left + s.pw) / S - (K - 1) / S : left * S - s.pw;
      int i = BACK ? (row + s.ph) % S : 0; // the first tap, and the row that it reads
      int y = BACK ? (row + s.ph - i) / S : row * S - s.ph;
      int64_t column = (walk.at.image * s.from_h + y) * s.from_w + start;
      const T *line = from + column * s.channels + channel;
      float sum[PIXELS][N] = {};
      begin_all(ends, channel, sum);
      for (; i < K; i += BACK ? S : 1, y += BACK ? -1 : 1, line += BACK ? -pitch : pitch) {
         if ((unsigned)y >= (unsigned)s.from_h) continue;
         float v[C::N][N];
         sc_get_columns(line, start, s.from_w, s.channels, v);
#pragma unroll
         for (int j = 0; j < K; j++) {
            float filter[N];
            sc_get_vector(filters, (i * K + j) * chunk + lane * N, filter);
#pragma unroll
            for (int p = 0; p < PIXELS; p++) {
               if (C::of(p, j) < 0) continue;
#pragma unroll
               for (int k = 0; k < N; k++) sum[p][k] += v[C::of(p, j)][k] * filter[k];
            }
         }
      }
      int64_t out = ((walk.at.image * s.h + row) * s.w + left) * s.channels + channel;
#pragma unroll
      for (int p = 0; p < PIXELS; p++) {
         if ((unsigned)(left + p) >= (unsigned)s.w) continue;
         int64_t at = out + (int64_t)p * s.channels;
         ends.end(at, sum[p]);
         sc_put_vector(to, at, sum[p]);
      }
   }
}

// ---- any other ----

// N > 1 only without a multiple.
template <typename T, int N, bool BACK, typename E>
__global__ void depthwise_slide(ScSlide s, int lanes, const T *from, const T *w, E ends, T *to) {
   SC_DYNAMIC_SHARED(float, filters);
   int chunk = lanes * N, first = (int)blockIdx.x * chunk, lane = (int)threadIdx.x % lanes;
   int terms = terms_of<BACK>(s), channel = first + lane * N, across = (s.w + PIXELS - 1) / PIXELS;
   load_filters<T, BACK>(s, s.kh * s.kw, first, chunk, w, filters);
   if (channel >= s.channels) return;
   int64_t begin = ((int64_t)blockIdx.y * blockDim.x + threadIdx.x) / lanes;
   ScWalk walk(begin, (int64_t)gridDim.y * blockDim.x / lanes, across, s.h);
   for (; walk.at.image < s.images; walk.next()) {
      int left = walk.at.x * PIXELS, row = walk.at.y;
      float sum[PIXELS][N] = {};
      begin_all(ends, channel, sum);
      for (int i = 0; i < s.kh; i++) {
         int y = sc_source<BACK>(row, i, s.sh, s.ph, s.dh, s.from_h);
         if (y < 0) continue;
         const T *line = from + (walk.at.image * s.from_h + y) * s.from_w * s.from_c;
         for (int j = 0; j < s.kw; j++)
            for (int term = 0; term < terms; term++) {
               const float *filter = filters + ((i * s.kw + j) * chunk + lane * N) * terms + term;
               int at = N > 1 ? channel : BACK ? channel * s.multiple + term : channel / s.multiple;
#pragma unroll
               for (int p = 0; p < PIXELS; p++) {
                  int x = sc_source<BACK>(left + p, j, s.sw, s.pw, s.dw, s.from_w);
                  if (x < 0) continue;
                  float v[N];
                  sc_get_vector(line + (int64_t)x * s.from_c, at, v);
#pragma unroll
                  for (int k = 0; k < N; k++) sum[p][k] += v[k] * filter[k];
               }
            }
      }
      int64_t out = ((walk.at.image * s.h + row) * s.w + left) * s.channels + channel;
#pragma unroll
      for (int p = 0; p < PIXELS; p++) {
         if (left + p >= s.w) continue;
         int64_t at = out + (int64_t)p * s.channels;
         ends.end(at, sum[p]);
         sc_put_vector(to, at, sum[p]);
      }
   }
}

// ---- launches ----

int lanes_for(const ScSlide &s, int n, int terms) {
   int lanes = sc_power_of_two((s.channels + n - 1) / n, SC_CUDA_WARP);
   while (lanes > 1 && (size_t)(s.kh * s.kw * lanes * n * terms) * sizeof(float) > SHARED) lanes /= 2;
   return lanes;
}

template <typename T, int N, typename W, bool BACK, typename E>
ScStatus launch_slide(const ScDevice *device, const char *what, const ScSlide &s, const void *from,
                      const void *w, E ends, void *to) {
   int terms = terms_of<BACK>(s), lanes = lanes_for(s, N, terms), rows = SC_CUDA_BLOCK / lanes;
   int64_t chunks = (s.channels + lanes * N - 1) / (lanes * N);
   int64_t wanted = (s.images * s.h * ((s.w + PIXELS - 1) / PIXELS) + rows - 1) / rows;
   int64_t most = 4 * (int64_t)sc_cuda_resident_threads(device) / SC_CUDA_BLOCK / chunks;
   int64_t blocks = wanted < most ? wanted : most;
   dim3 grid((unsigned)chunks, (unsigned)(blocks < 1 ? 1 : blocks));
   if constexpr (W::K > 0)
      return sc_cuda_launch(device, what, depthwise_window<T, N, W::K, W::S, BACK, E>, grid, SC_CUDA_BLOCK, 0,
                            s, lanes, (const T *)from, (const T *)w, ends, (T *)to);
   size_t shared = (size_t)(s.kh * s.kw * lanes * N * terms) * sizeof(float);
   return sc_cuda_launch(device, what, depthwise_slide<T, N, BACK, E>, grid, SC_CUDA_BLOCK, shared, s, lanes,
                         (const T *)from, (const T *)w, ends, (T *)to);
}

template <typename T, bool BACK, typename E>
ScStatus slide_any(const ScDevice *device, const char *what, const ScSlide &s, const void *from, const void *w,
                   E ends, void *to) {
   constexpr int N = ScWide<T>::N;
   if (s.multiple > 1 || s.channels % N != 0)
      return launch_slide<T, 1, ScWindow<0, 0>, BACK>(device, what, s, from, w, ends, to);
   return sc_with_window(s, [&](auto window) {
      return launch_slide<T, N, decltype(window), BACK>(device, what, s, from, w, ends, to);
   });
}

} // namespace

bool sc_is_depthwise(const ScConv *g) {
   const int wide = 8; // channels that one thread may have
   size_t filters = (size_t)(g->kh * g->kw) * (size_t)(g->og > wide ? g->og : wide) * sizeof(float);
   return g->cg == 1 && g->groups > 1 && filters <= SHARED;
}

ScStatus sc_depthwise_forward(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g,
                              const void *x, const void *w, ScDepthwiseEnd end, void *y) {
   ScSlide s = sc_slide(g, false);
   return sc_with_conv_type(dtype, [&](auto type) {
      typedef decltype(type) T;
      if (!end.shift && !end.residual && end.act == SC_ACT_NONE)
         return slide_any<T, false>(device, what, s, x, w, Plain(), y);
      Finished<T> finished = {(const float *)end.shift, (const T *)end.residual, (int)end.act};
      return slide_any<T, false>(device, what, s, x, w, finished, y);
   });
}

ScStatus sc_depthwise_input_grad(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g,
                                 const void *gy, const void *w, void *gx) {
   ScSlide s = sc_slide(g, true);
   return sc_with_conv_type(
       dtype, [&](auto type) { return slide_any<decltype(type), true>(device, what, s, gy, w, Plain(), gx); });
}
