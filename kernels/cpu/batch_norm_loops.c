#include "kernels/cpu/batch_norm_loops.h"

#include <string.h>

// Multiplying and adding in one instruction takes a quarter off silu and its derivative.
#pragma GCC optimize("fp-contract=fast")

#include "kernels/cpu/activation.h"
#include "kernels/cpu/clones.h"

// Rows added up in float before they go into the double sums.
enum { BLOCK = 64 };

static void flush(int64_t n, float *part, double *sums) {
   for (int64_t i = 0; i < n; i++) sums[i] += (double)part[i];
   memset(part, 0, (size_t)n * sizeof *part);
}

// One row after the other, as they lie: several at a time would load and store the sums less often, but are
// streams that begin anew with every row, which memory gives at half the speed.
SC_INLINE void sum_rows(const ScNormRows *b, int64_t from, int64_t to, float *part, bool half) {
   int64_t n = b->width;
   const float *restrict mean = b->mean;
   float *restrict sum = part, *restrict square = part + n;
   for (int64_t r = from; r < to; r++) {
      const void *x = sc_past(b->x, r * n, half);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
         float a = sc_at(x, i, half) - mean[i];
         sum[i] += a;
         square[i] += a * a;
      }
   }
}

SC_CLONES void sc_norm_sum(const ScNormRows *b, int64_t from, int64_t to, float *part, double *sums) {
   int64_t n = b->width;
   memset(part, 0, 2 * (size_t)n * sizeof *part);
   for (int64_t start = from; start < to; start += BLOCK) {
      int64_t end = start + BLOCK < to ? start + BLOCK : to;
      if (b->half)
         sum_rows(b, start, end, part, true);
      else
         sum_rows(b, start, end, part, false);
      flush(2 * n, part, sums);
   }
}

// ---- forward ----

SC_INLINE void apply_rows(const ScNormRows *b, int64_t from, int64_t to, ScAct act, bool residual, bool half) {
   int64_t n = b->width;
   const float *restrict scale = b->scale, *restrict offset = b->offset;
   for (int64_t r = from; r < to; r++) {
      const void *x = sc_past(b->x, r * n, half), *add = residual ? sc_past(b->residual, r * n, half) : x;
      void *out = sc_past(b->out, r * n, half);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++)
         sc_set(
             out, i, half,
             sc_activate(act, sc_at(x, i, half) * scale[i] + offset[i] + (residual ? sc_at(add, i, half) : 0)));
   }
}

// With every activation as a constant.
SC_CLONES void sc_norm_apply(const ScNormRows *b, int64_t from, int64_t to) {
#define APPLY_TO(act, residual)                                                                                \
   if (b->half)                                                                                                \
      apply_rows(b, from, to, act, residual, true);                                                            \
   else                                                                                                        \
      apply_rows(b, from, to, act, residual, false)
#define APPLY(name, op, by_result)                                                                             \
   case SC_ACT_##name:                                                                                         \
      if (b->residual) {                                                                                       \
         APPLY_TO(SC_ACT_##name, true);                                                                        \
      } else {                                                                                                 \
         APPLY_TO(SC_ACT_##name, false);                                                                       \
      }                                                                                                        \
      break;
   switch (b->act) {
      SC_ACTIVATIONS(APPLY)
      APPLY(NONE, none, false)
   default: break;
   }
}

// ---- backward ----

// What a loop over gradients is compiled for.
typedef struct {
   ScAct act;
   ScMask mask;
   bool residual, values; // values: x is there
   bool half;
} Kind;

// The pointers that a combination does not use are not read.
typedef struct {
   const void *x, *residual, *y, *gy;
} Row;

SC_INLINE Row row_at(const ScNormRows *b, int64_t r, bool half) {
   int64_t at = r * b->width;
   return (Row){sc_past(b->x, at, half), sc_past(b->residual, at, half), sc_past(b->y, at, half),
                sc_past(b->gy, at, half)};
}

// Gradient before the activation, of element i of a row.
SC_INLINE float gradient(const ScNormRows *b, Kind k, Row row, int64_t i) {
   float g = sc_at(row.gy, i, k.half);
   if (k.mask == SC_MASK_NONE) return g;
   if (k.mask == SC_MASK_Y) return sc_act_gradient(k.act, sc_at(row.y, i, k.half), g);
   float before = sc_at(row.x, i, k.half) * b->scale[i] + b->offset[i];
   return sc_act_gradient(k.act, before + (k.residual ? sc_at(row.residual, i, k.half) : 0), g);
}

SC_INLINE void sum_gradient_rows(const ScNormRows *b, int64_t from, int64_t to, Kind kind, bool store,
                                 float *restrict part) {
   int64_t n = b->width;
   bool half = kind.half;
   const float *restrict mean = b->mean;
   float *restrict sum = part, *restrict product = part + n;
   for (int64_t r = from; r < to; r++) {
      Row row = row_at(b, r, half);
      void *out = store ? sc_past(b->gresidual, r * n, half) : NULL;
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
         float g = gradient(b, kind, row, i);
         sum[i] += g;
         if (kind.values) product[i] += g * (sc_at(row.x, i, half) - mean[i]);
         if (store) sc_set(out, i, half, g);
      }
   }
}

SC_INLINE void input_gradient_rows(const ScNormRows *b, int64_t from, int64_t to, Kind kind) {
   int64_t n = b->width;
   bool half = kind.half;
   const float *restrict scale = b->gscale, *restrict slope = b->gslope, *restrict offset = b->goffset;
   const float *restrict mean = b->mean;
   for (int64_t r = from; r < to; r++) {
      Row row = row_at(b, r, half);
      void *gx = sc_past(b->gx, r * n, half);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
         float g = gradient(b, kind, row, i) * scale[i];
         sc_set(gx, i, half, slope ? g + (sc_at(row.x, i, half) - mean[i]) * slope[i] + offset[i] : g);
      }
   }
}

