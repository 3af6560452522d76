// Distances of float32 points. Euclidean ones come from a matrix product, |a|^2 + |b|^2 - 2 a b, but for near
// points, of which that would leave rounding alone; those and all others come from differences, a few points
// against all others at a time, so that each is read from the cache.
#include "host/ops/cdist.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/gemm.h"
#include "kernels/cpu/half.h"
#include "kernels/cpu/largest.h"

enum { LANES = 16, CHUNK = 1024, ROWS = 16, TERMS = 64, WORTH_THREADS = 32768 };

#define SMALL 1e-30f // squares below lose digits

typedef enum { ONE, TWO, LARGEST, ANY } Kind;

static Kind kind_of(double p) {
   return p == 1 ? ONE : p == 2 ? TWO : isinf(p) ? LARGEST : ANY;
}

static int64_t least(int64_t a, int64_t b) {
   return a < b ? a : b;
}

// ---- one distance ----

SC_INLINE float join(float sum, float difference, float top, Kind kind, float p) {
   float size = fabsf(difference);
   if (kind == ONE) return sum + size;
   if (kind == TWO) return sum + size * size;
   if (kind == LARGEST) return sc_larger(sum, size);
   return sum + powf(size / top, p);
}

// Of at most CHUNK differences, in lanes.
SC_INLINE double add_chunk(const float *restrict a, const float *restrict b, int64_t k, float top, Kind kind,
                           float p) {
   float lanes[LANES] = {0};
   double sum = 0;
   int64_t i = 0;
   for (; i + LANES <= k; i += LANES)
      for (int l = 0; l < LANES; l++) lanes[l] = join(lanes[l], a[i + l] - b[i + l], top, kind, p);
   for (int l = 0; i + l < k; l++) lanes[l] = join(lanes[l], a[i + l] - b[i + l], top, kind, p);
   for (int l = 0; l < LANES; l++) sum = kind == LARGEST ? sc_larger((float)sum, lanes[l]) : sum + lanes[l];
   return sum;
}

SC_INLINE double add_up(const float *a, const float *b, int64_t k, float top, Kind kind, float p) {
   double total = 0;
   for (int64_t i = 0; i < k; i += CHUNK) {
      double sum = add_chunk(a + i, b + i, least(CHUNK, k - i), top, kind, p);
      total = kind == LARGEST ? sc_larger((float)total, (float)sum) : total + sum;
   }
   return total;
}

// Powers that leave the range of numbers, and those that are no loop, are taken relative to the largest.
SC_INLINE float distance_of(const float *a, const float *b, int64_t k, Kind kind, float p) {
   double sum = kind == ANY ? 0 : add_up(a, b, k, 1, kind, p);
   if (kind == ONE || kind == LARGEST) return (float)sum;
   if (kind == TWO && sum > SMALL && sum < INFINITY) return (float)sqrt(sum);
   double top = add_up(a, b, k, 1, LARGEST, p);
   if (!(top > 0 && top < INFINITY)) return (float)top;
   return (float)(top * pow(add_up(a, b, k, (float)top, ANY, p), 1 / (double)p));
}

SC_CLONES static float distance(const float *a, const float *b, int64_t k, Kind kind, float p) {
   switch (kind) {
   case ONE: return distance_of(a, b, k, ONE, p);
   case TWO: return distance_of(a, b, k, TWO, p);
   case LARGEST: return distance_of(a, b, k, LARGEST, p);
   default: return distance_of(a, b, k, ANY, p);
   }
}

// ---- all distances from differences ----

static void few_rows(const ScDistances *g, const float *a, const float *b, float *y, int64_t rows, Kind kind,
                     float p) {
   for (int64_t n = 0; n < g->n; n++)
      for (int64_t m = 0; m < rows; m++) y[m * g->n + n] = distance(a + m * g->k, b + n * g->k, g->k, kind, p);
}

