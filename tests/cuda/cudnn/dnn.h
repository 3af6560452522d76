// Inside libcudnn only: handles, descriptors, and how each function starts and ends.
#ifndef SOFTGPU_DNN_H
#define SOFTGPU_DNN_H

#include <cstdarg>
#include <cudnn.h>
#include <memory>
#include <string>
#include <vector>
#include "../core.h"
#include "../numeric.h"

namespace sg {

struct Dnn {
   cudaStream_t stream = nullptr;
   int device = 0;
};

struct Tensor {
   bool set = false;
   cudnnDataType_t type = CUDNN_DATA_FLOAT;
   std::vector<int> dims, strides;
   size_t elements() const; // from the first to the last, holes included
   size_t count() const;    // without holes
   bool packed() const;
   bool channels_last() const; // rank 4, c contiguous, then w, h, n, without holes
   bool channels_first() const;
};

struct Filter {
   bool set = false;
   cudnnDataType_t type = CUDNN_DATA_FLOAT;
   cudnnTensorFormat_t format = CUDNN_TENSOR_NCHW;
   int k = 0, c = 0, h = 0, w = 0;
   size_t count() const { return size_t(k) * size_t(c) * size_t(h) * size_t(w); }
};

struct Convolution {
   bool set = false;
   int pad_h = 0, pad_w = 0, stride_h = 1, stride_w = 1, dilation_h = 1, dilation_w = 1, groups = 1;
   cudnnConvolutionMode_t mode = CUDNN_CROSS_CORRELATION;
   cudnnDataType_t compute = CUDNN_DATA_FLOAT;
   cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

struct Pooling {
   bool set = false;
   cudnnPoolingMode_t mode = CUDNN_POOLING_MAX;
   int h = 0, w = 0, pad_h = 0, pad_w = 0, stride_h = 1, stride_w = 1;
};

struct Activation {
   bool set = false;
   cudnnActivationMode_t mode = CUDNN_ACTIVATION_IDENTITY;
   double coefficient = 0;
};

struct DnnCall : Call {
   explicit DnnCall(const char *name) : Call(name, Library::cudnn) {}
   cudnnStatus_t done(cudnnStatus_t own = CUDNN_STATUS_SUCCESS) const {
      return refused() ? cudnnStatus_t(refused()) : own;
   }
};

#define DNN_CALL(name)                                                                                         \
   DnnCall call(name);                                                                                         \
   if (call.refused()) return call.done()

// The status, with a text for cudnnGetLastErrorString.
cudnnStatus_t refuse(cudnnStatus_t, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Null, and a violation, where the handle is not live.
std::shared_ptr<Dnn> dnn_of(cudnnHandle_t, const char *name);
std::shared_ptr<Tensor> tensor_of(cudnnTensorDescriptor_t, const char *name);
std::shared_ptr<Filter> filter_of(cudnnFilterDescriptor_t, const char *name);
std::shared_ptr<Convolution> convolution_of(cudnnConvolutionDescriptor_t, const char *name);
std::shared_ptr<Pooling> pooling_of(cudnnPoolingDescriptor_t, const char *name);
std::shared_ptr<Activation> activation_of(cudnnActivationDescriptor_t, const char *name);

bool float_type(cudnnDataType_t, Type *out);
size_t bytes_of(cudnnDataType_t); // of an element; 0: unknown

// alpha and beta are doubles for tensors of doubles, else floats, in host memory.
double scalar(const void *p, cudnnDataType_t);

} // namespace sg

#endif
