#include "host/core/tape.h"

#include <stdlib.h>

#include "host/core/function.h"
#include "host/core/retry.h"

typedef struct {
   ScNode *node;   // the call that made the input, or
   int output;     // ... which of its outputs
   ScTensor *leaf; // the leaf itself
} Edge;

// One backward: the calls that it goes through.
typedef struct {
   ScNode **nodes;
   size_t n, capacity;
} Walk;

struct ScNode {
   int refs;
   uint64_t order; // later calls have higher numbers
   ScCall *call;   // NULL once backward has consumed it
   int nedges;
   Edge *edges;      // one per input of the call; empty where no gradient is needed
   const Walk *walk; // the backward that goes through it now
   ScNode *next_dead;
};

static bool recording = true;

bool sc_set_recording(bool on) {
   bool before = recording;
   recording = on;
   return before;
}

bool sc_is_recording(void) {
   return recording;
}

bool sc_needs_grad(const ScTensor *t) {
   return t && (t->requires_grad || t->node);
}

// ---- recording ----

// What backward finds of a tensor: outside the tape (an output that knew its node would be a cycle), and
// without its buffer where the op does not need the values.
static ScStatus keep(ScTensor **out, const ScTensor *t, bool values) {
   *out = NULL;
   if (!t) return SC_OK;
   return values ? sc_tensor_alias(out, t, t->rank, t->shape)
                 : sc_tensor_shape_only(out, t->device, t->dtype, t->rank, t->shape);
}

static ScStatus keep_inputs(ScCall *copy, const ScCall *call) {
   int at = 0;
   for (int p = 0; at < call->nin; p++)
      for (int i = 0; i < call->count[p] && at < call->nin; i++, at++)
         SC_TRY(keep(&copy->in[at], call->in[at], call->keep_in >> p & 1));
   return SC_OK;
}

static ScStatus copy_call(ScCall **out, ScCall *call) {
   ScCall *copy;
   SC_TRY(sc_call_new(&copy, call->op, call->nin));
   *out = copy;
   copy->device = call->device;
   copy->recording = true;
   copy->nout = call->nout;
   copy->nsaved = call->nsaved;
   for (int i = 0; i < SC_MAXPARAM; i++) copy->count[i] = call->count[i], copy->attr[i] = call->attr[i];
   for (int i = 0; i < call->nin; i++) copy->needs_grad[i] = call->needs_grad[i];
   SC_TRY(keep_inputs(copy, call));
   for (int i = 0; i < call->nout; i++) SC_TRY(keep(&copy->out[i], call->out[i], call->keep_out >> i & 1));
   for (int i = 0; i < call->nsaved; i++) copy->saved[i] = call->saved[i], call->saved[i] = NULL;
   copy->function = call->function;
   call->function = NULL;
   return SC_OK;
}

static void free_node(ScNode *node) {
   sc_call_free(node->call);
   free(node->edges);
   free(node);
}

// A node that nothing refers to any more, and what only it referred to. Iterative, because a chain of calls may
// be as long as the script likes.
static void drop_node(ScNode *node) {
   node->next_dead = NULL;
   while (node) {
      ScNode *dead = node;
      node = dead->next_dead;
      for (int i = 0; i < dead->nedges; i++) {
         sc_tensor_release(dead->edges[i].leaf);
         ScNode *parent = dead->edges[i].node;
         if (parent && --parent->refs == 0) {
            parent->next_dead = node;
            node = parent;
         }
      }
      free_node(dead);
   }
}

