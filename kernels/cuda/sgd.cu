#include "host/ops/sgd.h"

#include "kernels/cuda/list.cuh"

namespace {

enum { P = SC_SGD_PARAMS, G = SC_SGD_GRADS, V = SC_SGD_MOMENTA };

template <typename M> struct Sgd {
   static constexpr unsigned STORES = 1u << P | 1u << V;
   M lr, momentum, decay, fresh; // fresh: share of the gradient in the buffer
   bool nesterov, first;
   __device__ void begin() {}
   __device__ void operator()(M (&v)[SC_SGD_LISTS]) const {
      M g = v[G] + decay * v[P];
      if (momentum != 0) {
         v[V] = first ? g : momentum * v[V] + fresh * g;
         g = nesterov ? g + momentum * v[V] : v[V];
      }
      v[P] -= lr * g;
   }
};

ScStatus step(ScCall *c) {
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      Sgd<T> f = {(T)c->attr[SC_SGD_LR].f,           (T)c->attr[SC_SGD_MOMENTUM].f,
                  (T)c->attr[SC_SGD_WEIGHT_DECAY].f, (T)(1 - c->attr[SC_SGD_DAMPENING].f),
                  c->attr[SC_SGD_NESTEROV].i != 0,   c->attr[SC_SGD_FIRST].i != 0};
      return sc_step<T, SC_SGD_LISTS>(c, f, sc_group_at(c, SC_SGD_FOUND_INF, 0));
   });
}

} // namespace

SC_KERNEL(cuda, sgd_step, .dtypes = SC_FLOATS, .forward = step, .backward = nullptr)
