#ifndef SCUTE_OPS_GRADIENTS_H
#define SCUTE_OPS_GRADIENTS_H

// Tensor parameters of list_clip (for sc_group_at), and what its tensors are multiplied with.
enum { SC_CLIP_TENSORS, SC_CLIP_NORM };
#define SC_CLIP_EPS 1e-6

enum { SC_AVERAGE_AVERAGES, SC_AVERAGE_VALUES, SC_AVERAGE_LISTS, SC_AVERAGE_FOUND_INF = SC_AVERAGE_LISTS };

#endif
