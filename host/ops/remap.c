#include "host/ops/remap.h"

#include "host/core/call.h"

ScRemap sc_identity_map(const ScTensor *t) {
   ScRemap m = {.value = 0};
   for (int d = 0; d < t->rank; d++) m.dim[d] = (ScDimMap){.kind = SC_MAP_INSIDE, .n = t->shape[d]};
   return m;
}

void sc_remap_strides(const ScTensor *x, const ScTensor *y, int64_t strides[SC_MAXRANK]) {
   int64_t own[SC_MAXRANK];
   sc_strides(x, own);
   for (int d = 0; d < y->rank; d++) {
      int mine = d - (y->rank - x->rank);
      strides[d] = mine < 0 || x->shape[mine] == 1 ? 0 : own[mine];
   }
}

static int64_t modulo(int64_t a, int64_t n) {
   int64_t r = a % n;
   return r < 0 ? r + n : r;
}

int64_t sc_map_entry(const ScDimMap *m, int64_t k) {
   int64_t t = k - m->shift, last = m->n - 1;
   switch (m->kind) {
   case SC_MAP_FLIP: return m->first + last - t;
   case SC_MAP_WRAP: return m->first + modulo(t, m->n);
   case SC_MAP_REFLECT: return m->first + (t < 0 ? -t : t > last ? 2 * last - t : t);
   case SC_MAP_CLAMP: return m->first + (t < 0 ? 0 : t > last ? last : t);
   default: return t < 0 || t > last ? -1 : m->first + t;
   }
}

int64_t sc_map_run(const ScDimMap *m, int64_t k, int64_t end, int64_t *entry, int *step) {
   int64_t t = k - m->shift, left = end - k, run = t < 0 ? -t : t < m->n ? m->n - t : left;
   bool inside = t >= 0 && t < m->n;
   *entry = sc_map_entry(m, k);
   *step = m->kind == SC_MAP_FLIP || (m->kind == SC_MAP_REFLECT && !inside) ? -1
           : inside || m->kind == SC_MAP_WRAP                               ? 1
                                                                            : 0;
   if (m->kind == SC_MAP_WRAP) {
      run = m->n == 1 ? left : m->n - (*entry - m->first);
      if (m->n == 1) *step = 0;
   }
   return run < left ? run : left;
}

// ---- the gradient of what is repeated ----

static void replace(ScTensor **slot, ScTensor *by) {
   sc_tensor_release(*slot);
   *slot = by;
}

static ScStatus convert(ScTensor **slot, ScDtype dtype) {
   ScTensor *converted;
   if ((*slot)->dtype == dtype) return SC_OK;
   SC_TRY(sc_apply(&converted, "to", 1, slot, &(ScAttr){.i = dtype}, 1));
   replace(slot, converted);
   return SC_OK;
}

// *g, whose dimension `dim` is n entries several times over, with these added up. As they lie in memory they
// are (outer, repeats, n * inner).
static ScStatus sum_dim(ScTensor **g, int dim, int64_t n) {
   int64_t strides[SC_MAXRANK], shape[SC_MAXRANK], numel = sc_numel(*g);
   sc_strides(*g, strides);
   int64_t row = n * strides[dim], repeats = (*g)->shape[dim] / n;
   ScTensor *seen, *sum;
   SC_TRY(sc_tensor_alias(&seen, *g, 3, (int64_t[]){numel / (repeats * row), repeats, row}));
   ScStatus status = sc_apply(&sum, "sum", 1, &seen, (ScAttr[]){{.ints = {.n = 1, .v = {1}}}, {.i = 0}}, 2);
   sc_tensor_release(seen);
   if (status != SC_OK) return status;
   for (int d = 0; d < (*g)->rank; d++) shape[d] = d == dim ? n : (*g)->shape[d];
   status = sc_tensor_alias(&seen, sum, (*g)->rank, shape);
   sc_tensor_release(sum);
   if (status == SC_OK) replace(g, seen);
   return status;
}

// Several sums in a row are computed in f32, and rounded once.
ScStatus sc_sum_repeats(ScCall *c) {
   const ScTensor *x = c->in[0];
   ScTensor *g = sc_tensor_retain(c->grad_out[0]);
   ScAttr shape = {.ints.n = x->rank};
   int sums = 0, more = g->rank - x->rank;
   for (int d = 0; d < g->rank; d++) sums += g->shape[d] > (d < more ? 1 : x->shape[d - more]);
   ScStatus status = sums > 1 ? convert(&g, sc_wide_dtype(g->dtype)) : SC_OK;
   for (int d = 0; d < g->rank && status == SC_OK; d++) {
      int64_t n = d < more ? 1 : x->shape[d - more];
      if (g->shape[d] > n) status = sum_dim(&g, d, n);
   }
   for (int d = 0; d < x->rank; d++) shape.ints.v[d] = x->shape[d];
   if (status == SC_OK) status = convert(&g, x->dtype);
   if (status == SC_OK) status = sc_apply(&c->grad_in[0], "reshape", 1, &g, &shape, 1);
   sc_tensor_release(g);
   return status;
}
