// Dynamic loss scaling: all of its numbers stay on the device.
#include "host/ops/scaler.h"

#include <math.h>

#include "kernels/cuda/fill.h"
#include "kernels/cuda/list.cuh"

namespace {

// Whoever finds a number that is not finite writes the same 1.
template <typename M> struct Unscale {
   static constexpr unsigned STORES = 1;
   const M *scale;
   M *found;
   M inverse;
   __device__ void begin() { inverse = 1 / *scale; }
   __device__ void operator()(M (&v)[1]) const {
      v[0] *= inverse;
      if (!isfinite(v[0])) *found = 1;
   }
};

ScStatus unscale(ScCall *c) {
   ScTensor *found = sc_group_at(c, SC_UNSCALE_FOUND_INF, 0);
   return sc_with_master(c, [&](auto type) -> ScStatus {
      typedef decltype(type) T;
      T none = 0;
      SC_TRY(sc_cuda_fill(c->device, found->buffer->data, &none, sizeof none, 1));
      Unscale<T> f = {sc_data<T>(sc_group_at(c, SC_UNSCALE_SCALE, 0)), sc_data<T>(found), 0};
      return sc_step<T, 1>(c, f, nullptr);
   });
}

template <typename T>
__global__ void scale_update_step(T growth, T backoff, T interval, const T *found, T *scale, T *good_steps,
                                  T *skipped) {
   T steps = *good_steps + 1;
   if (*found != 0) {
      *scale *= backoff;
      *skipped += 1;
      steps = 0;
   } else if (steps >= interval) {
      if (isfinite(*scale * growth)) *scale *= growth;
      steps = 0;
   }
   *good_steps = steps;
}

ScStatus update(ScCall *c) {
   return sc_with_master(c, [&](auto type) {
      typedef decltype(type) T;
      return sc_cuda_launch(c->device, "scale_update_", scale_update_step<T>, dim3(1), dim3(1), 0,
                            (T)c->attr[SC_SCALER_GROWTH].f, (T)c->attr[SC_SCALER_BACKOFF].f,
                            (T)c->attr[SC_SCALER_INTERVAL].i, sc_data<T>(c->in[SC_SCALER_FOUND_INF]),
                            sc_data<T>(c->in[SC_SCALER_SCALE]), sc_data<T>(c->in[SC_SCALER_GOOD_STEPS]),
                            sc_data<T>(c->in[SC_SCALER_SKIPPED]));
   });
}

} // namespace

SC_KERNEL(cuda, unscale_, .dtypes = SC_FLOATS, .forward = unscale, .backward = nullptr)
SC_KERNEL(cuda, scale_update_, .dtypes = SC_FLOATS, .forward = update, .backward = nullptr)
