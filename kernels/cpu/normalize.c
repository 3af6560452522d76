// Vectors brought to length 1, over float32 or bfloat16. A vector that lies in one piece is summed up in lanes;
// vectors whose elements lie apart are done in strips of neighbours, so that memory is read as it lies.
#include "host/ops/normalize.h"

#include <math.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/largest.h"

enum { STRIP = 64, WORTH_THREADS = 32768 };

typedef enum { ONE, TWO, LARGEST, ANY } Kind;

typedef struct {
   int64_t n, step; // elements of a vector, and from one to the next
   Kind kind;
   double p, eps;
   bool half;
} Job;

// ---- sums of `width` neighbouring vectors, or of one in as many lanes ----

SC_INLINE double join(double sum, float x, double top, Kind kind, double p) {
   double size = fabsf(x);
   if (kind == ONE) return sum + size;
   if (kind == TWO) return sum + size * size;
   if (kind == LARGEST) return sc_larger((float)sum, (float)size);
   return sum + pow(size / top, p);
}

SC_INLINE void add_strip(const Job *j, const void *x, int64_t width, const double *top, double *sums, Kind kind,
                         bool half) {
   for (int64_t k = 0; k < j->n; k++)
      for (int64_t i = 0; i < width; i++)
         sums[i] = join(sums[i], sc_at(x, k * j->step + i, half), top[i], kind, j->p);
}

SC_INLINE void add_vector(const Job *j, const void *x, const double *top, double *sums, Kind kind, bool half) {
   enum { LANES = 16 };
   double lanes[LANES] = {0};
   int64_t i = 0;
   for (; i + LANES <= j->n; i += LANES)
      for (int l = 0; l < LANES; l++) lanes[l] = join(lanes[l], sc_at(x, i + l, half), *top, kind, j->p);
   for (; i < j->n; i++) lanes[0] = join(lanes[0], sc_at(x, i, half), *top, kind, j->p);
   for (int l = 0; l < LANES; l++)
      *sums = kind == LARGEST ? sc_larger((float)*sums, (float)lanes[l]) : *sums + lanes[l];
}

SC_INLINE void add_kind(const Job *j, const void *x, int64_t width, const double *top, double *sums,
                        Kind kind) {
   for (int64_t i = 0; i < width; i++) sums[i] = 0;
   if (j->step == 1 && j->half)
      add_vector(j, x, top, sums, kind, true);
   else if (j->step == 1)
      add_vector(j, x, top, sums, kind, false);
   else if (j->half)
      add_strip(j, x, width, top, sums, kind, true);
   else
      add_strip(j, x, width, top, sums, kind, false);
}

SC_CLONES static void add_up(const Job *j, const void *x, int64_t width, const double *top, double *sums,
                             Kind kind) {
   switch (kind) {
   case ONE: add_kind(j, x, width, top, sums, ONE); break;
   case TWO: add_kind(j, x, width, top, sums, TWO); break;
   case LARGEST: add_kind(j, x, width, top, sums, LARGEST); break;
   default: add_kind(j, x, width, top, sums, ANY);
   }
}

// Other powers are taken relative to the largest, so that none leaves the range of numbers.
static void find_norms(const Job *j, const void *x, int64_t width, double *norms) {
   double top[STRIP] = {0};
   add_up(j, x, width, top, norms, j->kind == ANY ? LARGEST : j->kind);
   if (j->kind == TWO)
      for (int64_t i = 0; i < width; i++) norms[i] = sqrt(norms[i]);
   if (j->kind != ANY) return;
   for (int64_t i = 0; i < width; i++) top[i] = norms[i] > 0 && norms[i] < INFINITY ? norms[i] : 1;
   double sums[STRIP];
   add_up(j, x, width, top, sums, ANY);
   for (int64_t i = 0; i < width; i++)
      if (norms[i] > 0 && norms[i] < INFINITY) norms[i] *= pow(sums[i], 1 / j->p);
}

// ---- forward ----

static double divisor(const Job *j, double norm) {
   return norm < j->eps ? j->eps : norm;
}

SC_CLONES static void divide_vector(void *restrict y, const void *restrict x, int64_t n, float by, bool half) {
   if (half)
      for (int64_t i = 0; i < n; i++) sc_set(y, i, true, sc_at(x, i, true) / by);
   else
      for (int64_t i = 0; i < n; i++) sc_set(y, i, false, sc_at(x, i, false) / by);
}

