#include "host/ops/group.h"

static int first_of(const ScCall *c, int list) {
   int at = 0;
   for (int i = 0; i < list; i++) at += c->count[i];
   return at;
}

ScTensor *sc_group_at(const ScCall *c, int list, int index) {
   int first = first_of(c, list);
   return c->in[first] ? c->in[first + index] : NULL;
}

static ScStatus check_pair(const ScCall *c, int list, int index) {
   const ScTensor *p = sc_group_at(c, 0, index), *t = sc_group_at(c, list, index);
   const char *op = c->op->name, *name = c->op->params[list].name;
   if (!sc_same_shape(p, t))
      return sc_fail(SC_EARG, "%s: argument '%s': number %d: expected shape %s, found %s", op, name, index + 1,
                     sc_shape_text(p), sc_shape_text(t));
   if (c->in[0]->dtype != t->dtype)
      return sc_fail(SC_EARG, "%s: argument '%s': number %d: expected %s, found %s", op, name, index + 1,
                     sc_dtype_name(c->in[0]->dtype), sc_dtype_name(t->dtype));
   return SC_OK;
}

ScStatus sc_want_number(const ScCall *c, int list) {
   const ScTensor *t = sc_group_at(c, list, 0);
   if (!t || (sc_numel(t) == 1 && t->dtype == c->in[0]->dtype)) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument '%s': expected one number in %s, found shape %s in %s", c->op->name,
                  sc_input_name(c, first_of(c, list)), sc_dtype_name(c->in[0]->dtype), sc_shape_text(t),
                  sc_dtype_name(t->dtype));
}

bool sc_group_is_skipped(const ScCall *c, int found_inf) {
   const ScTensor *t = sc_group_at(c, found_inf, 0);
   return t && sc_load(t->dtype, t->buffer->data, 0) != 0;
}

ScStatus sc_want_group(const ScCall *c, int nlists) {
   SC_TRY(sc_want_float(c, 0));
   for (int list = 0; list < nlists; list++) {
      if (!sc_group_at(c, list, 0)) continue;
      if (c->count[list] != c->count[0])
         return sc_fail(SC_EARG, "%s: argument '%s': expected %d tensors, one for each parameter, found %d",
                        c->op->name, c->op->params[list].name, c->count[0], c->count[list]);
      for (int i = 0; i < c->count[0]; i++) SC_TRY(check_pair(c, list, i));
   }
   return SC_OK;
}
