// Conversion of a list of tensors at once: what autocast does to all parameters of a network, and what becomes
// of their gradients (host/core/halves.h).
#include "host/ops/list_convert.h"

#include "host/ops/group.h"

static const ScParam params[] = {
    {.name = "tensors", .kind = SC_TENSORS, .doc = "floating point of one dtype, written"},
    {.name = "values", .kind = SC_TENSORS, .doc = "floating point of one dtype, of the same shapes"},
};

static ScStatus check(const ScCall *c, int list, int index) {
   const ScTensor *t = sc_group_at(c, list, index), *shape = sc_group_at(c, 0, index);
   ScDtype dtype = sc_group_at(c, list, 0)->dtype;
   const char *name = c->op->params[list].name;
   if (!sc_dtype_is_float(t->dtype) || t->dtype != dtype)
      return sc_fail(SC_EARG, "list_convert: argument '%s': number %d: expected %s, found %s", name, index + 1,
                     sc_dtype_is_float(dtype) ? sc_dtype_name(dtype) : "floating point",
                     sc_dtype_name(t->dtype));
   if (sc_same_shape(t, shape)) return SC_OK;
   return sc_fail(SC_EARG, "list_convert: argument '%s': number %d: expected shape %s, found %s", name,
                  index + 1, sc_shape_text(shape), sc_shape_text(t));
}

static ScStatus infer(ScCall *c) {
   if (c->count[SC_CONVERT_VALUES] != c->count[0])
      return sc_fail(SC_EARG, "list_convert: argument 'values': expected %d tensors, found %d", c->count[0],
                     c->count[SC_CONVERT_VALUES]);
   for (int list = 0; list < SC_CONVERT_LISTS; list++)
      for (int i = 0; i < c->count[0]; i++) SC_TRY(check(c, list, i));
   return SC_OK;
}

SC_OP(list_convert,
      .doc = "t = v, converted to t's dtype, for every tensor t of a list and its value v. In place.",
      SC_PARAMS(params), .in_place = 1u << SC_CONVERT_TENSORS, .any_dtype = true, .no_method = true,
      .infer = infer)
