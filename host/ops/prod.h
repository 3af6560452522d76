// What the kernels of prod share.
#ifndef SCUTE_OPS_PROD_H
#define SCUTE_OPS_PROD_H

#include "host/ops/reduction.h"

// Saved: the product of what is not 0, and how many zeros there are. With one zero the gradient is all its own.
enum { SC_PROD_OTHERS, SC_PROD_ZEROS };

#endif
