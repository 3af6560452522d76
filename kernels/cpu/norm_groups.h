// Samples of many pixels, normalised in groups of channels.
#ifndef SCUTE_CPU_NORM_GROUPS_H
#define SCUTE_CPU_NORM_GROUPS_H

#include "host/ops/grouped_norm.h"

ScStatus sc_normed_groups(ScCall *);
ScStatus sc_normed_groups_gradients(ScCall *);

#endif
