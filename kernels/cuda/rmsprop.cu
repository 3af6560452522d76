#include "host/ops/rmsprop.h"

#include <math.h>

#include "kernels/cuda/list.cuh"

namespace {

enum {
   P = SC_RMSPROP_PARAMS,
   G = SC_RMSPROP_GRADS,
   SQUARE = SC_RMSPROP_SQUARE,
   MOVE = SC_RMSPROP_MOMENTA,
   MEAN = SC_RMSPROP_MEANS
};

template <typename M> struct Rmsprop {
   static constexpr unsigned STORES = 1u << P | 1u << SQUARE | 1u << MOVE | 1u << MEAN;
   M lr, alpha, fresh, eps, momentum, decay;
   bool centered;
   __device__ void begin() {}
   __device__ void operator()(M (&v)[SC_RMSPROP_LISTS]) const {
      M g = v[G] + decay * v[P], spread = v[SQUARE] = alpha * v[SQUARE] + fresh * g * g;
      if (centered) {
         v[MEAN] = alpha * v[MEAN] + fresh * g;
         spread -= v[MEAN] * v[MEAN];
      }
      M move = g / (sqrt(spread) + eps);
      if (momentum != 0) v[MOVE] = move += momentum * v[MOVE];
      v[P] -= lr * move;
   }
};

ScStatus step(ScCall *c) {
   double alpha = c->attr[SC_RMSPROP_ALPHA].f;
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      Rmsprop<T> f = {(T)c->attr[SC_RMSPROP_LR].f,
                      (T)alpha,
                      (T)(1 - alpha),
                      (T)c->attr[SC_RMSPROP_EPS].f,
                      (T)c->attr[SC_RMSPROP_MOMENTUM].f,
                      (T)c->attr[SC_RMSPROP_WEIGHT_DECAY].f,
                      sc_group_at(c, MEAN, 0) != nullptr};
      return sc_step<T, SC_RMSPROP_LISTS>(c, f, sc_group_at(c, SC_RMSPROP_FOUND_INF, 0));
   });
}

} // namespace

SC_KERNEL(cuda, rmsprop_step, .dtypes = SC_FLOATS, .forward = step, .backward = nullptr)
