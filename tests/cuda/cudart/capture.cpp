// Stream capture and graphs, of one stream: a graph is the list of what was captured, in its order. Other streams cannot be
// drawn into a capture here, and graphs cannot be changed.
#include "capture.h"
#include <memory>
#include <vector>
#include "runtime.h"
#include "stream.h"

namespace sg {

namespace {

using Graph = std::vector<Work>;

std::vector<std::weak_ptr<Capture>> &captures() {
   static auto *all = new std::vector<std::weak_ptr<Capture>>;
   return *all;
}

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

bool concerns_this_thread(const Capture &c) {
   if (thread_mode == cudaStreamCaptureModeRelaxed || c.mode == cudaStreamCaptureModeRelaxed) return false;
   if (c.thread == std::this_thread::get_id()) return true;
   return c.mode == cudaStreamCaptureModeGlobal && thread_mode == cudaStreamCaptureModeGlobal;
}

template <class F> cudaError_t refuse_if(F &&concerns) {
   cudaError_t error = cudaSuccess;
   std::erase_if(captures(), [](auto &each) { return each.expired(); });
   for (auto &each : captures())
      if (auto c = each.lock(); c && concerns(*c)) error = capture_fails(*c, cudaErrorStreamCaptureUnsupported);
   return error;
}

cudaError_t begin(cudaStream_t handle, cudaStreamCaptureMode mode) {
   auto s = stream_find(handle);
   if (!s) return cudaErrorInvalidResourceHandle;
   if (s->legacy) return cudaErrorStreamCaptureUnsupported;
   if (s->capture) return cudaErrorIllegalState;
   s->capture = std::make_shared<Capture>();
   s->capture->mode = mode;
   captures().push_back(s->capture);
   return cudaSuccess;
}

cudaError_t end(cudaStream_t handle, cudaGraph_t *out) {
   if (!out) return cudaErrorInvalidValue;
   *out = nullptr;
   auto s = stream_find(handle);
   if (!s) return cudaErrorInvalidResourceHandle;
   if (!s->capture) return cudaErrorIllegalState;
   if (s->capture->mode != cudaStreamCaptureModeRelaxed && s->capture->thread != std::this_thread::get_id())
      return capture_fails(*s->capture, cudaErrorStreamCaptureWrongThread);
   auto c = std::move(s->capture);
   s->capture = nullptr;
   if (!c->valid) return cudaErrorStreamCaptureInvalidated;
   *out = static_cast<cudaGraph_t>(object_add("graph", std::make_shared<Graph>(std::move(c->work))));
   return cudaSuccess;
}

cudaError_t run(const Graph &graph) {
   for (auto &work : graph)
      if (cudaError_t error = work(); error != cudaSuccess) return error;
   return cudaSuccess;
}

cudaError_t destroy(const char *name, const char *kind, const void *handle) {
   if (object_remove(kind, handle)) return cudaSuccess;
   violation("%s: %s", name, object_state(handle));
   return cudaErrorInvalidValue;
}

} // namespace

cudaError_t capture_fails(Capture &c, cudaError_t error) {
   c.valid = false;
   return error;
}

cudaError_t capture_work(Capture &c, Work work) {
   if (!c.valid) return cudaErrorStreamCaptureInvalidated;
   c.work.push_back(std::move(work));
   return cudaSuccess;
}

cudaError_t capture_allows_unsafe() {
   return refuse_if(concerns_this_thread);
}

cudaError_t capture_allows_waiting() {
   return refuse_if([](const Capture &) { return true; });
}

} // namespace sg

using namespace sg;

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode) {
   CUDA_CALL("cudaStreamBeginCapture");
   return call.done(begin(stream, mode));
}

// Ends the capture also where the status is an error.
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *out) {
   RuntimeCall call("cudaStreamEndCapture");
   cudaError_t error = end(stream, out);
   if (call.refused() && error == cudaSuccess) object_remove("graph", *out), *out = nullptr;
   return call.done(error);
}

cudaError_t cudaThreadExchangeStreamCaptureMode(enum cudaStreamCaptureMode *mode) {
   RuntimeCall call("cudaThreadExchangeStreamCaptureMode", false);
   if (!mode) return call.done(cudaErrorInvalidValue);
   std::swap(*mode, thread_mode);
   return call.done();
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags) {
   CUDA_CALL("cudaGraphInstantiate");
   auto found = find<Graph>("graph", graph);
   if (!out || !found || flags != 0) return call.done(cudaErrorInvalidValue);
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   *out = static_cast<cudaGraphExec_t>(object_add("executable graph", std::make_shared<Graph>(*found)));
   return call.done();
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream) {
   CUDA_CALL("cudaGraphLaunch");
   auto graph = find<Graph>("executable graph", exec);
   if (!graph) {
      violation("cudaGraphLaunch: %s", object_state(exec));
      return call.done(cudaErrorInvalidValue);
   }
   return call.done(enqueue(stream, "cudaGraphLaunch", [graph] { return run(*graph); }));
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
   RuntimeCall call("cudaGraphDestroy");
   return call.done(destroy(call.name(), "graph", graph));
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
   RuntimeCall call("cudaGraphExecDestroy");
   return call.done(destroy(call.name(), "executable graph", exec));
}
}
