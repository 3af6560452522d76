// Channels-last pictures in another size. The weights of both directions are computed first, by kernels of a
// thread for each pixel of a row or column; then neighbouring threads take neighbouring channels. Backward is
// the same with the weights transposed: each pixel asks which of the result it is in, so that nothing is added
// up in a random order.
#include "host/ops/interpolate.h"

#include <type_traits>

#include "kernels/cuda/element.cuh"

namespace {

// What ScBands has, on the device, in one block of memory.
template <typename M> struct Bands {
   int64_t n, stride;
   int64_t *first, *count;
   M *weights;
};

// More than the host has counted there is no room for.
template <typename M> __device__ int64_t fitting(const Bands<M> &b, int64_t count) {
   return count < b.stride ? count : b.stride;
}

template <typename M> __global__ void interpolate_bands(ScResize r, Bands<M> b) {
   for (int64_t i = sc_thread(); i < b.n; i += sc_threads()) {
      ScTaps taps = sc_resize_taps(&r, i);
      b.first[i] = taps.first;
      b.count[i] = fitting(b, taps.count);
      for (int64_t t = 0; t < b.count[i]; t++) b.weights[i * b.stride + t] = (M)sc_resize_weight(&r, &taps, t);
   }
}

// The first pixel of the result whose taps end behind (or, `begins`, begin behind) this one of the input: both
// ends of taps rise with the result's pixels.
__device__ int64_t first_behind(const ScResize &r, int64_t pixel, bool begins) {
   int64_t low = 0, high = r.to;
   while (low < high) {
      int64_t middle = (low + high) / 2;
      ScTaps taps = sc_resize_taps(&r, middle);
      if (taps.first + (begins ? 0 : taps.count - 1) >= pixel + begins)
         high = middle;
      else
         low = middle + 1;
   }
   return low;
}

template <typename M> __global__ void interpolate_bands_back(ScResize r, Bands<M> b) {
   for (int64_t pixel = sc_thread(); pixel < b.n; pixel += sc_threads()) {
      int64_t from = first_behind(r, pixel, false), count = fitting(b, first_behind(r, pixel, true) - from);
      b.first[pixel] = from;
      b.count[pixel] = count;
      for (int64_t i = from; i < from + count; i++) {
         ScTaps taps = sc_resize_taps(&r, i);
         b.weights[pixel * b.stride + i - from] = (M)sc_resize_weight(&r, &taps, pixel - taps.first);
      }
   }
}

struct Place {
   int64_t n, y, x, channel;
};

template <typename I> __device__ Place place_as(I i, I strips, I width, I height, int strip) {
   I pixel = i / strips, row = pixel / width, n = row / height;
   return {(int64_t)n, (int64_t)(row - n * height), (int64_t)(pixel - row * width),
           (int64_t)(i - pixel * strips) * strip};
}

template <typename T> struct Wide { typedef ScMath<T> type; };
template <> struct Wide<uint8_t> { typedef double type; };

// Of u8 too, which is computed in double and rounded.
template <typename T, int N>
__device__ void get(const T *x, int64_t at, typename Wide<T>::type (&v)[N]) {
   ScMath<T> read[N];
   sc_get_vector(x, at, read);
#pragma unroll
   for (int k = 0; k < N; k++) v[k] = read[k];
}

template <typename T, int N>
__device__ void put(T *y, int64_t at, const typename Wide<T>::type (&v)[N]) {
   ScMath<T> written[N];
#pragma unroll
   for (int k = 0; k < N; k++) written[k] = std::is_same<T, uint8_t>::value ? (ScMath<T>)rint(v[k]) : (ScMath<T>)v[k];
   sc_put_vector(y, at, written);
}

// y (n, rows.n, columns.n, channels) of x (n, height, width, channels).
template <typename T, int N, typename M>
__global__ void interpolate_pictures(int64_t count, int64_t height, int64_t width, int64_t channels, Bands<M> rows,
                                Bands<M> columns, const T *x, T *y) {
   int64_t strips = channels / N;
   for (int64_t i = sc_thread(); i < count; i += sc_threads()) {
      Place p = count <= INT32_MAX ? place_as((uint32_t)i, (uint32_t)strips, (uint32_t)columns.n,
                                              (uint32_t)rows.n, N)
                                   : place_as(i, strips, columns.n, rows.n, N);
      int64_t top = rows.first[p.y], left = columns.first[p.x], high = rows.count[p.y], wide = columns.count[p.x];
      const M *down = rows.weights + p.y * rows.stride, *across = columns.weights + p.x * columns.stride;
      M sum[N] = {};
      for (int64_t s = 0; s < high; s++) {
         M line[N] = {};
         for (int64_t t = 0; t < wide; t++) {
            M v[N];
            get(x, ((p.n * height + top + s) * width + left + t) * channels + p.channel, v);
#pragma unroll
            for (int k = 0; k < N; k++) line[k] += across[t] * v[k];
         }
#pragma unroll
         for (int k = 0; k < N; k++) sum[k] += down[s] * line[k];
      }
      put(y, i * N, sum);
   }
}

// One byte each, antialiased.
__global__ void interpolate_bytes(int64_t count, int64_t height, int64_t width, int64_t channels,
                                  Bands<double> rows, Bands<double> columns, const uint8_t *x, uint8_t *y) {
   for (int64_t i = sc_thread(); i < count; i += sc_threads()) {
      Place p = place_as(i, channels, columns.n, rows.n, 1);
      const double *down = rows.weights + p.y * rows.stride, *across = columns.weights + p.x * columns.stride;
      const uint8_t *first = x + ((p.n * height + rows.first[p.y]) * width + columns.first[p.x]) * channels;
      int32_t sum = 0;
      for (int64_t s = 0; s < rows.count[p.y]; s++) {
         int32_t line = 0;
         for (int64_t t = 0; t < columns.count[p.x]; t++)
            line += first[(s * width + t) * channels + p.channel] * sc_resize_fixed(across[t]);
         sum += sc_resize_byte(line) * sc_resize_fixed(down[s]);
      }
      y[i] = sc_resize_byte(sum);
   }
}

// ---- calls ----

// How many pixels of the result one has at most is counted on the host: a block of memory has to be found.
ScStatus measure(const ScResize *r, bool transposed, int64_t *n, int64_t *stride) {
   ScBands b;
   SC_TRY(sc_bands_new(&b, r, transposed));
   *n = b.n, *stride = b.stride;
   sc_bands_free(&b);
   return SC_OK;
}

template <typename M> size_t bytes_of(const Bands<M> &b) {
   return (size_t)b.n * (2 * sizeof(int64_t) + (size_t)b.stride * sizeof(M));
}

// Lays the arrays of a direction into memory, each where its elements may lie.
template <typename M> void lay_out(Bands<M> &b, char *memory) {
   b.first = (int64_t *)memory;
   b.count = b.first + b.n;
   b.weights = (M *)(b.count + b.n);
}

template <typename M> ScStatus fill(const ScCall *c, const ScResize &r, const Bands<M> &b, bool transposed) {
   return sc_cuda_launch(c->device, "interpolate", transposed ? interpolate_bands_back<M> : interpolate_bands<M>,
                         sc_cuda_grid(c->device, b.n), SC_CUDA_BLOCK, 0, r, b);
}

template <typename T, int N, typename M>
ScStatus resize_with(const ScCall *c, const ScTensor *x, const ScTensor *y, const Bands<M> &rows,
                     const Bands<M> &columns) {
   int64_t count = sc_numel(y) / N;
   if constexpr (std::is_same<T, uint8_t>::value)
      if (c->attr[SC_RESIZE_ANTIALIAS].i)
         return sc_cuda_launch(c->device, "interpolate", interpolate_bytes, sc_cuda_grid(c->device, sc_numel(y)),
                               SC_CUDA_BLOCK, 0, sc_numel(y), x->shape[2], x->shape[3], x->shape[1], rows, columns,
                               sc_data<T>(x), sc_data<T>(y));
   return sc_cuda_launch(c->device, "interpolate", interpolate_pictures<T, N, M>, sc_cuda_grid(c->device, count),
                         SC_CUDA_BLOCK, 0, count, x->shape[2], x->shape[3], x->shape[1], rows, columns,
                         sc_data<T>(x), sc_data<T>(y));
}

template <typename T> ScStatus resize(const ScCall *c, const ScTensor *x, const ScTensor *y, bool transposed) {
   typedef typename Wide<T>::type M;
   constexpr int N = sizeof(T) == 8 ? 1 : ScWide<T>::N > 8 ? 8 : ScWide<T>::N; // f64 is for tests
   ScResize down = sc_resize_of(c, 0), across = sc_resize_of(c, 1);
   Bands<M> rows = {}, columns = {};
   ScBuffer *space;
   SC_TRY(measure(&down, transposed, &rows.n, &rows.stride));
   SC_TRY(measure(&across, transposed, &columns.n, &columns.stride));
   size_t half = (bytes_of(rows) + 15) / 16 * 16;
   SC_TRY(sc_buffer_new(&space, c->device, half + bytes_of(columns)));
   lay_out(rows, (char *)space->data);
   lay_out(columns, (char *)space->data + half);
   ScStatus status = fill(c, down, rows, transposed);
   if (status == SC_OK) status = fill(c, across, columns, transposed);
   if (status == SC_OK)
      status = x->shape[1] % N == 0 ? resize_with<T, N>(c, x, y, rows, columns)
                                    : resize_with<T, 1>(c, x, y, rows, columns);
   sc_buffer_release(space); // whoever gets it next uses it later in the stream
   return status;
}

ScStatus forward(ScCall *c) {
   if (c->in[0]->dtype == SC_U8) return resize<uint8_t>(c, c->in[0], c->out[0], false);
   return sc_with_float(c->in[0]->dtype,
                        [&](auto type) { return resize<decltype(type)>(c, c->in[0], c->out[0], false); });
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->grad_out[0]->dtype,
                        [&](auto type) { return resize<decltype(type)>(c, c->grad_out[0], c->grad_in[0], true); });
}

} // namespace

SC_KERNEL(cuda, interpolate, .dtypes = SC_CUDA_FLOATS | 1u << SC_U8, .forward = forward, .backward = backward)
