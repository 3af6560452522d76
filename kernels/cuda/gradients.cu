// What is done to all gradients at once, and to all weights after a step.
#include "host/ops/gradients.h"

#include <math.h>

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/list.cuh"
#include "kernels/cuda/workspace.h"

namespace {

// ---- the norm: sums of squares in f64, which no gradient makes overflow, a chunk at a time, then over the
// chunks in their order ----

template <typename T> __global__ void list_norm_squares(ScTable<1> table, double *sums) {
   constexpr int N = ScWide<T>::N;
   ScChunk chunk = sc_chunk(table, (int)blockIdx.x);
   const T *x = (const T *)table.data[0][chunk.tensor];
   double sum = 0;
   for (int64_t i = chunk.from + (int64_t)threadIdx.x * N; i < chunk.to; i += (int64_t)blockDim.x * N) {
      ScMath<T> v[N];
      sc_get_some(x, i, chunk.to, v);
#pragma unroll
      for (int k = 0; k < N; k++) sum += (double)v[k] * (double)v[k];
   }
   sum = sc_block_reduce<ScAdd>(sum);
   if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

template <typename T> __global__ void list_norm_root(int64_t n, const double *sums, T *norm) {
   double sum = 0;
   for (int64_t i = threadIdx.x; i < n; i += blockDim.x) sum += sums[i];
   sum = sc_block_reduce<ScAdd>(sum);
   if (threadIdx.x == 0) *norm = (T)sqrt(sum);
}

ScStatus norm(ScCall *c) {
   int64_t chunks = 0;
   for (int i = 0; i < c->count[0]; i++) chunks += (sc_numel(c->in[i]) + SC_CHUNK - 1) / SC_CHUNK;
   void *space;
   SC_TRY(sc_cuda_workspace(c->device, (size_t)chunks * sizeof(double), &space));
   double *sums = (double *)space, *next = sums;
   return sc_with_master(c, [&](auto type) -> ScStatus {
      typedef decltype(type) T;
      SC_TRY(sc_each_table<1>(c, [&](const ScTable<1> &table, int blocks) {
         double *these = next;
         next += blocks;
         return sc_cuda_launch(c->device, "list_norm", list_norm_squares<T>, dim3((unsigned)blocks),
                               SC_CUDA_BLOCK, 0, table, these);
      }));
      return sc_cuda_launch(c->device, "list_norm", list_norm_root<T>, dim3(1), SC_CUDA_BLOCK, 0, chunks,
                            (const double *)sums, sc_data<T>(c->out[0]));
   });
}

// ---- element by element ----

template <typename M> struct Scale {
   static constexpr unsigned STORES = 1;
   M factor;
   __device__ void begin() {}
   __device__ void operator()(M (&v)[1]) const { v[0] *= factor; }
};

// By a norm that the host has not seen. In f64, as the CPU does it; once in each thread.
template <typename M> struct Clip {
   static constexpr unsigned STORES = 1;
   const M *norm;
   double limit;
   M factor;
   __device__ void begin() {
      double wanted = limit / ((double)*norm + SC_CLIP_EPS);
      factor = wanted < 1 ? (M)wanted : 1;
   }
   __device__ void operator()(M (&v)[1]) const { v[0] *= factor; }
};

// A NaN stays one.
template <typename M> struct Clamp {
   static constexpr unsigned STORES = 1;
   M limit;
   __device__ void begin() {}
   __device__ void operator()(M (&v)[1]) const { v[0] = v[0] > limit ? limit : v[0] < -limit ? -limit : v[0]; }
};

template <typename M> struct Average {
   static constexpr unsigned STORES = 1u << SC_AVERAGE_AVERAGES;
   M fresh;
   __device__ void begin() {}
   __device__ void operator()(M (&v)[SC_AVERAGE_LISTS]) const {
      v[SC_AVERAGE_AVERAGES] += fresh * (v[SC_AVERAGE_VALUES] - v[SC_AVERAGE_AVERAGES]);
   }
};

ScStatus scale(ScCall *c) {
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      return sc_step<T, 1>(c, Scale<T>{(T)c->attr[0].f}, nullptr);
   });
}

ScStatus clip(ScCall *c) {
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      return sc_step<T, 1>(c, Clip<T>{sc_data<const T>(sc_group_at(c, SC_CLIP_NORM, 0)), c->attr[0].f, 1},
                           nullptr);
   });
}

ScStatus clamp(ScCall *c) {
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      return sc_step<T, 1>(c, Clamp<T>{(T)c->attr[0].f}, nullptr);
   });
}

ScStatus average(ScCall *c) {
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      return sc_step<T, SC_AVERAGE_LISTS>(c, Average<T>{(T)(1 - c->attr[0].f)},
                                          sc_group_at(c, SC_AVERAGE_FOUND_INF, 0));
   });
}

} // namespace

SC_KERNEL(cuda, list_norm, .dtypes = SC_FLOATS, .forward = norm, .backward = nullptr)
SC_KERNEL(cuda, list_scale, .dtypes = SC_FLOATS, .forward = scale, .backward = nullptr)
SC_KERNEL(cuda, list_clip, .dtypes = SC_FLOATS, .forward = clip, .backward = nullptr)
SC_KERNEL(cuda, list_clamp, .dtypes = SC_FLOATS, .forward = clamp, .backward = nullptr)
SC_KERNEL(cuda, average_step, .dtypes = SC_FLOATS, .forward = average, .backward = nullptr)
