// Rows of numbers put into their order, see host/ops/sort.h: each number becomes a key, a whole number that is
// ordered alike, beside where it stood, so that no two are equal. Blocks sort what fits into shared memory;
// longer rows are merged out of such pieces, of which no more is kept than is wanted in the end.
#ifndef SCUTE_CUDA_ORDER_CUH
#define SCUTE_CUDA_ORDER_CUH

#include "host/ops/sort.h"
#include "kernels/cuda/element.cuh"
#include "kernels/cuda/workspace.h"

enum { SC_PIECE = 2048 };

// ---- keys ----

// Of numbers of up to four bytes both are one word.
struct ScNarrowKey {
   uint64_t word;
   __device__ static ScNarrowKey make(uint64_t key, int64_t index) { return {key << 32 | (uint64_t)index}; }
   __device__ static ScNarrowKey last() { return {UINT64_MAX}; }
   __device__ uint64_t key() const { return word >> 32; }
   __device__ int64_t index() const { return (int64_t)(word & UINT32_MAX); }
   __device__ bool operator<(const ScNarrowKey &other) const { return word < other.word; }
};

struct ScWideKey {
   uint64_t high, low;
   __device__ static ScWideKey make(uint64_t key, int64_t index) { return {key, (uint64_t)index}; }
   __device__ static ScWideKey last() { return {UINT64_MAX, UINT64_MAX}; }
   __device__ uint64_t key() const { return high; }
   __device__ int64_t index() const { return (int64_t)low; }
   __device__ bool operator<(const ScWideKey &other) const {
      return high < other.high || (high == other.high && low < other.low);
   }
};

template <typename T> using ScKeyOf = typename std::conditional<sizeof(T) == 8, ScWideKey, ScNarrowKey>::type;

template <typename T> __device__ inline uint64_t sc_all_ones(void) {
   return sizeof(T) == 8 ? UINT64_MAX : UINT32_MAX;
}

// -0 is 0. `nan`: what a NaN becomes.
__device__ inline uint64_t sc_key_bits(float x, uint64_t nan) {
   uint32_t bits;
   float value = x == 0 ? 0 : x;
   memcpy(&bits, &value, sizeof bits);
   return x != x ? nan : bits ^ (bits >> 31 ? UINT32_MAX : 1u << 31);
}
__device__ inline uint64_t sc_key_bits(double x, uint64_t nan) {
   uint64_t bits;
   double value = x == 0 ? 0 : x;
   memcpy(&bits, &value, sizeof bits);
   return x != x ? nan : bits ^ (bits >> 63 ? UINT64_MAX : (uint64_t)1 << 63);
}
__device__ inline uint64_t sc_key_bits(int64_t x, uint64_t) {
   return (uint64_t)x ^ (uint64_t)1 << 63;
}

// ---- rows ----

struct ScSorting {
   ScAxis axis;
   int64_t wanted; // how many of the first numbers of each row
   bool descending, nan_first;
   __host__ __device__ int64_t rows() const { return axis.outer * axis.inner; }
   __device__ int64_t place(int64_t row, int64_t k) const {
      return (row / axis.inner * axis.n + k) * axis.inner + row % axis.inner;
   }
   template <typename T> __device__ ScKeyOf<T> key(const T *x, int64_t row, int64_t k) const {
      uint64_t ones = sc_all_ones<T>(), bits = sc_key_bits(sc_widen(x[place(row, k)]), nan_first ? 0 : ones);
      if constexpr (sizeof(T) == 1) bits &= UINT32_MAX; // of u8, which widens to i64
      return ScKeyOf<T>::make(descending ? bits ^ ones : bits, k);
   }
};

// A bitonic network over pieces of `size` entries, a power of two.
template <typename E> __device__ inline void sc_sort_shared(E *entries, int size) {
   for (int run = 2; run <= size; run *= 2)
      for (int step = run / 2; step > 0; step /= 2) {
         __syncthreads();
         for (int p = (int)threadIdx.x; p < SC_PIECE / 2; p += (int)blockDim.x) {
            int i = 2 * p - (p & (step - 1)), j = i + step;
            bool falls = (i & (size - 1) & run) != 0;
            E a = entries[i], b = entries[j];
            if ((b < a) != falls) entries[i] = b, entries[j] = a;
         }
      }
   __syncthreads();
}

// What a block sorts: several short rows of `size` places each, or a piece of a long one.
struct ScPieces {
   int size;
   int64_t per_row; // pieces of a long row; 1 of short ones
};

// A whole row that a block has sorted goes to f(row, k, sorted) for each k below f.count; pieces go to `to`.
template <typename T, typename F>
__global__ void sc_order_pieces(ScSorting s, ScPieces p, int64_t pieces, const T *x, ScKeyOf<T> *to, F f) {
   typedef ScKeyOf<T> E;
   __shared__ E entries[SC_PIECE];
   for (int64_t piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
      int64_t first = p.per_row > 1 ? piece / p.per_row : piece * (SC_PIECE / p.size);
      int64_t begin = p.per_row > 1 ? piece % p.per_row * SC_PIECE : 0;
      for (int i = (int)threadIdx.x; i < SC_PIECE; i += (int)blockDim.x) {
         int64_t row = first + i / p.size, k = begin + i % p.size;
         entries[i] = row < s.rows() && k < s.axis.n ? s.key(x, row, k) : E::last();
      }
      sc_sort_shared(entries, p.size);
      for (int i = (int)threadIdx.x; i < SC_PIECE; i += (int)blockDim.x) {
         int64_t row = first + i / p.size, k = i % p.size;
         if (row >= s.rows()) continue;
         if (p.per_row > 1) {
            if (k < s.wanted && begin + k < s.axis.n) to[row * s.axis.n + begin + k] = entries[i];
         } else if (k < f.count) {
            f(s, x, row, k, entries + i / p.size * p.size);
         }
      }
      __syncthreads();
   }
}

