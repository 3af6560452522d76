// cuDNN: descriptors of tensors, filters, convolutions, pooling and activations.
#include <cstdlib>
#include "dnn.h"

namespace sg {

namespace {

template <class T> std::shared_ptr<T> find_descriptor(const char *kind, const void *handle, const char *name) {
   auto d = find<T>(kind, handle);
   if (!d) violation("%s: a %s is not live (%s)", name, kind, object_state(handle));
   return d;
}

template <class T, class H> cudnnStatus_t create(const char *kind, H *out) {
   if (!out) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "no place for the descriptor");
   *out = static_cast<H>(object_add(kind, std::make_shared<T>()));
   return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t destroy(const char *function, const char *kind, const void *handle) {
   if (!handle || object_remove(kind, handle)) return CUDNN_STATUS_SUCCESS;
   violation("%s: %s", function, object_state(handle));
   return refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is not live");
}

cudnnStatus_t set_tensor(Tensor &t, cudnnDataType_t type, std::vector<int> dims, std::vector<int> strides) {
   if (!bytes_of(type)) return refuse(CUDNN_STATUS_BAD_PARAM, "unknown data type %d", int(type));
   size_t last = 0;
   for (size_t i = 0; i < dims.size(); i++) {
      if (dims[i] < 1 || strides[i] < 1)
         return refuse(CUDNN_STATUS_BAD_PARAM, "a dimension or stride is below 1");
      last += size_t(dims[i] - 1) * size_t(strides[i]);
   }
   // "The total size of a tensor is limited to 2 giga-elements."
   if (last >= size_t(atoll(environment("SOFTGPU_ELEMENTS", "2147483648"))))
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "the tensor has too many elements");
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

bool known_rank(int rank) {
   return rank >= 3 && rank <= CUDNN_DIM_MAX;
}

cudnnStatus_t set_packed(Tensor &t, cudnnTensorFormat_t format, cudnnDataType_t type, std::vector<int> dims) {
   if (!known_format(format)) return refuse(CUDNN_STATUS_BAD_PARAM, "unknown format %d", int(format));
   std::vector<int> strides = strides_for(format, dims);
   return set_tensor(t, type, std::move(dims), std::move(strides));
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

} // namespace sg

using namespace sg;

// What every kind of descriptor has: sg::tensor_of, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor.
#define DESCRIPTOR_KIND(Name, kind, finder)                                                                    \
   std::shared_ptr<Name> sg::finder(cudnn##Name##Descriptor_t d, const char *function) {                       \
      return find_descriptor<Name>(kind, d, function);                                                         \
   }                                                                                                           \
   extern "C" cudnnStatus_t cudnnCreate##Name##Descriptor(cudnn##Name##Descriptor_t *out) {                    \
      DNN_CALL("cudnnCreate" #Name "Descriptor");                                                              \
      return call.done(create<Name>(kind, out));                                                               \
   }                                                                                                           \
   extern "C" cudnnStatus_t cudnnDestroy##Name##Descriptor(cudnn##Name##Descriptor_t d) {                      \
      DnnCall call("cudnnDestroy" #Name "Descriptor");                                                         \
      return call.done(destroy(call.name(), kind, d));                                                         \
   }

DESCRIPTOR_KIND(Tensor, "tensor descriptor", tensor_of)
DESCRIPTOR_KIND(Filter, "filter descriptor", filter_of)
DESCRIPTOR_KIND(Convolution, "convolution descriptor", convolution_of)
DESCRIPTOR_KIND(Pooling, "pooling descriptor", pooling_of)
DESCRIPTOR_KIND(Activation, "activation descriptor", activation_of)

// A function that sets or reads `variable`, a live descriptor.
#define DESCRIPTOR_CALL(function, variable, find, handle)                                                      \
   DNN_CALL(function);                                                                                         \
   auto variable = find(handle, function);                                                                     \
   if (!variable) return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "the descriptor is not live"))

extern "C" {

cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t d, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
   DESCRIPTOR_CALL("cudnnSetTensor4dDescriptor", t, tensor_of, d);
   return call.done(set_packed(*t, format, type, {n, c, h, w}));
}

