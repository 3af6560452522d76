#include "host/ops/stack.h"

#include "kernels/cuda/gather.cuh"

namespace {

template <typename U> __global__ void stack_move(ScIndex<2> index, const U *from, U *to) {
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[2] = {};
      sc_offsets(index, i, at);
      to[at[1]] = from[at[0]];
   }
}

// Into places that do not lie side by side.
ScStatus move_apart(const ScCall *c, const ScTensor *x, const int64_t (&strides)[2][SC_MAXRANK], char *to) {
   ScIndex<2> index = sc_index<2>(x->rank, x->shape, strides[1], strides);
   return sc_with_size(x->dtype, [&](auto type) {
      typedef decltype(type) U;
      return sc_cuda_launch(c->device, c->op->name, stack_move<U>, sc_cuda_grid(c->device, index.n),
                            SC_CUDA_BLOCK, 0, index, sc_data<const U>(x), (U *)to);
   });
}

ScStatus forward(ScCall *c) {
   const ScTensor *y = c->out[0];
   int64_t dim = c->attr[SC_STACK_DIM].i, whole[SC_MAXRANK], strides[2][SC_MAXRANK] = {};
   int64_t size = (int64_t)sc_dtype_size(y->dtype);
   sc_strides(y, whole);
   for (int d = 0; d < y->rank - 1; d++) strides[1][d] = whole[d < dim ? d : d + 1];
   for (int i = 0; i < c->nin; i++) {
      const ScTensor *x = c->in[i];
      sc_strides(x, strides[0]);
      char *to = sc_data<char>(y) + i * whole[dim] * size;
      bool together = whole[dim] == sc_numel(x);
      SC_TRY(together ? sc_gather(c, x->dtype, x->rank, x->shape, strides[1], to, strides[0], x->buffer->data)
                      : move_apart(c, x, strides, to));
   }
   return SC_OK;
}

} // namespace

SC_KERNEL(cuda, stack, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = nullptr)
