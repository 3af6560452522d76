// Broken callers: launches and what kernels do. Each must be caught.
#include "check.h"

__global__ void set(float *x, float to, int n) {
   int i = int(blockIdx.x * blockDim.x + threadIdx.x);
   if (i < n) x[i] = to;
}

static float *new_floats(int n) {
   float *d = nullptr;
   OK(cudaMalloc(&d, size_t(n) * 4));
   return d;
}

// ---- launches that are refused ----

CASE(empty_grid) {
   EXPECT_EQ(launch(set, dim3(0), dim3(32), 0, nullptr, new_floats(4), 1.0f, 4), cudaErrorInvalidConfiguration);
   EXPECT_EQ(launch(set, dim3(1), dim3(0), 0, nullptr, new_floats(4), 1.0f, 4), cudaErrorInvalidConfiguration);
}

CASE(block_too_large) {
   EXPECT_EQ(launch(set, dim3(1), dim3(1025), 0, nullptr, new_floats(4), 1.0f, 4),
             cudaErrorInvalidConfiguration);
   EXPECT_EQ(launch(set, dim3(1), dim3(64, 32), 0, nullptr, new_floats(4), 1.0f, 4),
             cudaErrorInvalidConfiguration);
   EXPECT_EQ(launch(set, dim3(1), dim3(1, 1, 65), 0, nullptr, new_floats(4), 1.0f, 4),
             cudaErrorInvalidConfiguration);
}

CASE(grid_too_large) {
   EXPECT_EQ(launch(set, dim3(1, 65536), dim3(32), 0, nullptr, new_floats(4), 1.0f, 4),
             cudaErrorInvalidConfiguration);
   EXPECT_EQ(launch(set, dim3(1, 1, 65536), dim3(32), 0, nullptr, new_floats(4), 1.0f, 4),
             cudaErrorInvalidConfiguration);
}

CASE(too_much_shared_memory) {
   EXPECT_EQ(launch(set, dim3(1), dim3(32), (48 << 10) + 1, nullptr, new_floats(4), 1.0f, 4),
             cudaErrorInvalidValue);
   EXPECT_EQ(cudaFuncSetAttribute(set, cudaFuncAttributeMaxDynamicSharedMemorySize, 1 << 20),
             cudaErrorInvalidValue);
}

// What ptxas says of these is in broken_kernels.ptxas beside the program.
__global__ void has_forty_kilobytes(float *x) {
   __shared__ float tile[10 << 10];
   SC_DYNAMIC_SHARED(float, more);
   tile[threadIdx.x] = more[threadIdx.x] = x[threadIdx.x];
   __syncthreads();
   x[threadIdx.x] = tile[31 - threadIdx.x] + more[31 - threadIdx.x];
}

CASE(static_and_dynamic_shared_memory_together) {
   float *d = new_floats(32);
   EXPECT_EQ(launch(has_forty_kilobytes, dim3(1), dim3(32), (8 << 10) + 4, nullptr, d), cudaErrorInvalidValue);
   OK(launch(has_forty_kilobytes, dim3(1), dim3(32), 8 << 10, nullptr, d));
   EXPECT_EQ(cudaFuncSetAttribute(has_forty_kilobytes, cudaFuncAttributeMaxDynamicSharedMemorySize, 60 << 10),
             cudaErrorInvalidValue);
   OK(cudaFuncSetAttribute(has_forty_kilobytes, cudaFuncAttributeMaxDynamicSharedMemorySize, 59 << 10));
   OK(launch(has_forty_kilobytes, dim3(1), dim3(32), 59 << 10, nullptr, d));
   cudaFuncAttributes about;
   OK(cudaFuncGetAttributes(&about, has_forty_kilobytes));
   EXPECT_EQ(about.sharedSizeBytes, 40 << 10);
   int blocks;
   OK(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, has_forty_kilobytes, 32, 0));
   EXPECT_EQ(blocks, 2);
}

// All is read before anything is written, since x and y might be the same.
__global__ void has_many_registers(const float *x, float *y) {
   float v[40];
#pragma unroll
   for (int i = 0; i < 40; i++) v[i] = x[i * blockDim.x + threadIdx.x];
#pragma unroll
   for (int i = 0; i < 40; i++) y[i * blockDim.x + threadIdx.x] = v[39 - i];
}

CASE(too_many_registers) {
   float *x = new_floats(40 << 10), *y = new_floats(40 << 10);
   EXPECT_EQ(launch(has_many_registers, dim3(1), dim3(1024), 0, nullptr, x, y), cudaErrorLaunchOutOfResources);
   OK(launch(has_many_registers, dim3(1), dim3(512), 0, nullptr, x, y));
   OK(cudaDeviceSynchronize());
   cudaFuncAttributes about;
   OK(cudaFuncGetAttributes(&about, has_many_registers));
   EXPECT(about.numRegs > 64 && about.numRegs < 128);
   EXPECT(about.maxThreadsPerBlock >= 512 && about.maxThreadsPerBlock < 800);
}

