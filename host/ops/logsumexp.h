#ifndef SCUTE_OPS_LOGSUMEXP_H
#define SCUTE_OPS_LOGSUMEXP_H

#include "host/ops/reduction.h"

// Saved: the gradient is that of the result times exp(x - shift) / total. Where the total is infinite, so is
// the shift.
enum { SC_LOGSUMEXP_SHIFT, SC_LOGSUMEXP_TOTAL };

#endif
