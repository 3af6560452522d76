// flip, roll, tile, expand, pad: see host/ops/remap.h.
#include "host/ops/expand.h"
#include "host/ops/flip.h"
#include "host/ops/pad.h"
#include "host/ops/roll.h"
#include "host/ops/tile.h"

#include <string.h>

#include "kernels/cpu/clones.h"

enum { BLOCK = 16384, SHORT = 64 }; // bytes: of a task, at least; of a unit that is copied element by element

// One dimension of the result, and the steps of an index in both tensors, in elements.
typedef struct {
   ScDimMap map;
   int64_t size, from, to;
} Dim;

// The result as it lies in memory: rows, whose entries are units of adjacent elements that stay together.
typedef struct {
   size_t size;  // bytes of an element
   int64_t unit; // elements
   int rank;     // of the dimensions around a row
   Dim dim[SC_MAXRANK], row;
   int64_t rows, block; // block: entries of a row that are one task
   unsigned char value[8];
   const char *x;
   char *y;
} Plan;

static bool stays(const Dim *d) {
   return d->map.n == d->size && d->map.shift == 0 && d->map.first == 0 && d->map.kind != SC_MAP_FLIP;
}

// The dimensions of y as it lies, the largest step first, and before others of that step what has one entry.
static int sort_dims(const ScRemap *m, const ScTensor *x, const ScTensor *y, Dim sorted[SC_MAXRANK]) {
   int64_t from[SC_MAXRANK], to[SC_MAXRANK];
   sc_remap_strides(x, y, from), sc_strides(y, to);
   int n = 0;
   for (int d = 0; d < y->rank; d++) {
      Dim each = {m->dim[d], y->shape[d], from[d], to[d]};
      if (each.size == 1 && stays(&each)) continue;
      int at = n++;
      for (; at > 0 && sorted[at - 1].to < each.to + (each.size == 1); at--) sorted[at] = sorted[at - 1];
      sorted[at] = each;
   }
   return n;
}

static void make_plan(Plan *p, const ScRemap *m, const ScTensor *x, const ScTensor *y) {
   *p = (Plan){.size = sc_dtype_size(y->dtype), .unit = 1, .rows = 1};
   p->rank = sort_dims(m, x, y, p->dim);
   while (p->rank > 0 && stays(&p->dim[p->rank - 1]) && p->dim[p->rank - 1].from == p->unit)
      p->unit *= p->dim[--p->rank].size;
   if (p->rank > 0)
      p->row = p->dim[--p->rank];
   else
      p->row = (Dim){.map = {.kind = SC_MAP_INSIDE, .n = 1}, .size = 1};
   for (int d = 0; d < p->rank; d++) p->rows *= p->dim[d].size;
   p->block = BLOCK / (p->unit * (int64_t)p->size) + 1;
   sc_store(y->dtype, p->value, 0, m->value);
}

// ---- runs of units ----

// Short units have constant sizes, and steps by one element a sign: loops that the compiler unrolls and
// vectorises.
#define COPY(type)                                                                                             \
   static inline __attribute__((always_inline)) void units_##type(type *to, const type *from, int64_t step,    \
                                                                  int64_t unit, int64_t n) {                   \
      for (int64_t i = 0; i < n; i++)                                                                          \
         for (int64_t k = 0; k < unit; k++) to[i * unit + k] = from[i * step + k];                             \
   }                                                                                                           \
   SC_CLONES static void copy_##type(type *to, const type *from, int64_t step, int64_t unit, int64_t n) {      \
      if (unit == 1 && step == -1)                                                                             \
         units_##type(to, from, -1, 1, n);                                                                     \
      else if (unit == 1 && step == 0)                                                                         \
         units_##type(to, from, 0, 1, n);                                                                      \
      else if (unit == 3)                                                                                      \
         units_##type(to, from, step, 3, n);                                                                   \
      else                                                                                                     \
         units_##type(to, from, step, unit, n);                                                                \
   }                                                                                                           \
   static void fill_##type(type *to, const void *value, int64_t n) {                                           \
      type v;                                                                                                  \
      memcpy(&v, value, sizeof v);                                                                             \
      for (int64_t i = 0; i < n; i++) to[i] = v;                                                               \
   }
COPY(uint8_t)
COPY(uint16_t)
COPY(uint32_t)
COPY(uint64_t)

static void fill(const Plan *p, char *to, int64_t n) {
   switch (p->size) {
   case 1: fill_uint8_t((uint8_t *)to, p->value, n); break;
   case 2: fill_uint16_t((uint16_t *)to, p->value, n); break;
   case 4: fill_uint32_t((uint32_t *)to, p->value, n); break;
   default: fill_uint64_t((uint64_t *)to, p->value, n);
   }
}

static void copy_short(const Plan *p, char *to, const char *from, int64_t step, int64_t n) {
   switch (p->size) {
   case 1: copy_uint8_t((uint8_t *)to, (const uint8_t *)from, step, p->unit, n); break;
   case 2: copy_uint16_t((uint16_t *)to, (const uint16_t *)from, step, p->unit, n); break;
   case 4: copy_uint32_t((uint32_t *)to, (const uint32_t *)from, step, p->unit, n); break;
   default: copy_uint64_t((uint64_t *)to, (const uint64_t *)from, step, p->unit, n);
   }
}