CASE(not_a_kernel) {
   EXPECT_EQ(cudaLaunchKernel((const void *)&new_floats, dim3(1), dim3(1), nullptr, 0, nullptr),
             cudaErrorInvalidDeviceFunction);
}

// ---- arguments ----

CASE(pointer_to_host_memory) {
   static float h[4];
   OK(launch(set, dim3(1), dim3(4), 0, nullptr, h, 1.0f, 4));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("parameter 1 points to host memory");
   EXPECT(h[0] == 0);
}

CASE(pointer_to_freed_memory) {
   float *d = new_floats(4);
   OK(cudaFree(d));
   OK(launch(set, dim3(1), dim3(4), 0, nullptr, d, 1.0f, 4));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("freed");
}

CASE(null_pointer) {
   OK(launch(set, dim3(1), dim3(4), 0, nullptr, (float *)nullptr, 1.0f, 4));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("a null pointer");
   EXPECT_EQ(cudaFree(nullptr), cudaErrorIllegalAddress); // for good
}

struct Many {
   float *x[4];
};

__global__ void set_many(Many m) {
   m.x[threadIdx.x][0] = 1;
}

CASE(freed_pointer_inside_a_structure) {
   Many m;
   for (auto &x : m.x) x = new_floats(1);
   OK(cudaFree(m.x[2]));
   OK(launch(set_many, dim3(1), dim3(4), 0, nullptr, m));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("kernel set_many(Many), block (0, 0, 0), thread (2, 0, 0)");
}

// ---- out of bounds ----

CASE(write_just_past_the_end) {
   float *d = new_floats(4);
   OK(launch(set, dim3(1), dim3(5), 0, nullptr, d, 1.0f, 5));
   OK(cudaDeviceSynchronize());
   EXPECT_VIOLATION("past the end of device memory #1 of 16 bytes");
}

CASE(write_far_past_the_end) {
   float *d = new_floats(64);
   OK(launch(set, dim3(1), dim3(65), 0, nullptr, d, 1.0f, 65));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("past the end of device memory #1 of 256 bytes");
}

__global__ void set_before(float *x) {
   x[-1] = 1;
}

CASE(write_before_the_start) {
   float *d = new_floats(4);
   OK(launch(set_before, dim3(1), dim3(1), 0, nullptr, d));
   OK(cudaDeviceSynchronize());
   OK(cudaFree(d));
   EXPECT_VIOLATION("before the start");
}

__global__ void read_dynamic_past(float *y) {
   SC_DYNAMIC_SHARED(float, tile);
   *y = tile[64];
}

CASE(read_past_dynamic_shared_memory) {
   OK(launch(read_dynamic_past, dim3(1), dim3(1), 256, nullptr, new_floats(1)));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("past the end of dynamic shared memory");
}

// ---- vectors that do not lie where vectors may ----

__global__ void copy_vectors(const float *x, float *y, int from, int to) {
   *(float4 *)(y + to) = *(const float4 *)(x + from);
}

CASE(misaligned_load) {
   float *x = new_floats(8), *y = new_floats(8);
   OK(launch(copy_vectors, dim3(1), dim3(1), 0, nullptr, x, y, 1, 0));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorMisalignedAddress);
   EXPECT_VIOLATION(
       "kernel copy_vectors(float const*, float*, int, int), block (0, 0, 0), thread (0, 0, 0): misaligned "
       "access to 4 bytes into device memory #1 of 32 bytes, which is no multiple of 16 bytes, at "
       "broken_kernels.cu:");
   EXPECT_EQ(cudaFree(nullptr), cudaErrorMisalignedAddress); // for good
}

CASE(misaligned_store) {
   float *x = new_floats(8), *y = new_floats(8);
   OK(launch(copy_vectors, dim3(1), dim3(1), 0, nullptr, x, y, 4, 2));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorMisalignedAddress);
   EXPECT_VIOLATION("misaligned access to 8 bytes into device memory #2");
}

CASE(aligned_vectors) {
   OK(launch(copy_vectors, dim3(1), dim3(1), 0, nullptr, new_floats(8), new_floats(8), 4, 0));
   OK(cudaDeviceSynchronize());
   EXPECT_EQ(softgpu_violations(), 0);
}

__global__ void shared_vectors(float *y) {
   SC_DYNAMIC_SHARED(float, tile);
   *(float2 *)(tile + 1) = make_float2(1, 2);
   y[0] = tile[1];
}

CASE(misaligned_shared_memory) {
   OK(launch(shared_vectors, dim3(1), dim3(1), 16, nullptr, new_floats(1)));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorMisalignedAddress);
   EXPECT_VIOLATION("misaligned access to 4 bytes into dynamic shared memory, which is no multiple of 8 bytes");
}

// ---- shared memory that nobody wrote in this block ----

