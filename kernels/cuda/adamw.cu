#include "host/ops/adamw.h"

#include <math.h>

#include "kernels/cuda/list.cuh"

namespace {

enum { P = SC_ADAMW_PARAMS, G = SC_ADAMW_GRADS, MEAN = SC_ADAMW_EXP_AVG, SQUARE = SC_ADAMW_EXP_AVG_SQ };

template <typename M> struct Adam {
   static constexpr unsigned STORES = 1u << P | 1u << MEAN | 1u << SQUARE;
   M rate, beta1, fresh1, beta2, fresh2, correct2, eps; // rate: lr / (1 - beta1^step); correct2: 1 - beta2^step
   M shrink, decay;                                     // of p by itself, and as part of g
   __device__ void begin() {}
   __device__ void operator()(M (&v)[SC_ADAMW_LISTS]) const {
      M g = v[G] + decay * v[P];
      v[MEAN] = beta1 * v[MEAN] + fresh1 * g;
      v[SQUARE] = beta2 * v[SQUARE] + fresh2 * g * g;
      v[P] = shrink * v[P] - rate * v[MEAN] / (sqrt(v[SQUARE] / correct2) + eps);
   }
};

ScStatus step(ScCall *c) {
   double lr = c->attr[SC_ADAMW_LR].f, decay = c->attr[SC_ADAMW_WEIGHT_DECAY].f;
   double beta1 = c->attr[SC_ADAMW_BETA1].f, beta2 = c->attr[SC_ADAMW_BETA2].f;
   double t = (double)c->attr[SC_ADAMW_STEP].i;
   bool decoupled = c->attr[SC_ADAMW_DECOUPLED].i;
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      Adam<T> f = {(T)(lr / (1 - pow(beta1, t))),
                   (T)beta1,
                   (T)(1 - beta1),
                   (T)beta2,
                   (T)(1 - beta2),
                   (T)(1 - pow(beta2, t)),
                   (T)c->attr[SC_ADAMW_EPS].f,
                   (T)(decoupled ? 1 - lr * decay : 1),
                   (T)(decoupled ? 0 : decay)};
      return sc_step<T, SC_ADAMW_LISTS>(c, f, sc_group_at(c, SC_ADAMW_FOUND_INF, 0));
   });
}

} // namespace

SC_KERNEL(cuda, adamw_step, .dtypes = SC_FLOATS, .forward = step, .backward = nullptr)
