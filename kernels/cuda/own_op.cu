// Functions of each element that a script declared (lua/scute/kernel/cuda_text.lua makes their kernels). A
// gradient of what was stretched, or lies in another order, is written for each element, in the type that is
// computed with, and summed in a fixed order.
#include "host/ops/broadcast.h"
#include "kernels/cuda/own_code.h"
#include "kernels/cuda/stretched.cuh"

namespace {

constexpr int SIDES = SC_MAXPARAM + 2 * SC_MAXOUT;

// Tensors that are read, in the order in which the kernels have them, along the elements of `like`; and what is
// written.
struct Work {
   const ScTensor *like;
   int nread, nwrite;
   const ScTensor *read[SIDES];
   void *write[SC_MAXPARAM];
   unsigned wide; // bit i: `write[i]` is of the type that is computed with
};

void add(Work &w, const ScTensor *t) {
   w.read[w.nread++] = t && t->buffer ? t : nullptr;
}

ScIndex<SIDES> index_of(const Work &w) {
   int64_t strides[SIDES][SC_MAXRANK] = {}, order[SC_MAXRANK];
   for (int i = 0; i < w.nread; i++)
      if (w.read[i]) sc_broadcast_strides(w.read[i], w.like, strides[i]);
   sc_strides(w.like, order);
   return sc_index<SIDES>(w.like->rank, w.like->shape, order, strides);
}

// From an index of elements, all of them side by side or one, to one of pieces of N; the last may be a part of
// one.
void count_pieces(ScIndex<SIDES> &index, int64_t n, bool (&one)[SIDES]) {
   for (int i = 0; i < SIDES; i++) one[i] = index.rank == 0 || index.strides[i][0] == 0;
   if (index.rank == 0) return;
   index.n = index.shape[0] = (index.n + n - 1) / n;
   for (int i = 0; i < SIDES; i++) index.strides[i][0] *= n;
}

ScStatus launch(const ScCall *c, const ScOwnCode *code, bool backward, const Work &w) {
   double numbers[SC_MAXPARAM] = {};
   sc_own_op_numbers(c, numbers);
   ScIndex<SIDES> index = index_of(w);
   int64_t n = index.n, piece = 16 / (int64_t)sc_dtype_size(w.like->dtype);
   bool one[SIDES] = {}, vectors = true;
   if (sc_index_is_flat(index))
      count_pieces(index, piece, one);
   else
      vectors = sc_index_by_vectors(index, piece, one);
   unsigned ones = 0, wide = w.wide;
   for (int i = 0; i < w.nread; i++) ones |= (unsigned)(vectors && one[i]) << i;
   void *arrays[SIDES + SC_MAXPARAM];
   for (int i = 0; i < w.nread; i++) arrays[i] = sc_data<void>(w.read[i]);
   for (int i = 0; i < w.nwrite; i++) arrays[w.nread + i] = w.write[i];
   void *arguments[] = {numbers, &index, &n, &ones, &wide, arrays};
   ScOwnKernel kernel = backward  ? vectors ? SC_OWN_BACKWARD_VECTORS : SC_OWN_BACKWARD_ELEMENTS
                        : vectors ? SC_OWN_FORWARD_VECTORS
                                  : SC_OWN_FORWARD_ELEMENTS;
   return sc_own_code_launch(c, code, kernel, sc_cuda_grid(c->device, index.n), SC_CUDA_BLOCK, arguments);
}

ScStatus forward(ScCall *c) {
   const ScOwnCode *code;
   SC_TRY(sc_own_code_find(c, c->out[0]->dtype, &code));
   Work w = {c->out[0]};
   for (int i = 0; i < c->nin; i++) add(w, c->in[i]);
   for (int i = 0; i < c->nout; i++) w.write[w.nwrite++] = sc_data<void>(c->out[i]);
   return launch(c, code, false, w);
}

// ---- gradients that are summed ----

template <typename T> struct Terms {
   typedef ScMath<T> Sum;
   enum { OPERANDS = 1 };
   const Sum *x;
   T *to;
   ScIndex<1> kept, reduced;
   bool one[1];
   template <int N> __device__ void terms(const int64_t (&at)[1], Sum (&found)[N]) const {
      sc_get_neighbours(x, one[0], at[0], found);
   }
   __device__ void put(int64_t k, Sum sum) const { to[k] = sc_narrow<T>(sum); }
};

// Of `terms`, one for each element of `like`, those that belong to an element of `t`.
template <typename T>
ScStatus sum_up(const ScCall *c, const ScTensor *like, const ScBuffer *terms, const ScTensor *t) {
   int64_t own[SC_MAXRANK], strides[1][SC_MAXRANK];
   bool stretched[SC_MAXRANK], full[SC_MAXRANK];
   sc_broadcast_strides(t, like, own);
   sc_strides(like, strides[0]);
   for (int d = 0; d < like->rank; d++) stretched[d] = own[d] == 0, full[d] = !stretched[d];
   Terms<T> f = {(const ScMath<T> *)terms->data, sc_data<T>(t)};
   f.kept = sc_index<1>(like->rank, like->shape, own, strides, stretched);
   f.reduced = sc_index<1>(like->rank, like->shape, strides[0], strides, full);
   return sc_sum_stretched<ScMath<T>>(c->device, c->op->name, f, 0);
}

bool lies_as(const ScTensor *t, const ScTensor *like) {
   int64_t own[SC_MAXRANK], strides[SC_MAXRANK];
   sc_broadcast_strides(t, like, own);
   sc_strides(like, strides);
   for (int d = 0; d < like->rank; d++)
      if (like->shape[d] != 1 && own[d] != strides[d]) return false;
   return true;
}

struct Buffers {
   ScBuffer *of[SC_MAXPARAM] = {};
   ~Buffers() {
      for (ScBuffer *each : of) sc_buffer_release(each);
   }
};

ScStatus backward_with(ScCall *c, const ScOwnCode *code, Work &w, Buffers &terms) {
   ScDtype math = w.like->dtype == SC_F64 ? SC_F64 : SC_F32;
   for (int i = 0; i < c->nin; i++) {
      const ScTensor *g = c->grad_in[i];
      w.write[w.nwrite++] = sc_data<void>(g);
      if (!g || lies_as(g, w.like)) continue;
      SC_TRY(sc_buffer_new(&terms.of[i], c->device, (size_t)sc_numel(w.like) * sc_dtype_size(math)));
      w.write[i] = terms.of[i]->data;
      w.wide |= 1u << i;
   }
   SC_TRY(launch(c, code, true, w));
   for (int i = 0; i < c->nin; i++) {
      const ScTensor *g = c->grad_in[i];
      if (!terms.of[i]) continue;
      SC_TRY(sc_with_float(g->dtype,
                           [&](auto type) { return sum_up<decltype(type)>(c, w.like, terms.of[i], g); }));
   }
   return SC_OK;
}

const ScTensor *any_gradient(const ScCall *c) {
   for (int i = 0; i < c->nout; i++)
      if (c->grad_out[i]) return c->grad_out[i];
   return nullptr;
}

ScStatus backward(ScCall *c) {
   const ScOwnCode *code;
   Work w = {any_gradient(c)};
   SC_TRY(sc_own_code_find(c, w.like->dtype, &code));
   for (int i = 0; i < c->nin; i++) add(w, c->in[i]);
   for (int i = 0; i < c->nout; i++) add(w, c->out[i]);
   for (int i = 0; i < c->nout; i++) add(w, c->grad_out[i]);
   Buffers terms;
   return backward_with(c, code, w, terms);
}

} // namespace

SC_KERNEL(cuda, own_op, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
