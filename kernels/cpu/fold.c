#include "kernels/cpu/fold.h"

#include <stdlib.h>

enum { ROW_CHUNK = 16384, STRIP_CHUNK = 1024, BLOCK = 8192, WORTH_THREADS = 32768 };

static int64_t pieces(int64_t n, int64_t size) {
   return (n + size - 1) / size;
}
static int64_t shorter(int64_t a, int64_t b) {
   return a < b ? a : b;
}
static bool is_large(ScAxis a) {
   return a.outer * a.n * a.inner > WORTH_THREADS;
}

// ---- forward ----

typedef struct {
   ScAxis axis;
   int64_t length, chunks, strips; // elements of a chunk; how many there are, and strips of results
   const float *x;
   ScKnown *partial; // (chunks, results); NULL if there is but one chunk
   const ScFold *fold;
   const double *p;
} Plan;

static void fold_task(ScCall *c, const Plan *plan, int64_t task) {
   ScAxis a = plan->axis;
   int64_t chunk = task % plan->chunks, row = task / plan->chunks, o = row / plan->strips;
   int64_t i = row % plan->strips * SC_FOLD_STRIP, width = shorter(SC_FOLD_STRIP, a.inner - i);
   int64_t first = chunk * plan->length, n = shorter(plan->length, a.n - first), at = o * a.inner + i;
   const float *x = plan->x + (o * a.n + first) * a.inner + i;
   ScKnown own[SC_FOLD_STRIP], *known = plan->partial ? plan->partial + chunk * a.outer * a.inner + at : own;
   if (a.inner == 1)
      *known = plan->fold->row(x, n, plan->p);
   else
      plan->fold->strip(known, x, n, a.inner, width, plan->p);
   if (plan->partial) return;
   for (int64_t k = 0; k < width; k++) plan->fold->put(c, at + k, known[k], plan->p);
}

static void join_chunks(ScCall *c, const Plan *plan) {
   int64_t results = plan->axis.outer * plan->axis.inner;
   for (int64_t at = 0; at < results; at++) {
      ScKnown all = plan->partial[at];
      for (int64_t chunk = 1; chunk < plan->chunks; chunk++) {
         int64_t before = chunk * plan->length;
         all = plan->fold->join(all, before, plan->partial[chunk * results + at],
                                shorter(plan->length, plan->axis.n - before), plan->p);
      }
      plan->fold->put(c, at, all, plan->p);
   }
}

// Rows that are one chunk each, without what it takes to find a task.
static void fold_short_rows(ScCall *c, const Plan *plan) {
   ScAxis a = plan->axis;
#pragma omp parallel for if (is_large(a))
   for (int64_t o = 0; o < a.outer; o++)
      plan->fold->put(c, o, plan->fold->row(plan->x + o * a.n, a.n, plan->p), plan->p);
}

ScStatus sc_fold(ScCall *c, const ScFold *fold, const double *p) {
   ScAxis a = sc_axis(c->in[0], SC_REDUCED);
   Plan plan = {.axis = a, .x = c->in[0]->buffer->data, .fold = fold, .p = p};
   plan.length = a.inner == 1 ? ROW_CHUNK : STRIP_CHUNK;
   plan.chunks = pieces(a.n, plan.length);
   plan.strips = pieces(a.inner, SC_FOLD_STRIP);
   if (a.inner == 1 && plan.chunks == 1) {
      fold_short_rows(c, &plan);
      return SC_OK;
   }
   if (plan.chunks > 1) {
      plan.partial = malloc((size_t)(plan.chunks * a.outer * a.inner) * sizeof *plan.partial);
      if (!plan.partial) return sc_fail(SC_EMEM, "out of memory");
   }
#pragma omp parallel for if (is_large(a))
   for (int64_t task = 0; task < a.outer * plan.strips * plan.chunks; task++) fold_task(c, &plan, task);
   if (plan.chunks > 1) join_chunks(c, &plan);
   free(plan.partial);
   return SC_OK;
}

// ---- backward ----

// One result's elements side by side, in blocks.
static void unfold_rows(ScCall *c, ScUnfold f, const float *a, const float *b, const double *p) {
   ScAxis axis = sc_axis(c->in[0], SC_REDUCED);
   const float *x = c->in[0]->buffer->data;
   float *dx = c->grad_in[0]->buffer->data;
   int64_t blocks = pieces(axis.n, BLOCK);
#pragma omp parallel for if (is_large(axis))
   for (int64_t task = 0; task < axis.outer * blocks; task++) {
      int64_t o = task / blocks, first = task % blocks * BLOCK, at = o * axis.n + first;
      f(dx + at, x + at, a + o, b + o, shorter(BLOCK, axis.n - first), false, p);
   }
}

static void unfold_columns(ScCall *c, ScUnfold f, const float *a, const float *b, const double *p) {
   ScAxis axis = sc_axis(c->in[0], SC_REDUCED);
   const float *x = c->in[0]->buffer->data;
   float *dx = c->grad_in[0]->buffer->data;
#pragma omp parallel for if (is_large(axis))
   for (int64_t row = 0; row < axis.outer * axis.n; row++) {
      int64_t at = row * axis.inner, result = row / axis.n * axis.inner;
      f(dx + at, x + at, a + result, b + result, axis.inner, true, p);
   }
}

ScStatus sc_unfold(ScCall *c, ScUnfold f, ScPrepare prepare, const double *p) {
   ScAxis axis = sc_axis(c->in[0], SC_REDUCED);
   int64_t results = axis.outer * axis.inner;
   float *a = malloc(2 * (size_t)results * sizeof *a), *b = a + results;
   if (!a) return sc_fail(SC_EMEM, "out of memory");
   for (int64_t at = 0; at < results; at++) prepare(c, at, &a[at], &b[at], p);
   (axis.inner == 1 ? unfold_rows : unfold_columns)(c, f, a, b, p);
   free(a);
   return SC_OK;
}
