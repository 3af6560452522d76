// The generalised mean over all pixels of channels-last pictures: the pixel that counts most, then the powers
// relative to it; neighbouring threads take neighbouring channels.
#include "host/ops/gem_pool2d.h"

#include <math.h>

#include "kernels/cuda/total.cuh"

namespace {

// A channel of a picture has number k of n * channels.
template <typename T> struct Maps {
   typedef ScMath<T> M;
   ScGem g;
   const T *x;
   const M *p;
   M *stats;
   __device__ int64_t count() const { return g.n * g.channels; }
   __device__ int64_t first(int64_t k) const {
      return k / g.channels * g.pixels * g.channels + k % g.channels;
   }
   __device__ M exponent(int64_t k) const { return p[g.each ? k % g.channels : 0]; }
   __device__ M raised(M v) const { return v < (M)g.eps ? (M)g.eps : v; }
   __device__ M most(int64_t k) const { return stats[SC_GEM_MOST * count() + k]; }
   __device__ static M power(M v, M most, M p) { return v == most ? 1 : pow(v / most, p); }
};

// ---- the pixel that counts most ----

template <typename T> struct Most : Maps<T> {
   typedef ScMath<T> M;
   struct Sum {
      M most, least;
   };
   __device__ Sum zero() const { return {-(M)INFINITY, (M)INFINITY}; }
   // A NaN beats everything.
   __device__ Sum join(Sum a, Sum b) const {
      return {b.most > a.most || b.most != b.most ? b.most : a.most,
              b.least < a.least || b.least != b.least ? b.least : a.least};
   }
   __device__ Sum of(M v) const { return {this->raised(v), this->raised(v)}; }
   __device__ int64_t place(int64_t k) const { return this->first(k); }
   __device__ Sum take(int64_t at, int64_t r) const { return of(sc_widen(this->x[at + r * this->g.channels])); }
   template <int N> __device__ Sum take_along(int64_t at, int64_t r) const {
      M v[N];
      sc_get_vector(this->x, at + r, v);
      Sum sum = of(v[0]);
#pragma unroll
      for (int k = 1; k < N; k++) sum = join(sum, of(v[k]));
      return sum;
   }
   template <int N> __device__ void take_side(int64_t at, int64_t r, Sum (&found)[N]) const {
      M v[N];
      sc_get_vector(this->x, at + r * this->g.channels, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = of(v[k]);
   }
   __device__ void put(int64_t k, Sum s) const {
      this->stats[SC_GEM_MOST * this->count() + k] = this->exponent(k) < 0 ? s.least : s.most;
   }
};

// ---- sums of powers, and of those times logarithms ----

template <typename T> struct Powers : Maps<T> {
   typedef ScMath<T> M;
   struct Sum {
      M sum, moment;
   };
   struct Place {
      int64_t at, k;
   };
   T *y;
   __device__ Sum zero() const { return {0, 0}; }
   __device__ Sum join(Sum a, Sum b) const { return {a.sum + b.sum, a.moment + b.moment}; }
   __device__ Sum of(M v, int64_t k) const {
      M most = this->most(k), raised = this->raised(v), e = this->power(raised, most, this->exponent(k));
      return {e, raised == most || e == 0 ? 0 : e * log(raised / most)};
   }
   __device__ Place place(int64_t k) const { return {this->first(k), k}; }
   __device__ Sum take(Place p, int64_t r) const {
      return of(sc_widen(this->x[p.at + r * this->g.channels]), p.k);
   }
   template <int N> __device__ Sum take_along(Place p, int64_t r) const {
      M v[N];
      sc_get_vector(this->x, p.at + r, v);
      Sum sum = of(v[0], p.k);
#pragma unroll
      for (int k = 1; k < N; k++) sum = join(sum, of(v[k], p.k));
      return sum;
   }
   template <int N> __device__ void take_side(Place p, int64_t r, Sum (&found)[N]) const {
      M v[N];
      sc_get_vector(this->x, p.at + r * this->g.channels, v);
#pragma unroll
      for (int k = 0; k < N; k++) found[k] = of(v[k], p.k + k);
   }
   __device__ void put(int64_t k, Sum s) const {
      M p = this->exponent(k), mean = log(s.sum / (M)this->g.pixels), value = this->most(k) * exp(mean / p);
      y[k] = sc_narrow<T>(value);
      this->stats[SC_GEM_SHARE * this->count() + k] = value / s.sum;
      this->stats[SC_GEM_SLOPE * this->count() + k] = value * (s.moment / s.sum / p - mean / (p * p));
   }
};

// ---- gradients ----

template <typename T, int N> __global__ void gem_pool2d_backward(Maps<T> f, ScAxis pixels, const T *gy, T *gx) {
   typedef ScMath<T> M;
   int next = pixels.inner > 1;
   for (int64_t i = sc_thread() * N; i < f.count() * f.g.pixels; i += sc_threads() * N) {
      int64_t at = sc_member_of(pixels, i).result;
      M v[N];
      sc_get_vector(f.x, i, v);
#pragma unroll
      for (int k = 0; k < N; k++, at += next) {
         M raised = f.raised(v[k]), share = sc_widen(gy[at]) * f.stats[SC_GEM_SHARE * f.count() + at];
         v[k] = v[k] < (M)f.g.eps ? 0 : share * f.power(raised, f.most(at), f.exponent(at)) / raised;
      }
      sc_put_vector(gx, i, v);
   }
}

// Of p: the sum over pictures, and over channels where one serves all.
template <typename T> struct Slopes {
   typedef ScMath<T> M;
   typedef M Sum;
   int64_t step; // from one term to the next
   const T *gy;
   const M *slopes;
   M *gp;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ int64_t place(int64_t k) const { return k; }
   __device__ Sum take(int64_t k, int64_t r) const { return sc_widen(gy[k + r * step]) * slopes[k + r * step]; }
   __device__ void put(int64_t k, Sum sum) const { gp[k] = sum; }
};

// ---- calls ----

// (N, H, W, C) as N x pixels x C.
ScAxis pixels_of(const ScGem &g) {
   return {g.n, g.pixels, g.channels};
}

template <typename T> Maps<T> maps_of(const ScCall *c, ScMath<T> *stats) {
   return {sc_gem_sizes(c), sc_data<T>(c->in[SC_GEM_X]), sc_data<ScMath<T>>(c->in[SC_GEM_P]), stats};
}

template <typename T> ScStatus forward_with(const ScCall *c, ScMath<T> *stats) {
   Maps<T> maps = maps_of<T>(c, stats);
   SC_TRY(sc_reduce_axis<T>(c->device, "gem_pool2d", Most<T>{maps}, pixels_of(maps.g)));
   return sc_reduce_axis<T>(c->device, "gem_pool2d", Powers<T>{maps, sc_data<T>(c->out[0])}, pixels_of(maps.g));
}

ScStatus forward(ScCall *c) {
   return sc_with_float(c->in[SC_GEM_X]->dtype, [&](auto type) {
      typedef decltype(type) T;
      typedef ScMath<T> M;
      if (c->saved[0]) return forward_with<T>(c, sc_data<M>(c->saved[0]));
      ScBuffer *space;
      SC_TRY(sc_buffer_new(&space, c->device, SC_GEM_STATS * (size_t)sc_numel(c->out[0]) * sizeof(M)));
      ScStatus status = forward_with<T>(c, (M *)space->data);
      sc_buffer_release(space); // whoever gets it next uses it later in the stream
      return status;
   });
}

template <typename T> ScStatus gradient_of_x(const ScCall *c, const Maps<T> &maps) {
   constexpr int N = ScWide<T>::N;
   ScAxis pixels = pixels_of(maps.g);
   bool fits = (pixels.inner > 1 ? pixels.inner : pixels.n) % N == 0;
   return sc_cuda_launch(c->device, "gem_pool2d", fits ? gem_pool2d_backward<T, N> : gem_pool2d_backward<T, 1>,
                         sc_cuda_grid(c->device, sc_numel(c->in[SC_GEM_X]) / (fits ? N : 1)), SC_CUDA_BLOCK, 0, maps,
                         pixels, sc_data<T>(c->grad_out[0]), sc_data<T>(c->grad_in[SC_GEM_X]));
}

template <typename T> ScStatus gradient_of_p(const ScCall *c, const Maps<T> &maps) {
   int64_t kept = maps.g.each ? maps.g.channels : 1, count = maps.g.n * maps.g.channels;
   Slopes<T> f = {kept, sc_data<T>(c->grad_out[0]), maps.stats + SC_GEM_SLOPE * count,
                  sc_data<ScMath<T>>(c->grad_in[SC_GEM_P])};
   return sc_reduce(c->device, "gem_pool2d", f, kept, count / kept, kept == 1);
}

ScStatus backward(ScCall *c) {
   return sc_with_float(c->in[SC_GEM_X]->dtype, [&](auto type) {
      typedef decltype(type) T;
      Maps<T> maps = maps_of<T>(c, sc_data<ScMath<T>>(c->saved[0]));
      if (c->grad_in[SC_GEM_X]) SC_TRY(gradient_of_x<T>(c, maps));
      return c->grad_in[SC_GEM_P] ? gradient_of_p<T>(c, maps) : SC_OK;
   });
}

} // namespace

SC_KERNEL(cuda, gem_pool2d, .dtypes = SC_CUDA_FLOATS, .forward = forward, .backward = backward)
