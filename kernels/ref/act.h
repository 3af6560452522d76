// The activations that batch norm ends with, and their derivatives.
#ifndef SCUTE_REF_ACT_H
#define SCUTE_REF_ACT_H

#include <math.h>

#include "host/ops/batch_norm.h"

static inline double sc_act(ScAct act, double x) {
   switch (act) {
   case SC_ACT_RELU: return x > 0 || x != x ? x : 0;
   case SC_ACT_RELU6: return x > 6 ? 6 : x > 0 || x != x ? x : 0;
   case SC_ACT_SILU: return x / (1 + exp(-x));
   default: return x;
   }
}

// Given the value before the activation; for relu and relu6 the value after it will do.
static inline double sc_act_derivative(ScAct act, double x) {
   switch (act) {
   case SC_ACT_RELU: return x > 0;
   case SC_ACT_RELU6: return x > 0 && x < 6;
   case SC_ACT_SILU: {
      double s = 1 / (1 + exp(-x));
      return s * (1 + x * (1 - s));
   }
   default: return 1;
   }
}

#endif
