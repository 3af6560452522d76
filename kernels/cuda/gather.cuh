// Elements moved into another order.
#ifndef SCUTE_CUDA_GATHER_CUH
#define SCUTE_CUDA_GATHER_CUH

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/index.cuh"

template <typename U> __global__ void sc_gather_strided(ScIndex<1> index, const U *from, U *to) {
   for (int64_t i = sc_thread(); i < index.n; i += sc_threads()) {
      int64_t at[1] = {};
      sc_offsets(index, i, at);
      to[i] = from[at[0]];
   }
}

// ---- where neighbours of the source are not neighbours of the result ----

enum { SC_TILE = 32, SC_TILE_DEEP = SC_CUDA_BLOCK / SC_TILE, SC_TILE_WORTH = 8 };

// `down` is the dimension whose elements lie side by side in the source, `across` that of the result.
struct ScTranspose {
   int64_t down, across;
   int64_t from_across, to_down; // strides of a step in them, in the source and in the result
   ScIndex<2> rest;              // the other dimensions, in the source and in the result
};

// Squares go through shared memory, so that reads and writes both are of neighbours.
template <typename U> __global__ void sc_gather_transposed(ScTranspose t, const U *from, U *to) {
   __shared__ U tile[SC_TILE][SC_TILE + 1];
   int64_t wide = (t.across + SC_TILE - 1) / SC_TILE, high = (t.down + SC_TILE - 1) / SC_TILE;
   int x = (int)threadIdx.x % SC_TILE, y = (int)threadIdx.x / SC_TILE;
   for (int64_t i = blockIdx.x; i < wide * high * t.rest.n; i += gridDim.x) {
      int64_t row = i / wide, image = row / high, left = (i - row * wide) * SC_TILE,
              top = (row - image * high) * SC_TILE, at[2] = {};
      sc_offsets(t.rest, image, at);
      for (int k = y; k < SC_TILE; k += SC_TILE_DEEP)
         if (top + x < t.down && left + k < t.across)
            tile[k][x] = from[at[0] + top + x + (left + k) * t.from_across];
      __syncthreads();
      for (int k = y; k < SC_TILE; k += SC_TILE_DEEP)
         if (left + x < t.across && top + k < t.down) to[at[1] + left + x + (top + k) * t.to_down] = tile[x][k];
      __syncthreads();
   }
}

// Whether the elements of `index`, whose result lies as it is walked, are worth being moved in squares. Where a
// side is short, most of a square would be empty, and caches help as well.
static inline bool sc_find_transpose(const ScIndex<1> &index, ScTranspose *out) {
   int last = index.rank - 1, side = 0;
   if (last < 1 || index.strides[0][last] == 1) return false;
   while (side < last && index.strides[0][side] != 1) side++;
   if (side == last || index.shape[side] < SC_TILE_WORTH || index.shape[last] < SC_TILE_WORTH) return false;
   int64_t strides[2][SC_MAXRANK], size = 1;
   bool skip[SC_MAXRANK] = {};
   for (int d = last; d >= 0; d--) {
      strides[0][d] = index.strides[0][d], strides[1][d] = size;
      size *= index.shape[d];
   }
   skip[side] = skip[last] = true;
   *out = {index.shape[side], index.shape[last], index.strides[0][last], strides[1][side],
           sc_index<2>(index.rank, index.shape, strides[1], strides, skip)};
   return true;
}

static inline dim3 sc_transpose_grid(const ScDevice *device, const ScTranspose &t) {
   int64_t tiles = (t.across + SC_TILE - 1) / SC_TILE * ((t.down + SC_TILE - 1) / SC_TILE) * t.rest.n;
   return sc_cuda_grid(device, tiles * SC_CUDA_BLOCK);
}

// Fills `to` in the order in which it lies, that of falling `order`, with the elements that have the strides
// `from_strides`.
static inline ScStatus sc_gather(const ScCall *c, ScDtype dtype, int rank, const int64_t *shape,
                                 const int64_t *order, void *to, const int64_t *from_strides,
                                 const void *from) {
   int64_t strides[1][SC_MAXRANK];
   for (int d = 0; d < rank; d++) strides[0][d] = from_strides[d];
   ScIndex<1> index = sc_index<1>(rank, shape, order, strides);
   ScTranspose squares = {};
   bool transposes = sc_find_transpose(index, &squares);
   return sc_with_size(dtype, [&](auto type) {
      typedef decltype(type) U;
      if (transposes)
         return sc_cuda_launch(c->device, c->op->name, sc_gather_transposed<U>,
                               sc_transpose_grid(c->device, squares), SC_CUDA_BLOCK, 0, squares,
                               (const U *)from, (U *)to);
      return sc_cuda_launch(c->device, c->op->name, sc_gather_strided<U>, sc_cuda_grid(c->device, index.n),
                            SC_CUDA_BLOCK, 0, index, (const U *)from, (U *)to);
   });
}

#endif
