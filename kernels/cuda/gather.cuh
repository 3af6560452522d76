// Elements moved into another order.
#ifndef SCUTE_CUDA_GATHER_CUH
#define SCUTE_CUDA_GATHER_CUH

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/index.cuh"

template <typename U> __global__ void sc_gather_kernel(ScIndex<1> index, const U *from, U *to) {
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[1] = {};
      sc_offsets(index, i, at);
      to[i] = from[at[0]];
   }
}

// Fills `to` in the order in which it lies, that of falling `order`, with the elements that have the strides
// `from_strides`.
static inline ScStatus sc_gather(const ScCall *c, ScDtype dtype, int rank, const int64_t *shape,
                                 const int64_t *order, void *to, const int64_t *from_strides,
                                 const void *from) {
   int64_t strides[1][SC_MAXRANK];
   for (int d = 0; d < rank; d++) strides[0][d] = from_strides[d];
   ScIndex<1> index = sc_index<1>(rank, shape, order, strides);
   return sc_with_size(dtype, [&](auto type) {
      typedef decltype(type) U;
      return sc_cuda_launch(c->device, c->op->name, sc_gather_kernel<U>, sc_cuda_grid(c->device, index.n),
                            SC_CUDA_BLOCK, 0, index, (const U *)from, (U *)to);
   });
}

#endif
