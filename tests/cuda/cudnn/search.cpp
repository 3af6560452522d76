// How cuDNN is asked which algorithms there are for a convolution: ranked by heuristics, or by running them
// all.
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include "convolution.h"

namespace sg {

namespace {

template <class Perf>
void tell(const Problem &p, const std::vector<Listed> &list, int requested, int *returned, Perf *out) {
   *returned = int(std::min(list.size(), size_t(requested)));
   for (int i = 0; i < *returned; i++) {
      const Listed &entry = list[size_t(i)];
      memset(&out[i], 0, sizeof out[i]);
      out[i].algo = decltype(out[i].algo)(entry.algorithm);
      out[i].status = entry.status;
      out[i].time = entry.status == CUDNN_STATUS_SUCCESS ? entry.time : -1.0f;
      out[i].memory = entry.memory;
      out[i].determinism =
          algorithm_deterministic(p.pass, entry.algorithm) ? CUDNN_DETERMINISTIC : CUDNN_NON_DETERMINISTIC;
      out[i].mathType = entry.math;
   }
}

// What the device has no arithmetic for is refused for each algorithm, or by the query itself: both are seen.
template <class Perf> cudnnStatus_t rank(const Problem &p, int requested, int *returned, Perf *out) {
   static unsigned refusals;
   if (requested < 1 || !returned || !out) BAD("no room for an algorithm");
   if (!type_on_device(p) && refusals++ % 2 == 1)
      return refuse(CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "bfloat16 needs compute capability 8.0");
   tell(p, list_algorithms(p), requested, returned, out);
   return CUDNN_STATUS_SUCCESS;
}

// What running an entry of the list with that much workspace comes to.
cudnnStatus_t outcome(const Problem &p, const Listed &entry, size_t bytes) {
   if (entry.status != CUDNN_STATUS_SUCCESS) return entry.status;
   if (entry.memory > bytes) return CUDNN_STATUS_ALLOC_FAILED;
   return algorithm_failure(p, entry.algorithm);
}

// With SOFTGPU_TIMES=SEED others are the fastest, as in another run on a card.
float chance(const Listed &entry) {
   static const unsigned long seed = strtoul(environment("SOFTGPU_TIMES", "0"), nullptr, 10);
   if (seed == 0) return 0;
   uint64_t h = (seed * 64 + uint64_t(entry.algorithm)) * 4 + uint64_t(entry.math);
   h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
   return float(h >> 40) / 1e5f;
}

// Runs each of them on the operands, of which the result is overwritten, and waits; the fastest come first.
template <class Perf>
cudnnStatus_t measure(const DnnCall &call, const Dnn &dnn, const Problem &p, const Operands &o, int requested,
                      int *returned, Perf *out, void *workspace, size_t bytes) {
   if (requested < 1 || !returned || !out) BAD("no room for an algorithm");
   if (capture_allows_waiting()) return refuse(CUDNN_STATUS_EXECUTION_FAILED, "a stream is captured");
   if (!operands_usable(call.name(), p, o)) BAD("an operand is not device memory");
   if (bytes > 0 && !usable(call.name(), "the workspace", workspace, bytes, 16))
      BAD("the workspace is not device memory of that size");
   std::vector<Listed> list = list_algorithms(p);
   for (auto &entry : list) entry.status = outcome(p, entry, bytes), entry.time += chance(entry);
   std::stable_sort(list.begin(), list.end(), [](const Listed &a, const Listed &b) {
      const bool works_a = a.status == CUDNN_STATUS_SUCCESS, works_b = b.status == CUDNN_STATUS_SUCCESS;
      return works_a != works_b ? works_a : works_a && a.time < b.time;
   });
   const void *result = p.pass == Pass::forward ? o.y : p.pass == Pass::data ? o.x : o.w;
   const size_t size = p.pass == Pass::forward ? tensor_bytes(p, p.y)
                       : p.pass == Pass::data  ? tensor_bytes(p, p.x)
                                               : p.w.count() * size_of(p.type);
   cudaError_t error = enqueue(dnn.stream, call.name(), [=] {
      for (const void *data : {o.x, o.w, o.y}) memory_touch(data);
      memset(const_cast<void *>(result), 0xff, size);
      if (bytes > 0) memory_touch(workspace), memset(workspace, 0xff, bytes);
      return cudaSuccess;
   });
   if (error != cudaSuccess) return refuse(CUDNN_STATUS_EXECUTION_FAILED, "the stream is not live");
   const_cast<DnnCall &>(call).waits();
   run_stream(dnn.stream);
   tell(p, list, requested, returned, out);
   return CUDNN_STATUS_SUCCESS;
}

Operands of(const void *x, const void *w, const void *y) {
   return {x, w, y, 1, 0, false, nullptr, nullptr, 0, false};
}

cudnnStatus_t workspace_size(const Problem &p, int algorithm, size_t *size) {
   if (!size) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no place for the size");
   cudnnStatus_t status = known_algorithm(p, algorithm);
   if (status == CUDNN_STATUS_SUCCESS) *size = algorithm_workspace(p, algorithm);
   return status;
}

} // namespace

} // namespace sg

using namespace sg;

