#include "host/ops/running_update.h"

#include "kernels/cuda/element.cuh"

namespace {

// In double, as ref has it; there are few channels.
template <typename T>
__global__ void running_update_blend(int64_t n, double momentum, double unbias, const T *batch_mean,
                                     const T *batch_var, T *mean, T *var) {
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      mean[i] = (T)((1 - momentum) * (double)mean[i] + momentum * (double)batch_mean[i]);
      var[i] = (T)((1 - momentum) * (double)var[i] + momentum * unbias * (double)batch_var[i]);
   }
}

template <typename T> ScStatus run(ScCall *c) {
   int64_t n = sc_numel(c->in[SC_RUNNING_MEAN]);
   return sc_cuda_launch(c->device, "running_update", running_update_blend<T>, sc_cuda_grid(c->device, n),
                         SC_CUDA_BLOCK, 0, n, c->attr[SC_RUNNING_MOMENTUM].f, c->attr[SC_RUNNING_UNBIAS].f,
                         sc_data<T>(c->in[SC_RUNNING_BATCH_MEAN]), sc_data<T>(c->in[SC_RUNNING_BATCH_VAR]),
                         sc_data<T>(c->in[SC_RUNNING_MEAN]), sc_data<T>(c->in[SC_RUNNING_VAR]));
}

ScStatus forward(ScCall *c) {
   return c->in[0]->dtype == SC_F64 ? run<double>(c) : run<float>(c);
}

} // namespace

SC_KERNEL(cuda, running_update, .dtypes = SC_FLOATS, .forward = forward, .backward = nullptr)
