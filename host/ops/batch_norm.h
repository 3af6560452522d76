// What the batch norm kernels need to know of the declaration.
#ifndef SCUTE_OPS_BATCH_NORM_H
#define SCUTE_OPS_BATCH_NORM_H

#include "host/core/op.h"
#include "host/ops/activation.h"

enum { SC_BN_X, SC_BN_WEIGHT, SC_BN_BIAS, SC_BN_MEAN, SC_BN_VAR, SC_BN_RESIDUAL, SC_BN_INPUTS };
enum { SC_BN_TRAINING, SC_BN_MOMENTUM, SC_BN_EPS, SC_BN_ACT, SC_BN_ATTRS };
// Saved in training mode only.
enum { SC_BN_BATCH_MEAN, SC_BN_BATCH_VAR };

#endif
