// cuDNN's convolution functions of before the graph API.
#include <cstring>
#include "convolution.h"

namespace sg {

namespace {

struct Descriptors {
   std::shared_ptr<Tensor> x, y;
   std::shared_ptr<Filter> w;
   std::shared_ptr<Convolution> conv;
};

} // namespace

cudnnStatus_t prepare(const char *name, Pass pass, cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                      cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t y,
                      std::shared_ptr<Dnn> *dnn, Problem *p) {
   *dnn = dnn_of(handle, name);
   Descriptors d = {tensor_of(x, name), tensor_of(y, name), filter_of(w, name), convolution_of(conv, name)};
   if (!*dnn) BAD("the handle is not live");
   if (!d.x || !d.y || !d.w || !d.conv) BAD("a descriptor is not live");
   return check_problem(*p, pass, *d.x, *d.w, *d.conv, *d.y);
}

size_t tensor_bytes(const Problem &p, const Tensor &t) {
   return t.elements() * size_of(p.type);
}

// Tensor cores read 16 bytes at a time: "data pointers must be 128-bit aligned".
bool operands_usable(const char *name, const Problem &p, const Operands &o) {
   const size_t align = 16;
   bool ok = usable(name, "x", o.x, tensor_bytes(p, p.x), align);
   ok &= usable(name, "w", o.w, p.w.count() * size_of(p.type), align);
   ok &= usable(name, "y", o.y, tensor_bytes(p, p.y), align);
   if (o.bias) ok &= usable(name, "the bias", o.bias, size_t(p.w.k) * size_of(p.type), size_of(p.type));
   if (o.z) ok &= usable(name, "z", o.z, tensor_bytes(p, p.y), align);
   return ok;
}

namespace {

Operands operands(const Problem &p, const void *x, const void *w, const void *y, const void *alpha,
                  const void *beta) {
   double add = beta ? scalar(beta, p.x.type) : 0;
   return {x, w, y, scalar(alpha, p.x.type), add, false, nullptr, nullptr, 0, false};
}

void check_overlap(const char *name, const Problem &p, const Operands &o) {
   const size_t x = tensor_bytes(p, p.x), y = tensor_bytes(p, p.y), w = p.w.count() * size_of(p.type);
   const bool bad = overlapping(o.x, x, o.y, y) || overlapping(o.x, x, o.w, w) || overlapping(o.w, w, o.y, y);
   if (bad) violation("%s: its operands overlap", name);
}

cudnnStatus_t check_workspace(const char *name, const Problem &p, int algorithm, void *workspace,
                              size_t bytes) {
   const size_t needed = algorithm_workspace(p, algorithm);
   if (bytes < needed || (needed > 0 && !workspace))
      return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT,
                    "the workspace has %zu bytes, algorithm %d needs %zu", workspace ? bytes : 0, algorithm,
                    needed);
   if (needed > 0 && uintptr_t(workspace) % 16 != 0)
      return refuse(CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "the workspace is not aligned to 16 bytes");
   if (workspace && bytes > 0 && !usable(name, "the workspace", workspace, bytes, 1))
      BAD("the workspace is not device memory of that size");
   return CUDNN_STATUS_SUCCESS;
}

// db (channels) = a times the sum of dy over the rest, plus b times what db holds.
void sum_channels(const Tensor &t, Type type, const void *dy, void *db, float a, float b) {
   const size_t C = size_t(t.dims[1]);
   std::vector<float> sum(C), old(C), row(C);
   for (int n = 0; n < t.dims[0]; n++)
      for (int h = 0; h < t.dims[2]; h++)
         for (int w = 0; w < t.dims[3]; w++) {
            size_t at = size_t(n) * size_t(t.strides[0]) + size_t(h) * size_t(t.strides[2]) +
                        size_t(w) * size_t(t.strides[3]);
            to_float(row.data(), static_cast<const char *>(dy) + at * size_of(type), type, C, t.strides[1]);
            for (size_t c = 0; c < C; c++) sum[c] += row[c];
         }
   if (b != 0) to_float(old.data(), db, type, C);
   for (size_t c = 0; c < C; c++) sum[c] = a * sum[c] + (b != 0 ? b * old[c] : 0);
   from_float(db, type, sum.data(), C);
}

// Work on the handle's stream; with operands that are not usable it becomes an illegal address there.
template <class F> cudnnStatus_t queue(const Dnn &dnn, const char *name, bool usable, F compute) {
   cudaError_t error = enqueue(dnn.stream, name, [=] {
      if (!usable) return cudaErrorIllegalAddress;
      compute();
      return cudaSuccess;
   });
   return error == cudaSuccess ? CUDNN_STATUS_SUCCESS
                               : refuse(CUDNN_STATUS_EXECUTION_FAILED, "the stream is not live");
}

cudnnStatus_t start(const char *name, const Dnn &dnn, const Problem &p, int algorithm, void *workspace,
                    size_t bytes, Operands o) {
   cudnnStatus_t status = known_algorithm(p, algorithm);
   if (status == CUDNN_STATUS_SUCCESS) status = check_workspace(name, p, algorithm, workspace, bytes);
   if (status == CUDNN_STATUS_SUCCESS && algorithm_failure(p, algorithm) != CUDNN_STATUS_SUCCESS)
      status = refuse(algorithm_failure(p, algorithm), "algorithm %d fails for this shape", algorithm);
   if (status != CUDNN_STATUS_SUCCESS) return status;
   if (!o.x || !o.w || !o.y) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "x, w or y is NULL");
   static unsigned calls;
   o.reversed = !algorithm_deterministic(p.pass, algorithm) && calls++ % 2 == 1;
   const bool ok = operands_usable(name, p, o);
   check_overlap(name, p, o);
   const size_t scribble = algorithm_workspace(p, algorithm);
   if (scribble && (overlapping(workspace, bytes, o.x, tensor_bytes(p, p.x)) ||
                    overlapping(workspace, bytes, o.y, tensor_bytes(p, p.y))))
      violation("%s: the workspace overlaps an operand", name);
   return queue(dnn, name, ok, [=] {
      if (scribble) memset(workspace, 0xff, scribble);
      for (const void *data : {o.x, o.w, o.y, o.bias, o.z}) memory_touch(data);
      compute_convolution(p, o);
   });
}

} // namespace

} // namespace sg

