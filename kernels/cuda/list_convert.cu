#include "host/ops/list_convert.h"

#include "kernels/cuda/list.cuh"

namespace {

constexpr int TO = SC_CONVERT_TENSORS, FROM = SC_CONVERT_VALUES;

template <typename R, typename T> __global__ void list_convert_all(ScTable<SC_CONVERT_LISTS> table) {
   constexpr int N = ScWide<R>::N < ScWide<T>::N ? ScWide<R>::N : ScWide<T>::N;
   ScChunk chunk = sc_chunk(table, (int)blockIdx.x);
   const T *x = (const T *)table.data[FROM][chunk.tensor];
   R *y = (R *)table.data[TO][chunk.tensor];
   for (int64_t i = chunk.from + (int64_t)threadIdx.x * N; i < chunk.to; i += (int64_t)blockDim.x * N) {
      ScMath<T> from[N];
      ScMath<R> to[N];
      sc_get_some(x, i, chunk.to, from);
#pragma unroll
      for (int k = 0; k < N; k++) to[k] = (ScMath<R>)from[k];
      sc_put_some(y, i, chunk.to, to);
   }
}

template <typename R, typename T> ScStatus launch(const ScCall *c) {
   return sc_each_table<SC_CONVERT_LISTS>(c, [&](const ScTable<SC_CONVERT_LISTS> &table, int blocks) {
      return sc_cuda_launch(c->device, "list_convert", list_convert_all<R, T>, dim3((unsigned)blocks),
                            SC_CUDA_BLOCK, 0, table);
   });
}

ScStatus forward(ScCall *c) {
   return sc_with_float(sc_group_at(c, TO, 0)->dtype, [&](auto to) {
      return sc_with_float(sc_group_at(c, FROM, 0)->dtype,
                           [&](auto from) { return launch<decltype(to), decltype(from)>(c); });
   });
}

} // namespace

SC_KERNEL(cuda, list_convert, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = nullptr)
