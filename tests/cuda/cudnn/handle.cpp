// cuDNN: handles, versions, error texts.
#include <cstdio>
#include <cstring>
#include "dnn.h"

namespace sg {

namespace {

thread_local std::string last_text;

struct StatusName {
   cudnnStatus_t status;
   const char *name;
};

#define STATUS(name)                                                                                           \
   { name, #name }
const StatusName statuses[] = {
    STATUS(CUDNN_STATUS_SUCCESS),
    STATUS(CUDNN_STATUS_NOT_INITIALIZED),
    STATUS(CUDNN_STATUS_BAD_PARAM),
    STATUS(CUDNN_STATUS_BAD_PARAM_NULL_POINTER),
    STATUS(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER),
    STATUS(CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED),
    STATUS(CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND),
    STATUS(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT),
    STATUS(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH),
    STATUS(CUDNN_STATUS_NOT_SUPPORTED),
    STATUS(CUDNN_STATUS_NOT_SUPPORTED_SHAPE),
    STATUS(CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE),
    STATUS(CUDNN_STATUS_NOT_SUPPORTED_LAYOUT),
    STATUS(CUDNN_STATUS_INTERNAL_ERROR),
    STATUS(CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED),
    STATUS(CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED),
    STATUS(CUDNN_STATUS_EXECUTION_FAILED),
    STATUS(CUDNN_STATUS_EXECUTION_FAILED_CUDA_DRIVER),
    STATUS(CUDNN_STATUS_EXECUTION_FAILED_CUDART),
};
#undef STATUS

} // namespace

cudnnStatus_t refuse(cudnnStatus_t status, const char *format, ...) {
   char text[512];
   va_list arguments;
   va_start(arguments, format);
   vsnprintf(text, sizeof text, format, arguments);
   va_end(arguments);
   last_text = text;
   return status;
}

std::shared_ptr<Dnn> dnn_of(cudnnHandle_t handle, const char *name) {
   auto h = find<Dnn>("cudnn handle", handle);
   if (!h) violation("%s: the handle is not live (%s)", name, object_state(handle));
   if (h && h->device != current_device())
      violation("%s: the handle belongs to another device than the current one", name);
   return h;
}

} // namespace sg

using namespace sg;

extern "C" {

size_t cudnnGetVersion(void) {
   return CUDNN_VERSION;
}
size_t cudnnGetCudartVersion(void) {
   return CUDART_VERSION;
}

const char *cudnnGetErrorString(cudnnStatus_t status) {
   for (auto &s : statuses)
      if (s.status == status) return s.name;
   return "CUDNN_UNKNOWN_STATUS";
}

void cudnnGetLastErrorString(char *message, size_t max) {
   if (!message || max == 0) return;
   snprintf(message, max, "%s", last_text.c_str());
   last_text.clear();
}

cudnnStatus_t cudnnCreate(cudnnHandle_t *out) {
   DNN_CALL("cudnnCreate");
   if (!out) return call.done(refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no place for the handle"));
   if (device_count() == 0) return call.done(refuse(CUDNN_STATUS_NOT_INITIALIZED, "there is no device"));
   if (capture_allows_unsafe()) return call.done(refuse(CUDNN_STATUS_NOT_INITIALIZED, "a stream is captured"));
   auto h = std::make_shared<Dnn>();
   h->device = current_device();
   *out = static_cast<cudnnHandle_t>(object_add("cudnn handle", h));
   return call.done();
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
   DnnCall call("cudnnDestroy");
   if (!dnn_of(handle, "cudnnDestroy")) return call.done(CUDNN_STATUS_BAD_PARAM);
   call.waits();
   run_everything(current_device());
   object_remove("cudnn handle", handle);
   return call.done();
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
   DNN_CALL("cudnnSetStream");
   auto h = dnn_of(handle, "cudnnSetStream");
   if (!h) return call.done(CUDNN_STATUS_BAD_PARAM);
   if (!stream_live(stream)) {
      violation("cudnnSetStream: the stream is not live (%s)", object_state(stream));
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "the stream is not live"));
   }
   h->stream = stream;
   return call.done();
}

cudnnStatus_t cudnnGetStream(cudnnHandle_t handle, cudaStream_t *stream) {
   DNN_CALL("cudnnGetStream");
   auto h = dnn_of(handle, "cudnnGetStream");
   if (!h || !stream) return call.done(CUDNN_STATUS_BAD_PARAM);
   *stream = h->stream;
   return call.done();
}
}
