// The change between channels-last and logical order that a change of rank may need.
#include "host/core/op.h"
#include "kernels/cpu/move.h"

// Moves between a tensor's memory order and logical order.
static void reorder(const ScTensor *shape, void *to, const void *from, bool to_logical) {
   int64_t memory[SC_MAXRANK] = {0}, logical[SC_MAXRANK] = {0}, stride = 1;
   sc_strides(shape, memory);
   for (int i = shape->rank - 1; i >= 0; i--) {
      logical[i] = stride;
      stride *= shape->shape[i];
   }
   sc_move(sc_dtype_size(shape->dtype), shape->rank, shape->shape, to, to_logical ? logical : memory, from,
           to_logical ? memory : logical);
}

static ScStatus forward(ScCall *c) {
   const ScTensor *x = c->in[0], *y = c->out[0];
   if (x->rank != 4) {
      reorder(y, y->buffer->data, x->buffer->data, false);
      return SC_OK;
   }
   if (y->rank != 4) {
      reorder(x, y->buffer->data, x->buffer->data, true);
      return SC_OK;
   }
   ScBuffer *logical;
   SC_TRY(sc_buffer_new(&logical, c->device, sc_nbytes(x)));
   reorder(x, logical->data, x->buffer->data, true);
   reorder(y, y->buffer->data, logical->data, false);
   sc_buffer_release(logical);
   return SC_OK;
}

SC_KERNEL(cpu, reshape, .dtypes = SC_ALL_DTYPES, .forward = forward)
