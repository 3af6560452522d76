// Stream capture: what a graph does when it is launched, and what a capture does not survive.
#include "check.h"

__global__ void add(float *x, const float *by, int n) {
   int i = int(blockIdx.x * blockDim.x + threadIdx.x);
   if (i < n) x[i] += *by;
}

namespace {

struct Scene {
   cudaStream_t stream;
   float *x, *by;
   Scene() {
      OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
      x = upload(std::vector<float>(64, 0.0f));
      by = upload(std::vector<float>(1, 1.0f));
   }
   ~Scene() {
      OK(cudaStreamDestroy(stream));
      OK(cudaFree(x));
      OK(cudaFree(by));
   }
   void work() { OK(launch(add, dim3(1), dim3(64), 0, stream, x, (const float *)by, 64)); }
};

// A capture in which f fails in this way, and with it all of it.
template <class F> void ends_a_capture(cudaError_t expected, F f) {
   Scene s;
   cudaGraph_t graph;
   OK(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
   s.work();
   EXPECT_EQ(f(s), expected);
   EXPECT_EQ(launch(add, dim3(1), dim3(64), 0, s.stream, s.x, (const float *)s.by, 64),
             cudaErrorStreamCaptureInvalidated);
   EXPECT_EQ(cudaStreamEndCapture(s.stream, &graph), cudaErrorStreamCaptureInvalidated);
   EXPECT(graph == nullptr);
   cudaGetLastError();
   s.work(); // the stream is as it was
   OK(cudaStreamSynchronize(s.stream));
   EXPECT(download(s.x, 64)[63] == 1.0f);
}

} // namespace

// Nothing runs while it is captured; each launch does all of it, with what lies in memory by then.
CASE(a_graph_runs_when_it_is_launched) {
   Scene s;
   cudaGraph_t graph;
   cudaGraphExec_t exec;
   OK(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
   s.work();
   s.work();
   OK(cudaStreamEndCapture(s.stream, &graph));
   OK(cudaStreamSynchronize(s.stream));
   EXPECT(download(s.x, 64)[0] == 0.0f);
   OK(cudaGraphInstantiate(&exec, graph, 0));
   OK(cudaGraphDestroy(graph));
   OK(cudaGraphLaunch(exec, s.stream));
   OK(cudaGraphLaunch(exec, s.stream));
   OK(cudaStreamSynchronize(s.stream));
   EXPECT(download(s.x, 64)[63] == 4.0f);
   float three = 3;
   OK(cudaMemcpyAsync(s.by, &three, sizeof three, cudaMemcpyHostToDevice, s.stream));
   OK(cudaGraphLaunch(exec, s.stream));
   OK(cudaGraphExecDestroy(exec)); // a launch keeps what it needs
   OK(cudaStreamSynchronize(s.stream));
   EXPECT(download(s.x, 64)[63] == 10.0f);
   EXPECT_EQ(softgpu_live("graph") + softgpu_live("executable graph"), 0);
}

CASE(what_ends_a_capture) {
   void *p = nullptr;
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [&](Scene &) { return cudaMalloc(&p, 64); });
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [&](Scene &) { return cudaMallocHost(&p, 64); });
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [](Scene &s) { return cudaStreamSynchronize(s.stream); });
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [](Scene &s) { return cudaStreamQuery(s.stream); });
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [](Scene &) { return cudaDeviceSynchronize(); });
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [](Scene &s) { return cudaMemset(s.x, 0, 64); });
   float *d = upload(std::vector<float>(64, 0.0f));
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [&](Scene &) { return cudaFree(d); });
   OK(cudaFree(d));
   cudaEvent_t event;
   OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
   OK(cudaEventRecord(event, nullptr));
   ends_a_capture(cudaErrorStreamCaptureIsolation,
                  [&](Scene &s) { return cudaStreamWaitEvent(s.stream, event, 0); });
   ends_a_capture(cudaErrorStreamCaptureUnsupported, [&](Scene &) { return cudaEventQuery(event); });
   OK(cudaEventDestroy(event));
}

// An event that was recorded within a capture has not happened, and cannot be waited for.
CASE(captured_events) {
   Scene s;
   cudaEvent_t event;
   cudaGraph_t graph;
   OK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
   OK(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
   s.work();
   OK(cudaEventRecord(event, s.stream));
   EXPECT_EQ(cudaEventSynchronize(event), cudaErrorCapturedEvent);
   OK(cudaStreamEndCapture(s.stream, &graph));
   EXPECT_EQ(cudaEventQuery(event), cudaErrorCapturedEvent);
   OK(cudaGraphDestroy(graph));
   OK(cudaEventDestroy(event));
}

CASE(the_legacy_stream_ends_a_capture_of_a_blocking_one) {
   cudaStream_t blocking;
   cudaGraph_t graph;
   Scene s;
   OK(cudaStreamCreate(&blocking));
   OK(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed));
   EXPECT_EQ(launch(add, dim3(1), dim3(64), 0, (cudaStream_t) nullptr, s.x, (const float *)s.by, 64),
             cudaErrorStreamCaptureImplicit);
   EXPECT_EQ(cudaStreamEndCapture(blocking, &graph), cudaErrorStreamCaptureInvalidated);
   EXPECT_EQ(cudaStreamBeginCapture(nullptr, cudaStreamCaptureModeRelaxed), cudaErrorStreamCaptureUnsupported);
   OK(cudaStreamDestroy(blocking));
   cudaGetLastError();
}

// Whoever knows what it is doing may allocate for a moment.
CASE(a_relaxed_moment) {
   Scene s;
   cudaGraph_t graph;
   void *p;
   cudaStreamCaptureMode mode = cudaStreamCaptureModeRelaxed;
   OK(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
   OK(cudaThreadExchangeStreamCaptureMode(&mode));
   EXPECT_EQ(mode, cudaStreamCaptureModeGlobal);
   OK(cudaMalloc(&p, 64));
   OK(cudaThreadExchangeStreamCaptureMode(&mode));
   s.work();
   OK(cudaStreamEndCapture(s.stream, &graph));
   OK(cudaGraphDestroy(graph));
   OK(cudaFree(p));
}

CASE(captures_begin_and_end_once) {
   Scene s;
   cudaGraph_t graph;
   EXPECT_EQ(cudaStreamEndCapture(s.stream, &graph), cudaErrorIllegalState);
   OK(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal));
   EXPECT_EQ(cudaStreamBeginCapture(s.stream, cudaStreamCaptureModeThreadLocal), cudaErrorIllegalState);
   OK(cudaStreamEndCapture(s.stream, &graph));
   OK(cudaGraphDestroy(graph));
   cudaGetLastError();
}

MAIN
