// norm_rows.h for one size of vectors.
#ifndef SCUTE_CPU_NORM_ROWS_LOOPS_H
#define SCUTE_CPU_NORM_ROWS_LOOPS_H

#include "kernels/cpu/lanes.h"

#include <math.h>

#include "kernels/cpu/norm_rows_way.h"

// Values that are added up in float before their sums are joined in double, which stay in the nearest cache;
// rows whose gradients are.
enum { CHUNK = 1024, BLOCK = 64 };

// ---- vectors at the end of a row ----

// Elements i.. of n; those behind the end are 0.
SC_INLINE void get(Lanes *to, const void *from, int64_t i, int64_t n, bool half) {
   if (n - i >= LANES) {
      sc_lanes_load(to, sc_past(from, i, half), half);
      return;
   }
   float rest[LANES] = {0};
   for (int64_t k = i; k < n; k++) rest[k - i] = sc_at(from, k, half);
   memcpy(to, rest, sizeof rest);
}

SC_INLINE void put(void *to, const Lanes *value, int64_t i, int64_t n, bool half) {
   if (n - i >= LANES) {
      sc_lanes_store(sc_past(to, i, half), value, half);
      return;
   }
   for (int64_t k = i; k < n; k++) sc_set(to, k, half, (*value)[k - i]);
}

SC_INLINE double total(const Lanes *value) {
   double sum = 0;
   for (int k = 0; k < LANES; k++) sum += (double)(*value)[k];
   return sum;
}

// ---- forward ----

typedef struct {
   double n, mean, square; // square: sum of (x - mean)^2
} Moments;

// Two passes over a few values: no cancellation where the mean is large.
SC_INLINE Moments moments_of_chunk(const void *x, int64_t n, bool half) {
   Lanes v, sum = {0}, square = {0};
   for (int64_t i = 0; i < n; i += LANES) {
      get(&v, x, i, n, half);
      sum += v;
   }
   float mean = (float)(total(&sum) / (double)n);
   int64_t whole = n / LANES * LANES;
   for (int64_t i = 0; i < whole; i += LANES) {
      get(&v, x, i, n, half);
      v -= mean;
      square += v * v;
   }
   float rest = 0;
   for (int64_t i = whole; i < n; i++) {
      float d = sc_at(x, i, half) - mean;
      rest += d * d;
   }
   return (Moments){(double)n, mean, total(&square) + (double)rest};
}

// Chan, Golub and LeVeque 1979.
SC_INLINE Moments moments_of_row(const void *x, int64_t n, bool half) {
   Moments all = {0};
   for (int64_t i = 0; i < n; i += CHUNK) {
      Moments part = moments_of_chunk(sc_past(x, i, half), n - i < CHUNK ? n - i : CHUNK, half);
      double apart = part.mean - all.mean, share = part.n / (all.n + part.n);
      all.square += part.square + apart * apart * all.n * share;
      all.mean += apart * share;
      all.n += part.n;
   }
   return all;
}

SC_INLINE void normalise(const ScNormedRows *r, int64_t from, int64_t to, bool half) {
   for (int64_t row = from; row < to; row++) {
      const void *x = sc_past(r->x, row * r->n, half);
      void *out = sc_past(r->out, row * r->n, half);
      const float *weight = r->weight + row % r->groups * r->n, *bias = r->bias + row % r->groups * r->n;
      Moments m = moments_of_row(x, r->n, half);
      float mean = (float)m.mean, inverse = (float)(1 / sqrt(m.square / m.n + r->eps));
      if (r->mean) r->mean[row] = mean, r->inverse[row] = inverse;
      for (int64_t i = 0; i < r->n; i += LANES) {
         Lanes v, w, b;
         get(&v, x, i, r->n, half);
         get(&w, weight, i, r->n, false);
         get(&b, bias, i, r->n, false);
         v = (v - mean) * inverse * w + b;
         put(out, &v, i, r->n, half);
      }
   }
}

