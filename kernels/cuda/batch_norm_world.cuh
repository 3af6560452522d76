// Batch norm over several processes: what a launch has found of each channel goes through the host, where the
// processes meet, and back to where it lay. The device waits meanwhile.
#ifndef SCUTE_CUDA_BATCH_NORM_WORLD_CUH
#define SCUTE_CUDA_BATCH_NORM_WORLD_CUH

#include <new>

#include "host/core/world_norm.h"
#include "host/ops/batch_norm.h"

namespace {

// Of a channel, over all that statistics are of; before these are joined those of this process.
inline double values_of(const ScCall *c) {
   const ScTensor *x = c->in[SC_BN_X];
   double joined = sc_bn_joins(c) ? c->attr[SC_BN_VALUES].f : 0;
   return joined > 0 ? joined : (double)(sc_numel(x) / x->shape[1]);
}

inline ScStatus download(const ScCall *c, void *to, const void *from, size_t bytes) {
   return c->device->backend->download(c->device, to, from, bytes);
}

inline ScStatus upload(const ScCall *c, void *to, const void *from, size_t bytes) {
   return c->device->backend->upload(c->device, to, from, bytes);
}

// Two lists of numbers by channel on the host: as they are joined, and as the device has them.
template <typename M> struct OnHost {
   double *wide;
   M *narrow;
   explicit OnHost(int64_t n)
       : wide(new (std::nothrow) double[2 * (size_t)n]), narrow(new (std::nothrow) M[2 * (size_t)n]) {}
   ~OnHost() {
      delete[] wide;
      delete[] narrow;
   }
   OnHost(const OnHost &) = delete;
   OnHost &operator=(const OnHost &) = delete;
};

// Mean and biased variance (n) of `rows` values a channel in this process become those of all; how many they
// are of is noted in the call, and gives *unbias.
template <typename M>
ScStatus join_statistics(ScCall *c, int64_t rows, int64_t n, const M *mean, const M *var, double *unbias) {
   size_t bytes = (size_t)n * sizeof(M);
   OnHost<M> host(n);
   if (!host.wide || !host.narrow) return sc_fail(SC_EMEM, "out of memory");
   double *middle = host.wide, *square = middle + n;
   M *narrow_var = host.narrow + n;
   SC_TRY(download(c, host.narrow, mean, bytes));
   SC_TRY(download(c, narrow_var, var, bytes));
   for (int64_t i = 0; i < n; i++) middle[i] = host.narrow[i], square[i] = (double)rows * narrow_var[i];
   ScMoments moments = {n, sc_bn_only_joins(c) ? 0 : (double)rows, middle, square};
   SC_TRY(sc_world_join_moments(&moments));
   c->attr[SC_BN_VALUES].f = moments.count;
   *unbias = moments.count / (moments.count - 1);
   for (int64_t i = 0; i < n; i++)
      host.narrow[i] = (M)middle[i], narrow_var[i] = (M)(square[i] / moments.count);
   SC_TRY(upload(c, (M *)mean, host.narrow, bytes));
   return upload(c, (M *)var, narrow_var, bytes);
}

// *sums (n), of pairs {plain, normal}: the sums of the gradient of this process become those of all. What does
// not count has had its share in the gradients of weight and bias, and there are none for it.
template <typename S> ScStatus join_gradients(const ScCall *c, int64_t n, S **sums) {
   typedef decltype((*sums)->plain) M;
   static_assert(sizeof(S) == 2 * sizeof(M), "two numbers");
   size_t bytes = (size_t)n * sizeof(S);
   OnHost<M> host(n);
   if (!host.wide || !host.narrow) return sc_fail(SC_EMEM, "out of memory");
   double *plain = host.wide, *normal = plain + n;
   bool counts = !sc_bn_only_joins(c);
   SC_TRY(download(c, host.narrow, *sums, bytes));
   for (int64_t i = 0; i < n; i++) {
      plain[i] = counts ? host.narrow[2 * i] : 0;
      normal[i] = counts ? host.narrow[2 * i + 1] : 0;
   }
   SC_TRY(sc_world_join_gradients(n, plain, normal));
   for (int64_t i = 0; i < n; i++) host.narrow[2 * i] = (M)plain[i], host.narrow[2 * i + 1] = (M)normal[i];
   if (counts) return upload(c, *sums, host.narrow, bytes);
   *sums = nullptr;
   return SC_OK;
}

} // namespace

#endif