template <class T> __global__ void keep(float *y) {
   __shared__ T kept[4];
   if (blockIdx.x == 0) kept[threadIdx.x] = T(3);
   __syncthreads();
   y[blockIdx.x * blockDim.x + threadIdx.x] = float(kept[threadIdx.x]);
}

CASE(static_shared_memory_of_the_block_before) {
   float *d = new_floats(8);
   OK(launch(keep<float>, dim3(2), dim3(4), 0, nullptr, d));
   std::vector<float> y = download(d, 8);
   EXPECT(y[0] == 3 && isnan(y[4]) && isnan(y[7]));
}

__global__ void keep_dynamic(float *y) {
   SC_DYNAMIC_SHARED(float, kept);
   if (blockIdx.x == 0) kept[threadIdx.x] = 3;
   y[blockIdx.x * blockDim.x + threadIdx.x] = kept[threadIdx.x];
}

CASE(dynamic_shared_memory_of_the_block_before) {
   float *d = new_floats(8);
   OK(launch(keep_dynamic, dim3(2), dim3(4), 16, nullptr, d));
   std::vector<float> y = download(d, 8);
   EXPECT(y[0] == 3 && isnan(y[4]));
}

// Thread 0 reads what the last thread has yet to write.
__global__ void no_barrier(float *y) {
   __shared__ float tile[64];
   tile[threadIdx.x] = float(threadIdx.x);
   y[threadIdx.x] = tile[63 - threadIdx.x];
}

CASE(missing_barrier) {
   float *d = new_floats(64);
   OK(launch(no_barrier, dim3(1), dim3(64), 0, nullptr, d));
   EXPECT(isnan(download(d, 64)[0]));
}

// A sum over blocks that depends on their order.
__global__ void last_block_wins(float *y) {
   if (threadIdx.x == 0) *y = float(blockIdx.x);
}

CASE(result_that_depends_on_the_order_of_blocks) {
   float *d = new_floats(1), found[2];
   for (int i = 0; i < 2; i++) {
      softgpu_thread_order(i ? "reverse" : "forward");
      OK(launch(last_block_wins, dim3(8), dim3(32), 0, nullptr, d));
      found[i] = download(d, 1)[0];
   }
   EXPECT(found[0] != found[1]);
}

// ---- barriers and shuffles ----

__global__ void leaves_early(float *x, int n) {
   if (int(threadIdx.x) >= n) return;
   __syncthreads();
   x[threadIdx.x] = 1;
}

CASE(barrier_after_some_threads_have_ended) {
   OK(launch(leaves_early, dim3(1), dim3(64), 0, nullptr, new_floats(64), 40));
   OK(cudaDeviceSynchronize());
   EXPECT_VIOLATION("24 of 64 threads had ended before the barrier");
}

__global__ void two_barriers(float *x) {
   if (threadIdx.x % 2) {
      __syncthreads();
      x[0] = 1;
   } else {
      __syncthreads();
      x[1] = 1;
   }
}

CASE(different_barriers) {
   OK(launch(two_barriers, dim3(1), dim3(64), 0, nullptr, new_floats(2)));
   OK(cudaDeviceSynchronize());
   EXPECT_VIOLATION("wait at different barriers");
}

__global__ void half_shuffles(float *x) {
   float v = 1;
   if (threadIdx.x % 32 < 16) v = __shfl_down_sync(0xffffffffu, v, 1);
   __syncthreads();
   x[threadIdx.x] = v;
}

CASE(shuffle_that_some_lanes_never_reach) {
   OK(launch(half_shuffles, dim3(1), dim3(32), 0, nullptr, new_floats(32)));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
   EXPECT_VIOLATION("wait for each other for ever");
}

__global__ void reads_absent_lane(float *x) {
   x[threadIdx.x] = __shfl_down_sync(0xffffffffu, 1.0f, 16);
}

CASE(shuffle_from_a_lane_that_is_not_there) {
   float *d = new_floats(24);
   OK(launch(reads_absent_lane, dim3(1), dim3(24), 0, nullptr, d));
   EXPECT(isnan(download(d, 24)[10]));
   EXPECT_VIOLATION("does not take part");
}

__global__ void mask_without_me(float *x) {
   x[threadIdx.x] = __shfl_sync(1u << ((threadIdx.x + 1) % 32), 1.0f, 0);
}

CASE(mask_that_leaves_out_the_caller) {
   OK(launch(mask_without_me, dim3(1), dim3(32), 0, nullptr, new_floats(32)));
   cudaDeviceSynchronize();
   EXPECT(softgpu_violations() > 0);
}

__device__ float deep(const float *x, int n) {
   float local[1024];
   for (int i = 0; i < 1024; i++) local[i] = x[i % 4] + float(n);
   return n ? deep(local, n - 1) + local[n] : local[0];
}
__global__ void recurse(float *x) {
   x[0] = deep(x, 1000);
}

CASE(stack_that_overflows) {
   OK(launch(recurse, dim3(1), dim3(1), 0, nullptr, upload({1, 2, 3, 4})));
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("stack");
}

MAIN
