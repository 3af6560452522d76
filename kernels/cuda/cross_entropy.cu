// Cross entropy: blocks stride over the samples. A class outside of 1..C, which nobody has looked for on the
// host, reads nothing and makes the loss NaN.
#include "host/ops/cross_entropy.h"

#include <math.h>

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/workspace.h"

namespace {

template <typename T> struct Problem {
   int64_t samples, classes;
   double smoothing;
   const int64_t *labels;  // from 1; or NULL, and there are
   const T *probabilities; // (samples, classes)
};

// The smoothed target of class k, from 0.
template <typename T> __device__ ScMath<T> target(const Problem<T> &p, int64_t n, int64_t k) {
   typedef ScMath<T> M;
   M plain = p.labels ? p.labels[n] == k + 1 : sc_widen(p.probabilities[n * p.classes + k]);
   return (M)(1 - p.smoothing) * plain + (M)(p.smoothing / (double)p.classes);
}

template <typename T> __device__ bool is_class(const Problem<T> &p, int64_t n) {
   return !p.labels || (p.labels[n] >= 1 && p.labels[n] <= p.classes);
}

// The losses of the samples go to `losses`, if it is there, else to `y`.
template <typename T>
__device__ void lose(const Problem<T> &p, int64_t n, const T *x, ScMath<T> *log_p, ScMath<T> *losses, T *y) {
   typedef ScMath<T> M;
   int64_t start = n * p.classes;
   M top = -(M)INFINITY, total = 0, loss = 0;
   for (int64_t k = threadIdx.x; k < p.classes; k += blockDim.x)
      top = ScMost::join(top, sc_widen(x[start + k]));
   top = sc_block_reduce<ScMost>(top);
   for (int64_t k = threadIdx.x; k < p.classes; k += blockDim.x) total += exp(sc_widen(x[start + k]) - top);
   M log_total = log(sc_block_reduce<ScAdd>(total));
   for (int64_t k = threadIdx.x; k < p.classes; k += blockDim.x) {
      M q = target(p, n, k), each = sc_widen(x[start + k]) - top - log_total;
      if (q != 0) loss -= q * each;
      if (log_p) log_p[start + k] = each;
   }
   loss = sc_block_reduce<ScAdd>(loss);
   if (threadIdx.x > 0) return;
   if (!is_class(p, n)) loss = (M)NAN;
   if (losses)
      losses[n] = loss;
   else
      y[n] = sc_narrow<T>(loss);
}

template <typename T>
__global__ void cross_entropy_forward(Problem<T> p, const T *x, ScMath<T> *log_p, ScMath<T> *losses, T *y) {
   for (int64_t n = blockIdx.x; n < p.samples; n += gridDim.x) lose(p, n, x, log_p, losses, y);
}

// One block, so that the order of the sum is fixed.
template <typename T>
__global__ void cross_entropy_total(int64_t samples, ScMath<T> factor, const ScMath<T> *losses, T *y) {
   ScMath<T> total = 0;
   for (int64_t n = threadIdx.x; n < samples; n += blockDim.x) total += losses[n];
   total = sc_block_reduce<ScAdd>(total);
   if (threadIdx.x == 0) *y = sc_narrow<T>(total * factor);
}

// By the logits: p * sum(q) - q. By targets that are probabilities: -(1 - s) * log p.
template <typename T>
__device__ void go_back(const Problem<T> &p, int64_t n, int64_t reduction, const ScMath<T> *log_p, const T *gy,
                        T *glogits, T *gtargets) {
   typedef ScMath<T> M;
   int64_t start = n * p.classes;
   M scale = sc_widen(gy[reduction == SC_CE_NONE ? n : 0]), mass = 0;
   if (reduction == SC_CE_MEAN) scale /= (M)p.samples;
   if (!is_class(p, n)) scale = (M)NAN;
   for (int64_t k = threadIdx.x; k < p.classes; k += blockDim.x) mass += target(p, n, k);
   mass = sc_block_reduce<ScAdd>(mass);
   for (int64_t k = threadIdx.x; k < p.classes; k += blockDim.x) {
      M each = log_p[start + k];
      if (glogits) glogits[start + k] = sc_narrow<T>(scale * (exp(each) * mass - target(p, n, k)));
      if (gtargets) gtargets[start + k] = sc_narrow<T>(-scale * (M)(1 - p.smoothing) * each);
   }
}

template <typename T>
__global__ void cross_entropy_backward(Problem<T> p, int64_t reduction, const ScMath<T> *log_p, const T *gy,
                                       T *glogits, T *gtargets) {
   for (int64_t n = blockIdx.x; n < p.samples; n += gridDim.x)
      go_back(p, n, reduction, log_p, gy, glogits, gtargets);
}

template <typename T> Problem<T> problem(const ScCall *c, const ScTensor *logits) {
   const ScTensor *targets = c->in[SC_CE_TARGETS];
   bool labels = targets->dtype == SC_I64;
   return {logits->shape[0], logits->shape[1], c->attr[SC_CE_SMOOTHING].f,
           labels ? sc_data<int64_t>(targets) : nullptr, labels ? nullptr : sc_data<T>(targets)};
}

// A block at a sample each, no more than the device holds.
dim3 blocks_for(const ScDevice *device, int64_t samples) {
   return sc_cuda_grid(device, samples * SC_CUDA_BLOCK);
}

ScStatus forward(ScCall *c) {
   int64_t reduction = c->attr[SC_CE_REDUCTION].i;
   return sc_with_float(c->in[SC_CE_LOGITS]->dtype, [&](auto type) -> ScStatus {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      Problem<T> p = problem<T>(c, c->in[SC_CE_LOGITS]);
      void *losses = nullptr;
      if (reduction != SC_CE_NONE) SC_TRY(sc_cuda_workspace(c->device, (size_t)p.samples * sizeof(M), &losses));
      SC_TRY(sc_cuda_launch(
          c->device, "cross_entropy", cross_entropy_forward<T>, blocks_for(c->device, p.samples), SC_CUDA_BLOCK,
          0, p, sc_data<T>(c->in[SC_CE_LOGITS]), sc_data<M>(c->saved[0]), (M *)losses, sc_data<T>(c->out[0])));
      if (reduction == SC_CE_NONE) return SC_OK;
      M factor = reduction == SC_CE_MEAN ? 1 / (M)p.samples : 1;
      return sc_cuda_launch(c->device, "cross_entropy", cross_entropy_total<T>, dim3(1), SC_CUDA_BLOCK, 0,
                            p.samples, factor, (const M *)losses, sc_data<T>(c->out[0]));
   });
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[SC_CE_LOGITS]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Problem<T> p = problem<T>(c, c->saved[0]);
      return sc_cuda_launch(c->device, "cross_entropy", cross_entropy_backward<T>,
                            blocks_for(c->device, p.samples), SC_CUDA_BLOCK, 0, p, c->attr[SC_CE_REDUCTION].i,
                            sc_data<ScMath<T>>(c->saved[0]), sc_data<T>(c->grad_out[0]),
                            sc_data<T>(c->grad_in[SC_CE_LOGITS]), sc_data<T>(c->grad_in[SC_CE_TARGETS]));
   });
}

} // namespace

SC_KERNEL(cuda, cross_entropy, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
