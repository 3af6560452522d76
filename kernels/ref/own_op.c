// Functions of each element that a script declared, in double, in blocks of elements as they lie in the
// result's memory; what lies otherwise goes through blocks of its own.
#include "host/ops/own_op.h"
#include "host/ops/broadcast.h"
#include "kernels/ref/view.h"

enum { BLOCK = 256, MOST = 3 * SC_MAXPARAM + 2 * SC_MAXOUT };

// Tensors in the order of ScOwnLoop: first those that are read, then those that are written.
typedef struct {
   const ScTensor *like;  // the result
   int order[SC_MAXRANK]; // its dimensions from the outermost in memory to the innermost
   int n;
   ScView view[MOST];
   int64_t strides[MOST][SC_MAXRANK];
   bool in_order[MOST]; // it lies as the result does
} Sides;

// What is done with them.
typedef struct {
   ScOwnLoop loop;
   double numbers[SC_MAXPARAM];
   int nread, zeros_from; // of those from there on, none stands for zeros
   int nwrite;
   unsigned written; // bit i: the loop writes number i
} Pass;

static void begin(Sides *s, const ScTensor *like) {
   int64_t strides[SC_MAXRANK];
   sc_strides(like, strides);
   s->like = like;
   s->n = 0;
   for (int d = 0; d < like->rank; d++) {
      int at = d;
      for (; at > 0 && strides[s->order[at - 1]] < strides[d]; at--) s->order[at] = s->order[at - 1];
      s->order[at] = d;
   }
}

static void add(Sides *s, ScView view) {
   int64_t strides[SC_MAXRANK], *own = s->strides[s->n];
   sc_strides(s->like, strides);
   bool in_order = view.tensor != NULL;
   if (in_order) sc_broadcast_strides(view.tensor, s->like, own);
   for (int d = 0; in_order && d < s->like->rank; d++)
      in_order = s->like->shape[d] == 1 || own[d] == strides[d];
   s->in_order[s->n] = in_order;
   s->view[s->n++] = view;
}

// Where the element that is number `index` of the result in memory lies in a side.
static double *element(const Sides *s, int side, int64_t index) {
   int64_t offset = 0;
   for (int k = s->like->rank - 1; k >= 0; k--) {
      int d = s->order[k];
      offset += index % s->like->shape[d] * s->strides[side][d];
      index /= s->like->shape[d];
   }
   return s->view[side].v + offset;
}

// ---- a block of elements ----

static const double *read_side(const Sides *s, const Pass *p, int side, int64_t start, int n, double *room) {
   static const double zeros[BLOCK];
   if (!s->view[side].v) return side >= p->zeros_from ? zeros : NULL;
   if (s->in_order[side]) return s->view[side].v + start;
   for (int k = 0; k < n; k++) room[k] = *element(s, side, start + k);
   return room;
}

static void run_block(const Sides *s, const Pass *p, int64_t start, int n) {
   double room[MOST][BLOCK];
   const void *in[MOST];
   void *out[SC_MAXPARAM];
   for (int i = 0; i < p->nread; i++) in[i] = read_side(s, p, i, start, n, room[i]);
   for (int i = 0; i < p->nwrite; i++) {
      int side = p->nread + i;
      bool direct = s->view[side].v && s->in_order[side];
      out[i] = direct ? s->view[side].v + start : room[side];
      if (!(p->written >> i & 1)) out[i] = NULL;
   }
   p->loop(n, out, in, p->numbers);
   for (int i = 0; i < p->nwrite; i++) {
      int side = p->nread + i;
      bool summed = out[i] == room[side] && s->view[side].v;
      for (int k = 0; summed && k < n; k++) *element(s, side, start + k) += room[side][k];
   }
}

static ScStatus run(Sides *s, const Pass *p) {
   SC_TRY(sc_views_open(s->view, s->n));
   for (int64_t start = 0, n = sc_numel(s->like); start < n; start += BLOCK)
      run_block(s, p, start, (int)(n - start < BLOCK ? n - start : BLOCK));
   sc_views_close(s->view, s->n);
   return SC_OK;
}

// ---- the passes ----

static ScStatus forward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   Pass p = {.loop = ((const ScOwnLoops *)code)->forward64,
             .nread = c->nin,
             .zeros_from = c->nin,
             .nwrite = c->nout,
             .written = ~0u};
   sc_own_op_numbers(c, p.numbers);
   Sides s;
   begin(&s, c->out[0]);
   for (int i = 0; i < c->nin; i++) add(&s, (ScView)SC_READ(c->in[i]));
   for (int i = 0; i < c->nout; i++) add(&s, (ScView)SC_WRITE(c->out[i]));
   return run(&s, &p);
}

static const ScTensor *any_gradient(const ScCall *c) {
   for (int i = 0; i < c->nout; i++)
      if (c->grad_out[i]) return c->grad_out[i];
   return NULL;
}

static ScStatus backward(ScCall *c) {
   const void *code;
   SC_TRY(sc_own_op_code(c, SC_OWN_HOST, &code));
   Pass p = {.loop = ((const ScOwnLoops *)code)->backward64,
             .nread = c->nin + 2 * c->nout,
             .zeros_from = c->nin + c->nout,
             .nwrite = c->nin,
             .written = sc_own_op(c)->gradients};
   sc_own_op_numbers(c, p.numbers);
   Sides s;
   begin(&s, any_gradient(c));
   for (int i = 0; i < c->nin; i++) add(&s, (ScView)SC_READ(c->in[i]));
   for (int i = 0; i < c->nout; i++) add(&s, (ScView)SC_READ(c->out[i]));
   for (int i = 0; i < c->nout; i++) add(&s, (ScView)SC_READ(c->grad_out[i]));
   for (int i = 0; i < c->nin; i++) add(&s, (ScView)SC_WRITE(c->grad_in[i]));
   return run(&s, &p);
}

SC_KERNEL(ref, own_op, SC_FLOATS, .forward = forward, .backward = backward)
