#include "host/ops/dims.h"

ScStatus sc_want_dims(ScCall *c, int attr, const char *name) {
   const ScTensor *x = c->in[0];
   int64_t *dims = c->attr[attr].ints.v;
   int n = c->attr[attr].ints.n;
   bool seen[SC_MAXRANK] = {false};
   for (int i = 0; i < n; i++) {
      int64_t dim = dims[i] < 0 ? dims[i] + x->rank + 1 : dims[i];
      if (dim < 1 || dim > x->rank)
         return sc_fail(SC_EARG, "%s: argument '%s': expected dimensions of shape %s (1 to %d), found %lld",
                        c->op->name, name, sc_shape_text(x), x->rank, (long long)dims[i]);
      if (seen[dim - 1])
         return sc_fail(SC_EARG, "%s: argument '%s': dimension %lld is named twice", c->op->name, name,
                        (long long)dim);
      seen[dim - 1] = true;
      dims[i] = dim;
   }
   return SC_OK;
}
