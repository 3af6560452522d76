#ifndef SCUTE_OPS_SOFTMAX_H
#define SCUTE_OPS_SOFTMAX_H

enum { SC_SOFTMAX_DIM }; // attributes; set by infer to a dimension from 0

#endif
