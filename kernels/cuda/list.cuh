// Lists of tensors of the same shapes, worked through together: a launch takes as many as its table holds.
#ifndef SCUTE_CUDA_LIST_CUH
#define SCUTE_CUDA_LIST_CUH

#include "host/ops/group.h"
#include "kernels/cuda/element.cuh"

enum { SC_CHUNK = 16384, SC_TABLE_BYTES = 3900 }; // elements a block; of the 4 KiB that a launch may be given

// Where the tensors of L lists are. It goes to the kernel by value, so nothing is copied to the device before.
template <int L> struct ScTable {
   static constexpr int MOST = (SC_TABLE_BYTES - 16) / (8 * L + 12);
   int n;
   int first[MOST + 1]; // block that begins each tensor, and the end
   int64_t size[MOST];
   void *data[L][MOST]; // NULL where a list is absent
};

// What block `block` works on: a tensor and elements from..to-1 of it.
struct ScChunk {
   int tensor;
   int64_t from, to;
};

template <int L> __device__ inline ScChunk sc_chunk(const ScTable<L> &table, int block) {
   int low = 0, high = table.n;
   while (high - low > 1) {
      int middle = (low + high) / 2;
      if (table.first[middle] <= block)
         low = middle;
      else
         high = middle;
   }
   int64_t from = (int64_t)(block - table.first[low]) * SC_CHUNK, n = table.size[low];
   return {low, from, from + SC_CHUNK < n ? from + SC_CHUNK : n};
}

// Calls f(table, blocks) for tables that together hold all tensors of the call's first L lists. SC_EMEM invites
// to try again (see host/core/status.h), which must not do twice what the tables before have done.
template <int L, typename F> ScStatus sc_each_table(const ScCall *c, F f) {
   ScTable<L> table;
   bool begun = false;
   table.n = table.first[0] = 0;
   for (int i = 0; i < c->count[0]; i++) {
      int64_t n = sc_numel(sc_group_at(c, 0, i));
      for (int l = 0; l < L; l++) table.data[l][table.n] = sc_data<void>(sc_group_at(c, l, i));
      table.size[table.n] = n;
      table.first[table.n + 1] = table.first[table.n] + (int)((n + SC_CHUNK - 1) / SC_CHUNK);
      if (++table.n < ScTable<L>::MOST && i + 1 < c->count[0]) continue;
      ScStatus status = f(table, table.first[table.n]);
      if (status != SC_OK) return status == SC_EMEM && begun ? SC_EDEVICE : status;
      begun = true;
      table.n = 0;
   }
   return SC_OK;
}

// A functor F changes the elements that correspond to each other:
//    STORES                                 mask of the lists that are written
//    void begin()                           once in each thread
//    void operator()(ScMath<T> (&v)[L])     v[l] of an absent list is 0

// Elements at..at+N-1 of tensors that lie at data[0..L-1], NULL where one is absent.
template <typename T, int N, int L, typename F>
__device__ inline void sc_list_change(T *const (&data)[L], int64_t at, const F &f) {
   ScMath<T> v[L][N] = {};
#pragma unroll
   for (int l = 0; l < L; l++)
      if (data[l]) sc_get_vector(data[l], at, v[l]);
#pragma unroll
   for (int k = 0; k < N; k++) {
      ScMath<T> each[L];
#pragma unroll
      for (int l = 0; l < L; l++) each[l] = v[l][k];
      f(each);
#pragma unroll
      for (int l = 0; l < L; l++) v[l][k] = each[l];
   }
#pragma unroll
   for (int l = 0; l < L; l++)
      if (F::STORES >> l & 1 && data[l]) sc_put_vector(data[l], at, v[l]);
}

// Nothing happens where *found_inf is not 0 (it may be NULL). The last elements of a tensor, fewer than sixteen
// bytes, are done one by one. (With both in one path, or with pointers read from the table where they are used,
// nvcc makes no vector stores.)
template <typename T, int L, typename F>
__global__ void sc_list_step(ScTable<L> table, F f, const T *found_inf) {
   constexpr int N = ScWide<T>::N;
   if (found_inf && *found_inf != 0) return;
   f.begin();
   ScChunk chunk = sc_chunk(table, (int)blockIdx.x);
   T *data[L];
#pragma unroll
   for (int l = 0; l < L; l++) data[l] = (T *)table.data[l][chunk.tensor];
   int64_t whole = chunk.to - chunk.to % N, i = chunk.from + (int64_t)threadIdx.x * N;
   for (; i < whole; i += (int64_t)blockDim.x * N) sc_list_change<T, N>(data, i, f);
   i = whole + threadIdx.x;
   if (i < chunk.to) sc_list_change<T, 1>(data, i, f);
}

template <typename T, int L, typename F> ScStatus sc_step(const ScCall *c, F f, const ScTensor *found_inf) {
   return sc_each_table<L>(c, [&](const ScTable<L> &table, int blocks) {
      return sc_cuda_launch(c->device, c->op->name, sc_list_step<T, L, F>, dim3((unsigned)blocks),
                            SC_CUDA_BLOCK, 0, table, f, sc_data<const T>(found_inf));
   });
}

// Parameters and what belongs to them are f32 or f64; halves have f32 masters.
template <typename F> ScStatus sc_with_master(const ScCall *c, F f) {
   return c->in[0]->dtype == SC_F64 ? f(double()) : f(float());
}

#endif
