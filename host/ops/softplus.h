// What the kernels of softplus share.
#ifndef SCUTE_SOFTPLUS_H
#define SCUTE_SOFTPLUS_H

#include "host/core/op.h"

enum { SC_SOFTPLUS_BETA, SC_SOFTPLUS_THRESHOLD }; // attributes, numbers

#endif
