// Streams, events, copies and failures: what a right program sees.
#include "check.h"

__global__ void add(float *x, float by, int n) {
   int i = int(blockIdx.x * blockDim.x + threadIdx.x);
   if (i < n) x[i] += by;
}

static void add_all(float *x, float by, cudaStream_t stream) {
   OK(launch(add, dim3(1), dim3(64), 0, stream, x, by, 64));
}

// Upload on one stream, work on another, download on a third, in order by events alone; and buffers used again.
CASE(streams_ordered_by_events) {
   for (const char *order : {"lazy", "eager", "random:1", "random:2"}) {
      softgpu_order(order);
      cudaStream_t up, work, down;
      for (auto s : {&up, &work, &down}) OK(cudaStreamCreateWithFlags(s, cudaStreamNonBlocking));
      cudaEvent_t arrived, done, taken;
      for (auto e : {&arrived, &done, &taken}) OK(cudaEventCreateWithFlags(e, cudaEventDisableTiming));
      float *d, *in, *out;
      OK(cudaMalloc(&d, 256));
      OK(cudaMallocHost(&in, 256));
      OK(cudaMallocHost(&out, 256));
      for (int round = 0; round < 3; round++) {
         for (int i = 0; i < 64; i++) in[i] = float(100 * round + i);
         OK(cudaStreamWaitEvent(up, taken, 0));
         OK(cudaMemcpyAsync(d, in, 256, cudaMemcpyHostToDevice, up));
         OK(cudaEventRecord(arrived, up));
         OK(cudaStreamWaitEvent(work, arrived, 0));
         add_all(d, 0.5f, work);
         OK(cudaEventRecord(done, work));
         OK(cudaStreamWaitEvent(down, done, 0));
         OK(cudaMemcpyAsync(out, d, 256, cudaMemcpyDeviceToHost, down));
         OK(cudaEventRecord(taken, down));
         OK(cudaEventSynchronize(taken));
         for (int i = 0; i < 64; i++) EXPECT(out[i] == float(100 * round + i) + 0.5f);
      }
      for (auto s : {up, work, down}) OK(cudaStreamDestroy(s));
      for (auto e : {arrived, done, taken}) OK(cudaEventDestroy(e));
      OK(cudaFree(d));
      OK(cudaFreeHost(in));
      OK(cudaFreeHost(out));
   }
   EXPECT_EQ(softgpu_live(nullptr), 0);
   EXPECT_EQ(softgpu_violations(), 0);
}

CASE(pageable_memory_is_read_at_once) {
   std::vector<float> x(64, 1.0f);
   float *d;
   cudaStream_t s;
   OK(cudaMalloc(&d, 256));
   OK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
   OK(cudaMemcpyAsync(d, x.data(), 256, cudaMemcpyHostToDevice, s));
   x.assign(64, 2.0f);
   std::vector<float> back(64);
   OK(cudaMemcpyAsync(back.data(), d, 256, cudaMemcpyDeviceToHost, s)); // pageable: returns when done
   EXPECT(back[0] == 1.0f && back[63] == 1.0f);
   EXPECT_EQ(softgpu_synchronisations("cudaMemcpyAsync"), 1);
}

// The legacy default stream waits for blocking streams, and they for it.
CASE(legacy_stream) {
   cudaStream_t s;
   float *d = upload(std::vector<float>(64, 0.0f));
   OK(cudaStreamCreate(&s));
   add_all(d, 1, s);
   add_all(d, 2, nullptr);
   add_all(d, 4, s);
   float first;
   OK(cudaMemcpy(&first, d, 4, cudaMemcpyDeviceToHost));
   EXPECT(first == 7);
}

CASE(queries_see_time_pass) {
   cudaEvent_t e;
   float *d = upload(std::vector<float>(64, 0.0f));
   OK(cudaEventCreate(&e));
   OK(cudaEventQuery(e));
   add_all(d, 1, nullptr);
   OK(cudaEventRecord(e, nullptr));
   EXPECT_EQ(cudaEventQuery(e), cudaErrorNotReady);
   OK(cudaGetLastError());
   OK(cudaEventQuery(e));
   EXPECT_EQ(softgpu_synchronisations(nullptr), 2); // those of upload
}

CASE(time_between_events) {
   cudaEvent_t a, b;
   float ms = -1, *d = upload(std::vector<float>(64, 0.0f));
   OK(cudaEventCreate(&a));
   OK(cudaEventCreate(&b));
   OK(cudaEventRecord(a, nullptr));
   add_all(d, 1, nullptr);
   OK(cudaEventRecord(b, nullptr));
   EXPECT_EQ(cudaEventElapsedTime(&ms, a, b), cudaErrorNotReady);
   OK(cudaEventSynchronize(b));
   OK(cudaEventElapsedTime(&ms, a, b));
   EXPECT(ms > 0);
}

CASE(memory_runs_out) {
   size_t free, total, after;
   OK(cudaMemGetInfo(&free, &total));
   float *d, *more;
   OK(cudaMalloc(&d, 1 << 20));
   OK(cudaMemGetInfo(&after, &total));
   EXPECT_EQ(free - after, 1 << 20);
   EXPECT_EQ(cudaMalloc(&more, total), cudaErrorMemoryAllocation);
   EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
   EXPECT_EQ(cudaGetLastError(), cudaSuccess);
   OK(cudaFree(d));
}

CASE(injected_failures) {
   float *d, *more;
   softgpu_fail("cudaMalloc", 2, 0);
   OK(cudaMalloc(&d, 256));
   EXPECT_EQ(cudaMalloc(&more, 256), cudaErrorMemoryAllocation);
   OK(cudaMalloc(&more, 256));
   EXPECT_EQ(softgpu_failures_injected(), 1);
   softgpu_fail("*", 1, cudaErrorNotSupported);
   EXPECT_EQ(cudaMemset(d, 0, 256), cudaErrorNotSupported);
   softgpu_fail("cudaFree", 1, cudaErrorUnknown);
   EXPECT_EQ(cudaFree(d), cudaErrorUnknown);
   EXPECT_EQ(softgpu_live("device memory"), 1); // it was freed all the same
}

// A launch that fails on the device fails later, and then everything does.
CASE(sticky_errors_stay) {
   float *d = upload(std::vector<float>(64, 0.0f)), *more;
   softgpu_fail("cudaLaunchKernel", 1, cudaErrorLaunchFailure);
   add_all(d, 1, nullptr);
   OK(cudaGetLastError());
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorLaunchFailure);
   EXPECT_EQ(cudaMalloc(&more, 256), cudaErrorLaunchFailure);
   EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
   EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
   EXPECT_EQ(cudaFree(d), cudaErrorLaunchFailure);
   softgpu_revive();
   OK(cudaMalloc(&more, 256));
}

MAIN
