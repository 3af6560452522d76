#include "host/ops/own_op.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/dispatch.h"
#include "host/ops/broadcast.h"

typedef struct Entry {
   ScOwnOp own; // first
   struct Entry *next;
   ScParam params[SC_MAXPARAM];
} Entry;

static Entry *entries; // newest first; they stay, for the tape and profiles point to them

// ---- what every such op does ----

// Integers beside a floating-point tensor have been promoted by now.
static ScStatus infer(ScCall *c) {
   const ScOwnOp *own = sc_own_op(c);
   for (int i = 0; i < c->nin; i++) SC_TRY(sc_want_float(c, i));
   SC_TRY(sc_describe_broadcast(c, c->in[0]->dtype));
   const ScTensor *first = c->out[0];
   for (int i = 1; i < own->noutputs; i++) SC_TRY(sc_describe(c, i, first->dtype, first->rank, first->shape));
   return SC_OK;
}

static ScStatus infer_shaped(ScCall *c) {
   const ScOwnOp *own = sc_own_op(c);
   for (int i = 0; i < c->nin; i++) {
      SC_TRY(sc_want_float(c, i));
      if (c->in[i]->dtype == SC_F64)
         return sc_fail(
             SC_EARG,
             "%s: argument '%s': whole functions compute in f32, found f64; convert it with :to('f32')",
             c->op->name, sc_input_name(c, i));
   }
   for (int i = 0; i < own->noutputs; i++) {
      const ScAttr *shape = &c->attr[own->nnumbers + i];
      SC_TRY(sc_describe(c, i, c->in[0]->dtype, shape->ints.n, shape->ints.v));
   }
   return SC_OK;
}

// Inputs that the declaration leaves out have no gradient, nor has a result that only those would want one of.
static ScStatus forward(ScCall *c) {
   c->recording = false;
   for (int i = 0; i < c->nin; i++) {
      c->needs_grad[i] &= sc_own_op(c)->gradients >> i & 1;
      c->recording |= c->needs_grad[i];
   }
   return sc_run_kernel(c);
}

// ---- making one ----

// One whose name is the same has the same pointer, by which profiles know it.
static const char *name_of(const char *name) {
   for (const Entry *e = entries; e; e = e->next)
      if (strcmp(e->own.op.name, name) == 0) return e->own.op.name;
   return strdup(name);
}

static bool join_names(char **out, int n, const char *const *names) {
   size_t size = 1;
   for (int i = 0; i < n; i++) size += strlen(names[i]) + 1;
   char *text = *out = calloc(1, size);
   for (int i = 0; text && i < n; i++) {
      if (i > 0) strcat(text, "|");
      strcat(text, names[i]);
   }
   return text != NULL;
}

static bool describe_params(Entry *e, const ScOwnDeclaration *d) {
   bool done = true;
   for (int i = 0; i < d->ninputs; i++) {
      e->params[i] = (ScParam){.name = strdup(d->inputs[i]),
                               .kind = SC_OPERAND,
                               .doc = d->ninputs > 1 && !d->shaped ? "any shape that broadcasts" : "any shape"};
      done &= e->params[i].name != NULL;
   }
   for (int i = 0; i < d->nnumbers; i++) {
      e->params[d->ninputs + i] = (ScParam){.name = strdup(d->numbers[i]),
                                            .kind = SC_NUMBER,
                                            .optional = true,
                                            .preset = d->presets[i],
                                            .doc = "a number"};
      done &= e->params[d->ninputs + i].name != NULL;
   }
   for (int i = 0; d->shaped && i < d->noutputs; i++) {
      char name[80];
      snprintf(name, sizeof name, "%s_shape", d->outputs[i]);
      ScParam *param = &e->params[d->ninputs + d->nnumbers + i];
      *param = (ScParam){.name = strdup(name), .kind = SC_INTS, .doc = "the shape of a result"};
      done &= param->name != NULL;
   }
   return done;
}

static bool fill(Entry *e, const ScOwnDeclaration *d) {
   char *results = NULL;
   const char *name = name_of(d->name), *doc = strdup(d->doc), *kernel = strdup(d->kernel);
   e->own.text = strdup(d->text);
   if (!describe_params(e, d) || !name || !doc || !kernel || !e->own.text) return false;
   if (d->noutputs > 1 && !join_names(&results, d->noutputs, d->outputs)) return false;
   e->own.op = (ScOp){.name = name,
                      .kernel = kernel,
                      .doc = doc,
                      .params = e->params,
                      .nparams = d->ninputs + d->nnumbers + (d->shaped ? d->noutputs : 0),
                      .differentiable = d->gradients != 0,
                      .promote = true,
                      .no_method = true,
                      .results = results,
                      .keep_in = d->keep_in,
                      .keep_out = d->keep_out,
                      .infer = d->shaped ? infer_shaped : infer,
                      .forward = forward};
   e->own.ninputs = d->ninputs, e->own.noutputs = d->noutputs, e->own.nnumbers = d->nnumbers;
   e->own.gradients = d->gradients;
   return true;
}

ScStatus sc_own_op_new(const ScOwnDeclaration *d, ScOwnOp **out, bool *is_new) {
   for (Entry *e = entries; e; e = e->next) {
      if (strcmp(e->own.op.name, d->name) != 0 || strcmp(e->own.text, d->text) != 0) continue;
      *out = &e->own, *is_new = false;
      return SC_OK;
   }
   Entry *e = calloc(1, sizeof *e);
   if (!e || !fill(e, d)) return sc_fail(SC_EMEM, "out of memory"); // what there is of it is a few bytes
   e->next = entries;
   entries = e;
   *out = &e->own, *is_new = true;
   return SC_OK;
}

// ---- code ----

void sc_own_op_set_code(ScOwnOp *own, ScOwnPlace place, const void *code) {
   own->code[place] = code;
}

const ScOwnOp *sc_own_op(const ScCall *c) {
   return (const ScOwnOp *)c->op;
}

ScStatus sc_own_op_code(const ScCall *c, ScOwnPlace place, const void **code) {
   *code = sc_own_op(c)->code[place];
   if (*code) return SC_OK;
   return sc_fail(SC_EARG, "%s: it has no text for %s: give it one in C, as option 'c', or tensors on a GPU",
                  c->op->name, c->device->name);
}

void sc_own_op_numbers(const ScCall *c, double numbers[SC_MAXPARAM]) {
   for (int i = 0; i < sc_own_op(c)->nnumbers; i++) numbers[i] = c->attr[i].f;
}

static ScStatus find(void *library, const char *name, ScOwnLoop *function) {
   void *symbol = dlsym(library, name);
   if (!symbol) return sc_fail(SC_EIO, "%s", dlerror());
   memcpy(function, &symbol, sizeof symbol);
   return SC_OK;
}

ScStatus sc_own_loops_open(const char *path, bool backward, const ScOwnLoops **out) {
   void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
   if (!library) return sc_fail(SC_EIO, "%s", dlerror());
   ScOwnLoops *loops = calloc(1, sizeof *loops);
   ScStatus status = loops ? SC_OK : sc_fail(SC_EMEM, "out of memory");
   if (status == SC_OK) status = find(library, "scute_forward", &loops->forward);
   if (status == SC_OK) status = find(library, "scute_forward64", &loops->forward64);
   if (status == SC_OK && backward) status = find(library, "scute_backward", &loops->backward);
   if (status == SC_OK && backward) status = find(library, "scute_backward64", &loops->backward64);
   if (status != SC_OK) {
      free(loops);
      dlclose(library);
      return status;
   }
   *out = loops;
   return SC_OK;
}
