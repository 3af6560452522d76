// Whole functions in C that a script declared, on the memory of tensors as it is.
#include "host/ops/own_whole.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/own_fence.h"

enum { MOST = SC_MAXPARAM + SC_MAXOUT };

// What a function is called with.
typedef struct {
   const ScCall *call;
   const float *in[SC_MAXPARAM + 2 * SC_MAXOUT];
   float *out[SC_MAXPARAM];
   int wanted[SC_MAXPARAM];
   int64_t room[MOST][2 * SC_MAXRANK];
   const int64_t *shapes[MOST];
   int ranks[MOST];
   double numbers[SC_MAXPARAM];
   void *zeros[SC_MAXPARAM + SC_MAXOUT]; // memory beside tensors
   int nzeros;
} Arguments;

static void add_shape(Arguments *a, int at, const ScTensor *t) {
   memcpy(a->room[at], t->shape, (size_t)t->rank * sizeof t->shape[0]);
   sc_strides(t, a->room[at] + SC_OWN_STRIDES);
   a->shapes[at] = a->room[at];
   a->ranks[at] = t->rank;
}

static void begin(Arguments *a, const ScCall *c) {
   a->call = c;
   for (int i = 0; i < c->nin; i++) add_shape(a, i, c->in[i]);
   for (int i = 0; i < c->nout; i++) add_shape(a, c->nin + i, c->out[i]);
   sc_own_op_numbers(c, a->numbers);
}

static float *memory_of(const ScTensor *t) {
   return t && t->buffer ? t->buffer->data : NULL;
}

// Memory of t's size for what has no tensor.
static ScStatus add_zeros(Arguments *a, const ScTensor *like, float **out) {
   size_t n = (size_t)sc_numel(like);
   *out = calloc(n > 0 ? n : 1, sizeof **out);
   if (!*out) return sc_fail(SC_EMEM, "out of memory");
   a->zeros[a->nzeros++] = *out;
   return SC_OK;
}

static void end(Arguments *a) {
   while (a->nzeros > 0) free(a->zeros[--a->nzeros]);
}

// ---- on copies between fences ----

// Output i is known by the parameter that has its shape, y_shape.
static const char *output_name(const ScCall *c, int i, char name[64]) {
   const char *parameter = c->op->params[sc_own_op(c)->ninputs + sc_own_op(c)->nnumbers + i].name;
   snprintf(name, 64, "%.*s", (int)(strlen(parameter) - strlen("_shape")), parameter);
   return name;
}

static ScStatus fence_gradient(ScFences *f, const char *of, float **at, int64_t n, bool written) {
   char name[72];
   snprintf(name, sizeof name, "g%s", of);
   return sc_fence(f, name, at, n, written);
}

static ScStatus put_up(ScFences *f, Arguments *a, bool backward) {
   const ScCall *c = a->call;
   float **in = (float **)a->in; // what is only read is compared afterwards
   char name[64];
   for (int i = 0; i < c->nin; i++) {
      SC_TRY(sc_fence(f, sc_input_name(c, i), &in[i], sc_numel(c->in[i]), false));
      if (backward) SC_TRY(fence_gradient(f, sc_input_name(c, i), &a->out[i], sc_numel(c->in[i]), true));
   }
   for (int i = 0; i < c->nout; i++) {
      int64_t n = sc_numel(c->out[i]);
      float **at = backward ? &in[c->nin + i] : &a->out[i];
      SC_TRY(sc_fence(f, output_name(c, i, name), at, n, !backward));
      if (backward) SC_TRY(fence_gradient(f, name, &in[c->nin + c->nout + i], n, false));
   }
   return SC_OK;
}

static ScStatus try_function(Arguments *a, ScOwnFunction function, bool backward) {
   ScFences *f = calloc(1, sizeof *f);
   if (!f) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = put_up(f, a, backward);
   if (status == SC_OK) {
      char name[80];
      snprintf(name, sizeof name, "%s%s", a->call->op->name, backward ? ", c_backward," : "");
      function(a->out, a->in, a->shapes, a->ranks, a->numbers, a->wanted);
      status = sc_fences_end(f, name);
   }
   sc_fences_free(f);
   free(f);
   return status;
}

static ScStatus call_function(Arguments *a, const ScOwnFunctions *functions, bool backward) {
   ScOwnFunction function = backward ? functions->backward : functions->forward;
   if (functions->check) return try_function(a, function, backward);
   function(a->out, a->in, a->shapes, a->ranks, a->numbers, a->wanted);
   return SC_OK;
}

// ---- the kernel ----

// What the function leaves out is NaN, so that it shows.
static ScStatus forward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   Arguments a = {0};
   begin(&a, c);
   for (int i = 0; i < c->nin; i++) a.in[i] = memory_of(c->in[i]);
   for (int i = 0; i < c->nout; i++) {
      a.out[i] = memory_of(c->out[i]);
      a.wanted[i] = 1;
      memset(a.out[i], 0xff, (size_t)sc_numel(c->out[i]) * sizeof(float));
   }
   return call_function(&a, code, false);
}

static ScStatus place_gradients(Arguments *a, const ScCall *c) {
   for (int i = 0; i < c->nout; i++) {
      float *zeros = memory_of(c->grad_out[i]);
      if (!zeros) SC_TRY(add_zeros(a, c->out[i], &zeros));
      a->in[c->nin + c->nout + i] = zeros;
   }
   for (int i = 0; i < c->nin; i++) {
      if (!(sc_own_op(c)->gradients >> i & 1)) continue;
      a->wanted[i] = c->needs_grad[i];
      if (c->needs_grad[i]) {
         a->out[i] = memory_of(c->grad_in[i]);
         memset(a->out[i], 0, (size_t)sc_numel(c->in[i]) * sizeof(float));
      } else {
         SC_TRY(add_zeros(a, c->in[i], &a->out[i]));
      }
   }
   return SC_OK;
}

static ScStatus backward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   Arguments a = {0};
   begin(&a, c);
   for (int i = 0; i < c->nin; i++) a.in[i] = memory_of(c->in[i]);
   for (int i = 0; i < c->nout; i++) a.in[c->nin + i] = memory_of(c->out[i]);
   ScStatus status = place_gradients(&a, c);
   if (status == SC_OK) status = call_function(&a, code, true);
   end(&a);
   return status;
}

SC_KERNEL(cpu, own_whole, .dtypes = 1u << SC_F32, .forward = forward, .backward = backward)