SC_CLONES static void divide_row(void *restrict y, const void *restrict x, int64_t n, const float *restrict by,
                                 bool half) {
   if (half)
      for (int64_t i = 0; i < n; i++) sc_set(y, i, true, sc_at(x, i, true) / by[i]);
   else
      for (int64_t i = 0; i < n; i++) sc_set(y, i, false, sc_at(x, i, false) / by[i]);
}

static void forward_strip(const Job *j, const void *x, void *y, int64_t width, float *saved) {
   double norms[STRIP];
   float by[STRIP];
   find_norms(j, x, width, norms);
   for (int64_t i = 0; i < width; i++) by[i] = (float)divisor(j, norms[i]);
   for (int64_t i = 0; saved && i < width; i++) saved[i] = (float)norms[i];
   if (j->step == 1) {
      divide_vector(y, x, j->n, *by, j->half);
      return;
   }
   for (int64_t k = 0; k < j->n; k++)
      divide_row(sc_past(y, k * j->step, j->half), sc_past(x, k * j->step, j->half), width, by, j->half);
}

// ---- backward: (g - (sum of g x) / norm * slope) / norm ----

typedef struct {
   float divisor, norm, factor; // factor: of the slope
} Share;

SC_INLINE float slope(float x, const Share *s, Kind kind, float power) {
   float sign = (float)((x > 0) - (x < 0));
   if (kind == ONE) return sign;
   if (kind == TWO) return x / s->norm;
   if (kind == LARGEST) return fabsf(x) == s->norm ? sign : 0;
   return x == 0 ? 0 : sign * powf(fabsf(x) / s->norm, power);
}

// `each`: the shares of the elements, else all have the first.
SC_INLINE void share_kind(const Job *j, void *restrict gx, const void *restrict g, const void *restrict x,
                          int64_t n, const Share *s, bool each, Kind kind, bool half) {
   float power = (float)(j->p - 1);
   for (int64_t i = 0; i < n; i++) {
      const Share *mine = each ? s + i : s;
      float v = mine->factor == 0 ? 0 : mine->factor * slope(sc_at(x, i, half), mine, kind, power);
      sc_set(gx, i, half, (sc_at(g, i, half) - v) / mine->divisor);
   }
}

#define SHARE(kind, each, half) share_kind(j, gx, g, x, n, s, each, kind, half)
#define SHARE_KIND(kind)                                                                                       \
   if (each && j->half)                                                                                        \
      SHARE(kind, true, true);                                                                                 \
   else if (each)                                                                                              \
      SHARE(kind, true, false);                                                                                \
   else if (j->half)                                                                                           \
      SHARE(kind, false, true);                                                                                \
   else                                                                                                        \
      SHARE(kind, false, false);                                                                               \
   break

SC_CLONES static void share(const Job *j, void *restrict gx, const void *restrict g, const void *restrict x,
                            int64_t n, const Share *s, bool each) {
   switch (j->kind) {
   case ONE: SHARE_KIND(ONE);
   case TWO: SHARE_KIND(TWO);
   case LARGEST: SHARE_KIND(LARGEST);
   default: SHARE_KIND(ANY);
   }
}

// Of each of `width` vectors; ties: how many elements are as large as the norm.
SC_INLINE void dot_strip(const Job *j, const void *g, const void *x, int64_t width, const float *norms,
                         double *dots, double *ties, bool half) {
   for (int64_t k = 0; k < j->n; k++)
      for (int64_t i = 0; i < width; i++) {
         float v = sc_at(x, k * j->step + i, half);
         dots[i] += (double)sc_at(g, k * j->step + i, half) * v;
         ties[i] += fabsf(v) == norms[i];
      }
}

// The elements of one vector go to its lanes as if they were vectors.
SC_INLINE void dot_vector(const Job *j, const void *g, const void *x, const float *norms, double *dots,
                          double *ties, bool half) {
   enum { LANES = 16 };
   double lanes[LANES] = {0}, equal[LANES] = {0};
   float norm[LANES];
   for (int l = 0; l < LANES; l++) norm[l] = *norms;
   Job blocks = {.n = j->n / LANES, .step = LANES};
   int64_t rest = j->n % LANES, at = j->n - rest;
   dot_strip(&blocks, g, x, LANES, norm, lanes, equal, half);
   blocks.n = rest > 0;
   dot_strip(&blocks, sc_past(g, at, half), sc_past(x, at, half), rest, norm, lanes, equal, half);
   for (int l = 0; l < LANES; l++) *dots += lanes[l], *ties += equal[l];
}

