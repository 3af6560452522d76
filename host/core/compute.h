// The inner part of a call, in which nothing is converted any more.
#ifndef SCUTE_COMPUTE_H
#define SCUTE_COMPUTE_H

#include "host/core/op.h"

// Checks, allocates, computes and records a call that has its device (sc_call_place).
ScStatus sc_compute(ScCall *);

#endif
