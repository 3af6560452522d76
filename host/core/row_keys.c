#include "host/core/row_keys.h"

#include "host/core/rng.h"

static ScTensor *current;
static uint64_t draws; // since the keys were set

ScStatus sc_row_keys_set(ScTensor *keys) {
   if (keys && (keys->dtype != SC_I64 || keys->rank != 1))
      return sc_fail(SC_EARG, "row_keys: expected i64 (N), found %s %s", sc_dtype_name(keys->dtype),
                     sc_shape_text(keys));
   if (keys) sc_tensor_retain(keys);
   sc_tensor_release(current);
   current = keys;
   draws = 0;
   return SC_OK;
}

ScTensor *sc_row_keys(void) {
   return current;
}

static bool fits(const ScTensor *x, const ScTensor *keys) {
   return keys && x->rank > 0 && x->shape[0] == keys->shape[0] && x->device == keys->device;
}

ScStatus sc_want_row_keys(const ScCall *c, int input, int at) {
   const ScTensor *x = c->in[input], *keys = at < c->nin ? c->in[at] : NULL;
   if (!keys || (keys->dtype == SC_I64 && keys->rank == 1 && fits(x, keys))) return SC_OK;
   return sc_fail(SC_EARG, "%s: argument 'keys': expected i64 with a number for each row of x %s, found %s %s",
                  c->op->name, sc_shape_text(x), sc_dtype_name(keys->dtype), sc_shape_text(keys));
}

// Keys that a caller gave are another matter than those that are set.
static bool is_set(const ScCall *c, int at) {
   return at < c->nin && c->in[at] && c->in[at] == current;
}

void sc_row_keys_begin(ScCall *c, int input, int at, ScAttr *seed, ScAttr *stream) {
   if (at < c->nin && !c->in[at] && fits(c->in[input], current)) c->in[at] = sc_tensor_retain(current);
   seed->i = (int64_t)sc_rng()->seed;
   stream->i = (int64_t)(is_set(c, at) ? draws : sc_rng()->next_stream);
}

void sc_row_keys_end(const ScCall *c, int at) {
   if (is_set(c, at))
      draws++;
   else
      sc_rng_stream();
}