static void all_differences(const ScDistances *g, const float *a, const float *b, float *y, double p) {
   Kind kind = kind_of(p);
#pragma omp parallel for if (g->m * g->n * g->k > WORTH_THREADS)
   for (int64_t m = 0; m < g->m; m += ROWS)
      few_rows(g, a + m * g->k, b, y + m * g->n, least(ROWS, g->m - m), kind, (float)p);
}

// ---- Euclidean distances from products ----

static void square_lengths(float *lengths, const float *x, int64_t rows, int64_t k) {
#pragma omp parallel for if (rows * k > WORTH_THREADS)
   for (int64_t r = 0; r < rows; r++) {
      double sum = 0;
      for (int64_t i = 0; i < k; i++) sum += (double)x[r * k + i] * x[r * k + i];
      lengths[r] = (float)sum;
   }
}

// From products to distances; -1 where points are near, or lengths leave the range of numbers. Returns how many
// those are.
SC_CLONES static int64_t finish_row(float *restrict y, float square, const float *restrict squares, int64_t n) {
   int32_t left = 0;
   for (int64_t i = 0; i < n; i++) {
      float both = square + squares[i], apart = both - 2 * y[i];
      bool far = apart > (float)SC_CDIST_NEAR * both && both > SMALL && both < INFINITY;
      y[i] = far ? sqrtf(apart) : -1;
      left += !far;
   }
   return left;
}

static void finish(const ScDistances *g, const float *a, const float *b, const float *squares_a,
                   const float *squares_b, float *y) {
#pragma omp parallel for if (g->m * g->n > WORTH_THREADS)
   for (int64_t m = 0; m < g->m; m++) {
      float *row = y + m * g->n;
      int64_t left = finish_row(row, squares_a[m], squares_b, g->n);
      for (int64_t n = 0; left > 0 && n < g->n; n++) {
         if (row[n] != -1) continue;
         row[n] = distance(a + m * g->k, b + n * g->k, g->k, TWO, 2);
         left--;
      }
   }
}

static ScStatus by_products(const ScDistances *g, const float *a, const float *b, float *y) {
   float *squares = malloc((size_t)(g->m + g->n) * sizeof *squares);
   if (!squares) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_gemm(g->m, g->n, g->k, (ScMatrix){a, false}, (ScMatrix){b, true}, false, y);
   if (status == SC_OK) {
      square_lengths(squares, a, g->m, g->k);
      square_lengths(squares + g->m, b, g->n, g->k);
      finish(g, a, b, squares, squares + g->m, y);
   }
   free(squares);
   return status;
}

// A product of few numbers is not worth its call.
static bool is_worth_product(const ScDistances *g, double p) {
   return p == 2 && g->k >= LANES && g->m >= ROWS && g->n >= ROWS;
}

static ScStatus forward(ScCall *c) {
   ScDistances g = sc_cdist_geometry(c);
   const float *a = c->in[0]->buffer->data, *b = c->in[1]->buffer->data;
   float *y = c->out[0]->buffer->data;
   double p = c->attr[SC_CDIST_P].f;
   for (int64_t i = 0; i < g.batch; i++, a += g.stride_a, b += g.stride_b, y += g.m * g.n)
      if (is_worth_product(&g, p))
         SC_TRY(by_products(&g, a, b, y));
      else
         all_differences(&g, a, b, y, p);
   return SC_OK;
}

// ---- gradient: for each point the sum over all others of weight * slope(difference) ----

// Of one of the operands: its rows, those of the other, and where the distances of both are.
typedef struct {
   int64_t rows, others, k;
   int64_t row_step, other_step; // in distances and their gradients
   const float *own, *other, *y, *gy;
   Kind kind;
   float p;
} Side;

SC_INLINE float slope(float difference, float distance, Kind kind, float power) {
   float sign = (float)((difference > 0) - (difference < 0));
   if (kind == ONE) return sign;
   if (kind == TWO) return difference;
   if (kind == LARGEST) return fabsf(difference) == distance ? sign : 0;
   return difference == 0 ? 0 : sign * powf(fabsf(difference) / distance, power);
}

