// The gradient of a depthwise convolution's filters. Each thread adds up taps of N channels over its pixels, in
// registers; the threads of a block that have the same channels add theirs in order; the blocks' sums are added
// in order by a second kernel.
#include "kernels/cuda/depthwise_filters.h"

#include "kernels/cuda/depthwise.cuh"
#include "kernels/cuda/reduction.cuh"
#include "kernels/cuda/workspace.h"

namespace {

enum { PIXELS = SC_NEIGHBOURS, TAPS = 9 };

// How many rows of a window a thread adds up: all, or half of them where the sums of all want more registers
// than there are.
template <int K> constexpr int ROW_PARTS = K <= 5 ? 1 : 2;
template <int K> constexpr int ROWS_OF = (K + ROW_PARTS<K> - 1) / ROW_PARTS<K>;

// What a block of either kernel has: channels of `lanes` threads side by side, and a part of the places.
struct Share {
   int lane, row, rows, channel;
   int64_t from, to; // first place of this thread, and the end
};

template <int N> __device__ inline Share share_of(int lanes, int64_t part, int64_t places) {
   int lane = (int)threadIdx.x % lanes, row = (int)threadIdx.x / lanes;
   int64_t start = blockIdx.y * part;
   return {lane,
           row,
           SC_CUDA_BLOCK / lanes,
           ((int)blockIdx.x * lanes + lane) * N,
           start + row,
           start + part < places ? start + part : places};
}

// Adds up `sum` of the threads that have the same channels: partial[part][first..first+COUNT-1][channel].
template <int COUNT, int N>
__device__ inline void put_sums(const float (&sum)[COUNT][N], int lanes, int first, int taps, int channels,
                                float *partial) {
   __shared__ float sums[COUNT * N][SC_CUDA_BLOCK];
   __syncthreads(); // the last call's have been read
#pragma unroll
   for (int t = 0; t < COUNT; t++)
#pragma unroll
      for (int k = 0; k < N; k++) sums[t * N + k][threadIdx.x] = sum[t][k];
   __syncthreads();
   for (int i = (int)threadIdx.x; i < COUNT * N * lanes; i += SC_CUDA_BLOCK) {
      int which = i / lanes, lane = i % lanes, tap = first + which / N;
      int channel = ((int)blockIdx.x * lanes + lane) * N + which % N;
      float total = 0;
      for (int r = lane; r < SC_CUDA_BLOCK; r += lanes) total += sums[which][r];
      if (tap < taps && channel < channels)
         partial[((int64_t)blockIdx.y * taps + tap) * channels + channel] = total;
   }
}

// ---- windows that are known at compile time: places are PIXELS neighbours of gy, a block has some rows ----

template <typename T, int N, int K, int S>
__global__ void depthwise_filters_window(ScSlide s, int lanes, int64_t part, const T *x, const T *gy,
                                         float *partial) {
   constexpr int COLUMNS = (PIXELS - 1) * S + K, ROWS = ROWS_OF<K>;
   int across = (s.w + PIXELS - 1) / PIXELS, first = ROWS < K ? (int)blockIdx.z * ROWS : 0;
   Share mine = share_of<N>(lanes, part, s.images * s.h * across);
   ScWalk walk(mine.from, mine.rows, across, s.h);
   float sum[ROWS][K][N] = {};
   for (int64_t i = mine.from; i < mine.to && mine.channel < s.channels; i += mine.rows, walk.next()) {
      int left = walk.at.x * PIXELS, start = left * S - s.pw;
      float g[PIXELS][N];
      int top = walk.at.y * S - s.ph + first;
      int64_t column = (walk.at.image * s.h + walk.at.y) * s.w + left;
      sc_get_columns(gy + column * s.channels + mine.channel, left, s.w, s.channels, g);
      column = (walk.at.image * s.from_h + top) * s.from_w + start;
      const T *line = x + column * s.channels + mine.channel;
#pragma unroll
      for (int r = 0; r < ROWS; r++, line += (int64_t)s.from_w * s.channels) {
         if (first + r >= K || (unsigned)(top + r) >= (unsigned)s.from_h) continue;
         float v[COLUMNS][N];
         sc_get_columns(line, start, s.from_w, s.channels, v);
#pragma unroll
         for (int j = 0; j < K; j++)
#pragma unroll
            for (int p = 0; p < PIXELS; p++)
#pragma unroll
               for (int k = 0; k < N; k++) sum[r][j][k] += g[p][k] * v[p * S + j][k];
      }
   }
#pragma unroll
   for (int r = 0; r < ROWS; r++) put_sums(sum[r], lanes, (first + r) * K, K * K, s.channels, partial);
}

// ---- any other: places are pixels of gy, a block has TAPS taps ----

template <typename T, int N>
__global__ void depthwise_filters_any(ScSlide s, int lanes, int64_t part, const T *x, const T *gy,
                                      float *partial) {
   int first = (int)blockIdx.z * TAPS, taps = s.kh * s.kw;
   Share mine = share_of<N>(lanes, part, s.images * s.h * s.w);
   ScWalk walk(mine.from, mine.rows, s.w, s.h);
   float sum[TAPS][N] = {};
   for (int64_t p = mine.from; p < mine.to && mine.channel < s.channels; p += mine.rows, walk.next()) {
      const T *image = x + walk.at.image * s.from_h * s.from_w * s.from_c;
      float g[N], v[N];
      sc_get_vector(gy + p * s.channels, mine.channel, g);
#pragma unroll
      for (int t = 0; t < TAPS; t++) {
         int tap = first + t;
         if (tap >= taps) break;
         int iy = sc_source<false>(walk.at.y, tap / s.kw, s.sh, s.ph, s.dh, s.from_h);
         int ix = sc_source<false>(walk.at.x, tap % s.kw, s.sw, s.pw, s.dw, s.from_w);
         if (iy < 0 || ix < 0) continue;
         sc_get_vector(image + ((int64_t)iy * s.from_w + ix) * s.from_c,
                       N > 1 ? mine.channel : mine.channel / s.multiple, v);
#pragma unroll
         for (int k = 0; k < N; k++) sum[t][k] += g[k] * v[k];
      }
   }
   put_sums(sum, lanes, first, taps, s.channels, partial);
}

// ---- launches ----

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

template <typename T, int N, typename W>
ScStatus launch_filters(const ScDevice *device, const char *what, const ScSlide &s, const void *x,
                        const void *gy, void *gw) {
   const int64_t least = W::K > 0 ? 4 : 16; // places that are worth a thread
   int lanes = sc_power_of_two((s.channels + N - 1) / N, SC_CUDA_WARP), rows = SC_CUDA_BLOCK / lanes;
   int taps = s.kh * s.kw, chunks = (s.channels + lanes * N - 1) / (lanes * N);
   int groups = W::K > 0 ? ROW_PARTS<W::K> : (taps + TAPS - 1) / TAPS;
   int64_t places = s.images * s.h * (W::K > 0 ? (s.w + PIXELS - 1) / PIXELS : s.w);
   int64_t parts = places / (rows * least);
   int64_t most = (int64_t)sc_cuda_resident_threads(device) / SC_CUDA_BLOCK / (chunks * groups);
   parts = parts < most ? parts : most;
   if (parts < 1) parts = 1;
   void *partial;
   SC_TRY(sc_cuda_workspace(device, (size_t)(parts * taps * s.channels) * sizeof(float), &partial));
   auto kernel = depthwise_filters_any<T, N>;
   if constexpr (W::K > 0) kernel = depthwise_filters_window<T, N, W::K, W::S>;
   SC_TRY(sc_cuda_launch(device, what, kernel, dim3((unsigned)chunks, (unsigned)parts, (unsigned)groups),
                         SC_CUDA_BLOCK, 0, s, lanes, (places + parts - 1) / parts, (const T *)x, (const T *)gy,
                         (float *)partial));
   Gather<T> f = {taps, s.channels, (const float *)partial, (T *)gw};
   int columns = SC_CUDA_BLOCK / sc_power_of_two(parts, SC_CUDA_WARP);
   return sc_reduce_launch(device, what, f, (int64_t)taps * s.channels, parts, columns, false, 1,
                           (float *)nullptr);
}

} // namespace

ScStatus sc_depthwise_weight_grad(const ScDevice *device, const char *what, ScDtype dtype, const ScConv *g,
                                  const void *x, const void *gy, void *gw) {
   ScSlide s = sc_slide(g, false);
   return sc_with_conv_type(dtype, [&](auto type) {
      typedef decltype(type) T;
      if (s.multiple > 1 || s.channels % 4 != 0)
         return launch_filters<T, 1, ScWindow<0, 0>>(device, what, s, x, gy, gw);
      return sc_with_window(
          s, [&](auto window) { return launch_filters<T, 4, decltype(window)>(device, what, s, x, gy, gw); });
   });
}
