// Copies of a tensor side by side.
#include "host/ops/tile.h"

#include "host/core/dispatch.h"

static const ScParam params[] = {
    {.name = "x", .kind = SC_TENSOR, .doc = "any shape and dtype"},
    {.name = "times",
     .kind = SC_INTS,
     .doc = "how often along each dimension, the last number for the last one; more numbers than dimensions "
            "give new ones in front, fewer leave the first as they are"},
};
enum { TIMES };

static int64_t times_of(const ScCall *c, int rank, int d) {
   int mine = d - (rank - c->attr[TIMES].ints.n);
   return mine < 0 ? 1 : c->attr[TIMES].ints.v[mine];
}

static int64_t size_of(const ScTensor *x, int rank, int d) {
   int mine = d - (rank - x->rank);
   return mine < 0 ? 1 : x->shape[mine];
}

static int rank_of(const ScCall *c) {
   return c->attr[TIMES].ints.n > c->in[0]->rank ? c->attr[TIMES].ints.n : c->in[0]->rank;
}

static ScStatus infer(ScCall *c) {
   const ScTensor *x = c->in[0];
   int rank = rank_of(c);
   int64_t shape[SC_MAXRANK];
   if (c->attr[TIMES].ints.n == 0)
      return sc_fail(SC_EARG, "tile: argument 'times': expected at least one number");
   for (int d = 0; d < rank; d++) {
      int64_t times = times_of(c, rank, d);
      if (times < 1)
         return sc_fail(SC_EARG, "tile: argument 'times': expected numbers of at least 1, found %lld",
                        (long long)times);
      if (__builtin_mul_overflow(times, size_of(x, rank, d), &shape[d]))
         return sc_fail(SC_EARG, "tile: argument 'times': %lld of shape %s are too many", (long long)times,
                        sc_shape_text(x));
   }
   return sc_describe(c, 0, x->dtype, rank, shape);
}

ScRemap sc_tile_map(const ScCall *c) {
   ScRemap m = {.value = 0};
   for (int d = 0; d < c->out[0]->rank; d++)
      m.dim[d] = (ScDimMap){.kind = SC_MAP_WRAP, .n = size_of(c->in[0], c->out[0]->rank, d)};
   return m;
}

SC_OP(tile,
      .doc = "x several times side by side: tile(2, 3) makes (4, 5) an (8, 15), tile(2, 1, 1) a (2, 4, 5). "
             "PyTorch calls it repeat, which is a word of Lua's own.",
      SC_PARAMS(params), .differentiable = true, .any_dtype = true, .infer = infer, .backward = sc_sum_repeats)
