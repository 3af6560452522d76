// What the batch norm kernels need to know of the declaration.
#ifndef SCUTE_OPS_BATCH_NORM_H
#define SCUTE_OPS_BATCH_NORM_H

#include "host/core/op.h"
#include "host/ops/activation.h"

enum { SC_BN_X, SC_BN_WEIGHT, SC_BN_BIAS, SC_BN_MEAN, SC_BN_VAR, SC_BN_RESIDUAL, SC_BN_INPUTS };
enum { SC_BN_TRAINING, SC_BN_MOMENTUM, SC_BN_EPS, SC_BN_ACT, SC_BN_SYNCHRONISED, SC_BN_ATTRS };
// Behind what is declared, noted by the kernel's forward where sc_bn_joins: values of a channel in all
// processes.
enum { SC_BN_VALUES = SC_BN_ATTRS };
// Whose photos the statistics are of: this process's, those of all, those of all but this one.
enum { SC_BN_NO, SC_BN_ALL, SC_BN_OTHERS };
// Saved in training mode only.
enum { SC_BN_BATCH_MEAN, SC_BN_BATCH_VAR };

SC_API_BEGIN

// Whether the statistics are joined with those of other processes (host/core/world_norm.h), and so are the sums
// of the gradient.
bool sc_bn_joins(const ScCall *);
// Whether x counts for nothing there: a call beside those that do, of a process that has no photos.
bool sc_bn_only_joins(const ScCall *);

SC_API_END

#endif