// n units, each `step` elements after the one before it.
static void copy(const Plan *p, char *to, const char *from, int64_t step, int64_t n) {
   size_t unit = (size_t)p->unit * p->size;
   if (step == p->unit) {
      memcpy(to, from, (size_t)n * unit);
   } else if (unit <= SHORT) {
      copy_short(p, to, from, step, n);
   } else {
      for (int64_t i = 0; i < n; i++) memcpy(to + (size_t)i * unit, from + i * step * (int64_t)p->size, unit);
   }
}

// ---- rows ----

// Entries k..end-1 of a row of the result, of what begins at `from` in x.
static void copy_part(const Plan *p, char *to, const char *from, int64_t k, int64_t end) {
   while (k < end) {
      int64_t entry;
      int step;
      int64_t n = sc_map_run(&p->row.map, k, end, &entry, &step);
      if (entry < 0)
         fill(p, to, n * p->unit);
      else
         copy(p, to, from + entry * p->row.from * (int64_t)p->size, step * p->row.from, n);
      to += (size_t)(n * p->unit) * p->size;
      k += n;
   }
}

// The same; what is repeated often is copied from the result itself, twice as much each time.
static void copy_repeated(const Plan *p, char *to, const char *from, int64_t k, int64_t end) {
   int64_t n = end - k, done = p->row.map.n;
   bool repeats = p->row.map.kind == SC_MAP_WRAP && n > 2 * done;
   copy_part(p, to, from, k, repeats ? k + done : end);
   size_t unit = (size_t)p->unit * p->size;
   for (; repeats && done < n; done *= 2)
      memcpy(to + (size_t)done * unit, to, (size_t)(done < n - done ? done : n - done) * unit);
}

static void run_task(const Plan *p, int64_t task) {
   int64_t blocks = (p->row.size + p->block - 1) / p->block, row = task / blocks, k = task % blocks * p->block;
   int64_t end = k + p->block < p->row.size ? k + p->block : p->row.size, from = 0, to = k * p->unit;
   bool outside = false;
   for (int d = p->rank - 1; d >= 0; d--) {
      int64_t index = row % p->dim[d].size, entry = sc_map_entry(&p->dim[d].map, index);
      row /= p->dim[d].size;
      outside |= entry < 0;
      from += entry * p->dim[d].from;
      to += index * p->dim[d].to;
   }
   char *y = p->y + (size_t)to * p->size;
   if (outside)
      fill(p, y, (end - k) * p->unit);
   else
      copy_repeated(p, y, p->x + from * (int64_t)p->size, k, end);
}

static ScStatus forward(ScCall *c, ScRemap m) {
   Plan p;
   make_plan(&p, &m, c->in[0], c->out[0]);
   p.x = c->in[0]->buffer->data, p.y = c->out[0]->buffer->data;
   int64_t tasks = p.rows * ((p.row.size + p.block - 1) / p.block);
#pragma omp parallel for if (sc_nbytes(c->out[0]) > 262144)
   for (int64_t task = 0; task < tasks; task++) run_task(&p, task);
   return SC_OK;
}

// ---- the gradient of padding that repeats ----

// Adds a row of `g` to those elements of `gx` that it came from.
static void add_row(const Plan *p, const float *g, float *gx, int64_t row) {
   int64_t from = 0, to = 0;
   for (int d = p->rank - 1; d >= 0; d--) {
      int64_t index = row % p->dim[d].size;
      row /= p->dim[d].size;
      from += sc_map_entry(&p->dim[d].map, index) * p->dim[d].from;
      to += index * p->dim[d].to;
   }
   g += to;
   for (int64_t k = 0; k < p->row.size;) {
      int64_t entry;
      int step;
      int64_t n = sc_map_run(&p->row.map, k, p->row.size, &entry, &step);
      float *sum = gx + from + entry * p->row.from;
      for (int64_t i = 0; i < n; i++, g += p->unit, sum += step * p->row.from)
         for (int64_t u = 0; u < p->unit; u++) sum[u] += g[u];
      k += n;
   }
}

// Threads share the entries of the outermost dimension, where it stays as it is.
static ScStatus backward(ScCall *c, ScRemap m) {
   if (c->grad_in[0]->dtype != SC_F32) return SC_EUNSUPPORTED;
   Plan p;
   make_plan(&p, &m, c->grad_in[0], c->grad_out[0]);
   const float *g = c->grad_out[0]->buffer->data;
   float *gx = c->grad_in[0]->buffer->data;
   memset(gx, 0, sc_nbytes(c->grad_in[0]));
   int64_t parts = p.rank > 0 && stays(&p.dim[0]) ? p.dim[0].size : 1, rows = p.rows / parts;
#pragma omp parallel for if (parts > 1 && sc_nbytes(c->grad_out[0]) > 262144)
   for (int64_t part = 0; part < parts; part++)
      for (int64_t row = 0; row < rows; row++) add_row(&p, g, gx, part * rows + row);
   return SC_OK;
}

#define REMAP(name)                                                                                            \
   static ScStatus forward_##name(ScCall *c) {                                                                 \
      return forward(c, sc_##name##_map(c));                                                                   \
   }                                                                                                           \
   SC_KERNEL(cpu, name, .dtypes = SC_ALL_DTYPES, .forward = forward_##name)

REMAP(flip)
REMAP(roll)
REMAP(tile)
REMAP(expand)
SC_KERNEL_OF(cpu, pad, SC_ALL_DTYPES, forward(c, sc_pad_map(c)), backward(c, sc_pad_map(c)))