ScStatus sc_tape_record(ScCall *call) {
   static uint64_t last;
   ScNode *node = calloc(1, sizeof *node);
   if (!node) return sc_fail(SC_EMEM, "out of memory");
   node->edges = calloc((size_t)call->nin, sizeof *node->edges);
   ScStatus status = node->edges ? copy_call(&node->call, call) : sc_fail(SC_EMEM, "out of memory");
   if (status != SC_OK) {
      free_node(node);
      return status;
   }
   node->order = ++last;
   node->nedges = call->nin;
   for (int i = 0; i < call->nin; i++) {
      if (!call->needs_grad[i]) continue;
      ScTensor *t = call->in[i];
      if (t->node)
         node->edges[i] = (Edge){.node = t->node, .output = t->output}, t->node->refs++;
      else
         node->edges[i].leaf = sc_tensor_retain(t);
   }
   for (int i = 0; i < call->nout; i++) {
      if (!sc_dtype_is_float(call->out[i]->dtype)) continue;
      call->out[i]->node = node;
      call->out[i]->output = i;
      node->refs++;
   }
   if (node->refs == 0) drop_node(node); // no output leads to it
   return SC_OK;
}

void sc_node_release(ScNode *node) {
   if (node && --node->refs == 0) drop_node(node);
}

// ---- backward ----

// A backward that was written outside the core may begin another one, but not on what this one is at.
static ScStatus visit(Walk *walk, ScNode *node) {
   if (!node || node->walk == walk) return SC_OK;
   if (node->walk)
      return sc_fail(SC_EARG, "backward: another backward, in which this one was called, is going through the "
                              "same graph; compute what is wanted here from detached tensors");
   if (walk->n == walk->capacity) {
      size_t capacity = walk->capacity ? 2 * walk->capacity : 256;
      ScNode **nodes = realloc(walk->nodes, capacity * sizeof *nodes);
      if (!nodes) return sc_fail(SC_EMEM, "out of memory");
      walk->nodes = nodes;
      walk->capacity = capacity;
   }
   node->walk = walk;
   walk->nodes[walk->n++] = node;
   if (node->call) return SC_OK;
   return sc_fail(SC_EARG, "backward: this graph was already consumed by an earlier backward; compute the loss "
                           "again, or call the first one with {retain = true}");
}

static int newest_first(const void *a, const void *b) {
   uint64_t left = (*(ScNode *const *)a)->order, right = (*(ScNode *const *)b)->order;
   return (left < right) - (left > right);
}

static ScStatus collect(Walk *walk, ScNode *root) {
   SC_TRY(visit(walk, root));
   for (size_t i = 0; i < walk->n; i++)
      for (int e = 0; e < walk->nodes[i]->nedges; e++) SC_TRY(visit(walk, walk->nodes[i]->edges[e].node));
   qsort(walk->nodes, walk->n, sizeof *walk->nodes, newest_first);
   return SC_OK;
}

typedef struct {
   ScTensor *both[2], *sum;
} Sum;

static ScStatus add(void *context) {
   Sum *s = context;
   return sc_apply(&s->sum, "add", 2, s->both, NULL, 0);
}

// Adds `gradient` (taken over) to what the slot holds.
static ScStatus accumulate(ScTensor **slot, ScTensor *gradient) {
   if (!*slot) {
      *slot = gradient;
      return SC_OK;
   }
   Sum s = {{*slot, gradient}, NULL};
   ScStatus status = sc_with_retry(add, &s);
   sc_tensor_release(gradient);
   if (status != SC_OK) return status;
   sc_tensor_release(*slot);
   *slot = s.sum;
   return SC_OK;
}

static ScStatus hand_on(ScNode *node) {
   for (int i = 0; i < node->nedges; i++) {
      ScTensor *gradient = node->call->grad_in[i];
      Edge *edge = &node->edges[i];
      node->call->grad_in[i] = NULL;
      if (!gradient) continue;
      if (edge->leaf)
         SC_TRY(accumulate(&edge->leaf->grad, gradient));
      else if (edge->node)
         SC_TRY(accumulate(&edge->node->call->grad_out[edge->output], gradient));
      else
         sc_tensor_release(gradient);
   }
   return SC_OK;
}

static void drop_results(ScCall *call) {
   for (int i = 0; i < call->nin; i++) {
      sc_tensor_release(call->grad_in[i]);
      call->grad_in[i] = NULL;
   }
}

