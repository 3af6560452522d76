// What layer_norm and group_norm come down to: each row of channels normalised in groups.
#ifndef SCUTE_OPS_GROUPED_NORM_H
#define SCUTE_OPS_GROUPED_NORM_H

#include "host/core/op.h"

enum { SC_GN_X, SC_GN_WEIGHT, SC_GN_BIAS, SC_GN_INPUTS };
enum { SC_GN_GROUPS, SC_GN_PER_PIXEL, SC_GN_EPS, SC_GN_ATTRS };
enum { SC_GN_MEAN, SC_GN_INVERSE }; // saved: of each sample and group; inverse: 1 / sqrt(var + eps)

SC_API_BEGIN

// x lies in memory as (samples, pixels, channels). A mean and a variance are those of one sample, all its
// pixels and `width` = channels / groups channels side by side.
typedef struct {
   int64_t samples, pixels, channels, groups, width;
   double eps;
} ScGroups;

ScGroups sc_groups(const ScCall *);

// What layer_norm and group_norm share: checks of weight and bias, whose shape is `what`, and of eps; and the
// op `reshape`.
ScStatus sc_check_affine(const ScCall *, int rank, const int64_t *shape, const char *what);
ScStatus sc_check_eps(const ScCall *, double eps);
ScStatus sc_reshape(ScTensor **out, ScTensor *x, int rank, const int64_t *shape);

SC_API_END

#endif
