// Moves contiguous rows between two tensors: what slice, concat and index_select come down to.
#ifndef SCUTE_CUDA_ROWS_CUH
#define SCUTE_CUDA_ROWS_CUH

#include "kernels/cuda/element.cuh"

// Row (o, k) of outer x count goes from o * from_outer + number(k) * from_step to o * to_outer + k * to_step,
// all in bytes. number(k) is k, or index[k] - 1; a row whose number is not in 0..limit-1 becomes all ones,
// which is a NaN in every floating-point dtype.
typedef struct {
   int64_t outer, count, row;
   int64_t from_outer, from_step, to_outer, to_step;
   const int64_t *index; // on the device, or NULL
   int64_t limit;
} ScRows;

struct alignas(16) ScSixteen {
   uint64_t v[2];
};

struct ScRowUnit {
   int64_t o, k, unit;
};

template <typename I> __device__ inline ScRowUnit sc_row_unit(I units, I count, I i) {
   I row = i / units, o = row / count;
   return {(int64_t)o, (int64_t)(row - o * count), (int64_t)(i - row * units)};
}

template <typename U> __global__ void sc_rows_move(ScRows r, const char *from, char *to) {
   int64_t units = r.row / (int64_t)sizeof(U), n = r.outer * r.count * units;
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      ScRowUnit p = n <= INT32_MAX ? sc_row_unit((uint32_t)units, (uint32_t)r.count, (uint32_t)i)
                                   : sc_row_unit(units, r.count, i);
      int64_t number = r.index ? r.index[p.k] - 1 : p.k;
      U value;
      if (r.index && (number < 0 || number >= r.limit))
         memset(&value, 0xff, sizeof value);
      else
         value = ((const U *)(from + p.o * r.from_outer + number * r.from_step))[p.unit];
      ((U *)(to + p.o * r.to_outer + p.k * r.to_step))[p.unit] = value;
   }
}

template <typename U>
ScStatus sc_rows_launch(const ScDevice *device, const char *what, ScRows r, const char *from, char *to) {
   int64_t n = r.outer * r.count * (r.row / (int64_t)sizeof(U));
   return sc_cuda_launch(device, what, sc_rows_move<U>, sc_cuda_grid(device, n), SC_CUDA_BLOCK, 0, r, from, to);
}

static inline ScStatus sc_move_rows(const ScDevice *device, const char *what, ScRows r, const void *from,
                                    void *to) {
   uintptr_t bits = (uintptr_t)from | (uintptr_t)to | (uintptr_t)r.row | (uintptr_t)r.from_outer |
                    (uintptr_t)r.from_step | (uintptr_t)r.to_outer | (uintptr_t)r.to_step;
   if (bits % 16 == 0) return sc_rows_launch<ScSixteen>(device, what, r, (const char *)from, (char *)to);
   if (bits % 8 == 0) return sc_rows_launch<uint64_t>(device, what, r, (const char *)from, (char *)to);
   if (bits % 4 == 0) return sc_rows_launch<uint32_t>(device, what, r, (const char *)from, (char *)to);
   if (bits % 2 == 0) return sc_rows_launch<uint16_t>(device, what, r, (const char *)from, (char *)to);
   return sc_rows_launch<uint8_t>(device, what, r, (const char *)from, (char *)to);
}

#endif
