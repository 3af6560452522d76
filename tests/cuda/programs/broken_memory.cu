// Broken callers: memory, copies, handles and missing synchronisation. Each must be caught, by a status, a
// violation, a wrong result or a crash that says why; where it matters, the same program made right passes.
#include "check.h"

__global__ void set(float *x, float to, int n) {
   for (int i = 0; i < n; i++) x[i] = to;
}

static cudaStream_t new_stream() {
   cudaStream_t s = nullptr;
   OK(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking));
   return s;
}

static float *new_floats(int n) {
   float *d = nullptr;
   OK(cudaMalloc(&d, size_t(n) * 4));
   return d;
}

static float *pinned_floats(int n) {
   float *p = nullptr;
   OK(cudaMallocHost(&p, size_t(n) * 4));
   for (int i = 0; i < n; i++) p[i] = -1;
   return p;
}

// ---- the host touches what it must not ----

CASE_DIES(host_reads_device_memory, "the host touches device memory") {
   float *d = upload({1, 2, 3});
   printf("%g\n", d[1]);
}

CASE_DIES(host_writes_device_memory, "the host touches device memory") {
   float *d = upload({1, 2, 3});
   memset(d, 0, 12);
}

CASE_DIES(host_reads_freed_device_memory, "was freed or never allocated") {
   float *d = upload({1, 2, 3});
   OK(cudaFree(d));
   printf("%g\n", d[0]);
}

// ---- copies ----

