// Streams and events.
#include <ctime>
#include <memory>
#include "runtime.h"
#include "stream.h"

namespace sg {

namespace {

struct Event {
   unsigned flags;
   int device;
   bool recorded = false, captured = false; // captured: last recorded within a capture
   Mark mark;
   std::shared_ptr<double> at = std::make_shared<double>(0);
   int queries = 0;
};

double milliseconds() {
   timespec now;
   clock_gettime(CLOCK_MONOTONIC, &now);
   return double(now.tv_sec) * 1e3 + double(now.tv_nsec) * 1e-6;
}

cudaError_t create_stream(cudaStream_t *out, unsigned flags) {
   if (!out || (flags & ~unsigned(cudaStreamNonBlocking))) return cudaErrorInvalidValue;
   if (device_count() == 0) return cudaErrorNoDevice;
   *out = static_cast<cudaStream_t>(
       object_add("stream", stream_create(current_device(), !(flags & cudaStreamNonBlocking))));
   return cudaSuccess;
}

cudaError_t create_event(cudaEvent_t *out, unsigned flags) {
   const unsigned known = cudaEventBlockingSync | cudaEventDisableTiming | cudaEventInterprocess;
   if (!out || (flags & ~known)) return cudaErrorInvalidValue;
   if ((flags & cudaEventInterprocess) && !(flags & cudaEventDisableTiming)) return cudaErrorInvalidValue;
   if (device_count() == 0) return cudaErrorNoDevice;
   auto e = std::make_shared<Event>();
   e->flags = flags;
   e->device = current_device();
   *out = static_cast<cudaEvent_t>(object_add("event", e));
   return cudaSuccess;
}

std::shared_ptr<Stream> stream_or_complain(cudaStream_t stream, const char *name) {
   auto s = stream_find(stream);
   if (!s) violation("%s: the stream is not live (%s)", name, object_state(stream));
   return s;
}

std::shared_ptr<Event> event_or_complain(cudaEvent_t event, const char *name) {
   auto e = find<Event>("event", event);
   if (!e) violation("%s: the event is not live (%s)", name, object_state(event));
   return e;
}

// The first question finds the work unfinished; the next finds that time has passed.
cudaError_t query(const Mark &mark, int &queries) {
   if (mark_done(mark)) return cudaSuccess;
   if (queries++ % 2 == 0) return cudaErrorNotReady;
   return try_mark(mark) ? cudaSuccess : cudaErrorNotReady;
}

} // namespace

} // namespace sg

using namespace sg;

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t *out) {
   CUDA_CALL("cudaStreamCreate");
   return call.done(create_stream(out, 0));
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *out, unsigned flags) {
   CUDA_CALL("cudaStreamCreateWithFlags");
   return call.done(create_stream(out, flags));
}

cudaError_t cudaStreamCreateWithPriority(cudaStream_t *out, unsigned flags, int) {
   CUDA_CALL("cudaStreamCreateWithPriority");
   return call.done(create_stream(out, flags));
}

