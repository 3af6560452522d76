#include "host/ops/one_hot.h"

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/index.cuh"

namespace {

// Operands, walked as the result lies: x, and the number of the class. The row of a wrong number is all ones, in
// floating point NaN.
template <typename T>
__global__ void one_hot(ScIndex<2> index, int64_t classes, const int64_t *x, T *y) {
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[2] = {};
      sc_offsets(index, i, at);
      int64_t wanted = x[at[0]] - 1;
      if (wanted < 0 || wanted >= classes)
         memset((void *)&y[i], 0xff, sizeof y[i]);
      else
         y[i] = sc_narrow<T>(wanted == at[1] ? 1 : 0);
   }
}

ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   int64_t order[SC_MAXRANK], strides[2][SC_MAXRANK] = {};
   sc_strides(y, order), sc_strides(x, strides[0]);
   strides[0][x->rank] = 0;
   strides[1][x->rank] = 1;
   ScIndex<2> index = sc_index<2>(y->rank, y->shape, order, strides);
   return sc_with_number(y->dtype, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, c->op->name, one_hot<T>, sc_cuda_grid(c->device, index.n), SC_CUDA_BLOCK, 0,
                            index, y->shape[x->rank], sc_data<const int64_t>(x), sc_data<T>(y));
   });
}

} // namespace

SC_KERNEL(cuda, one_hot, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = nullptr)