SC_INLINE void add_slopes(float *restrict to, const float *restrict own, const float *restrict other, int64_t k,
                          float weight, float distance, Kind kind, float power) {
   for (int64_t i = 0; i < k; i++) to[i] += weight * slope(own[i] - other[i], distance, kind, power);
}

SC_CLONES static void add_term(float *restrict to, const float *restrict own, const float *restrict other,
                               int64_t k, float weight, float distance, Kind kind, float power) {
   switch (kind) {
   case ONE: add_slopes(to, own, other, k, weight, distance, ONE, power); break;
   case TWO: add_slopes(to, own, other, k, weight, distance, TWO, power); break;
   case LARGEST: add_slopes(to, own, other, k, weight, distance, LARGEST, power); break;
   default: add_slopes(to, own, other, k, weight, distance, ANY, power);
   }
}

SC_CLONES static void add_part(double *restrict to, const float *restrict part, int64_t k) {
   for (int64_t i = 0; i < k; i++) to[i] += part[i];
}

// `part` holds k numbers and is for the terms of a block, which are added up in float.
static void add_others(const Side *s, int64_t row, double *sums, float *part) {
   for (int64_t from = 0; from < s->others; from += TERMS) {
      memset(part, 0, (size_t)s->k * sizeof *part);
      for (int64_t o = from; o < least(from + TERMS, s->others); o++) {
         int64_t at = row * s->row_step + o * s->other_step;
         float distance = s->y[at], weight = s->kind == TWO ? s->gy[at] / distance : s->gy[at];
         if (distance == 0 || s->gy[at] == 0) continue;
         add_term(part, s->own + row * s->k, s->other + o * s->k, s->k, weight, distance, s->kind, s->p - 1);
      }
      add_part(sums, part, s->k);
   }
}

// sums (rows, k) for all of a batch.
static ScStatus add_side(const Side *s, double *sums) {
   bool failed = false;
#pragma omp parallel for reduction(|| : failed) if (s->rows * s->others * s->k > WORTH_THREADS)
   for (int64_t row = 0; row < s->rows; row++) {
      float *part = malloc((size_t)s->k * sizeof *part);
      failed = failed || !part;
      if (part) add_others(s, row, sums + row * s->k, part);
      free(part);
   }
   return failed ? sc_fail(SC_EMEM, "out of memory") : SC_OK;
}

// ---- the same for Euclidean distances, by products: (sum of weights) own - weights other ----

// Of all points; false where one leaves the range of numbers, and would spread over a whole product.
static bool find_squares(const Side *s, float *own, float *other) {
   bool finite = true;
   square_lengths(own, s->own, s->rows, s->k);
   square_lengths(other, s->other, s->others, s->k);
   for (int64_t i = 0; i < s->rows; i++) finite = finite && isfinite(own[i]);
   for (int64_t i = 0; i < s->others; i++) finite = finite && isfinite(other[i]);
   return finite;
}

// The weights of one row, and their sum; near points, of which a product would leave rounding, go to `sums`.
static double find_weights(const Side *s, int64_t row, float square, const float *squares, float *weights,
                           double *sums) {
   double total = 0;
   for (int64_t o = 0; o < s->others; o++) {
      int64_t at = row * s->row_step + o * s->other_step;
      float distance = s->y[at], weight = distance == 0 || s->gy[at] == 0 ? 0 : s->gy[at] / distance;
      bool near = distance * distance <= (float)SC_CDIST_NEAR * (square + squares[o]);
      weights[o] = near ? 0 : weight;
      total += weights[o];
      for (int64_t k = 0; near && weight != 0 && k < s->k; k++)
         sums[k] += weight * (s->own[row * s->k + k] - s->other[o * s->k + k]);
   }
   return total;
}

// Scratch memory for `rows` rows at a time.
typedef struct {
   int64_t rows;
   float *own, *other;     // squares of lengths
   float *weights, *parts; // (rows, others), (rows, k)
   double *totals;
} Space;

