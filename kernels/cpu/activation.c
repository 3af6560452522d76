#include "kernels/cpu/activation.h"

#include "kernels/cpu/clones.h"

SC_INLINE void activate(ScAct act, int64_t n, const void *x, void *y, bool half) {
#pragma GCC ivdep
   for (int64_t i = 0; i < n; i++) sc_set(y, i, half, sc_activate(act, sc_at(x, i, half)));
}

SC_CLONES void sc_activate_all(ScAct act, int64_t n, const void *x, void *y, bool half) {
#define SC_ACT_CASE(name, op, by_result)                                                                       \
   case SC_ACT_##name:                                                                                         \
      if (half)                                                                                                \
         activate(SC_ACT_##name, n, x, y, true);                                                               \
      else                                                                                                     \
         activate(SC_ACT_##name, n, x, y, false);                                                              \
      break;
   switch (act) {
      SC_ACTIVATIONS(SC_ACT_CASE)
   default:
      if (y != x) memcpy(y, x, (size_t)n * (half ? sizeof(uint16_t) : sizeof(float)));
   }
#undef SC_ACT_CASE
}

// By a derivative of its own and not as the gradient of g, so that it rounds as the elementwise ops do.
SC_INLINE void gradient(ScAct act, int64_t n, const float *x, float *restrict g) {
   for (int64_t i = 0; i < n; i++) g[i] *= sc_act_gradient(act, x[i], 1);
}

SC_CLONES void sc_act_gradient_all(ScAct act, int64_t n, const float *x, float *g) {
#define SC_ACT_CASE(name, op, by_result)                                                                       \
   case SC_ACT_##name: gradient(SC_ACT_##name, n, x, g); break;
   switch (act) {
      SC_ACTIVATIONS(SC_ACT_CASE)
   default: break;
   }
#undef SC_ACT_CASE
}
