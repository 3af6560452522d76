#ifndef SCUTE_OPS_CROSS_ENTROPY_H
#define SCUTE_OPS_CROSS_ENTROPY_H

// Inputs and attributes. If it is recorded, forward saves log_softmax(logits), (N, C).
enum { SC_CE_LOGITS, SC_CE_TARGETS };
enum { SC_CE_SMOOTHING, SC_CE_REDUCTION };
enum { SC_CE_MEAN, SC_CE_SUM, SC_CE_NONE };

#endif
