// cuDNN: descriptors of tensors, filters, convolutions, pooling and activations.
#include "dnn.h"

namespace sg {

namespace {

template <class T> std::shared_ptr<T> descriptor(const char *kind, const void *handle, const char *name) {
   auto d = find<T>(kind, handle);
   if (!d) {
      violation("%s: a %s is not live (%s)", name, kind, object_state(handle));
      return nullptr;
   }
   return d;
}

template <class T, class H> cudnnStatus_t create(DnnCall &call, const char *kind, H *out) {
   if (!out) return call.done(refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no place for the descriptor"));
   *out = static_cast<H>(object_add(kind, std::make_shared<T>()));
   return call.done();
}

cudnnStatus_t destroy(DnnCall &call, const char *kind, const void *handle) {
   if (!handle || object_remove(kind, handle)) return call.done();
   violation("%s: %s", call.name(), object_state(handle));
   return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is not live"));
}

cudnnStatus_t set_tensor(Tensor &t, cudnnDataType_t type, std::vector<int> dims, std::vector<int> strides) {
   if (!bytes_of(type)) return refuse(CUDNN_STATUS_BAD_PARAM, "unknown data type %d", int(type));
   size_t last = 0;
   for (size_t i = 0; i < dims.size(); i++) {
      if (dims[i] < 1 || strides[i] < 1)
         return refuse(CUDNN_STATUS_BAD_PARAM, "a dimension or stride is below 1");
      last += size_t(dims[i] - 1) * size_t(strides[i]);
   }
   if (last >= size_t(1) << 31)
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the tensor has 2^31 elements or more");
   t = {true, type, std::move(dims), std::move(strides)};
   return CUDNN_STATUS_SUCCESS;
}

std::vector<int> strides_for(cudnnTensorFormat_t format, const std::vector<int> &dims) {
   std::vector<int> strides(dims.size());
   int step = 1;
   if (format == CUDNN_TENSOR_NHWC && dims.size() > 2) {
      strides[1] = 1;
      step = dims[1];
      for (size_t i = dims.size() - 1; i > 1; i--) strides[i] = step, step *= dims[i];
      strides[0] = step;
   } else
      for (size_t i = dims.size(); i-- > 0;) strides[i] = step, step *= dims[i];
   return strides;
}

bool known_format(cudnnTensorFormat_t format) {
   return format == CUDNN_TENSOR_NCHW || format == CUDNN_TENSOR_NHWC;
}

} // namespace

size_t Tensor::elements() const {
   size_t last = 0;
   for (size_t i = 0; i < dims.size(); i++) last += size_t(dims[i] - 1) * size_t(strides[i]);
   return last + 1;
}

size_t Tensor::count() const {
   size_t n = 1;
   for (int d : dims) n *= size_t(d);
   return n;
}

// A stride of a dimension of 1 says nothing.
static bool has_strides(const Tensor &t, const std::vector<int> &wanted) {
   for (size_t i = 0; i < t.dims.size(); i++)
      if (t.dims[i] > 1 && t.strides[i] != wanted[i]) return false;
   return true;
}

bool Tensor::channels_last() const {
   return dims.size() == 4 && has_strides(*this, strides_for(CUDNN_TENSOR_NHWC, dims));
}
bool Tensor::channels_first() const {
   return dims.size() == 4 && has_strides(*this, strides_for(CUDNN_TENSOR_NCHW, dims));
}
bool Tensor::packed() const {
   return elements() == count();
}

bool float_type(cudnnDataType_t type, Type *out) {
   switch (type) {
   case CUDNN_DATA_FLOAT: *out = Type::f32; return true;
   case CUDNN_DATA_DOUBLE: *out = Type::f64; return true;
   case CUDNN_DATA_HALF: *out = Type::f16; return true;
   case CUDNN_DATA_BFLOAT16: *out = Type::bf16; return true;
   default: return false;
   }
}

size_t bytes_of(cudnnDataType_t type) {
   switch (type) {
   case CUDNN_DATA_INT8:
   case CUDNN_DATA_UINT8:
   case CUDNN_DATA_BOOLEAN: return 1;
   case CUDNN_DATA_HALF:
   case CUDNN_DATA_BFLOAT16: return 2;
   case CUDNN_DATA_FLOAT:
   case CUDNN_DATA_INT32: return 4;
   case CUDNN_DATA_DOUBLE:
   case CUDNN_DATA_INT64: return 8;
   default: return 0;
   }
}

double scalar(const void *p, cudnnDataType_t type) {
   if (in_arena(p)) {
      violation("cuDNN: alpha and beta lie in host memory, but one is %s", describe(p).c_str());
      return 0;
   }
   return type == CUDNN_DATA_DOUBLE ? *static_cast<const double *>(p) : double(*static_cast<const float *>(p));
}

std::shared_ptr<Tensor> tensor_of(cudnnTensorDescriptor_t d, const char *name) {
   return descriptor<Tensor>("tensor descriptor", d, name);
}
std::shared_ptr<Filter> filter_of(cudnnFilterDescriptor_t d, const char *name) {
   return descriptor<Filter>("filter descriptor", d, name);
}
std::shared_ptr<Convolution> convolution_of(cudnnConvolutionDescriptor_t d, const char *name) {
   return descriptor<Convolution>("convolution descriptor", d, name);
}
std::shared_ptr<Pooling> pooling_of(cudnnPoolingDescriptor_t d, const char *name) {
   return descriptor<Pooling>("pooling descriptor", d, name);
}
std::shared_ptr<Activation> activation_of(cudnnActivationDescriptor_t d, const char *name) {
   return descriptor<Activation>("activation descriptor", d, name);
}

} // namespace sg

using namespace sg;

#define DESCRIPTOR(variable, find, handle)                                                                     \
   auto variable = find(handle, call.name());                                                                  \
   if (!variable) return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is not live"))

extern "C" {

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t *out) {
   DNN_CALL("cudnnCreateTensorDescriptor");
   return create<Tensor>(call, "tensor descriptor", out);
}
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t *out) {
   DNN_CALL("cudnnCreateFilterDescriptor");
   return create<Filter>(call, "filter descriptor", out);
}
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t *out) {
   DNN_CALL("cudnnCreateConvolutionDescriptor");
   return create<Convolution>(call, "convolution descriptor", out);
}
cudnnStatus_t cudnnCreatePoolingDescriptor(cudnnPoolingDescriptor_t *out) {
   DNN_CALL("cudnnCreatePoolingDescriptor");
   return create<Pooling>(call, "pooling descriptor", out);
}
cudnnStatus_t cudnnCreateActivationDescriptor(cudnnActivationDescriptor_t *out) {
   DNN_CALL("cudnnCreateActivationDescriptor");
   return create<Activation>(call, "activation descriptor", out);
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t d) {
   DnnCall call("cudnnDestroyTensorDescriptor");
   return destroy(call, "tensor descriptor", d);
}
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t d) {
   DnnCall call("cudnnDestroyFilterDescriptor");
   return destroy(call, "filter descriptor", d);
}
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t d) {
   DnnCall call("cudnnDestroyConvolutionDescriptor");
   return destroy(call, "convolution descriptor", d);
}
cudnnStatus_t cudnnDestroyPoolingDescriptor(cudnnPoolingDescriptor_t d) {
   DnnCall call("cudnnDestroyPoolingDescriptor");
   return destroy(call, "pooling descriptor", d);
}
cudnnStatus_t cudnnDestroyActivationDescriptor(cudnnActivationDescriptor_t d) {
   DnnCall call("cudnnDestroyActivationDescriptor");
   return destroy(call, "activation descriptor", d);
}

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
   DNN_CALL("cudnnSetTensor4dDescriptor");
   DESCRIPTOR(t, tensor_of, d);
   if (!known_format(format))
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown format %d", int(format)));
   if (n < 1 || c < 1 || h < 1 || w < 1)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "a dimension is below 1"));
   std::vector<int> dims = {n, c, h, w};
   return call.done(set_tensor(*t, type, dims, strides_for(format, dims)));
}

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t d, cudnnDataType_t type, int n, int c, int h,
                                           int w, int sn, int sc, int sh, int sw) {
   DNN_CALL("cudnnSetTensor4dDescriptorEx");
   DESCRIPTOR(t, tensor_of, d);
   return call.done(set_tensor(*t, type, {n, c, h, w}, {sn, sc, sh, sw}));
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t d, cudnnDataType_t type, int rank,
                                         const int dims[], const int strides[]) {
   DNN_CALL("cudnnSetTensorNdDescriptor");
   DESCRIPTOR(t, tensor_of, d);
   if (rank < 3 || rank > CUDNN_DIM_MAX)
      return call.done(refuse(CUDNN_STATUS_NOT_SUPPORTED, "%d dimensions", rank));
   return call.done(set_tensor(*t, type, {dims, dims + rank}, {strides, strides + rank}));
}