cudaError_t cudaDeviceGetStreamPriorityRange(int *least, int *greatest) {
   CUDA_CALL("cudaDeviceGetStreamPriorityRange");
   if (least) *least = 0;
   if (greatest) *greatest = -5;
   return call.done();
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
   RuntimeCall call("cudaStreamDestroy");
   auto s = find<Stream>("stream", stream);
   if (!s) {
      violation("cudaStreamDestroy: %s", object_state(stream));
      return call.done(cudaErrorInvalidResourceHandle);
   }
   object_remove("stream", stream);
   stream_retire(s);
   return call.done();
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
   CUDA_CALL("cudaStreamSynchronize");
   auto s = stream_or_complain(stream, "cudaStreamSynchronize");
   if (!s) return call.done(cudaErrorInvalidResourceHandle);
   if (s->capture) return call.done(capture_fails(*s->capture, cudaErrorStreamCaptureUnsupported));
   call.waits();
   run_stream(stream);
   return call.done();
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
   CUDA_CALL("cudaStreamQuery");
   auto s = stream_or_complain(stream, "cudaStreamQuery");
   if (!s) return call.done(cudaErrorInvalidResourceHandle);
   if (s->capture) return call.done(capture_fails(*s->capture, cudaErrorStreamCaptureUnsupported));
   return call.done(query(stream_mark(s), s->queries));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags) {
   CUDA_CALL("cudaStreamWaitEvent");
   if (flags != cudaEventWaitDefault) return call.done(cudaErrorInvalidValue);
   auto s = stream_or_complain(stream, "cudaStreamWaitEvent");
   auto e = event_or_complain(event, "cudaStreamWaitEvent");
   if (!s || !e) return call.done(cudaErrorInvalidResourceHandle);
   if (e->captured && s->capture) return call.done(); // of the same stream: there is one that captures
   if (s->capture) return call.done(capture_fails(*s->capture, cudaErrorStreamCaptureIsolation));
   if (e->captured) return call.done(cudaErrorStreamCaptureIsolation);
   if (e->recorded) stream_wait(s, e->mark);
   return call.done();
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t fn, void *data) {
   CUDA_CALL("cudaLaunchHostFunc");
   if (!fn) return call.done(cudaErrorInvalidValue);
   return call.done(enqueue(stream, "cudaLaunchHostFunc", [=] {
      fn(data);
      return cudaSuccess;
   }));
}

cudaError_t cudaEventCreate(cudaEvent_t *out) {
   CUDA_CALL("cudaEventCreate");
   return call.done(create_event(out, 0));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *out, unsigned flags) {
   CUDA_CALL("cudaEventCreateWithFlags");
   return call.done(create_event(out, flags));
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
   CUDA_CALL("cudaEventRecord");
   auto s = stream_or_complain(stream, "cudaEventRecord");
   auto e = event_or_complain(event, "cudaEventRecord");
   if (!s || !e) return call.done(cudaErrorInvalidResourceHandle);
   if (e->device != s->device) return call.done(cudaErrorInvalidResourceHandle);
   e->captured = s->capture != nullptr;
   auto at = e->at = std::make_shared<double>(0);
   cudaError_t error = enqueue(stream, "cudaEventRecord", [at] {
      *at = milliseconds();
      return cudaSuccess;
   });
   if (e->captured) return call.done(error);
   e->mark = {s, s->queued};
   e->recorded = true;
   e->queries = 0;
   return call.done(error);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
   CUDA_CALL("cudaEventQuery");
   auto e = event_or_complain(event, "cudaEventQuery");
   if (!e) return call.done(cudaErrorInvalidResourceHandle);
   if (e->captured) return call.done(cudaErrorCapturedEvent);
   if (cudaError_t error = capture_allows_unsafe()) return call.done(error);
   return call.done(query(e->mark, e->queries));
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
   CUDA_CALL("cudaEventSynchronize");
   auto e = event_or_complain(event, "cudaEventSynchronize");
   if (!e) return call.done(cudaErrorInvalidResourceHandle);
   if (e->captured) return call.done(cudaErrorCapturedEvent);
   call.waits((e->flags & cudaEventBlockingSync) != 0);
   run_mark(e->mark);
   return call.done();
}

cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t start, cudaEvent_t end) {
   CUDA_CALL("cudaEventElapsedTime");
   auto a = event_or_complain(start, "cudaEventElapsedTime"),
        b = event_or_complain(end, "cudaEventElapsedTime");
   if (!ms) return call.done(cudaErrorInvalidValue);
   if (!a || !b || !a->recorded || !b->recorded || ((a->flags | b->flags) & cudaEventDisableTiming))
      return call.done(cudaErrorInvalidResourceHandle);
   if (!mark_done(a->mark) || !mark_done(b->mark)) return call.done(cudaErrorNotReady);
   *ms = float(*b->at - *a->at);
   return call.done();
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
   RuntimeCall call("cudaEventDestroy");
   if (!object_remove("event", event)) {
      violation("cudaEventDestroy: %s", object_state(event));
      return call.done(cudaErrorInvalidResourceHandle);
   }
   return call.done();
}
}