SC_CLONES static void find_dots(const Job *j, const void *g, const void *x, int64_t width, const float *norms,
                                double *dots, double *ties) {
   if (j->step == 1 && j->half)
      dot_vector(j, g, x, norms, dots, ties, true);
   else if (j->step == 1)
      dot_vector(j, g, x, norms, dots, ties, false);
   else if (j->half)
      dot_strip(j, g, x, width, norms, dots, ties, true);
   else
      dot_strip(j, g, x, width, norms, dots, ties, false);
}

static void backward_strip(const Job *j, const void *g, const void *x, void *gx, int64_t width,
                           const float *norms) {
   double dots[STRIP] = {0}, ties[STRIP] = {0};
   Share shares[STRIP];
   find_dots(j, g, x, width, norms, dots, ties);
   for (int64_t i = 0; i < width; i++) {
      double norm = norms[i], factor = norm < j->eps ? 0 : dots[i] / norm;
      shares[i] = (Share){(float)divisor(j, norm), norms[i],
                          (float)(j->kind == LARGEST && factor != 0 ? factor / ties[i] : factor)};
   }
   if (j->step == 1) {
      share(j, gx, g, x, j->n, shares, false);
      return;
   }
   for (int64_t k = 0; k < j->n; k++) {
      int64_t at = k * j->step;
      share(j, sc_past(gx, at, j->half), sc_past(g, at, j->half), sc_past(x, at, j->half), width, shares, true);
   }
}

// ---- calls ----

static Job job_of(const ScCall *c, ScAxis a) {
   double p = c->attr[SC_UNIT_P].f;
   return (Job){a.n,
                a.inner,
                p == 1     ? ONE
                : p == 2   ? TWO
                : isinf(p) ? LARGEST
                           : ANY,
                p,
                c->attr[SC_UNIT_EPS].f,
                sc_is_half(c->in[0])};
}

// Strip number `task`: the first vector, and how many there are.
static int64_t strip_of(ScAxis a, int64_t task, int64_t *first, int64_t *at) {
   int64_t strips = (a.inner + STRIP - 1) / STRIP, o = task / strips, i = task % strips * STRIP;
   *first = o * a.inner + i;
   *at = o * a.n * a.inner + i;
   return a.inner - i < STRIP ? a.inner - i : STRIP;
}

static int64_t tasks_of(ScAxis a) {
   return a.outer * ((a.inner + STRIP - 1) / STRIP);
}

static ScStatus forward(ScCall *c) {
   ScAxis a = sc_unit_axis(c, c->in[0]);
   Job j = job_of(c, a);
   const void *x = c->in[0]->buffer->data;
   void *y = c->out[0]->buffer->data;
   float *saved = c->saved[SC_UNIT_NORMS] ? c->saved[SC_UNIT_NORMS]->buffer->data : NULL;
#pragma omp parallel for if (a.outer * a.n * a.inner > WORTH_THREADS)
   for (int64_t task = 0; task < tasks_of(a); task++) {
      int64_t first, at, width = strip_of(a, task, &first, &at);
      forward_strip(&j, sc_past(x, at, j.half), sc_past(y, at, j.half), width, saved ? saved + first : NULL);
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScAxis a = sc_unit_axis(c, c->in[0]);
   Job j = job_of(c, a);
   const void *x = c->in[0]->buffer->data, *g = c->grad_out[0]->buffer->data;
   void *gx = c->grad_in[0]->buffer->data;
   const float *norms = c->saved[SC_UNIT_NORMS]->buffer->data;
#pragma omp parallel for if (a.outer * a.n * a.inner > WORTH_THREADS)
   for (int64_t task = 0; task < tasks_of(a); task++) {
      int64_t first, at, width = strip_of(a, task, &first, &at);
      backward_strip(&j, sc_past(g, at, j.half), sc_past(x, at, j.half), sc_past(gx, at, j.half), width,
                     norms + first);
   }
   return SC_OK;
}

SC_KERNEL(cpu, normalize, SC_F32_AND_BF16, .forward = forward, .backward = backward)
