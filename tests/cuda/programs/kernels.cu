// Kernels that are right: what they compute, in every order of blocks and threads.
#include "check.h"
#include <cuda_bf16.h>
#include <cuda_fp16.h>

template <class T> __global__ void sum_all(const T *x, float *y, int n) {
   __shared__ float part[32];
   float s = 0;
   for (int i = int(blockIdx.x * blockDim.x + threadIdx.x); i < n; i += int(gridDim.x * blockDim.x))
      s += float(x[i]);
   for (int o = 16; o; o >>= 1) s += __shfl_down_sync(0xffffffffu, s, o);
   if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = s;
   __syncthreads();
   if (threadIdx.x < 32) {
      s = threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0;
      for (int o = 16; o; o >>= 1) s += __shfl_xor_sync(0xffffffffu, s, o);
      if (threadIdx.x == 0) atomicAdd(y, s);
   }
}

template <class T> static void reduce(int n, float tolerance) {
   std::vector<float> x = numbers(size_t(n), 7);
   std::vector<T> stored(x.size());
   float expected = 0;
   for (size_t i = 0; i < x.size(); i++) stored[i] = T(x[i]), expected += float(stored[i]);
   T *d;
   float *y;
   OK(cudaMalloc(&d, sizeof(T) * size_t(n)));
   OK(cudaMalloc(&y, 4));
   OK(cudaMemcpy(d, stored.data(), sizeof(T) * size_t(n), cudaMemcpyHostToDevice));
   for (const char *order : {"forward", "reverse", "shuffle:3"}) {
      softgpu_thread_order(order);
      OK(cudaMemset(y, 0, 4));
      OK(launch(sum_all<T>, dim3(5), dim3(256), 0, nullptr, (const T *)d, y, n));
      EXPECT(fabsf(download(y, 1)[0] - expected) <= tolerance);
   }
   OK(cudaFree(d));
   OK(cudaFree(y));
   EXPECT_EQ(softgpu_violations(), 0);
   EXPECT_EQ(softgpu_live(nullptr), 0);
}

// Sums of 10,000 numbers below 2 in another order differ by some units in the last place.
CASE(block_reduction_with_shuffles) {
   reduce<float>(10000, 1e-2f);
}
CASE(block_reduction_of_halves) {
   reduce<__half>(10000, 1e-2f);
}
CASE(block_reduction_of_bfloats) {
   reduce<__nv_bfloat16>(10000, 1e-2f);
}

__global__ void half_product(const __half2 *a, const __half2 *b, __half2 *c, int n) {
   int i = int(blockIdx.x * blockDim.x + threadIdx.x);
   if (i < n) c[i] = __hmul2(a[i], b[i]);
}

CASE(half_kernel) {
   const int n = 100;
   std::vector<__half> a(2 * n), b(2 * n), c(2 * n);
   for (int i = 0; i < 2 * n; i++) a[size_t(i)] = __half(0.25f * float(i)), b[size_t(i)] = __half(2.0f);
   __half2 *d[3];
   for (auto &p : d) OK(cudaMalloc(&p, n * 4));
   OK(cudaMemcpy(d[0], a.data(), n * 4, cudaMemcpyHostToDevice));
   OK(cudaMemcpy(d[1], b.data(), n * 4, cudaMemcpyHostToDevice));
   OK(launch(half_product, dim3(4), dim3(32), 0, nullptr, d[0], d[1], d[2], n));
   OK(cudaMemcpy(c.data(), d[2], n * 4, cudaMemcpyDeviceToHost));
   for (int i = 0; i < 2 * n; i++) EXPECT(float(c[size_t(i)]) == 0.5f * float(i));
}

// Reverses the elements of each block through dynamic shared memory.
__global__ void reverse(const float *x, float *y) {
   SC_DYNAMIC_SHARED(float, tile);
   unsigned t = threadIdx.x, at = blockIdx.x * blockDim.x;
   tile[t] = x[at + t];
   __syncthreads();
   y[at + t] = tile[blockDim.x - 1 - t];
}

CASE(dynamic_shared_memory) {
   std::vector<float> x = numbers(4 * 96, 1);
   float *d = upload(x), *y;
   OK(cudaMalloc(&y, x.size() * 4));
   OK(launch(reverse, dim3(4), dim3(96), 96 * 4, nullptr, (const float *)d, y));
   std::vector<float> found = download(y, x.size());
   for (size_t i = 0; i < x.size(); i++) EXPECT(found[i] == x[i / 96 * 96 + 95 - i % 96]);
   EXPECT_EQ(softgpu_violations(), 0);
}

CASE(more_shared_memory_by_attribute) {
   std::vector<float> x = numbers(64, 1);
   float *d = upload(x);
   EXPECT_EQ(launch(reverse, dim3(1), dim3(64), 64 << 10, nullptr, (const float *)d, d), cudaErrorInvalidValue);
   OK(cudaFuncSetAttribute(reverse, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 << 10));
   OK(launch(reverse, dim3(1), dim3(64), 64 << 10, nullptr, (const float *)d, d));
   EXPECT(download(d, 64)[0] == x[63]);
}

// Every kind of exchange and vote; each thread writes what it got.
__global__ void exchange(int *out) {
   int lane = int(threadIdx.x % 32), *mine = out + threadIdx.x * 8;
   mine[0] = __shfl_sync(0xffffffffu, lane, 5);
   mine[1] = __shfl_up_sync(0xffffffffu, lane, 3);
   mine[2] = __shfl_down_sync(0xffffffffu, lane, 3, 8);
   mine[3] = __shfl_xor_sync(0xffffffffu, lane, 16);
   mine[4] = __popc(__ballot_sync(0xffffffffu, lane < 10));
   mine[5] = __any_sync(0xffffffffu, lane == 31) * 2 + __all_sync(0xffffffffu, lane >= 0);
   mine[6] = __syncthreads_count(threadIdx.x % 2);
   mine[7] = lane < 8 ? __shfl_sync(0xffu, lane, 7) : -1;
}

CASE(exchanges_and_votes) {
   const int threads = 64;
   int *d, out[threads][8];
   OK(cudaMalloc(&d, sizeof out));
   OK(launch(exchange, dim3(1), dim3(threads), 0, nullptr, d));
   OK(cudaMemcpy(out, d, sizeof out, cudaMemcpyDeviceToHost));
   for (int t = 0; t < threads; t++) {
      int lane = t % 32;
      const int expected[8] = {
          5,           lane < 3 ? lane : lane - 3, lane % 8 < 5 ? lane + 3 : lane, lane ^ 16, 10, 3,
          threads / 2, lane < 8 ? 7 : -1};
      for (int i = 0; i < 8; i++) EXPECT_EQ(out[t][i], expected[i]);
   }
   EXPECT_EQ(softgpu_violations(), 0);
}

__global__ void where(int *out) {
   int block = int((blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x);
   int thread = int((threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x);
   out[block * int(blockDim.x * blockDim.y * blockDim.z) + thread] = block * 1000 + thread;
}

CASE(three_dimensions) {
   int *d, out[2 * 3 * 2][4 * 2 * 3];
   OK(cudaMalloc(&d, sizeof out));
   OK(launch(where, dim3(2, 3, 2), dim3(4, 2, 3), 0, nullptr, d));
   OK(cudaMemcpy(out, d, sizeof out, cudaMemcpyDeviceToHost));
   for (int b = 0; b < 12; b++)
      for (int t = 0; t < 24; t++) EXPECT_EQ(out[b][t], b * 1000 + t);
}

MAIN
