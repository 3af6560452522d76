#ifndef SCUTE_OPS_VAR_H
#define SCUTE_OPS_VAR_H

#include "host/ops/reduction.h"

enum { SC_VAR_DIM, SC_VAR_CORRECTION, SC_VAR_KEEPDIM }; // attributes; the mean is saved

// By what the sum of squares is divided.
static inline double sc_var_divisor(const ScCall *c) {
   double left = (double)sc_axis(c->in[0], SC_REDUCED).n - c->attr[SC_VAR_CORRECTION].f;
   return left > 0 ? left : 0;
}

#endif
