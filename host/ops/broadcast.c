#include "host/ops/broadcast.h"

// Size of dimension `d` counted from the last, 1 beyond the first.
static int64_t from_end(const ScTensor *t, int d) {
   return d < t->rank ? t->shape[t->rank - 1 - d] : 1;
}

ScStatus sc_describe_broadcast(ScCall *c, ScDtype dtype) {
   int rank = c->in[0]->rank;
   int64_t shape[SC_MAXRANK];
   for (int i = 1; i < c->nin; i++)
      if (c->in[i]->rank > rank) rank = c->in[i]->rank;
   for (int d = 0; d < rank; d++) {
      const ScTensor *a = c->in[0]; // the one that sets the size
      for (int i = 1; i < c->nin; i++) {
         const ScTensor *b = c->in[i];
         int64_t na = from_end(a, d), nb = from_end(b, d);
         if (na != nb && na != 1 && nb != 1)
            return sc_fail(
                SC_EARG,
                "%s: shapes %s and %s do not broadcast: %lld against %lld in dimension %d from the end",
                c->op->name, sc_shape_text(a), sc_shape_text(b), (long long)na, (long long)nb, d + 1);
         if (nb > na) a = b;
      }
      shape[rank - 1 - d] = from_end(a, d);
   }
   return sc_describe(c, 0, dtype, rank, shape);
}

void sc_broadcast_strides(const ScTensor *t, const ScTensor *like, int64_t strides[SC_MAXRANK]) {
   int64_t own[SC_MAXRANK];
   sc_strides(t, own);
   for (int d = 0; d < like->rank; d++) {
      int mine = d - (like->rank - t->rank);
      strides[d] = mine < 0 || t->shape[mine] == 1 ? 0 : own[mine];
   }
}