static ScStatus add_block(const Side *s, const Space *m, int64_t from, int64_t rows, double *sums) {
#pragma omp parallel for if (rows * s->others > WORTH_THREADS)
   for (int64_t r = 0; r < rows; r++)
      m->totals[r] = find_weights(s, from + r, m->own[from + r], m->other, m->weights + r * s->others,
                                  sums + (from + r) * s->k);
   SC_TRY(sc_gemm(rows, s->k, s->others, (ScMatrix){m->weights, false}, (ScMatrix){s->other, false}, false,
                  m->parts));
   for (int64_t r = 0; r < rows; r++)
      for (int64_t k = 0; k < s->k; k++)
         sums[(from + r) * s->k + k] += m->totals[r] * s->own[(from + r) * s->k + k] - m->parts[r * s->k + k];
   return SC_OK;
}

static ScStatus add_blocks(const Side *s, const Space *m, double *sums) {
   if (!find_squares(s, m->own, m->other)) return add_side(s, sums);
   for (int64_t from = 0; from < s->rows; from += m->rows)
      SC_TRY(add_block(s, m, from, least(m->rows, s->rows - from), sums));
   return SC_OK;
}

static ScStatus add_side_by_products(const Side *s, double *sums) {
   const int64_t elements = 1 << 18;
   Space m = {.rows = least(s->rows, elements / s->others > ROWS ? elements / s->others : ROWS)};
   size_t rows = (size_t)m.rows, others = (size_t)s->others;
   m.own = malloc((size_t)s->rows * sizeof *m.own);
   m.other = malloc(others * sizeof *m.other);
   m.weights = malloc(rows * others * sizeof *m.weights);
   m.parts = malloc(rows * (size_t)s->k * sizeof *m.parts);
   m.totals = malloc(rows * sizeof *m.totals);
   bool enough = m.own && m.other && m.weights && m.parts && m.totals;
   ScStatus status = enough ? add_blocks(s, &m, sums) : sc_fail(SC_EMEM, "out of memory");
   free(m.own);
   free(m.other);
   free(m.weights);
   free(m.parts);
   free(m.totals);
   return status;
}

// The gradient of operand `i`; where it served the whole batch, that is the sum of all.
static ScStatus gradient(ScCall *c, const ScDistances *g, int i, double *sums) {
   int64_t rows = i == 0 ? g->m : g->n, others = i == 0 ? g->n : g->m;
   int64_t own_step = i == 0 ? g->stride_a : g->stride_b, other_step = i == 0 ? g->stride_b : g->stride_a;
   float *to = c->grad_in[i]->buffer->data;
   for (int64_t batch = 0; batch < g->batch; batch++) {
      Side s = {rows,
                others,
                g->k,
                i == 0 ? g->n : 1,
                i == 0 ? 1 : g->n,
                (float *)c->in[i]->buffer->data + batch * own_step,
                (float *)c->in[1 - i]->buffer->data + batch * other_step,
                (float *)c->out[0]->buffer->data + batch * g->m * g->n,
                (float *)c->grad_out[0]->buffer->data + batch * g->m * g->n,
                kind_of(c->attr[SC_CDIST_P].f),
                (float)c->attr[SC_CDIST_P].f};
      if (batch == 0 || own_step > 0) memset(sums, 0, (size_t)(rows * g->k) * sizeof *sums);
      SC_TRY(is_worth_product(g, s.p) ? add_side_by_products(&s, sums) : add_side(&s, sums));
      for (int64_t k = 0; k < rows * g->k; k++) to[batch * own_step + k] = (float)sums[k];
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   ScDistances g = sc_cdist_geometry(c);
   for (int i = 0; i < 2; i++) {
      if (!c->grad_in[i]) continue;
      double *sums = malloc((size_t)((i == 0 ? g.m : g.n) * g.k) * sizeof *sums);
      if (!sums) return sc_fail(SC_EMEM, "out of memory");
      ScStatus status = gradient(c, &g, i, sums);
      free(sums);
      SC_TRY(status);
   }
   return SC_OK;
}

SC_KERNEL(cpu, cdist, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
