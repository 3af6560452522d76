#include "host/ops/reduction.h"

#include <string.h>

#include "host/core/call.h"
#include "host/core/dispatch.h"

// ---- what is asked for ----

static bool is_attribute(const ScParam *p) {
   return p->kind != SC_TENSOR && p->kind != SC_OPERAND && p->kind != SC_TENSORS;
}

// The dimensions as bits.
static unsigned reduced(const ScCall *c) {
   unsigned all = (1u << c->in[0]->rank) - 1, some = 0;
   for (int p = 0, at = 0; p < c->op->nparams; p++) {
      const ScParam *param = &c->op->params[p];
      const ScAttr *attr = &c->attr[at];
      if (param->kind == SC_DIM) return attr->i == SC_NODIM ? all : 1u << attr->i;
      if (param->kind == SC_DIMS)
         for (int i = 0; i < attr->ints.n; i++) some |= 1u << attr->ints.v[i];
      at += is_attribute(param);
   }
   return some ? some : all;
}

static bool keeps_dim(const ScCall *c) {
   for (int p = 0, at = 0; p < c->op->nparams; p++) {
      if (strcmp(c->op->params[p].name, "keepdim") == 0) return c->attr[at].i != 0;
      at += is_attribute(&c->op->params[p]);
   }
   return false;
}

static void kept_shape(const ScCall *c, int64_t shape[SC_MAXRANK]) {
   unsigned dims = reduced(c);
   for (int i = 0; i < c->in[0]->rank; i++) shape[i] = dims >> i & 1 ? 1 : c->in[0]->shape[i];
}

ScStatus sc_describe_reduced(ScCall *c, ScDtype dtype) {
   int64_t shape[SC_MAXRANK];
   int rank = 0;
   unsigned dims = keeps_dim(c) ? 0 : reduced(c);
   kept_shape(c, shape);
   for (int i = 0; i < c->in[0]->rank; i++)
      if (!(dims >> i & 1)) shape[rank++] = shape[i];
   return sc_describe(c, 0, dtype, rank, shape);
}

ScStatus sc_describe_reduced_saved(ScCall *c, int index, ScDtype dtype) {
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   return sc_describe_saved(c, index, dtype, c->in[0]->rank, shape);
}

int64_t sc_reduced_size(const ScCall *c) {
   unsigned dims = reduced(c);
   int64_t n = 1;
   for (int i = 0; i < c->in[0]->rank; i++)
      if (dims >> i & 1) n *= c->in[0]->shape[i];
   return n;
}

// ---- as it lies in memory ----

// Dimensions in memory order; neighbours that are both kept, or both reduced, are one.
typedef struct {
   int n;
   bool reduced[SC_MAXRANK];
   int64_t size[SC_MAXRANK];
   ScAxis axis; // what kernels see
   bool moves;  // the reduced ones do not lie side by side: they are brought to the end first
} Layout;

static void append(Layout *l, bool is_reduced, int64_t size) {
   if (size == 1) return;
   bool merges = l->n > 0 && l->reduced[l->n - 1] == is_reduced;
   if (!merges) l->reduced[l->n] = is_reduced, l->size[l->n++] = 1;
   l->size[l->n - 1] *= size;
}

static Layout layout_of(const ScCall *c) {
   static const int last_channels[] = {0, 2, 3, 1};
   const ScTensor *x = c->in[0];
   Layout l = {.axis = {1, 1, 1}};
   unsigned dims = reduced(c);
   int parts = 0;
   for (int i = 0; i < x->rank; i++) {
      int dim = x->rank == 4 ? last_channels[i] : i;
      append(&l, dims >> dim & 1, x->shape[dim]);
   }
   for (int i = 0; i < l.n; i++) {
      parts += l.reduced[i];
      int64_t *side = l.reduced[i] ? &l.axis.n : parts ? &l.axis.inner : &l.axis.outer;
      *side *= l.size[i];
   }
   l.moves = parts > 1;
   if (l.moves) l.axis.outer *= l.axis.inner, l.axis.inner = 1;
   if (parts == 0) l.axis.inner = l.axis.outer, l.axis.outer = 1;
   return l;
}

// Replaces a tensor that nobody else needs.
static void replace(ScTensor **slot, ScTensor *by) {
   sc_tensor_release(*slot);
   *slot = by;
}

