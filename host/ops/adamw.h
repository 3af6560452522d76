#ifndef SCUTE_OPS_ADAMW_H
#define SCUTE_OPS_ADAMW_H

// Lists, for sc_group_at, and the flag behind them; attributes.
enum {
   SC_ADAMW_PARAMS,
   SC_ADAMW_GRADS,
   SC_ADAMW_EXP_AVG,
   SC_ADAMW_EXP_AVG_SQ,
   SC_ADAMW_LISTS,
   SC_ADAMW_FOUND_INF = SC_ADAMW_LISTS
};
enum {
   SC_ADAMW_LR,
   SC_ADAMW_BETA1,
   SC_ADAMW_BETA2,
   SC_ADAMW_EPS,
   SC_ADAMW_WEIGHT_DECAY,
   SC_ADAMW_STEP,
   SC_ADAMW_DECOUPLED
};

#endif
