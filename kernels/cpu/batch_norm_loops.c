#include "kernels/cpu/batch_norm_loops.h"

#include <string.h>

#include "kernels/cpu/clones.h"
#include "kernels/cpu/vmath.h"

// Rows added up in float before they go into the double sums.
enum { BLOCK = 64 };

static void flush(int64_t n, float *part, double *sums) {
   for (int64_t i = 0; i < n; i++) sums[i] += (double)part[i];
   memset(part, 0, (size_t)n * sizeof *part);
}

// Four rows at a time, so that the sums are loaded and stored once for them.
static inline __attribute__((always_inline)) void sum_four(int64_t n, const float *restrict x,
                                                           const float *restrict mean, float *restrict sum,
                                                           float *restrict square) {
   const float *x1 = x + n, *x2 = x1 + n, *x3 = x2 + n;
   for (int64_t i = 0; i < n; i++) {
      float a = x[i] - mean[i], b = x1[i] - mean[i], c = x2[i] - mean[i], d = x3[i] - mean[i];
      sum[i] += (a + b) + (c + d);
      square[i] += (a * a + b * b) + (c * c + d * d);
   }
}

static inline __attribute__((always_inline)) void sum_one(int64_t n, const float *restrict x,
                                                          const float *restrict mean, float *restrict sum,
                                                          float *restrict square) {
   for (int64_t i = 0; i < n; i++) {
      float a = x[i] - mean[i];
      sum[i] += a;
      square[i] += a * a;
   }
}

SC_CLONES void sc_norm_sum(const ScNormRows *b, int64_t from, int64_t to, float *part, double *sums) {
   int64_t n = b->width;
   memset(part, 0, 2 * (size_t)n * sizeof *part);
   for (int64_t start = from; start < to; start += BLOCK) {
      int64_t end = start + BLOCK < to ? start + BLOCK : to, r = start;
      for (; r + 4 <= end; r += 4) sum_four(n, b->x + r * n, b->mean, part, part + n);
      for (; r < end; r++) sum_one(n, b->x + r * n, b->mean, part, part + n);
      flush(2 * n, part, sums);
   }
}

// ---- forward ----

static inline __attribute__((always_inline)) float activate(ScAct act, float v) {
   switch (act) {
   case SC_ACT_RELU: return v < 0 ? 0 : v;
   case SC_ACT_RELU6: v = v < 0 ? 0 : v; return v > 6 ? 6 : v;
   case SC_ACT_SILU: return v * sc_sigmoidf(v);
   default: return v;
   }
}

static inline __attribute__((always_inline)) void apply_rows(const ScNormRows *b, int64_t from, int64_t to,
                                                             ScAct act, bool residual) {
   int64_t n = b->width;
   const float *restrict scale = b->scale, *restrict offset = b->offset;
   for (int64_t r = from; r < to; r++) {
      const float *restrict x = b->x + r * n, *restrict add = residual ? b->residual + r * n : x;
      float *restrict out = b->out + r * n;
      for (int64_t i = 0; i < n; i++)
         out[i] = activate(act, x[i] * scale[i] + offset[i] + (residual ? add[i] : 0));
   }
}

#define FOR_EACH_ACT(rows)                                                                                     \
   switch (b->act) {                                                                                           \
   case SC_ACT_NONE: rows(SC_ACT_NONE); break;                                                                 \
   case SC_ACT_RELU: rows(SC_ACT_RELU); break;                                                                 \
   case SC_ACT_RELU6: rows(SC_ACT_RELU6); break;                                                               \
   case SC_ACT_SILU: rows(SC_ACT_SILU); break;                                                                 \
   }

SC_CLONES void sc_norm_apply(const ScNormRows *b, int64_t from, int64_t to) {
#define WITH_RESIDUAL(act)    apply_rows(b, from, to, act, true)
#define WITHOUT_RESIDUAL(act) apply_rows(b, from, to, act, false)
   if (b->residual)
      FOR_EACH_ACT(WITH_RESIDUAL)
   else
      FOR_EACH_ACT(WITHOUT_RESIDUAL)
}

// ---- backward ----

// The derivative given the value before the activation, or after it for relu and relu6.
static inline __attribute__((always_inline)) float through(ScAct act, float v, float g) {
   switch (act) {
   case SC_ACT_RELU: return v > 0 ? g : 0;
   case SC_ACT_RELU6: return v > 0 && v < 6 ? g : 0;
   case SC_ACT_SILU: {
      float s = sc_sigmoidf(v);
      return g * s * (1 + v * (1 - s));
   }
   default: return g;
   }
}

// Gradient before the activation, of element i of a row. The pointers that a combination does not use are not
// read.
typedef struct {
   const float *x, *residual, *y, *gy;
} Row;

static inline __attribute__((always_inline)) Row row_at(const ScNormRows *b, int64_t r) {
   int64_t at = r * b->width;
   return (Row){b->x + at, b->residual + at, b->y + at, b->gy + at};
}