using namespace sg;

#define SCALARS(a, b)                                                                                          \
   if (!(a) || !(b)) return call.done(refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "alpha or beta is NULL"))

extern "C" {

cudnnStatus_t cudnnGetConvolution2dForwardOutputDim(const cudnnConvolutionDescriptor_t conv,
                                                    const cudnnTensorDescriptor_t x,
                                                    const cudnnFilterDescriptor_t w, int *n, int *c, int *h,
                                                    int *wide) {
   DNN_CALL("cudnnGetConvolution2dForwardOutputDim");
   auto cd = convolution_of(conv, call.name());
   auto xd = tensor_of(x, call.name());
   auto wd = filter_of(w, call.name());
   if (!cd || !xd || !wd || xd->dims.size() != 4)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor is not live or not of rank 4"));
   if (xd->dims[1] != wd->c * cd->groups) return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "channels differ"));
   Problem p = {Pass::forward, *xd, *xd, *wd, *cd, Type::f32, false};
   *n = xd->dims[0], *c = wd->k, *h = p.out_h(), *wide = p.out_w();
   return call.done();
}

cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void *alpha, const cudnnTensorDescriptor_t xd,
                                      const void *x, const cudnnFilterDescriptor_t wd, const void *w,
                                      const cudnnConvolutionDescriptor_t conv,
                                      cudnnConvolutionFwdAlgo_t algorithm, void *workspace, size_t bytes,
                                      const void *beta, const cudnnTensorDescriptor_t yd, void *y) {
   PREPARE("cudnnConvolutionForward", Pass::forward, xd, wd, conv, yd);
   SCALARS(alpha, beta);
   return call.done(
       start(call.name(), *dnn, p, algorithm, workspace, bytes, operands(p, x, w, y, alpha, beta)));
}

cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void *alpha,
                                           const cudnnFilterDescriptor_t wd, const void *w,
                                           const cudnnTensorDescriptor_t dyd, const void *dy,
                                           const cudnnConvolutionDescriptor_t conv,
                                           cudnnConvolutionBwdDataAlgo_t algorithm, void *workspace,
                                           size_t bytes, const void *beta, const cudnnTensorDescriptor_t dxd,
                                           void *dx) {
   PREPARE("cudnnConvolutionBackwardData", Pass::data, dxd, wd, conv, dyd);
   SCALARS(alpha, beta);
   return call.done(
       start(call.name(), *dnn, p, algorithm, workspace, bytes, operands(p, dx, w, dy, alpha, beta)));
}

cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void *alpha,
                                             const cudnnTensorDescriptor_t xd, const void *x,
                                             const cudnnTensorDescriptor_t dyd, const void *dy,
                                             const cudnnConvolutionDescriptor_t conv,
                                             cudnnConvolutionBwdFilterAlgo_t algorithm, void *workspace,
                                             size_t bytes, const void *beta, const cudnnFilterDescriptor_t dwd,
                                             void *dw) {
   PREPARE("cudnnConvolutionBackwardFilter", Pass::filter, xd, dwd, conv, dyd);
   SCALARS(alpha, beta);
   return call.done(
       start(call.name(), *dnn, p, algorithm, workspace, bytes, operands(p, x, dw, dy, alpha, beta)));
}

cudnnStatus_t cudnnConvolutionBiasActivationForward(
    cudnnHandle_t handle, const void *alpha1, const cudnnTensorDescriptor_t xd, const void *x,
    const cudnnFilterDescriptor_t wd, const void *w, const cudnnConvolutionDescriptor_t conv,
    cudnnConvolutionFwdAlgo_t algorithm, void *workspace, size_t bytes, const void *alpha2,
    const cudnnTensorDescriptor_t zd, const void *z, const cudnnTensorDescriptor_t bd, const void *bias,
    const cudnnActivationDescriptor_t ad, const cudnnTensorDescriptor_t yd, void *y) {
   PREPARE("cudnnConvolutionBiasActivationForward", Pass::forward, xd, wd, conv, yd);
   SCALARS(alpha1, alpha2);
   auto zt = tensor_of(zd, call.name()), bt = tensor_of(bd, call.name());
   auto act = activation_of(ad, call.name());
   if (!zt || !bt || !act || !act->set)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor is not live or not set"));
   if (!z || !bias) return call.done(refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "z or the bias is NULL"));
   if (zt->type != p.y.type || zt->dims != p.y.dims || zt->strides != p.y.strides)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "z is not described as y is"));
   if (bt->dims != std::vector<int>{1, p.w.k, 1, 1} || bt->type != p.y.type)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "the bias is not (1, channels, 1, 1) of y's type"));
   const bool relu = act->mode == CUDNN_ACTIVATION_RELU;
   if (!relu && act->mode != CUDNN_ACTIVATION_IDENTITY)
      return call.done(refuse(CUDNN_STATUS_NOT_SUPPORTED, "activation %d", int(act->mode)));
   if (!relu && algorithm != CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM)
      return call.done(
          refuse(CUDNN_STATUS_NOT_SUPPORTED, "without an activation only IMPLICIT_PRECOMP_GEMM does it"));
   Operands o = operands(p, x, w, y, alpha1, nullptr);
   o.bias = bias, o.z = z, o.alpha_z = scalar(alpha2, p.x.type), o.relu = relu;
   return call.done(start(call.name(), *dnn, p, algorithm, workspace, bytes, o));
}

cudnnStatus_t cudnnConvolutionBackwardBias(cudnnHandle_t handle, const void *alpha,
                                           const cudnnTensorDescriptor_t dyd, const void *dy, const void *beta,
                                           const cudnnTensorDescriptor_t dbd, void *db) {
   DNN_CALL("cudnnConvolutionBackwardBias");
   auto dnn = dnn_of(handle, call.name());
   auto yt = tensor_of(dyd, call.name()), bt = tensor_of(dbd, call.name());
   SCALARS(alpha, beta);
   Type type;
   if (!dnn || !yt || !bt || yt->dims.size() != 4 || bt->dims != std::vector<int>{1, yt->dims[1], 1, 1} ||
       bt->type != yt->type)
      return call.done(
          refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor is not live, or the bias is not (1, channels, 1, 1)"));
   if (!float_type(yt->type, &type) || type == Type::f64)
      return call.done(refuse(CUDNN_STATUS_NOT_SUPPORTED, "data type"));
   const size_t C = size_t(yt->dims[1]);
   bool ok = usable(call.name(), "dy", dy, yt->elements() * size_of(type), size_of(type)) &
             usable(call.name(), "db", db, C * size_of(type), size_of(type));
   Tensor t = *yt;
   float a = float(scalar(alpha, t.type)), b = float(scalar(beta, t.type));
   return call.done(queue(*dnn, call.name(), ok, [=] { sum_channels(t, type, dy, db, a, b); }));
}
}