static ScStatus as_shape(ScTensor **slot, int rank, const int64_t *shape) {
   ScTensor *alias;
   SC_TRY(sc_tensor_alias(&alias, *slot, rank, shape));
   replace(slot, alias);
   return SC_OK;
}

static ScStatus apply(ScTensor **slot, const char *op, ScAttr attr) {
   ScTensor *result;
   SC_TRY(sc_apply(&result, op, 1, slot, &attr, 1));
   replace(slot, result);
   return SC_OK;
}

static ScStatus reshape(ScTensor **slot, int rank, const int64_t *shape) {
   ScAttr attr = {.ints.n = rank};
   for (int i = 0; i < rank; i++) attr.ints.v[i] = shape[i];
   return apply(slot, "reshape", attr);
}

// Brings the reduced groups to the end, or `back`. A rank of 4 lies in another order, so there is a fifth.
static ScStatus move(ScTensor **slot, const Layout *l, bool back) {
   int order[SC_MAXRANK], at = 0, extra = l->n == 4;
   int64_t shape[SC_MAXRANK + 1] = {1};
   ScAttr attr = {.ints = {.n = l->n + extra, .v = {1}}};
   for (int last = 0; last < 2; last++)
      for (int i = 0; i < l->n; i++)
         if (l->reduced[i] == last) order[at++] = i;
   for (int i = 0; i < l->n; i++) {
      shape[i + extra] = l->size[back ? order[i] : i];
      if (back)
         attr.ints.v[order[i] + extra] = i + extra + 1;
      else
         attr.ints.v[i + extra] = order[i] + extra + 1;
   }
   SC_TRY(as_shape(slot, attr.ints.n, shape));
   return apply(slot, "permute", attr);
}

static ScStatus as_axis(ScTensor **slot, ScAxis a) {
   return as_shape(slot, 3, (int64_t[]){a.outer, a.n, a.inner});
}

static ScStatus input_for_kernel(ScTensor **slot, const Layout *l) {
   if (l->moves && (*slot)->buffer) SC_TRY(move(slot, l, false));
   return as_axis(slot, l->axis);
}

static ScStatus result_for_kernel(const ScCall *c, ScTensor **slot, const Layout *l) {
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   if ((*slot)->buffer) SC_TRY(reshape(slot, c->in[0]->rank, shape));
   return as_axis(slot, (ScAxis){l->axis.outer, 1, l->axis.inner});
}

// ---- calls ----

static ScStatus compute(ScCall *c, const Layout *l) {
   SC_TRY(result_for_kernel(c, &c->out[0], l));
   SC_TRY(input_for_kernel(&c->in[0], l));
   return sc_run_kernel(c);
}

ScStatus sc_reduce_forward(ScCall *c) {
   ScTensor *x = sc_tensor_retain(c->in[0]);
   ScTensor wanted = *c->out[0]; // only its shape is used
   Layout l = layout_of(c);
   ScStatus status = compute(c, &l);
   replace(&c->in[0], x);
   SC_TRY(status);
   int64_t shape[SC_MAXRANK];
   kept_shape(c, shape);
   SC_TRY(as_shape(&c->out[0], x->rank, shape));
   return sc_same_shape(c->out[0], &wanted) ? SC_OK : reshape(&c->out[0], wanted.rank, wanted.shape);
}

static ScStatus differentiate(ScCall *c, const Layout *l) {
   SC_TRY(result_for_kernel(c, &c->grad_out[0], l));
   SC_TRY(result_for_kernel(c, &c->out[0], l));
   SC_TRY(input_for_kernel(&c->in[0], l));
   return sc_run_backward_kernel(c);
}

// Where memory runs out it is called once more, so it leaves everything as it was.
ScStatus sc_reduce_backward(ScCall *c) {
   ScTensor *x = sc_tensor_retain(c->in[0]), *y = sc_tensor_retain(c->out[0]);
   ScTensor *g = sc_tensor_retain(c->grad_out[0]);
   Layout l = layout_of(c);
   ScStatus status = differentiate(c, &l);
   replace(&c->in[0], x);
   replace(&c->out[0], y);
   replace(&c->grad_out[0], g);
   if (status == SC_OK && l.moves) status = move(&c->grad_in[0], &l, true);
   if (status == SC_OK) status = as_shape(&c->grad_in[0], x->rank, x->shape);
   if (status != SC_OK) replace(&c->grad_in[0], NULL);
   return status;
}
