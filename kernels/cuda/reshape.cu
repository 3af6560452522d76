// The change between channels-last and logical order that a change of rank may need.
#include "kernels/cuda/gather.cuh"
#include "kernels/cuda/workspace.h"

// Moves between the memory order of a tensor of that shape and logical order.
static ScStatus reorder(const ScCall *c, const ScTensor *shape, void *to, const void *from, bool to_logical) {
   int64_t memory[SC_MAXRANK], logical[SC_MAXRANK], stride = 1;
   sc_strides(shape, memory);
   for (int i = shape->rank - 1; i >= 0; i--) {
      logical[i] = stride;
      stride *= shape->shape[i];
   }
   return sc_gather(c, shape->dtype, shape->rank, shape->shape, to_logical ? logical : memory, to,
                    to_logical ? memory : logical, from);
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   if (x->rank != 4) return reorder(c, y, y->buffer->data, x->buffer->data, false);
   if (y->rank != 4) return reorder(c, x, y->buffer->data, x->buffer->data, true);
   void *logical;
   SC_TRY(sc_cuda_workspace(c->device, sc_nbytes(x), &logical));
   SC_TRY(reorder(c, x, logical, x->buffer->data, true));
   return reorder(c, y, y->buffer->data, logical, false);
}

SC_KERNEL(cuda, reshape, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = nullptr)
