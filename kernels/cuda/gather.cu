#include "host/core/transfer.h"
#include "host/ops/gather.h"

#include "kernels/cuda/index.cuh"
#include "kernels/cuda/order.cuh"
#include "kernels/cuda/rows.cuh"

namespace {

// ---- taking ----

// Operands: the index, what is written, what is chosen from, without the part of the dimension, in which
// entries are `step` apart and `entries` many. A wrong index is answered with all ones, a NaN.
template <typename U>
__global__ void gather_take(ScIndex<3> places, int64_t step, int64_t entries, const int64_t *index,
                            const U *from, U *to) {
   for (int64_t i = sc_thread(); i < places.n; i += sc_threads()) {
      int64_t at[3] = {};
      sc_offsets(places, i, at);
      int64_t entry = index[at[0]] - 1;
      to[at[1]] = entry >= 0 && entry < entries ? from[at[2] + entry * step] : (U) ~(U)0;
   }
}

ScStatus take(const ScCall *c, const ScTensor *to, const ScTensor *from, const ScTensor *index) {
   int64_t dim = c->attr[SC_GATHER_DIM].i, strides[3][SC_MAXRANK];
   sc_strides(index, strides[0]), sc_strides(to, strides[1]), sc_strides(from, strides[2]);
   int64_t step = strides[2][dim];
   strides[2][dim] = 0;
   ScIndex<3> places = sc_index<3>(index->rank, index->shape, strides[0], strides);
   return sc_with_size(to->dtype, [&](auto type) {
      typedef decltype(type) U;
      return sc_cuda_launch(c->device, c->op->name, gather_take<U>, sc_cuda_grid(c->device, places.n),
                            SC_CUDA_BLOCK, 0, places, step, from->shape[dim], sc_data<const int64_t>(index),
                            sc_data<const U>(from), sc_data<U>(to));
   });
}

// ---- adding ----

// The places of the index along the dimension are a line; what goes to an entry is added in their order, so
// that the sum is the same each time.
struct Lines {
   ScIndex<3> at;   // where each line begins in the index, in the source and in the result
   int64_t step[3]; // from place to place, and from entry to entry
   int64_t places, entries;
};

template <typename M> __device__ inline M plus(M a, M b) {
   return a + b;
}
// Ends at the ends of the range.
template <> __device__ inline int64_t plus(int64_t a, int64_t b) {
   int64_t sum = (int64_t)((uint64_t)a + (uint64_t)b);
   bool over = (a < 0) == (b < 0) && (sum < 0) != (a < 0);
   return over ? (a < 0 ? INT64_MIN : INT64_MAX) : sum;
}

// What a wrong index leaves in the first entry of its line.
__device__ inline void spoil(float *entry) {
   *entry = __int_as_float(0x7fffffff);
}
__device__ inline void spoil(double *entry) {
   *entry = __longlong_as_double(0x7fffffffffffffffll);
}
__device__ inline void spoil(int64_t *entry) {
   *entry = -1;
}
__device__ inline void spoil(uint8_t *entry) {
   *entry = 255;
}

// A thread for each line, where there are many.
template <typename T> __global__ void scatter_add_lines(Lines l, const int64_t *index, const T *from, T *to) {
   for (int64_t i = sc_thread(); i < l.at.n; i += sc_threads()) {
      int64_t at[3] = {};
      bool wrong = false;
      sc_offsets(l.at, i, at);
      for (int64_t k = 0; k < l.places; k++) {
         int64_t entry = index[at[0] + k * l.step[0]] - 1;
         wrong |= entry < 0 || entry >= l.entries;
         if (entry < 0 || entry >= l.entries) continue;
         T *sum = &to[at[2] + entry * l.step[2]];
         *sum = sc_narrow<T>(plus<ScMath<T>>(sc_widen(*sum), sc_widen(from[at[1] + k * l.step[1]])));
      }
      if (wrong) spoil(&to[at[2]]);
   }
}

// A thread for each entry, where there are few lines: the indices go by, a block's worth at a time.
template <typename T> __global__ void scatter_add_entries(Lines l, const int64_t *index, const T *from, T *to) {
   __shared__ int64_t numbers[SC_CUDA_BLOCK];
   int64_t entry = (int64_t)blockIdx.x * SC_CUDA_BLOCK + threadIdx.x;
   for (int64_t i = blockIdx.y; i < l.at.n; i += gridDim.y) {
      int64_t at[3] = {};
      bool wrong = false;
      sc_offsets(l.at, i, at);
      T *place = &to[at[2] + entry * l.step[2]];
      ScMath<T> sum = entry < l.entries ? sc_widen(*place) : 0;
      for (int64_t first = 0; first < l.places; first += SC_CUDA_BLOCK) {
         int64_t left = l.places - first;
         int n = left < SC_CUDA_BLOCK ? (int)left : (int)SC_CUDA_BLOCK;
         __syncthreads();
         if ((int)threadIdx.x < n) numbers[threadIdx.x] = index[at[0] + (first + threadIdx.x) * l.step[0]] - 1;
         __syncthreads();
         for (int k = 0; k < n; k++) {
            wrong |= numbers[k] < 0 || numbers[k] >= l.entries;
            if (numbers[k] == entry)
               sum = plus<ScMath<T>>(sum, sc_widen(from[at[1] + (first + k) * l.step[1]]));
         }
      }
      if (entry < l.entries) *place = sc_narrow<T>(sum);
      if (entry == 0 && wrong) spoil(place);
   }
}

// A thread for each place of the lines, which are sorted by the entries that they go to: the first of those
// that go to one adds all, in their order.
template <typename T> struct AddEqual {
   int64_t count;
   Lines l;
   const T *from;
   T *to;
   template <typename E>
   __device__ void operator()(const ScSorting &s, const int64_t *index, int64_t line, int64_t k,
                              const E *sorted) const {
      if (!sc_begins_equal(sorted, k)) return;
      int64_t at[3] = {}, entry = index[s.place(line, sorted[k].index())] - 1;
      sc_offsets(l.at, line, at);
      int64_t last = index[s.place(line, sorted[count - 1].index())] - 1;
      bool wrong = index[s.place(line, sorted[0].index())] < 1 || last >= l.entries;
      if (wrong && k == 0) spoil(&to[at[2]]);
      if (entry < 0 || entry >= l.entries || (wrong && entry == 0)) return;
      T *place = &to[at[2] + entry * l.step[2]];
      int64_t end = sc_end_of_equal(sorted, k, count);
      ScMath<T> sum = sc_widen(*place);
      for (int64_t i = k; i < end; i++)
         sum = plus<ScMath<T>>(sum, sc_widen(from[at[1] + sorted[i].index() * l.step[1]]));
      *place = sc_narrow<T>(sum);
   }
};

template <typename T>
ScStatus add_sorted(const ScCall *c, const Lines &l, const ScTensor *index, const T *from, T *to) {
   ScSorting s = {sc_axis(index, c->attr[SC_GATHER_DIM].i), l.places, false, false};
   return sc_sort_rows(c->device, c->op->name, s, sc_data<const int64_t>(index),
                       AddEqual<T>{l.places, l, from, to});
}

enum { MANY_LINES = 1024 };
enum : int64_t { MOST_READ = 100000000 }; // more than that is worth sorting

template <typename T>
ScStatus launch(const ScCall *c, const Lines &l, const ScTensor *index, const ScTensor *from,
                const ScTensor *to) {
   const int64_t *numbers = sc_data<const int64_t>(index);
   if (l.at.n >= MANY_LINES)
      return sc_cuda_launch(c->device, c->op->name, scatter_add_lines<T>, sc_cuda_grid(c->device, l.at.n),
                            SC_CUDA_BLOCK, 0, l, numbers, sc_data<const T>(from), sc_data<T>(to));
   if (l.entries > MOST_READ / l.places / l.at.n)
      return add_sorted(c, l, index, sc_data<const T>(from), sc_data<T>(to));
   dim3 grid((unsigned)((l.entries + SC_CUDA_BLOCK - 1) / SC_CUDA_BLOCK), (unsigned)l.at.n);
   return sc_cuda_launch(c->device, c->op->name, scatter_add_entries<T>, grid, SC_CUDA_BLOCK, 0, l, numbers,
                         sc_data<const T>(from), sc_data<T>(to));
}

ScStatus add(const ScCall *c, const ScTensor *to, const ScTensor *from, const ScTensor *index) {
   int64_t dim = c->attr[SC_GATHER_DIM].i, strides[3][SC_MAXRANK];
   bool skip[SC_MAXRANK] = {};
   sc_strides(index, strides[0]), sc_strides(from, strides[1]), sc_strides(to, strides[2]);
   Lines l = {};
   for (int k = 0; k < 3; k++) l.step[k] = strides[k][dim];
   l.places = index->shape[dim], l.entries = to->shape[dim];
   skip[dim] = true;
   l.at = sc_index<3>(index->rank, index->shape, strides[0], strides, skip);
   switch (to->dtype) {
   case SC_F32: return launch<float>(c, l, index, from, to);
   case SC_F64: return launch<double>(c, l, index, from, to);
   case SC_I64: return launch<int64_t>(c, l, index, from, to);
   default: return launch<uint8_t>(c, l, index, from, to);
   }
}

// ---- ops ----

ScStatus gather(ScCall *c) {
   return take(c, c->out[0], c->in[0], c->in[1]);
}

ScStatus gather_backward(ScCall *c) {
   if (sc_dtype_is_half(c->grad_in[0]->dtype)) return SC_EUNSUPPORTED; // is added up in f32
   SC_TRY(sc_tensor_fill(c->grad_in[0], 0));
   return add(c, c->grad_in[0], c->grad_out[0], c->in[1]);
}

ScStatus scatter(ScCall *c) {
   ScRows all = {.outer = 1, .count = 1, .row = (int64_t)sc_nbytes(c->out[0])};
   SC_TRY(sc_move_rows(c->device, "scatter_add", all, sc_data<char>(c->in[SC_SCATTER_X]),
                       sc_data<char>(c->out[0])));
   return add(c, c->out[0], c->in[SC_SCATTER_SRC], c->in[SC_SCATTER_INDEX]);
}

ScStatus scatter_backward(ScCall *c) {
   SC_TRY(sc_tensor_fill(c->grad_in[SC_SCATTER_SRC], 0));
   return take(c, c->grad_in[SC_SCATTER_SRC], c->grad_out[0], c->in[SC_SCATTER_INDEX]);
}

} // namespace

SC_KERNEL(cuda, gather, .dtypes = SC_ALL_DTYPES, .forward = gather, .backward = gather_backward)
SC_KERNEL(cuda, scatter_add, .dtypes = SC_NUMBERS, .forward = scatter, .backward = scatter_backward)