static inline __attribute__((always_inline)) float gradient(const ScNormRows *b, ScAct act, ScMask mask,
                                                            bool residual, Row row, int64_t i) {
   if (mask == SC_MASK_NONE) return row.gy[i];
   if (mask == SC_MASK_Y) return through(act, row.y[i], row.gy[i]);
   return through(act, row.x[i] * b->scale[i] + b->offset[i] + (residual ? row.residual[i] : 0), row.gy[i]);
}

// What a loop over gradients is compiled for.
typedef struct {
   ScAct act;
   ScMask mask;
   bool residual, values; // values: x is there
} Kind;

static inline __attribute__((always_inline)) void
sum_gradient_rows(const ScNormRows *b, int64_t from, int64_t to, Kind kind, bool store, float *restrict part) {
   int64_t n = b->width;
   const float *restrict mean = b->mean;
   float *restrict sum = part, *restrict product = part + n;
   int64_t r = from;
   for (; !store && r + 2 <= to; r += 2) {
      Row one = row_at(b, r), two = row_at(b, r + 1);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
         float g = gradient(b, kind.act, kind.mask, kind.residual, one, i);
         float h = gradient(b, kind.act, kind.mask, kind.residual, two, i);
         sum[i] += g + h;
         if (kind.values) product[i] += g * (one.x[i] - mean[i]) + h * (two.x[i] - mean[i]);
      }
   }
   for (; r < to; r++) {
      Row row = row_at(b, r);
      float *out = store ? b->gresidual + r * n : NULL;
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
         float g = gradient(b, kind.act, kind.mask, kind.residual, row, i);
         sum[i] += g;
         if (kind.values) product[i] += g * (row.x[i] - mean[i]);
         if (store) out[i] = g;
      }
   }
}

static inline __attribute__((always_inline)) void input_gradient_rows(const ScNormRows *b, int64_t from,
                                                                      int64_t to, Kind kind) {
   int64_t n = b->width;
   const float *restrict scale = b->gscale, *restrict slope = b->gslope, *restrict offset = b->goffset;
   const float *restrict mean = b->mean;
   for (int64_t r = from; r < to; r++) {
      Row row = row_at(b, r);
      float *gx = b->gx + r * n;
#pragma GCC ivdep
      for (int64_t i = 0; i < n; i++) {
         float g = gradient(b, kind.act, kind.mask, kind.residual, row, i) * scale[i];
         gx[i] = slope ? g + (row.x[i] - mean[i]) * slope[i] + offset[i] : g;
      }
   }
}

// Calls `rows` with every combination that occurs as a constant.
#define FOR_EACH_KIND(rows)                                                                                    \
   if (b->mask == SC_MASK_NONE && b->x)                                                                        \
      rows(((Kind){SC_ACT_NONE, SC_MASK_NONE, false, true}));                                                  \
   else if (b->mask == SC_MASK_NONE)                                                                           \
      rows(((Kind){SC_ACT_NONE, SC_MASK_NONE, false, false}));                                                 \
   else if (b->mask == SC_MASK_Y && b->act == SC_ACT_RELU && b->x)                                             \
      rows(((Kind){SC_ACT_RELU, SC_MASK_Y, false, true}));                                                     \
   else if (b->mask == SC_MASK_Y && b->act == SC_ACT_RELU)                                                     \
      rows(((Kind){SC_ACT_RELU, SC_MASK_Y, false, false}));                                                    \
   else if (b->mask == SC_MASK_Y && b->x)                                                                      \
      rows(((Kind){SC_ACT_RELU6, SC_MASK_Y, false, true}));                                                    \
   else if (b->mask == SC_MASK_Y)                                                                              \
      rows(((Kind){SC_ACT_RELU6, SC_MASK_Y, false, false}));                                                   \
   else if (b->act == SC_ACT_RELU)                                                                             \
      rows(((Kind){SC_ACT_RELU, SC_MASK_X, false, true}));                                                     \
   else if (b->act == SC_ACT_RELU6)                                                                            \
      rows(((Kind){SC_ACT_RELU6, SC_MASK_X, false, true}));                                                    \
   else if (b->residual)                                                                                       \
      rows(((Kind){SC_ACT_SILU, SC_MASK_X, true, true}));                                                      \
   else                                                                                                        \
      rows(((Kind){SC_ACT_SILU, SC_MASK_X, false, true}))

SC_CLONES static void sum_block(const ScNormRows *b, int64_t from, int64_t to, float *part) {
#define SUM(kind) sum_gradient_rows(b, from, to, kind, false, part)
   FOR_EACH_KIND(SUM);
}

SC_CLONES static void sum_and_store_block(const ScNormRows *b, int64_t from, int64_t to, float *part) {
#define SUM_AND_STORE(kind) sum_gradient_rows(b, from, to, kind, true, part)
   FOR_EACH_KIND(SUM_AND_STORE);
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
#define INPUT_GRADIENT(kind) input_gradient_rows(b, from, to, kind)
   FOR_EACH_KIND(INPUT_GRADIENT);
}

void sc_norm_input_gradient(const ScNormRows *b, int64_t from, int64_t to) {
   ScNormRows rows = *b;
   if (b->gresidual) rows.gy = b->gresidual, rows.mask = SC_MASK_NONE, rows.act = SC_ACT_NONE;
   input_gradient(&rows, from, to);
}
