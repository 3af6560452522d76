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

int capability() {
   return atoi(environment("SOFTGPU_ARCH", "80"));
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
   p.tf32 = x.type == CUDNN_DATA_FLOAT && conv.math != CUDNN_FMA_MATH && capability() >= 80;
   return CUDNN_STATUS_SUCCESS;
}

bool type_on_device(const Problem &p) {
   return p.x.type != CUDNN_DATA_BFLOAT16 || capability() >= 80;
}

int algorithm_count(Pass pass) {
   switch (pass) {
   case Pass::forward: return CUDNN_CONVOLUTION_FWD_ALGO_COUNT;
   case Pass::data: return CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT;
   default: return CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT;
   }
}

namespace {

// Winograd's, which the heuristics list for a channels-last 3 x 3 convolution, though it only takes NCHW.
int failing_algorithm(const Problem &p) {
   const Convolution &v = p.conv;
   const bool plain =
       v.groups == 1 && v.stride_h == 1 && v.stride_w == 1 && v.dilation_h == 1 && v.dilation_w == 1;
   if (p.w.format != CUDNN_TENSOR_NHWC || p.w.h != 3 || p.w.w != 3 || !plain) return -1;
   switch (p.pass) {
   case Pass::forward: return CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD;
   case Pass::data: return CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD;
   default: return CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD_NONFUSED;
   }
}

bool uses_tensor_cores(const Problem &p) {
   return p.conv.math != CUDNN_FMA_MATH;
}

std::vector<int> by_rank(Pass pass) {
   std::vector<int> all = pass == Pass::forward ? std::vector<int>{1, 0} : std::vector<int>{0, 1};
   for (int i = 2; i < algorithm_count(pass); i++) all.push_back(i);
   return all;
}

void list_one(std::vector<Listed> &to, Problem p, int algorithm, cudnnMathType_t math) {
   p.conv.math = math;
   // Tensor cores are faster, and what the heuristics rank first is not the fastest.
   const int first = by_rank(p.pass)[0];
   const float time = (uses_tensor_cores(p) ? 1.0f : 2.0f) + (algorithm == first ? 0.5f : 0);
   to.push_back({algorithm, math, CUDNN_STATUS_SUCCESS, algorithm_workspace(p, algorithm), time});
}

} // namespace

cudnnStatus_t algorithm_failure(const Problem &p, int algorithm) {
   if (algorithm != failing_algorithm(p)) return CUDNN_STATUS_SUCCESS;
   switch (p.pass) {
   case Pass::forward: return CUDNN_STATUS_INTERNAL_ERROR;
   case Pass::data: return CUDNN_STATUS_BAD_PARAM;
   default: return CUDNN_STATUS_EXECUTION_FAILED_CUDART;
   }
}

// Channels-last convolutions have the first two algorithms of each pass alone; the others want NCHW, one group,
// no dilation.
bool algorithm_supported(const Problem &p, int algorithm) {
   if (!type_on_device(p)) return false;
   if (algorithm == 0 || algorithm == 1 || algorithm == failing_algorithm(p)) return true;
   if (p.w.format != CUDNN_TENSOR_NCHW || p.conv.groups != 1 || p.conv.dilation_h != 1 ||
       p.conv.dilation_w != 1)
      return false;
   if (p.pass == Pass::forward) return algorithm == CUDNN_CONVOLUTION_FWD_ALGO_GEMM;
   return p.pass == Pass::filter && algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

cudnnStatus_t known_algorithm(const Problem &p, int algorithm) {
   if (algorithm < 0 || algorithm >= algorithm_count(p.pass)) BAD("unknown algorithm");
   if (!type_on_device(p))
      return refuse(CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "bfloat16 needs compute capability 8.0");
   if (!algorithm_supported(p, algorithm))
      return refuse(CUDNN_STATUS_NOT_SUPPORTED, "algorithm %d cannot do this convolution", algorithm);
   return CUDNN_STATUS_SUCCESS;
}

size_t algorithm_workspace(const Problem &p, int algorithm) {
   const size_t filter = p.w.count() * sizeof(float), pixels = size_t(p.out_h()) * size_t(p.out_w());
   const size_t more = uses_tensor_cores(p) ? 512 : 0;
   if (algorithm == 0) return 0;
   switch (p.pass) {
   case Pass::forward: return more + aligned(pixels * sizeof(int) + size_t(p.w.h * p.w.w) * sizeof(int));
   case Pass::data: return more + aligned(filter);
   default: return more + aligned(filter) + aligned(pixels * sizeof(int));
   }
}

bool algorithm_deterministic(Pass pass, int algorithm) {
   if (pass == Pass::forward) return true;
   if (pass == Pass::data) return algorithm != CUDNN_CONVOLUTION_BWD_DATA_ALGO_0;
   return algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 && algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3;
}

std::vector<Listed> list_algorithms(const Problem &p) {
   std::vector<Listed> list;
   const int failing = failing_algorithm(p);
   if (failing >= 0 && type_on_device(p)) list_one(list, p, failing, CUDNN_FMA_MATH);
   for (int algorithm : by_rank(p.pass)) {
      if (algorithm == failing || !algorithm_supported(p, algorithm)) continue;
      list_one(list, p, algorithm, CUDNN_FMA_MATH);
      if (uses_tensor_cores(p)) list_one(list, p, algorithm, CUDNN_TENSOR_OP_MATH);
   }
   for (int algorithm : by_rank(p.pass))
      if (!algorithm_supported(p, algorithm))
         list.push_back({algorithm, p.conv.math, known_algorithm(p, algorithm), 0, -1});
   return list;
}

} // namespace sg