// A backward that failed may have left gradients of inputs too.
static void drop_gradients(ScCall *call) {
   drop_results(call);
   for (int i = 0; i < SC_MAXOUT; i++) {
      sc_tensor_release(call->grad_out[i]);
      call->grad_out[i] = NULL;
   }
}

static ScStatus differentiate(void *context) {
   ScCall *call = context;
   drop_results(call); // of a first try
   return call->op->backward ? call->op->backward(call) : sc_run_backward_kernel(call);
}

static ScStatus step_back(ScNode *node, bool retain) {
   ScCall *call = node->call;
   bool reached = false;
   for (int i = 0; i < call->nout; i++) reached |= call->grad_out[i] != NULL;
   if (reached) {
      // A function from outside may have done what cannot be done again; ops in it try again by themselves.
      ScStatus status = call->function ? differentiate(call) : sc_with_retry(differentiate, call);
      const char *name = call->function ? call->function->name : call->op->name;
      if (status != SC_OK) return sc_wrap(sc_name_call(call, status), "in the backward of %s: ", name);
      SC_TRY(hand_on(node));
   }
   if (retain) {
      drop_gradients(call);
   } else {
      sc_call_free(call);
      node->call = NULL;
   }
   return SC_OK;
}

static ScStatus walk_back(Walk *walk, bool retain) {
   for (size_t i = 0; i < walk->n; i++) SC_TRY(step_back(walk->nodes[i], retain));
   return SC_OK;
}

typedef struct {
   ScTensor **out;
   const ScTensor *root;
} Seed;

static ScStatus make_one(void *context) {
   const Seed *s = context;
   SC_TRY(sc_tensor_new(s->out, s->root->device, s->root->dtype, s->root->rank, s->root->shape));
   ScStatus status = sc_tensor_fill(*s->out, 1);
   if (status != SC_OK) sc_tensor_release(*s->out);
   return status;
}

static ScStatus make_seed(ScTensor **out, const ScTensor *root, ScTensor *seed) {
   if (seed) {
      if (!sc_same_shape(root, seed) || root->dtype != seed->dtype || root->device != seed->device)
         return sc_fail(SC_EARG, "backward: expected a gradient of shape %s, %s on %s, found %s, %s on %s",
                        sc_shape_text(root), sc_dtype_name(root->dtype), root->device->name,
                        sc_shape_text(seed), sc_dtype_name(seed->dtype), seed->device->name);
      return sc_tensor_alias(out, seed, seed->rank, seed->shape);
   }
   if (sc_numel(root) != 1)
      return sc_fail(SC_EARG,
                     "backward: expected a scalar, found shape %s; reduce it with :sum() or :mean(), or pass "
                     "a gradient of that shape",
                     sc_shape_text(root));
   return sc_with_retry(make_one, &(Seed){out, root});
}

ScStatus sc_backward(ScTensor *root, ScTensor *seed, bool retain) {
   if (!sc_needs_grad(root))
      return sc_fail(SC_EARG, "backward: the tensor does not depend on anything that requires a gradient");
   Walk walk = {0};
   ScTensor *start = NULL;
   bool before = sc_set_recording(false);
   ScDtype autocast = sc_set_autocast(SC_F32);
   sc_tensor_retain(root); // a backward that was written outside may drop whatever it can reach
   ScStatus status = collect(&walk, root->node);
   if (status == SC_OK) status = make_seed(&start, root, seed);
   if (status == SC_OK)
      status = accumulate(root->node ? &root->node->call->grad_out[root->output] : &root->grad, start);
   if (status == SC_OK) status = walk_back(&walk, retain);
   for (size_t i = 0; i < walk.n; i++) {
      walk.nodes[i]->walk = NULL;
      if (walk.nodes[i]->call) drop_gradients(walk.nodes[i]->call);
   }
   free(walk.nodes);
   sc_tensor_release(root);
   sc_set_recording(before);
   sc_set_autocast(autocast);
   return status;
}