cudnnStatus_t cudnnSetTensor4dDescriptorEx(cudnnTensorDescriptor_t d, cudnnDataType_t type, int n, int c, int h,
                                           int w, int sn, int sc, int sh, int sw) {
   DESCRIPTOR_CALL("cudnnSetTensor4dDescriptorEx", t, tensor_of, d);
   return call.done(set_tensor(*t, type, {n, c, h, w}, {sn, sc, sh, sw}));
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t d, cudnnDataType_t type, int rank,
                                         const int dims[], const int strides[]) {
   DESCRIPTOR_CALL("cudnnSetTensorNdDescriptor", t, tensor_of, d);
   if (!known_rank(rank)) return call.done(refuse(CUDNN_STATUS_NOT_SUPPORTED, "%d dimensions", rank));
   return call.done(set_tensor(*t, type, {dims, dims + rank}, {strides, strides + rank}));
}

cudnnStatus_t cudnnSetTensorNdDescriptorEx(cudnnTensorDescriptor_t d, cudnnTensorFormat_t format,
                                           cudnnDataType_t type, int rank, const int dims[]) {
   DESCRIPTOR_CALL("cudnnSetTensorNdDescriptorEx", t, tensor_of, d);
   if (!known_rank(rank)) return call.done(refuse(CUDNN_STATUS_NOT_SUPPORTED, "%d dimensions", rank));
   return call.done(set_packed(*t, format, type, {dims, dims + rank}));
}

cudnnStatus_t cudnnGetTensorSizeInBytes(const cudnnTensorDescriptor_t d, size_t *size) {
   DESCRIPTOR_CALL("cudnnGetTensorSizeInBytes", t, tensor_of, d);
   *size = t->elements() * bytes_of(t->type);
   return call.done();
}

cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t d, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
   DESCRIPTOR_CALL("cudnnSetFilter4dDescriptor", f, filter_of, d);
   if (!known_format(format) || !bytes_of(type) || k < 1 || c < 1 || h < 1 || w < 1)
      return call.done(
          refuse(CUDNN_STATUS_BAD_PARAM, "a dimension is below 1, or the type or format is unknown"));
   *f = {true, type, format, k, c, h, w};
   return call.done();
}

cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t d, int pad_h, int pad_w, int u,
                                              int v, int dilation_h, int dilation_w,
                                              cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
   DESCRIPTOR_CALL("cudnnSetConvolution2dDescriptor", c, convolution_of, d);
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
   DESCRIPTOR_CALL("cudnnSetConvolutionMathType", c, convolution_of, d);
   if (math < CUDNN_DEFAULT_MATH || math > CUDNN_FMA_MATH)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown math type %d", int(math)));
   c->math = math;
   return call.done();
}

cudnnStatus_t cudnnSetConvolutionGroupCount(cudnnConvolutionDescriptor_t d, int groups) {
   DESCRIPTOR_CALL("cudnnSetConvolutionGroupCount", c, convolution_of, d);
   if (groups < 1) return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "%d groups", groups));
   c->groups = groups;
   return call.done();
}

cudnnStatus_t cudnnSetPooling2dDescriptor(cudnnPoolingDescriptor_t d, cudnnPoolingMode_t mode,
                                          cudnnNanPropagation_t, int h, int w, int pad_h, int pad_w,
                                          int stride_h, int stride_w) {
   DESCRIPTOR_CALL("cudnnSetPooling2dDescriptor", p, pooling_of, d);
   if (h < 1 || w < 1 || pad_h < 0 || pad_w < 0 || stride_h < 1 || stride_w < 1)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "window or stride below 1, or padding below 0"));
   if (mode < CUDNN_POOLING_MAX || mode > CUDNN_POOLING_MAX_DETERMINISTIC)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown mode %d", int(mode)));
   *p = {true, mode, h, w, pad_h, pad_w, stride_h, stride_w};
   return call.done();
}

cudnnStatus_t cudnnSetActivationDescriptor(cudnnActivationDescriptor_t d, cudnnActivationMode_t mode,
                                           cudnnNanPropagation_t, double coefficient) {
   DESCRIPTOR_CALL("cudnnSetActivationDescriptor", a, activation_of, d);
   if (mode < CUDNN_ACTIVATION_SIGMOID || mode > CUDNN_ACTIVATION_SWISH)
      return call.done(refuse(CUDNN_STATUS_BAD_PARAM, "unknown mode %d", int(mode)));
   *a = {true, mode, coefficient};
   return call.done();
}
}
