#include "kernels/cpu/loop.h"

static void append(ScLoop *loop, int64_t size, const int64_t strides[][SC_MAXRANK], int dim) {
   int last = loop->rank - 1;
   bool merge = last >= 0;
   for (int i = 0; merge && i < loop->n; i++) merge = loop->stride[i][last] == strides[i][dim] * size;
   int at = merge ? last : loop->rank++;
   loop->size[at] = merge ? loop->size[at] * size : size;
   for (int i = 0; i < loop->n; i++) loop->stride[i][at] = strides[i][dim];
}

void sc_loop_init(ScLoop *loop, int rank, const int64_t *shape, int n, const int64_t strides[][SC_MAXRANK]) {
   *loop = (ScLoop){.n = n};
   bool used[SC_MAXRANK] = {false};
   for (int round = 0; round < rank; round++) {
      int widest = -1;
      for (int d = 0; d < rank; d++)
         if (!used[d] && (widest < 0 || strides[0][d] > strides[0][widest])) widest = d;
      used[widest] = true;
      if (shape[widest] > 1) append(loop, shape[widest], strides, widest);
   }
   if (loop->rank == 0) loop->size[loop->rank++] = 1; // a single element
   loop->blocks = (loop->size[loop->rank - 1] + SC_LOOP_BLOCK - 1) / SC_LOOP_BLOCK;
   loop->tasks = loop->blocks;
   for (int d = 0; d < loop->rank - 1; d++) loop->tasks *= loop->size[d];
}

int64_t sc_loop_task(const ScLoop *loop, int64_t task, int64_t offset[SC_LOOP_MAX]) {
   int inner = loop->rank - 1;
   int64_t first = task % loop->blocks * SC_LOOP_BLOCK, left = loop->size[inner] - first,
           row = task / loop->blocks;
   for (int i = 0; i < loop->n; i++) offset[i] = first * loop->stride[i][inner];
   for (int d = inner - 1; d >= 0; d--) {
      int64_t index = row % loop->size[d];
      row /= loop->size[d];
      for (int i = 0; i < loop->n; i++) offset[i] += index * loop->stride[i][d];
   }
   return left < SC_LOOP_BLOCK ? left : SC_LOOP_BLOCK;
}