CASE(copy_in_the_wrong_direction) {
   float h[4] = {0}, *d = new_floats(4);
   EXPECT_EQ(cudaMemcpy(d, h, 16, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
   EXPECT_EQ(cudaMemcpy(h, d, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
   EXPECT_EQ(cudaMemcpy(h, d, 16, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue);
   EXPECT_EQ(cudaMemcpy(h, d, 16, cudaMemcpyKind(9)), cudaErrorInvalidMemcpyDirection);
}

CASE(copy_past_the_end) {
   float h[8] = {0}, *d = new_floats(4);
   EXPECT_EQ(cudaMemcpy(d, h, 20, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
   EXPECT_EQ(cudaMemcpy(d + 1, h, 16, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
   OK(cudaMemcpy(d + 1, h, 12, cudaMemcpyHostToDevice));
}

CASE(copy_past_the_end_of_pinned_memory) {
   float *p = pinned_floats(4), *d = new_floats(8);
   EXPECT_EQ(cudaMemcpyAsync(p, d, 32, cudaMemcpyDeviceToHost, nullptr), cudaErrorInvalidValue);
}

CASE(copy_from_freed_memory) {
   float h[4], *d = new_floats(4);
   OK(cudaFree(d));
   EXPECT_EQ(cudaMemcpy(h, d, 16, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
}

CASE(fill_past_the_end) {
   float *d = new_floats(4);
   EXPECT_EQ(cudaMemset(d, 0, 17), cudaErrorInvalidValue);
}

CASE(fill_host_memory) {
   float h[4];
   EXPECT_EQ(cudaMemset(h, 0, 16), cudaErrorInvalidValue);
}

CASE(overlapping_copy) {
   float *d = new_floats(8);
   cudaMemcpy(d + 1, d, 16, cudaMemcpyDeviceToDevice);
   EXPECT_VIOLATION("overlap");
}

// ---- freeing ----

CASE(double_free) {
   float *d = new_floats(4);
   OK(cudaFree(d));
   EXPECT_EQ(cudaFree(d), cudaErrorInvalidValue);
   EXPECT_VIOLATION("freed or never allocated");
}

CASE(free_in_the_middle) {
   float *d = new_floats(4);
   EXPECT_EQ(cudaFree(d + 1), cudaErrorInvalidValue);
   EXPECT_VIOLATION("4 bytes into device memory");
}

CASE(free_of_the_other_kind) {
   float *d = new_floats(4), *p = pinned_floats(4);
   EXPECT_EQ(cudaFreeHost(d), cudaErrorInvalidValue);
   EXPECT_EQ(cudaFree(p), cudaErrorInvalidValue);
   EXPECT_EQ(softgpu_violations(), 2);
}

// cudaFree does not wait for the work that uses what it frees.
static void free_under_work(bool wait) {
   float *d = new_floats(4), *other = new_floats(4);
   cudaStream_t s = new_stream();
   OK(launch(set, dim3(1), dim3(1), 0, s, d, 5.0f, 4));
   if (wait) OK(cudaStreamSynchronize(s));
   OK(cudaFree(d));
   OK(launch(set, dim3(1), dim3(1), 0, s, other, 5.0f, 4));
   OK(cudaStreamSynchronize(s));
   EXPECT(download(other, 4)[3] == 5);
}

CASE(memory_freed_under_a_kernel) {
   free_under_work(false);
   EXPECT_EQ(softgpu_violations(), 1);
   EXPECT_VIOLATION("which cudaFree has freed");
}

CASE(memory_freed_when_its_work_was_waited_for) {
   free_under_work(true);
   EXPECT_EQ(softgpu_violations(), 0);
}

CASE(memory_freed_beside_work) { // that does not use it
   float *d = new_floats(4), *other = new_floats(4);
   OK(launch(set, dim3(1), dim3(1), 0, nullptr, other, 5.0f, 4));
   OK(cudaFree(d));
   EXPECT(download(other, 4)[3] == 5);
   EXPECT_EQ(softgpu_violations(), 0);
   EXPECT_EQ(launch(set, dim3(1), dim3(1), 0, nullptr, d, 5.0f, 4), cudaSuccess);
   EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("parameter 1 points to device memory that was freed");
}

CASE(pinned_memory_freed_under_a_copy) {
   float *p = pinned_floats(4), *d = new_floats(4);
   cudaStream_t s = new_stream();
   OK(cudaMemcpyAsync(d, p, 16, cudaMemcpyHostToDevice, s));
   OK(cudaFreeHost(p));
   EXPECT_EQ(cudaStreamSynchronize(s), cudaErrorIllegalAddress);
   EXPECT_VIOLATION("was freed before the copy ran");
}

CASE(write_past_the_end_of_pinned_memory) {
   float *p = pinned_floats(4);
   p[4] = 1;
   OK(cudaFreeHost(p));
   EXPECT_VIOLATION("past the end");
}

CASE(leaks_are_counted) {
   new_stream();
   new_floats(4);
   pinned_floats(4);
   cudaEvent_t e;
   OK(cudaEventCreate(&e));
   EXPECT_EQ(softgpu_live("stream"), 1);
   EXPECT_EQ(softgpu_live("device memory"), 1);
   EXPECT_EQ(softgpu_live("pinned memory"), 1);
   EXPECT_EQ(softgpu_live("event"), 1);
   EXPECT_EQ(softgpu_live(nullptr), 4);
}

// ---- handles ----

CASE(destroyed_stream) {
   cudaStream_t s = new_stream();
   float *d = new_floats(4);
   OK(cudaStreamDestroy(s));
   EXPECT_EQ(launch(set, dim3(1), dim3(1), 0, s, d, 1.0f, 4), cudaErrorInvalidResourceHandle);
   EXPECT_VIOLATION("destroyed stream");
   EXPECT_EQ(cudaStreamSynchronize(s), cudaErrorInvalidResourceHandle);
   EXPECT_EQ(cudaStreamDestroy(s), cudaErrorInvalidResourceHandle);
}

CASE(destroyed_event) {
   cudaEvent_t e;
   OK(cudaEventCreate(&e));
   OK(cudaEventDestroy(e));
   EXPECT_EQ(cudaEventRecord(e, nullptr), cudaErrorInvalidResourceHandle);
   EXPECT_EQ(cudaEventDestroy(e), cudaErrorInvalidResourceHandle);
   EXPECT_VIOLATION("destroyed event");
}

CASE(event_used_as_a_stream) {
   cudaEvent_t e;
   OK(cudaEventCreate(&e));
   EXPECT_EQ(cudaStreamSynchronize(cudaStream_t(e)), cudaErrorInvalidResourceHandle);
   EXPECT_VIOLATION("live event");
}

CASE(time_of_events_without_timing) {
   cudaEvent_t e;
   float ms;
   OK(cudaEventCreateWithFlags(&e, cudaEventDisableTiming));
   OK(cudaEventRecord(e, nullptr));
   OK(cudaEventSynchronize(e));
   EXPECT_EQ(cudaEventElapsedTime(&ms, e, e), cudaErrorInvalidResourceHandle);
}

CASE(unknown_device) {
   EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
}

// ---- missing synchronisation shows as a wrong result ----

static float read_async(bool wait) {
   float *d = upload({7}), *p = pinned_floats(1);
   cudaStream_t s = new_stream();
   OK(cudaMemcpyAsync(p, d, 4, cudaMemcpyDeviceToHost, s));
   if (wait) OK(cudaStreamSynchronize(s));
   return p[0];
}

CASE(result_read_before_it_is_there) {
   EXPECT(read_async(false) != 7);
   EXPECT(read_async(true) == 7);
}

static float refill(bool wait) {
   float *p = pinned_floats(1), *d = new_floats(1);
   cudaStream_t s = new_stream();
   p[0] = 1;
   OK(cudaMemcpyAsync(d, p, 4, cudaMemcpyHostToDevice, s));
   if (wait) OK(cudaStreamSynchronize(s));
   p[0] = 2;
   return download(d, 1)[0];
}

CASE(pinned_memory_refilled_too_early) {
   EXPECT(refill(false) != 1);
   EXPECT(refill(true) == 1);
}

// Two streams, the second reads what the first writes.
static float across(bool event) {
   float *d = upload({0}), *p = pinned_floats(1);
   cudaStream_t first = new_stream(), second = new_stream();
   cudaEvent_t e;
   OK(cudaEventCreate(&e));
   OK(launch(set, dim3(1), dim3(1), 0, first, d, 5.0f, 1));
   OK(cudaEventRecord(e, first));
   if (event) OK(cudaStreamWaitEvent(second, e, 0));
   OK(cudaMemcpyAsync(p, d, 4, cudaMemcpyDeviceToHost, second));
   OK(cudaStreamSynchronize(second));
   return p[0];
}

CASE(stream_reads_what_another_has_not_written) {
   EXPECT(across(false) != 5);
   EXPECT(across(true) == 5);
}

// The second stream overwrites what the first has yet to read.
static float overwrite(bool event) {
   softgpu_order("eager");
   float *d = upload({3}), *p = pinned_floats(1);
   cudaStream_t first = new_stream(), second = new_stream();
   cudaEvent_t e;
   OK(cudaEventCreate(&e));
   OK(cudaMemcpyAsync(p, d, 4, cudaMemcpyDeviceToHost, first));
   OK(cudaEventRecord(e, first));
   if (event) OK(cudaStreamWaitEvent(second, e, 0));
   OK(launch(set, dim3(1), dim3(1), 0, second, d, 5.0f, 1));
   OK(cudaStreamSynchronize(first));
   OK(cudaDeviceSynchronize());
   return p[0];
}

CASE(stream_overwrites_what_another_has_not_read) {
   EXPECT(overwrite(false) != 3);
   EXPECT(overwrite(true) == 3);
}

// cudaMemcpy waits for the default stream, not for streams that do not block.
CASE(copy_that_does_not_wait_for_a_stream) {
   float *d = upload({0}), h;
   cudaStream_t s = new_stream();
   OK(launch(set, dim3(1), dim3(1), 0, s, d, 5.0f, 1));
   OK(cudaMemcpy(&h, d, 4, cudaMemcpyDeviceToHost));
   EXPECT(h != 5);
}

CASE(event_waited_for_before_it_is_recorded) {
   float *d = upload({0}), *p = pinned_floats(1);
   cudaStream_t first = new_stream(), second = new_stream();
   cudaEvent_t e;
   OK(cudaEventCreate(&e));
   OK(cudaStreamWaitEvent(second, e, 0));
   OK(launch(set, dim3(1), dim3(1), 0, first, d, 5.0f, 1));
   OK(cudaEventRecord(e, first));
   OK(cudaMemcpyAsync(p, d, 4, cudaMemcpyDeviceToHost, second));
   OK(cudaStreamSynchronize(second));
   EXPECT(p[0] != 5);
}

CASE(memory_read_before_anything_wrote_it) {
   EXPECT(isnan(download(new_floats(4), 4)[2]));
}

MAIN
