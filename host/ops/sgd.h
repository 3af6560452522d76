#ifndef SCUTE_OPS_SGD_H
#define SCUTE_OPS_SGD_H

// Lists, for sc_group_at, and the flag behind them; attributes.
enum { SC_SGD_PARAMS, SC_SGD_GRADS, SC_SGD_MOMENTA, SC_SGD_LISTS, SC_SGD_FOUND_INF = SC_SGD_LISTS };
enum { SC_SGD_LR, SC_SGD_MOMENTUM, SC_SGD_WEIGHT_DECAY, SC_SGD_DAMPENING, SC_SGD_NESTEROV, SC_SGD_FIRST };

#endif
