// Functions of each element that a script declared, in double, one element a call.
#include "host/ops/own_op.h"
#include "host/ops/broadcast.h"
#include "kernels/ref/view.h"

enum { MOST = 2 * SC_MAXPARAM + 2 * SC_MAXOUT };

typedef struct {
   const ScTensor *like;
   int n;
   ScView view[MOST];
   int64_t strides[MOST][SC_MAXRANK];
} Sides;

static void add(Sides *s, ScView view) {
   if (view.tensor) sc_broadcast_strides(view.tensor, s->like, s->strides[s->n]);
   s->view[s->n++] = view;
}

// Where element number `index` of the result, in logical order, lies in side `side`.
static double *element(const Sides *s, int side, int64_t index) {
   if (!s->view[side].v) return NULL;
   int64_t offset = 0;
   for (int d = s->like->rank - 1; d >= 0; d--) {
      offset += index % s->like->shape[d] * s->strides[side][d];
      index /= s->like->shape[d];
   }
   return s->view[side].v + offset;
}

static ScStatus forward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   double numbers[SC_MAXPARAM];
   sc_own_op_numbers(c, numbers);
   Sides s = {.like = c->out[0]};
   for (int i = 0; i < c->nin; i++) add(&s, (ScView)SC_READ(c->in[i]));
   for (int i = 0; i < c->nout; i++) add(&s, (ScView)SC_WRITE(c->out[i]));
   SC_TRY(sc_views_open(s.view, s.n));
   for (int64_t at = 0, n = sc_numel(s.like); at < n; at++) {
      const void *in[SC_MAXPARAM];
      void *out[SC_MAXOUT];
      for (int i = 0; i < c->nin; i++) in[i] = element(&s, i, at);
      for (int i = 0; i < c->nout; i++) out[i] = element(&s, c->nin + i, at);
      ((const ScOwnLoops *)code)->forward64(1, out, in, numbers);
   }
   sc_views_close(s.view, s.n);
   return SC_OK;
}

// ---- backward ----

static const ScTensor *any_gradient(const ScCall *c) {
   for (int i = 0; i < c->nout; i++)
      if (c->grad_out[i]) return c->grad_out[i];
   return NULL;
}

// One element: what the loop reads lies in the order of ScOwnLoop, and the gradients of the inputs behind it.
static void backward_element(const Sides *s, const ScCall *c, ScOwnLoop loop, const double *numbers,
                             int64_t at) {
   static const double zero = 0;
   const void *in[MOST];
   void *out[SC_MAXPARAM];
   double gradient[SC_MAXPARAM];
   int nread = c->nin + 2 * c->nout;
   for (int i = 0; i < nread; i++) {
      in[i] = element(s, i, at);
      if (i >= c->nin + c->nout && !in[i]) in[i] = &zero;
   }
   for (int i = 0; i < c->nin; i++) out[i] = sc_own_op(c)->gradients >> i & 1 ? &gradient[i] : NULL;
   loop(1, out, in, numbers);
   for (int i = 0; i < c->nin; i++) {
      double *sum = element(s, nread + i, at);
      if (sum) *sum += gradient[i];
   }
}

static ScStatus backward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   double numbers[SC_MAXPARAM];
   sc_own_op_numbers(c, numbers);
   Sides s = {.like = any_gradient(c)};
   for (int i = 0; i < c->nin; i++) add(&s, (ScView)SC_READ(c->in[i]));
   for (int i = 0; i < c->nout; i++) add(&s, (ScView)SC_READ(c->out[i]));
   for (int i = 0; i < c->nout; i++) add(&s, (ScView)SC_READ(c->grad_out[i]));
   for (int i = 0; i < c->nin; i++) add(&s, (ScView)SC_WRITE(c->grad_in[i]));
   SC_TRY(sc_views_open(s.view, s.n));
   for (int64_t at = 0, n = sc_numel(s.like); at < n; at++)
      backward_element(&s, c, ((const ScOwnLoops *)code)->backward64, numbers, at);
   sc_views_close(s.view, s.n);
   return SC_OK;
}

SC_KERNEL(ref, own_op, SC_FLOATS, .forward = forward, .backward = backward)
