// Whole CUDA kernels that a script declared (lua/scute/kernel/cuda_whole.lua), on the memory of tensors as it
// is. What they leave out of a result is NaN, so that it shows; of a gradient it is 0.
#include "host/ops/own_prepare.h"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/own_code.h"

namespace {

constexpr int TENSORS = SC_MAXPARAM + SC_MAXOUT, ARGUMENTS = 4 * TENSORS + SC_MAXPARAM;

struct Layout {
   int64_t shape[SC_MAXRANK], stride[SC_MAXRANK], size;
   int rank;
};

// What a kernel is launched with; `add` points to what stays where it is.
struct Arguments {
   Layout layouts[TENSORS] = {};
   void *pointers[3 * TENSORS];
   bool wanted[SC_MAXPARAM];
   double numbers[SC_MAXPARAM];
   void *all[ARGUMENTS];
   ScBuffer *lent[TENSORS] = {}; // memory beside tensors
   int nlayouts = 0, npointers = 0, nwanted = 0, nall = 0, nlent = 0;

   void add_pointer(void *p) {
      pointers[npointers] = p;
      all[nall++] = &pointers[npointers++];
   }
   void add_wanted(bool is) {
      wanted[nwanted] = is;
      all[nall++] = &wanted[nwanted++];
   }
   void add_layout(const ScTensor *t) {
      Layout &l = layouts[nlayouts++];
      for (int d = 0; d < t->rank; d++) l.shape[d] = t->shape[d];
      sc_strides(t, l.stride);
      l.size = sc_numel(t), l.rank = t->rank;
      all[nall++] = &l;
   }
   void add_numbers(const ScCall *c) {
      sc_own_op_numbers(c, numbers);
      for (int i = 0; i < sc_own_op(c)->nnumbers; i++) all[nall++] = &numbers[i];
   }
   ~Arguments() {
      for (ScBuffer *each : lent) sc_buffer_release(each);
   }
};

ScStatus set_bytes(const ScCall *c, void *to, int byte, size_t bytes) {
   SC_TRY(sc_cuda_use(c->device));
   return sc_cuda_status(cudaMemsetAsync(to, byte, bytes, sc_cuda_stream(c->device)), c->op->name);
}

// Zeros for what has no tensor.
ScStatus lend(const ScCall *c, Arguments &a, const ScTensor *like, void **out) {
   ScBuffer **buffer = &a.lent[a.nlent++];
   SC_TRY(sc_buffer_new(buffer, c->device, (size_t)sc_numel(like) * sizeof(float)));
   *out = (*buffer)->data;
   return set_bytes(c, *out, 0, (size_t)sc_numel(like) * sizeof(float));
}

// As the script says, by default a thread for each element of the largest tensor.
ScStatus launch(const ScCall *c, bool backward, Arguments &a) {
   const ScOwnCode *code;
   unsigned grid[6] = {1, 1, 1, SC_CUDA_BLOCK, 1, 1};
   bool is_told;
   SC_TRY(sc_own_code_find(c, SC_F32, &code));
   SC_TRY(sc_own_op_grid(c, backward, &is_told, grid));
   int64_t largest = 1;
   for (int i = 0; i < a.nlayouts; i++) largest = a.layouts[i].size > largest ? a.layouts[i].size : largest;
   if (!is_told) grid[0] = (unsigned)((largest + SC_CUDA_BLOCK - 1) / SC_CUDA_BLOCK);
   a.add_numbers(c);
   return sc_own_code_launch(c, code, backward ? SC_OWN_BACKWARD : SC_OWN_FORWARD,
                             dim3(grid[0], grid[1], grid[2]), dim3(grid[3], grid[4], grid[5]), a.all);
}

ScStatus forward(ScCall *c) {
   Arguments a;
   for (int i = 0; i < c->nin; i++) a.add_pointer(sc_data<void>(c->in[i])), a.add_layout(c->in[i]);
   for (int i = 0; i < c->nout; i++) {
      a.add_pointer(sc_data<void>(c->out[i])), a.add_layout(c->out[i]);
      SC_TRY(set_bytes(c, sc_data<void>(c->out[i]), 0xff, sc_nbytes(c->out[i])));
   }
   return launch(c, false, a);
}

// Inputs that have no gradient have memory for one, too: a body may write it.
ScStatus add_gradient(const ScCall *c, Arguments &a, int i) {
   void *to = sc_data<void>(c->grad_in[i]);
   if (to)
      SC_TRY(set_bytes(c, to, 0, sc_nbytes(c->grad_in[i])));
   else if (sc_own_op(c)->gradients >> i & 1)
      SC_TRY(lend(c, a, c->in[i], &to));
   a.add_pointer(to);
   a.add_wanted(c->needs_grad[i]);
   return SC_OK;
}

ScStatus backward(ScCall *c) {
   Arguments a;
   for (int i = 0; i < c->nin; i++) {
      a.add_pointer(sc_data<void>(c->in[i]));
      SC_TRY(add_gradient(c, a, i));
      a.add_layout(c->in[i]);
   }
   for (int i = 0; i < c->nout; i++) {
      void *gradient = sc_data<void>(c->grad_out[i]);
      if (!gradient) SC_TRY(lend(c, a, c->out[i], &gradient));
      a.add_pointer(sc_data<void>(c->out[i])), a.add_pointer(gradient);
      a.add_layout(c->out[i]);
   }
   return launch(c, true, a);
}

} // namespace

SC_KERNEL(cuda, own_whole, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
