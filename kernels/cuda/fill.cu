#include "kernels/cuda/fill.h"

#include <string.h>

#include "kernels/cuda/element.cuh"

namespace {

// `to` may be within a tensor: its first `head` elements are those before the next whole vector.
template <typename U> __global__ void fill_all(int64_t head, int64_t n, U value, U *to) {
   constexpr int N = ScWide<U>::N;
   if (sc_thread() < head) to[sc_thread()] = value;
   to += head;
   n -= head;
   ScVector<U, N> values;
#pragma unroll
   for (int k = 0; k < N; k++) values.v[k] = value;
   for (int64_t i = sc_thread() * N; i < n; i += sc_threads() * N) {
      if (i + N <= n) {
         *(ScVector<U, N> *)(to + i) = values;
         continue;
      }
      for (int64_t k = i; k < n; k++) to[k] = value;
   }
}

template <typename U> ScStatus fill(const ScDevice *device, void *to, const void *element, int64_t n) {
   U value;
   memcpy(&value, element, sizeof value);
   constexpr size_t wide = ScWide<U>::N * sizeof(U);
   int64_t head = (int64_t)((wide - (uintptr_t)to % wide) % wide / sizeof(U));
   if (head > n) head = n;
   return sc_cuda_launch(device, "fill", fill_all<U>, sc_cuda_grid(device, n / ScWide<U>::N), SC_CUDA_BLOCK, 0,
                         head, n, value, (U *)to);
}

} // namespace

ScStatus sc_cuda_fill(ScDevice *device, void *to, const void *element, size_t size, int64_t n) {
   switch (size) {
   case 1: return fill<uint8_t>(device, to, element, n);
   case 2: return fill<uint16_t>(device, to, element, n);
   case 4: return fill<uint32_t>(device, to, element, n);
   default: return fill<uint64_t>(device, to, element, n);
   }
}
