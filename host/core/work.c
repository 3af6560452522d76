#include "host/core/work.h"

static double bytes_of(const ScTensor *t) {
   return t && t->buffer ? (double)sc_nbytes(t) : 0;
}

static double bytes_of_all(int n, ScTensor *const *tensors) {
   double sum = 0;
   for (int i = 0; i < n; i++) sum += bytes_of(tensors[i]);
   return sum;
}

// What forward reads, and what it writes in place. Of parameters in `reads_part` no more is read than is
// written.
static double bytes_of_inputs(const ScCall *c) {
   double sum = 0, written = bytes_of_all(c->nout, c->out);
   for (int p = 0, at = 0; p < SC_MAXPARAM && at < c->nin; at += c->count[p++]) {
      double bytes = bytes_of_all(c->count[p], c->in + at);
      if (c->op->reads_part >> p & 1 && bytes > written) bytes = written;
      sum += c->op->in_place >> p & 1 ? 2 * bytes : bytes;
   }
   return sum;
}

ScWork sc_work(const ScCall *c, bool backward) {
   ScWork work = {.multiply_adds = c->op->multiply_adds ? c->op->multiply_adds(c, backward) : 0};
   work.bytes = bytes_of_all(c->nout, c->out) + bytes_of_all(c->nsaved, c->saved);
   if (!backward) work.bytes += bytes_of_inputs(c);
   if (backward)
      work.bytes +=
          bytes_of_all(c->nin, c->in) + bytes_of_all(c->nout, c->grad_out) + bytes_of_all(c->nin, c->grad_in);
   return work;
}
