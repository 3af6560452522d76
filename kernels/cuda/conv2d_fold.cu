#include "kernels/cuda/conv2d_fold.h"

#include "host/ops/batch_norm.h"
#include "host/ops/conv2d.h"
#include "kernels/cuda/element.cuh"

namespace {

struct Norm {
   double eps;
   const float *bias, *gamma, *beta, *mean, *var; // bias, gamma and beta may be NULL
};

// A block per output channel.
template <typename T>
__global__ void conv2d_fold_filters(Norm norm, int64_t filter, const float *weights, T *folded, float *shift,
                                    T *narrow_shift) {
   int64_t o = blockIdx.x, first = o * filter;
   double scale = (norm.gamma ? norm.gamma[o] : 1) / sqrt(norm.var[o] + norm.eps);
   for (int64_t i = threadIdx.x; i < filter; i += blockDim.x)
      folded[first + i] = sc_narrow<T>((float)(weights[first + i] * scale));
   if (threadIdx.x > 0) return;
   double bias = norm.bias ? norm.bias[o] : 0, beta = norm.beta ? norm.beta[o] : 0;
   shift[o] = (float)((bias - norm.mean[o]) * scale + beta);
   narrow_shift[o] = sc_narrow<T>(shift[o]);
}

} // namespace

ScStatus sc_cuda_fold(const ScCall *c, void *weights, float *shift, void *narrow_shift) {
   Norm norm = {c->attr[SC_FOLDED_EPS].f,
                sc_data<float>(c->in[SC_CONV_BIAS]),
                sc_data<float>(c->in[SC_FOLDED_BN_WEIGHT]),
                sc_data<float>(c->in[SC_FOLDED_BN_BIAS]),
                sc_data<float>(c->in[SC_FOLDED_MEAN]),
                sc_data<float>(c->in[SC_FOLDED_VAR])};
   const ScTensor *w = c->in[SC_CONV_WEIGHT];
   int64_t channels = w->shape[0];
   auto launch = [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, "conv2d_folded", conv2d_fold_filters<T>, (unsigned)channels, 128, 0,
                            norm, sc_numel(w) / channels, sc_data<float>(w), (T *)weights, shift,
                            (T *)narrow_shift);
   };
   switch (c->in[SC_CONV_X]->dtype) {
   case SC_F16: return launch(__half());
   case SC_BF16: return launch(__nv_bfloat16());
   default: return launch(float());
   }
}
