#include "host/ops/broadcast.h"
#include "kernels/ref/walk.h"

#define COMPARE(name, operator)                                                                                \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      const ScTensor *a = c->in[0], *b = c->in[1], *y = c->out[0];                                             \
      int64_t sa[SC_MAXRANK], sb[SC_MAXRANK], sy[SC_MAXRANK];                                                  \
      sc_broadcast_strides(a, y, sa), sc_broadcast_strides(b, y, sb), sc_strides(y, sy);                       \
      ScWalk w = {.rank = y->rank, .n = 3, .shape = y->shape, .strides = {sa, sb, sy}};                        \
      bool whole = a->dtype == SC_I64;                                                                         \
      do                                                                                                       \
         sc_put(y, w.offset[2],                                                                                \
                whole ? sc_whole(a)[w.offset[0]] operator sc_whole(b)[w.offset[1]]                             \
                      : sc_get(a, w.offset[0])                                                                 \
                        operator sc_get(b, w.offset[1]));                                                      \
      while (sc_walk_next(&w));                                                                                \
      return SC_OK;                                                                                            \
   }                                                                                                           \
   SC_KERNEL(ref, name, .dtypes = SC_NUMBERS, .forward = forward_##name)

COMPARE(eq, ==)
COMPARE(ne, !=)
COMPARE(lt, <)
COMPARE(le, <=)
COMPARE(gt, >)
COMPARE(ge, >=)
