// Products, in double; of whole numbers in 128 bits.
#include "host/ops/prod.h"

#include "kernels/cuda/elements.cuh"
#include "kernels/cuda/unfold.cuh"

namespace {

struct Product {
   double others, zeros; // the product of what is not 0, and how many zeros there are
};

template <typename T> struct Products : ScElements<T, Products<T>, Product> {
   typedef ScMath<T> M;
   T *y;
   M *others, *zeros; // or NULL
   __device__ Product zero() const { return {1, 0}; }
   __device__ Product join(Product a, Product b) const { return {a.others * b.others, a.zeros + b.zeros}; }
   __device__ Product sum_of(M v) const { return {v == 0 ? 1 : (double)v, (double)(v == 0)}; }
   __device__ void put(int64_t k, Product all) const {
      y[k] = sc_narrow<T>((M)(all.zeros > 0 ? all.others * 0 : all.others));
      if (others) others[k] = (M)all.others, zeros[k] = (M)all.zeros;
   }
};

// What goes beyond the range of i64 stays there, whatever the order: at 2^63, which is not in it.
template <typename T> struct WholeProducts : ScElements<T, WholeProducts<T>, __int128> {
   int64_t *y;
   __device__ __int128 zero() const { return 1; }
   __device__ __int128 join(__int128 a, __int128 b) const {
      const __int128 end = (__int128)INT64_MAX + 1, product = a * b;
      return product > end ? end : product < -end ? -end : product;
   }
   __device__ __int128 sum_of(int64_t v) const { return v; }
   __device__ void put(int64_t k, __int128 all) const { y[k] = sc_saturate(all); }
};

template <typename T> struct Gradient {
   typedef ScMath<T> M;
   const M *others, *zeros;
   const T *gy;
   __device__ M operator()(M x, int64_t at) const {
      M product = sc_widen(gy[at]) * others[at];
      return zeros[at] == 0 ? product / x : zeros[at] == 1 && x == 0 ? product : 0;
   }
};

ScStatus forward(ScCall *c) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   return sc_with_number(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      const char *name = c->op->name;
      const T *x = sc_data<const T>(c->in[0]);
      if constexpr (std::is_integral<T>::value)
         return sc_reduce_axis<T>(c->device, name, WholeProducts<T>{{a, x}, sc_data<int64_t>(c->out[0])}, a);
      else
         return sc_reduce_axis<T>(c->device, name,
                                  Products<T>{{a, x},
                                              sc_data<T>(c->out[0]),
                                              sc_data<M>(c->saved[SC_PROD_OTHERS]),
                                              sc_data<M>(c->saved[SC_PROD_ZEROS])},
                                  a);
   });
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[0]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      return sc_unfold<T>(c, Gradient<T>{sc_data<M>(c->saved[SC_PROD_OTHERS]),
                                         sc_data<M>(c->saved[SC_PROD_ZEROS]), sc_data<T>(c->grad_out[0])});
   });
}

} // namespace

SC_KERNEL(cuda, prod, .dtypes = SC_ALL_DTYPES, .forward = forward, .backward = backward)