// How many entries of `run`, counted from 0, are kept.
__device__ inline int64_t sc_run_length(const ScSorting &s, int64_t run, int64_t number) {
   int64_t left = s.axis.n - number * run, length = left < run ? left : run;
   return length < s.wanted ? length : s.wanted;
}

// Where an entry comes among those of two runs: as many before it as in its own, and those of the other that
// are less.
template <typename E> __global__ void sc_order_merge(ScSorting s, int64_t run, const E *from, E *to) {
   int64_t runs = (s.axis.n + run - 1) / run, kept = run < s.wanted ? run : s.wanted;
   for (int64_t i = sc_thread(); i < s.rows() * runs * kept; i += sc_threads()) {
      int64_t k = i % kept, number = i / kept % runs, row = i / kept / runs * s.axis.n, other = number ^ 1;
      if (k >= sc_run_length(s, run, number)) continue;
      E entry = from[row + number * run + k];
      const E *there = from + row + other * run;
      int64_t low = 0, high = other < runs ? sc_run_length(s, run, other) : 0;
      while (low < high) {
         int64_t middle = (low + high) / 2;
         if (there[middle] < entry)
            low = middle + 1;
         else
            high = middle;
      }
      if (k + low < s.wanted) to[row + (number & ~(int64_t)1) * run + k + low] = entry;
   }
}

template <typename T, typename F>
__global__ void sc_order_finish(ScSorting s, const T *x, const ScKeyOf<T> *sorted, F f) {
   for (int64_t i = sc_thread(); i < s.rows() * f.count; i += sc_threads()) {
      int64_t row = i / f.count;
      f(s, x, row, i % f.count, sorted + row * s.axis.n);
   }
}

// Merges the pieces of long rows, to and fro between *sorted, where the result is found, and as much room.
template <typename T>
ScStatus sc_merge_rows(const ScDevice *device, const char *what, const ScSorting &s, ScKeyOf<T> **sorted,
                       ScKeyOf<T> *room) {
   for (int64_t run = SC_PIECE; run < s.axis.n; run *= 2) {
      int64_t kept = run < s.wanted ? run : s.wanted, runs = (s.axis.n + run - 1) / run;
      SC_TRY(sc_cuda_launch(device, what, sc_order_merge<ScKeyOf<T>>,
                            sc_cuda_grid(device, s.rows() * runs * kept), SC_CUDA_BLOCK, 0, s, run, *sorted,
                            room));
      ScKeyOf<T> *merged = room;
      room = *sorted;
      *sorted = merged;
   }
   return SC_OK;
}

static inline ScPieces sc_pieces_of(int64_t n) {
   int size = 1;
   while (size < SC_PIECE && size < n) size *= 2;
   return {size, n > SC_PIECE ? (n + SC_PIECE - 1) / SC_PIECE : 1};
}

// Calls f(s, x, row, k, sorted) for each row and each k below f.count, where `sorted` has the first s.wanted
// entries of the row.
template <typename T, typename F>
ScStatus sc_sort_rows(const ScDevice *device, const char *what, const ScSorting &s, const T *x, F f) {
   typedef ScKeyOf<T> E;
   ScPieces p = sc_pieces_of(s.axis.n);
   int64_t per_block = SC_PIECE / p.size;
   int64_t pieces = p.per_row > 1 ? s.rows() * p.per_row : (s.rows() + per_block - 1) / per_block;
   size_t entries = p.per_row > 1 ? (size_t)(s.rows() * s.axis.n) : 0;
   void *room = nullptr;
   if (entries) SC_TRY(sc_cuda_workspace(device, 2 * entries * sizeof(E), &room));
   E *sorted = (E *)room;
   SC_TRY(sc_cuda_launch(device, what, sc_order_pieces<T, F>, sc_cuda_grid(device, pieces * SC_CUDA_BLOCK),
                         SC_CUDA_BLOCK, 0, s, p, pieces, x, sorted, f));
   if (!entries) return SC_OK;
   SC_TRY(sc_merge_rows<T>(device, what, s, &sorted, sorted + entries));
   return sc_cuda_launch(device, what, sc_order_finish<T, F>, sc_cuda_grid(device, s.rows() * f.count),
                         SC_CUDA_BLOCK, 0, s, x, sorted, f);
}

// ---- equal ones, which stand side by side in a row that is sorted whole ----

template <typename E> __device__ inline bool sc_begins_equal(const E *sorted, int64_t k) {
   return k == 0 || sorted[k - 1].key() != sorted[k].key();
}

// Behind the last that is equal to number k of n.
template <typename E> __device__ inline int64_t sc_end_of_equal(const E *sorted, int64_t k, int64_t n) {
   int64_t low = k + 1, high = n;
   while (low < high) {
      int64_t middle = (low + high) / 2;
      if (sorted[middle].key() == sorted[k].key())
         low = middle + 1;
      else
         high = middle;
   }
   return low;
}

#endif
