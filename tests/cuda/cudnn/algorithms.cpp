// Which convolutions there are: checks of their descriptors, algorithms, workspaces.
#include <cstdlib>
#include "convolution.h"

namespace sg {

namespace {

int out_size(int in, int pad, int window, int dilation, int stride) {
   int span = dilation * (window - 1) + 1;
   return in + 2 * pad < span ? 0 : (in + 2 * pad - span) / stride + 1;
}

bool same_layout(const Problem &p) {
   if (p.w.format == CUDNN_TENSOR_NHWC) return p.x.channels_last() && p.y.channels_last();
   return p.x.channels_first() && p.y.channels_first();
}

bool supported_types(const Problem &p) {
   switch (p.x.type) {
   case CUDNN_DATA_FLOAT:
   case CUDNN_DATA_BFLOAT16: return p.conv.compute == CUDNN_DATA_FLOAT;
   case CUDNN_DATA_HALF: return p.conv.compute == CUDNN_DATA_FLOAT || p.conv.compute == CUDNN_DATA_HALF;
   default: return false;
   }
}

size_t aligned(size_t n) {
   return (n + 255) / 256 * 256;
}

} // namespace

int Problem::out_h() const {
   return out_size(x.dims[2], conv.pad_h, w.h, conv.dilation_h, conv.stride_h);
}
int Problem::out_w() const {
   return out_size(x.dims[3], conv.pad_w, w.w, conv.dilation_w, conv.stride_w);
}

cudnnStatus_t check_problem(Problem &p, Pass pass, const Tensor &x, const Filter &w, const Convolution &conv,
                            const Tensor &y) {
   if (!x.set || !y.set || !w.set || !conv.set)
      return refuse(CUDNN_STATUS_BAD_PARAM, "a descriptor was created, but never set");
   if (x.dims.size() != 4 || y.dims.size() != 4)
      return refuse(CUDNN_STATUS_BAD_PARAM, "a tensor is not of rank 4");
   p = {pass, x, y, w, conv, Type::f32, false};
   if (x.type != w.type || x.type != y.type)
      return refuse(CUDNN_STATUS_BAD_PARAM, "x, w and y differ in data type");
   if (x.dims[1] != w.c * conv.groups)
      return refuse(CUDNN_STATUS_BAD_PARAM, "x has %d channels, the filter %d in each of %d groups", x.dims[1],
                    w.c, conv.groups);
   if (w.k % conv.groups != 0 || y.dims[1] != w.k)
      return refuse(CUDNN_STATUS_BAD_PARAM, "y has %d channels, the filter gives %d in %d groups", y.dims[1],
                    w.k, conv.groups);
   if (p.out_h() < 1 || p.out_w() < 1)
      return refuse(CUDNN_STATUS_BAD_PARAM, "the filter is larger than the padded input");
   if (y.dims[0] != x.dims[0] || y.dims[2] != p.out_h() || y.dims[3] != p.out_w())
      return refuse(CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "y is %d, %d, %d, %d, expected %d, %d, %d, %d",
                    y.dims[0], y.dims[1], y.dims[2], y.dims[3], x.dims[0], w.k, p.out_h(), p.out_w());
   if (!supported_types(p))
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "data type %d with compute type %d", x.type, conv.compute);
   if (!same_layout(p))
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "x, y and the filter do not lie in one layout");
   float_type(x.type, &p.type);
   const int arch = atoi(environment("SOFTGPU_ARCH", "80"));
   p.tf32 = x.type == CUDNN_DATA_FLOAT && conv.math != CUDNN_FMA_MATH && arch >= 80;
   return CUDNN_STATUS_SUCCESS;
}

int algorithm_count(Pass pass) {
   switch (pass) {
   case Pass::forward: return CUDNN_CONVOLUTION_FWD_ALGO_COUNT;
   case Pass::data: return CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT;
   default: return CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT;
   }
}

// Channels-last convolutions have the first two algorithms of each pass alone; the others want NCHW, one group,
// no dilation.
bool algorithm_supported(const Problem &p, int algorithm) {
   if (algorithm == 0 || algorithm == 1) return true;
   if (p.w.format != CUDNN_TENSOR_NCHW || p.conv.groups != 1 || p.conv.dilation_h != 1 ||
       p.conv.dilation_w != 1)
      return false;
   if (p.pass == Pass::forward) return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_GEMM;
   return p.pass == Pass::filter && algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

size_t algorithm_workspace(const Problem &p, int algorithm) {
   const size_t filter = p.w.count() * sizeof(float), pixels = size_t(p.out_h()) * size_t(p.out_w());
   if (algorithm == 0) return 0;
   switch (p.pass) {
   case Pass::forward: return aligned(pixels * sizeof(int) + size_t(p.w.h * p.w.w) * sizeof(int));
   case Pass::data: return aligned(filter);
   default: return aligned(filter) + aligned(pixels * sizeof(int));
   }
}

bool algorithm_deterministic(Pass pass, int algorithm) {
   if (pass == Pass::forward) return true;
   if (pass == Pass::data) return algorithm != CUDNN_CONVOLUTION_BWD_DATA_ALGO_0;
   return algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 && algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

std::vector<int> algorithms_by_speed(Pass pass) {
   std::vector<int> all;
   if (pass == Pass::forward)
      all = {1, 0};
   else
      all = {0, 1};
   for (int i = 2; i < algorithm_count(pass); i++) all.push_back(i);
   return all;
}

} // namespace sg
