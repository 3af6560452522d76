#include "host/ops/multinomial.h"

#include "kernels/cuda/order.cuh"
#include "kernels/cuda/philox.cuh"

namespace {

// ---- with replacement ----

// A block has a row, a thread a stretch of it: first the stretch's sum, then the sums from the row's start on.
template <typename T> __global__ void multinomial_sum(ScMultinomial m, const T *x, double *sums) {
   __shared__ double stretch[SC_CUDA_BLOCK];
   int64_t length = (m.numbers + SC_CUDA_BLOCK - 1) / SC_CUDA_BLOCK, first = threadIdx.x * length;
   int64_t last = first + length < m.numbers ? first + length : m.numbers;
   for (int64_t row = blockIdx.x; row < m.rows; row += gridDim.x) {
      const T *weights = x + row * m.numbers;
      double sum = 0;
      for (int64_t k = first; k < last; k++) sum += (double)sc_widen(weights[k]);
      __syncthreads();
      stretch[threadIdx.x] = sum;
      __syncthreads();
      sum = 0;
      for (int t = 0; t < (int)threadIdx.x; t++) sum += stretch[t];
      for (int64_t k = first; k < last; k++) sums[row * m.numbers + k] = sum += (double)sc_widen(weights[k]);
   }
}

// The first number up to which the weights sum to more than `bound`. Where stretches meet, rounding may let a
// sum grow without a weight: the nearest number with one is taken.
template <typename T>
__device__ int64_t number_at(int64_t n, const T *weights, const double *sums, double bound) {
   int64_t low = 0, high = n - 1;
   while (low < high) {
      int64_t middle = (low + high) / 2;
      if (sums[middle] > bound)
         high = middle;
      else
         low = middle + 1;
   }
   int64_t k = low;
   while (k >= 0 && !(sc_widen(weights[k]) > 0)) k--;
   if (k >= 0) return k;
   for (k = low; !(sc_widen(weights[k]) > 0);) k++;
   return k;
}

template <typename T>
__global__ void multinomial_find(ScMultinomial m, ScDraws draws, const T *x, const double *sums, int64_t *out) {
   for (int64_t i = sc_thread(); i < m.rows * m.samples; i += sc_threads()) {
      int64_t start = i / m.samples * m.numbers;
      double bound = sc_cuda_uniform_double(draws, (uint64_t)i) * sums[start + m.numbers - 1];
      out[i] = number_at(m.numbers, x + start, sums + start, bound) + 1;
   }
}

// ---- without ----

// A number that never comes has a NaN for its time.
template <typename T> __global__ void multinomial_times(int64_t n, ScDraws draws, const T *x, double *times) {
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      double weight = (double)sc_widen(x[i]);
      times[i] = weight > 0 ? -log(1 - sc_cuda_uniform_double(draws, (uint64_t)i)) / weight : NAN;
   }
}

struct TakeNumber {
   int64_t count;
   int64_t *out;
   __device__ void operator()(const ScSorting &, const double *, int64_t row, int64_t k,
                              const ScWideKey *sorted) const {
      out[row * count + k] = sorted[k].index() + 1;
   }
};

// ---- calls ----

template <typename T> ScStatus draw(ScCall *c, const ScMultinomial &m, double *room) {
   const ScDevice *device = c->device;
   const T *x = sc_data<const T>(c->in[0]);
   int64_t *out = sc_data<int64_t>(c->out[0]), n = m.rows * m.numbers;
   ScDraws draws = sc_cuda_draws(device, c->attr[SC_MULTINOMIAL_SEED].i, c->attr[SC_MULTINOMIAL_STREAM].i);
   if (c->attr[SC_MULTINOMIAL_REPLACEMENT].i) {
      SC_TRY(sc_cuda_launch(device, "multinomial", multinomial_sum<T>,
                            sc_cuda_grid(device, m.rows * SC_CUDA_BLOCK), SC_CUDA_BLOCK, 0, m, x, room));
      return sc_cuda_launch(device, "multinomial", multinomial_find<T>,
                            sc_cuda_grid(device, m.rows * m.samples), SC_CUDA_BLOCK, 0, m, draws, x, room, out);
   }
   SC_TRY(sc_cuda_launch(device, "multinomial", multinomial_times<T>, sc_cuda_grid(device, n), SC_CUDA_BLOCK, 0,
                         n, draws, x, room));
   ScSorting s = {{m.rows, m.numbers, 1}, m.samples, false, false};
   return sc_sort_rows(device, "multinomial", s, (const double *)room, TakeNumber{m.samples, out});
}

ScStatus forward(ScCall *c) {
   ScMultinomial m = sc_multinomial_of(c);
   ScBuffer *memory;
   SC_TRY(sc_buffer_new(&memory, c->device, (size_t)(m.rows * m.numbers) * sizeof(double)));
   ScStatus status = sc_with_float(
       c->in[0]->dtype, [&](auto type) { return draw<decltype(type)>(c, m, (double *)memory->data); });
   sc_buffer_release(memory);
   return status;
}

} // namespace

SC_KERNEL(cuda, multinomial, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = nullptr)