extern "C" {

#define ALGORITHM_COUNT(function, pass)                                                                        \
   cudnnStatus_t function(cudnnHandle_t, int *count) {                                                         \
      DNN_CALL(#function);                                                                                     \
      *count = algorithm_count(pass);                                                                          \
      return call.done();                                                                                      \
   }
ALGORITHM_COUNT(cudnnGetConvolutionForwardAlgorithmMaxCount, Pass::forward)
ALGORITHM_COUNT(cudnnGetConvolutionBackwardDataAlgorithmMaxCount, Pass::data)
ALGORITHM_COUNT(cudnnGetConvolutionBackwardFilterAlgorithmMaxCount, Pass::filter)

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t handle, const cudnnTensorDescriptor_t x,
                                                     const cudnnFilterDescriptor_t w,
                                                     const cudnnConvolutionDescriptor_t conv,
                                                     const cudnnTensorDescriptor_t y, const int requested,
                                                     int *returned, cudnnConvolutionFwdAlgoPerf_t *out) {
   PREPARE("cudnnGetConvolutionForwardAlgorithm_v7", Pass::forward, x, w, conv, y);
   return call.done(rank(p, requested, returned, out));
}

cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t handle, const cudnnFilterDescriptor_t w,
                                                          const cudnnTensorDescriptor_t dy,
                                                          const cudnnConvolutionDescriptor_t conv,
                                                          const cudnnTensorDescriptor_t dx, const int requested,
                                                          int *returned,
                                                          cudnnConvolutionBwdDataAlgoPerf_t *out) {
   PREPARE("cudnnGetConvolutionBackwardDataAlgorithm_v7", Pass::data, dx, w, conv, dy);
   return call.done(rank(p, requested, returned, out));
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t conv, const cudnnFilterDescriptor_t dw, const int requested,
    int *returned, cudnnConvolutionBwdFilterAlgoPerf_t *out) {
   PREPARE("cudnnGetConvolutionBackwardFilterAlgorithm_v7", Pass::filter, x, dw, conv, dy);
   return call.done(rank(p, requested, returned, out));
}

cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t handle, const cudnnTensorDescriptor_t x,
                                                      const cudnnFilterDescriptor_t w,
                                                      const cudnnConvolutionDescriptor_t conv,
                                                      const cudnnTensorDescriptor_t y,
                                                      cudnnConvolutionFwdAlgo_t algorithm, size_t *size) {
   PREPARE("cudnnGetConvolutionForwardWorkspaceSize", Pass::forward, x, w, conv, y);
   return call.done(workspace_size(p, algorithm, size));
}

cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t w, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t dx,
    cudnnConvolutionBwdDataAlgo_t algorithm, size_t *size) {
   PREPARE("cudnnGetConvolutionBackwardDataWorkspaceSize", Pass::data, dx, w, conv, dy);
   return call.done(workspace_size(p, algorithm, size));
}

cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t x, const cudnnTensorDescriptor_t dy,
    const cudnnConvolutionDescriptor_t conv, const cudnnFilterDescriptor_t dw,
    cudnnConvolutionBwdFilterAlgo_t algorithm, size_t *size) {
   PREPARE("cudnnGetConvolutionBackwardFilterWorkspaceSize", Pass::filter, x, dw, conv, dy);
   return call.done(workspace_size(p, algorithm, size));
}

cudnnStatus_t cudnnFindConvolutionForwardAlgorithmEx(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t xd, const void *x, const cudnnFilterDescriptor_t wd,
    const void *w, const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t yd, void *y,
    const int requested, int *returned, cudnnConvolutionFwdAlgoPerf_t *out, void *workspace, size_t bytes) {
   PREPARE("cudnnFindConvolutionForwardAlgorithmEx", Pass::forward, xd, wd, conv, yd);
   return call.done(measure(call, *dnn, p, of(x, w, y), requested, returned, out, workspace, bytes));
}

cudnnStatus_t cudnnFindConvolutionBackwardDataAlgorithmEx(
    cudnnHandle_t handle, const cudnnFilterDescriptor_t wd, const void *w, const cudnnTensorDescriptor_t dyd,
    const void *dy, const cudnnConvolutionDescriptor_t conv, const cudnnTensorDescriptor_t dxd, void *dx,
    const int requested, int *returned, cudnnConvolutionBwdDataAlgoPerf_t *out, void *workspace, size_t bytes) {
   PREPARE("cudnnFindConvolutionBackwardDataAlgorithmEx", Pass::data, dxd, wd, conv, dyd);
   return call.done(measure(call, *dnn, p, of(dx, w, dy), requested, returned, out, workspace, bytes));
}

cudnnStatus_t cudnnFindConvolutionBackwardFilterAlgorithmEx(
    cudnnHandle_t handle, const cudnnTensorDescriptor_t xd, const void *x, const cudnnTensorDescriptor_t dyd,
    const void *dy, const cudnnConvolutionDescriptor_t conv, const cudnnFilterDescriptor_t dwd, void *dw,
    const int requested, int *returned, cudnnConvolutionBwdFilterAlgoPerf_t *out, void *workspace,
    size_t bytes) {
   PREPARE("cudnnFindConvolutionBackwardFilterAlgorithmEx", Pass::filter, xd, dwd, conv, dyd);
   return call.done(measure(call, *dnn, p, of(x, dw, dy), requested, returned, out, workspace, bytes));
}
}
