// Distances of each point with each. Euclidean ones come from a matrix product, |a|^2 + |b|^2 - 2 a b, but for
// near points, of which that would leave rounding alone; all else is added up from differences.
#include "host/ops/cdist.h"

#include <math.h>

#include "kernels/cuda/element.cuh"
#include "kernels/cuda/gemm.h"
#include "kernels/cuda/reduction.cuh"

namespace {

// Two points and the distance between them.
struct Pair {
   int64_t a, b, y;
};

__device__ Pair pair_of(const ScDistances &g, int64_t y) {
   int64_t row = y / g.n, batch = row / g.m;
   return {batch * g.stride_a + (row - batch * g.m) * g.k, batch * g.stride_b + (y - row * g.n) * g.k, y};
}

// ---- from differences: the largest, and the sum of powers relative to it ----

template <typename M> struct Size {
   M top, total;
};

template <typename M> __device__ M power(M ratio, M exponent) {
   return exponent == 0 ? 1 : exponent == 1 ? ratio : exponent == 2 ? ratio * ratio : pow(ratio, exponent);
}

template <typename M> struct Differences {
   typedef Size<M> Sum;
   ScDistances g;
   M p;
   const M *a, *b;
   M *y;
   __device__ Sum zero() const { return {0, 0}; }
   __device__ M scaled(Sum s, M top) const { return s.top == top ? s.total : s.total * power(s.top / top, p); }
   // A NaN beats everything.
   __device__ Sum join(Sum s, Sum t) const {
      M top = t.top > s.top || t.top != t.top ? t.top : s.top;
      return {top, isinf(p) ? 1 : scaled(s, top) + scaled(t, top)};
   }
   __device__ Pair place(int64_t k) const { return pair_of(g, k); }
   __device__ Sum take(Pair at, int64_t r) const { return {fabs(a[at.a + r] - b[at.b + r]), 1}; }
   __device__ M distance(Sum s) const {
      if (isinf(p) || s.top == 0 || !isfinite(s.top)) return s.top;
      return s.top * (p == 2 ? sqrt(s.total) : p == 1 ? s.total : pow(s.total, 1 / p));
   }
   __device__ void put(int64_t k, Sum s) const { y[k] = distance(s); }
};

// ---- Euclidean distances from products ----

template <typename M> struct Squares {
   typedef M Sum;
   int64_t k;
   const M *x;
   M *squares;
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ int64_t place(int64_t row) const { return row * k; }
   __device__ Sum take(int64_t start, int64_t r) const { return x[start + r] * x[start + r]; }
   __device__ void put(int64_t row, Sum sum) const { squares[row] = sum; }
};

template <typename M>
__global__ void cdist_finish(Differences<M> f, const M *squares_a, const M *squares_b, int64_t n) {
   const ScDistances &g = f.g;
   for (int64_t i = sc_thread(); i < n; i += sc_threads()) {
      Pair at = pair_of(g, i);
      M both = squares_a[at.a / g.k] + squares_b[at.b / g.k], apart = both - 2 * f.y[i];
      if (apart > (M)SC_CDIST_NEAR * both && both > (M)1e-30 && both < (M)INFINITY) {
         f.y[i] = sqrt(apart);
         continue;
      }
      Size<M> sum = f.zero();
      for (int64_t r = 0; r < g.k; r++) sum = f.join(sum, f.take(at, r));
      f.put(i, sum);
   }
}

template <typename M> ScStatus add_squares(const ScDevice *device, int64_t rows, int64_t k, const M *x, M *to) {
   return sc_reduce(device, "cdist", Squares<M>{k, x, to}, rows, k, true);
}

// `squares` holds those of all points of a, then of b.
template <typename M> ScStatus by_products(const ScCall *c, const Differences<M> &f, M *squares) {
   const ScDistances &g = f.g;
   int64_t rows_a = sc_numel(c->in[0]) / g.k, rows_b = sc_numel(c->in[1]) / g.k, n = sc_numel(c->out[0]);
   ScProduct p = {"cdist", c->in[0]->dtype, g.m, g.n, g.k, g.batch, true};
   SC_TRY(sc_cuda_gemm(c->device, &p, ScMatrix{f.a, false, g.stride_a}, ScMatrix{f.b, true, g.stride_b}, false, f.y));
   SC_TRY(add_squares(c->device, rows_a, g.k, f.a, squares));
   SC_TRY(add_squares(c->device, rows_b, g.k, f.b, squares + rows_a));
   return sc_cuda_launch(c->device, "cdist", cdist_finish<M>, sc_cuda_grid(c->device, n), SC_CUDA_BLOCK, 0, f,
                         squares, squares + rows_a, n);
}

template <typename M> ScStatus forward_in(const ScCall *c) {
   Differences<M> f = {sc_cdist_geometry(c), (M)c->attr[SC_CDIST_P].f, sc_data<M>(c->in[0]), sc_data<M>(c->in[1]),
                       sc_data<M>(c->out[0])};
   if (f.p != 2) return sc_reduce(c->device, "cdist", f, sc_numel(c->out[0]), f.g.k, true);
   ScBuffer *space;
   size_t points = (size_t)((sc_numel(c->in[0]) + sc_numel(c->in[1])) / f.g.k);
   SC_TRY(sc_buffer_new(&space, c->device, points * sizeof(M)));
   ScStatus status = by_products(c, f, (M *)space->data);
   sc_buffer_release(space); // whoever gets it next uses it later in the stream
   return status;
}

// ---- gradient ----

// For each number of each point the sum over all points of the other operand. Neighbouring threads take
// neighbouring numbers.
template <typename M> struct Slopes {
   typedef M Sum;
   int64_t rows, others, k, batch; // batch: how many a point served
   int64_t row_step, other_step, step; // in distances: from point to point, and from one of a batch to the next
   int64_t stride;                     // from one of a batch to the next, in the other operand
   M p;
   const M *own, *other, *y, *gy;
   M *to;
   struct Place {
      M value;
      int64_t k, other, y;
   };
   __device__ Sum zero() const { return 0; }
   __device__ Sum join(Sum a, Sum b) const { return a + b; }
   __device__ Place place(int64_t at) const {
      int64_t point = at / k, one = point / rows;
      return {own[at], at - point * k, one * stride, one * step + (point - one * rows) * row_step};
   }
   __device__ M slope(M difference, M distance) const {
      M sign = (M)((difference > 0) - (difference < 0)), size = fabs(difference);
      if (difference == 0 || distance == 0) return 0;
      if (isinf(p)) return size == distance ? sign : 0;
      return sign * power(size / distance, p - 1);
   }
   __device__ Sum take(Place at, int64_t r) const {
      int64_t one = r / others, o = r - one * others, d = at.y + one * step + o * other_step;
      M g = gy[d];
      return g == 0 ? 0 : g * slope(at.value - other[at.other + one * stride + o * k + at.k], y[d]);
   }
   __device__ void put(int64_t at, Sum sum) const { to[at] = sum; }
};

template <typename M> ScStatus gradient(ScCall *c, const ScDistances &g, int i) {
   int64_t own = i == 0 ? g.stride_a : g.stride_b, other = i == 0 ? g.stride_b : g.stride_a;
   Slopes<M> f = {i == 0 ? g.m : g.n,
                  i == 0 ? g.n : g.m,
                  g.k,
                  own ? 1 : g.batch,
                  i == 0 ? g.n : 1,
                  i == 0 ? 1 : g.n,
                  g.m * g.n,
                  other,
                  (M)c->attr[SC_CDIST_P].f,
                  sc_data<M>(c->in[i]),
                  sc_data<M>(c->in[1 - i]),
                  sc_data<M>(c->out[0]),
                  sc_data<M>(c->grad_out[0]),
                  sc_data<M>(c->grad_in[i])};
   return sc_reduce(c->device, "cdist", f, sc_numel(c->grad_in[i]), f.batch * f.others, false);
}

// ---- calls ----

ScStatus forward(ScCall *c) {
   return c->in[0]->dtype == SC_F64 ? forward_in<double>(c) : forward_in<float>(c);
}

ScStatus backward(ScCall *c) {
   ScDistances g = sc_cdist_geometry(c);
   for (int i = 0; i < 2; i++)
      if (c->grad_in[i]) SC_TRY(c->in[0]->dtype == SC_F64 ? gradient<double>(c, g, i) : gradient<float>(c, g, i));
   return SC_OK;
}

} // namespace

SC_KERNEL(cuda, cdist, .dtypes = 1u << SC_F32 | 1u << SC_F64, .forward = forward, .backward = backward)