// With every combination that occurs as a constant: ROWS says what is to be done with each.
#define KIND(act, mask, residual, values)                                                                      \
   if (b->half)                                                                                                \
      ROWS(((Kind){act, mask, residual, values, true}));                                                       \
   else                                                                                                        \
      ROWS(((Kind){act, mask, residual, values, false}))

// The derivative comes from y only where there is a residual, and from x only with those it cannot come from y
// of.
#define KINDS_OF(name, op, by_result)                                                                          \
   case SC_ACT_##name:                                                                                         \
      if (by_result && b->mask == SC_MASK_Y && b->x) {                                                         \
         KIND(SC_ACT_##name, SC_MASK_Y, false, true);                                                          \
      } else if (by_result && b->mask == SC_MASK_Y) {                                                          \
         KIND(SC_ACT_##name, SC_MASK_Y, false, false);                                                         \
      } else if (!by_result && b->residual) {                                                                  \
         KIND(SC_ACT_##name, SC_MASK_X, true, true);                                                           \
      } else {                                                                                                 \
         KIND(SC_ACT_##name, SC_MASK_X, false, true);                                                          \
      }                                                                                                        \
      break;

#define FOR_EACH_KIND                                                                                          \
   switch (b->act) {                                                                                           \
      SC_ACTIVATIONS(KINDS_OF)                                                                                 \
   default:                                                                                                    \
      if (b->x) {                                                                                              \
         KIND(SC_ACT_NONE, SC_MASK_NONE, false, true);                                                         \
      } else {                                                                                                 \
         KIND(SC_ACT_NONE, SC_MASK_NONE, false, false);                                                        \
      }                                                                                                        \
   }

SC_CLONES static void sum_block(const ScNormRows *b, int64_t from, int64_t to, float *part){
#define ROWS(kind) sum_gradient_rows(b, from, to, kind, false, part)
    FOR_EACH_KIND
#undef ROWS
}

SC_CLONES static void sum_and_store_block(const ScNormRows *b, int64_t from, int64_t to, float *part) {
#define ROWS(kind) sum_gradient_rows(b, from, to, kind, true, part)
   FOR_EACH_KIND
#undef ROWS
}

void sc_norm_sum_gradients(const ScNormRows *b, int64_t from, int64_t to, float *part, double *sums) {
   memset(part, 0, 2 * (size_t)b->width * sizeof *part);
   for (int64_t start = from; start < to; start += BLOCK) {
      int64_t end = start + BLOCK < to ? start + BLOCK : to;
      if (b->gresidual)
         sum_and_store_block(b, start, end, part);
      else
         sum_block(b, start, end, part);
      flush(2 * b->width, part, sums);
   }
}

SC_CLONES static void input_gradient(const ScNormRows *b, int64_t from, int64_t to) {
#define ROWS(kind) input_gradient_rows(b, from, to, kind)
   FOR_EACH_KIND
#undef ROWS
}

void sc_norm_input_gradient(const ScNormRows *b, int64_t from, int64_t to) {
   ScNormRows rows = *b;
   if (b->gresidual) rows.gy = b->gresidual, rows.mask = SC_MASK_NONE, rows.act = SC_ACT_NONE;
   input_gradient(&rows, from, to);
}