static void normed_rows(const ScNormedRows *r, int64_t from, int64_t to) {
   if (r->half)
      normalise(r, from, to, true);
   else
      normalise(r, from, to, false);
}

// ---- backward ----

typedef struct {
   double plain, normal; // sums of the gradient times weight, and of that times the normalised value
} Sums;

typedef struct {
   const void *x, *gy;
   const float *weight;
   float mean, inverse;
   float *gweight, *gbias; // sums so far
} Row;

// Of the values [i, end) of n in a row.
SC_INLINE Sums sum_chunk(const Row *row, int64_t i, int64_t end, int64_t n, bool half, bool sums) {
   Lanes plain = {0}, normal = {0};
   for (; i < end; i += LANES) {
      Lanes x, g, w, before;
      get(&x, row->x, i, n, half);
      get(&g, row->gy, i, n, half);
      get(&w, row->weight, i, n, false);
      x = (x - row->mean) * row->inverse;
      Lanes product = g * x;
      if (sums) {
         get(&before, row->gweight, i, n, false);
         before += product;
         put(row->gweight, &before, i, n, false);
         get(&before, row->gbias, i, n, false);
         before += g;
         put(row->gbias, &before, i, n, false);
      }
      plain += g * w;
      normal += product * w;
   }
   return (Sums){total(&plain), total(&normal)};
}

SC_INLINE Sums sum_row(const Row *row, int64_t n, bool half, bool sums) {
   Sums all = {0, 0};
   for (int64_t i = 0; i < n; i += CHUNK) {
      Sums part = sum_chunk(row, i, i + CHUNK < n ? i + CHUNK : n, n, half, sums);
      all.plain += part.plain, all.normal += part.normal;
   }
   return all;
}

SC_INLINE void store_row(void *gx, const Row *row, Sums s, int64_t n, bool half) {
   float plain = (float)(s.plain / (double)n), normal = (float)(s.normal / (double)n);
   for (int64_t i = 0; i < n; i += LANES) {
      Lanes x, g, w;
      get(&x, row->x, i, n, half);
      get(&g, row->gy, i, n, half);
      get(&w, row->weight, i, n, false);
      x = (x - row->mean) * row->inverse;
      g = row->inverse * (g * w - plain - x * normal);
      put(gx, &g, i, n, half);
   }
}

SC_INLINE void gradients(const ScNormedRows *r, int64_t from, int64_t to, float *part, bool half, bool sums) {
   int64_t n = r->n;
   for (int64_t at = from; at < to; at++) {
      int64_t first = at % r->groups * n;
      Row row = {sc_past(r->x, at * n, half),
                 sc_past(r->gy, at * n, half),
                 r->weight + first,
                 r->mean[at],
                 r->inverse[at],
                 part + first,
                 part + n * r->groups + first};
      Sums s = sum_row(&row, n, half, sums);
      if (r->gx) store_row(sc_past(r->gx, at * n, half), &row, s, n, half);
   }
}

static void gradients_of_block(const ScNormedRows *r, int64_t from, int64_t to, float *part) {
   if (r->half && r->sums)
      gradients(r, from, to, part, true, true);
   else if (r->half)
      gradients(r, from, to, part, true, false);
   else if (r->sums)
      gradients(r, from, to, part, false, true);
   else
      gradients(r, from, to, part, false, false);
}

static void normed_rows_gradients(const ScNormedRows *r, int64_t from, int64_t to, float *part, double *sums) {
   int64_t values = 2 * r->n * r->groups;
   memset(part, 0, (size_t)values * sizeof *part);
   for (int64_t start = from; start < to; start += BLOCK) {
      gradients_of_block(r, start, start + BLOCK < to ? start + BLOCK : to, part);
      for (int64_t i = 0; i < values && r->sums; i++) sums[i] += (double)part[i], part[i] = 0;
   }
}

#endif