cudnnStatus_t cudnnSetTensorNdDescriptorEx(cudnnTensorDescriptor_t d, cudnnTensorFormat_t format,
                                           cudnnDataType_t type, int rank, const int dims[]) {
   DNN_CALL("cudnnSetTensorNdDescriptorEx");
   DESCRIPTOR(t, tensor_of, d);
   if (rank < 3 || rank > CUDNN_DIM_MAX)
      return call.done(refuse(CUDNN_STATUS_NOT_SUPPORTED, "%d dimensions", rank));
   if (!known_format(format))
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown format %d", int(format)));
   std::vector<int> all(dims, dims + rank);
   return call.done(set_tensor(*t, type, all, strides_for(format, all)));
}

cudnnStatus_t cudnnGetTensorSizeInBytes(const cudnnTensorDescriptor_t d, size_t *size) {
   DNN_CALL("cudnnGetTensorSizeInBytes");
   DESCRIPTOR(t, tensor_of, d);
   *size = t->elements() * bytes_of(t->type);
   return call.done();
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
   DNN_CALL("cudnnSetFilter4dDescriptor");
   DESCRIPTOR(f, filter_of, d);
   if (!known_format(format) || !bytes_of(type) || k < 1 || c < 1 || h < 1 || w < 1)
      return call.done(
          refuse(CUDNN_STATUS_BAD_PARAM, "a dimension is below 1, or the type or format is unknown"));
   *f = {true, type, format, k, c, h, w};
   return call.done();
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int pad_h, int pad_w, int u,
                                              int v, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
   DNN_CALL("cudnnSetConvolution2dDescriptor");
   DESCRIPTOR(c, convolution_of, d);
   if (pad_h < 0 || pad_w < 0 || u < 1 || v < 1 || dilation_h < 1 || dilation_w < 1)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "padding below 0, or stride or dilation below 1"));
   if (mode != CUDNN_CONVOLUTION && mode != CUDNN_CROSS_CORRELATION)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown mode %d", int(mode)));
   // Group count and math type are not arguments: they keep what they have.
   c->set = true;
   c->pad_h = pad_h, c->pad_w = pad_w, c->stride_h = u, c->stride_w = v;
   c->dilation_h = dilation_h, c->dilation_w = dilation_w, c->mode = mode, c->compute = compute;
   return call.done();
}

cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t d, cudnnMathType_t math) {
   DNN_CALL("cudnnSetConvolutionMathType");
   DESCRIPTOR(c, convolution_of, d);
   if (math < CUDNN_DEFAULT_MATH || math > CUDNN_FMA_MATH)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown math type %d", int(math)));
   c->math = math;
   return call.done();
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t d, int groups) {
   DNN_CALL("cudnnSetConvolutionGroupCount");
   DESCRIPTOR(c, convolution_of, d);
   if (groups < 1) return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "%d groups", groups));
   c->groups = groups;
   return call.done();
}

cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t d, cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t, int h, int w, int pad_h, int pad_w,
                                          int stride_h, int stride_w) {
   DNN_CALL("cudnnSetPooling2dDescriptor");
   DESCRIPTOR(p, pooling_of, d);
   if (h < 1 || w < 1 || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "window or stride below 1, or padding below 0"));
   if (mode < CUDNN_POOLING_MAX || mode > CUDNN_POOLING_MAX_DETERMINISTIC)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown mode %d", int(mode)));
   *p = {true, mode, h, w, pad_h, pad_w, stride_h, stride_w};
   return call.done();
}

cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t d, cudnnActivationMode_t mode,
                                           cudnnNanPropagation_t, double coefficient) {
   DNN_CALL("cudnnSetActivationDescriptor");
   DESCRIPTOR(a, activation_of, d);
   if (mode < CUDNN_ACTIVATION_SIGMOID || mode > CUDNN_ACTIVATION_SWISH)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown mode %d", int(mode)));
   *a = {true, mode, coefficient};
   return call.done();
}
}
