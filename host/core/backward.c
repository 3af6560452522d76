#include "host/core/backward.h"

#include <stdlib.h>

#include "host/core/call.h"
#include "host/core/dispatch.h"
#include "host/core/halves.h"
#include "host/core/node.h"
#include "host/core/parts.h"
#include "host/core/redo.h"
#include "host/core/retry.h"
#include "host/core/tape.h"
#include "host/core/transfer.h"
#include "host/core/uses.h"
#include "host/core/width.h"

// One backward: the calls that it goes through, gradients that wait for others, and who is told of leaves.
typedef struct {
   ScNode **nodes;
   size_t n, capacity;
   ScLateGradients late;
   size_t late_bytes;
   ScLeafWatch watch;
   ScUses uses;
} Walk;

// Gradients that are converted together where somebody waits for them.
enum { LATE_BYTES = 2 << 20 };

static ScLeafWatch watch;

ScLeafWatch sc_watch_leaves(ScLeafWatch now) {
   ScLeafWatch before = watch;
   watch = now;
   return before;
}

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

static bool has_function(const Walk *walk) {
   for (size_t i = 0; i < walk->n; i++)
      if (walk->nodes[i]->call->function) return true;
   return false;
}

static ScStatus collect(Walk *walk, ScNode *root) {
   SC_TRY(visit(walk, root));
   for (size_t i = 0; i < walk->n; i++)
      for (int e = 0; e < walk->nodes[i]->nedges; e++) SC_TRY(visit(walk, walk->nodes[i]->edges[e].node));
   if (walk->n > 0) qsort(walk->nodes, walk->n, sizeof *walk->nodes, newest_first);
   if (has_function(walk)) walk->watch.final = NULL;
   return walk->watch.final ? sc_uses_count(&walk->uses, walk->n, walk->nodes) : SC_OK;
}

typedef struct {
   ScTensor *both[2], *sum;
} Sum;

static ScStatus add(void *context) {
   Sum *s = context;
   return sc_apply(&s->sum, "add", 2, s->both, NULL, 0);
}

// Adds `gradient` (taken over) to what the slot holds. Where memory is short finalizers run, which may empty
// it.
static ScStatus accumulate(ScTensor **slot, ScTensor *gradient) {
   if (!*slot) {
      *slot = gradient;
      return SC_OK;
   }
   Sum s = {{sc_tensor_retain(*slot), gradient}, NULL};
   ScStatus status = sc_with_retry(add, &s);
   sc_tensor_release(s.both[0]);
   sc_tensor_release(gradient);
   if (status != SC_OK) return status;
   sc_tensor_release(*slot);
   *slot = s.sum;
   return SC_OK;
}

// Where the gradient of an input is held; NULL where none is needed.
static ScTensor **slot_of(const ScEdge *edge) {
   if (edge->leaf) return &edge->leaf->grad;
   return edge->node ? &edge->node->call->grad_out[edge->output] : NULL;
}

static ScStatus hand_on(ScNode *node) {
   for (int i = 0; i < node->nedges; i++) {
      ScTensor *gradient = node->call->grad_in[i], **slot = slot_of(&node->edges[i]);
      node->call->grad_in[i] = NULL;
      if (!gradient) continue;
      if (slot)
         SC_TRY(accumulate(slot, gradient));
      else
         sc_tensor_release(gradient);
   }
   return SC_OK;
}

// One use of the leaf (NULL: there is none) is behind.
static ScStatus pass(Walk *walk, ScTensor *leaf) {
   bool tells = leaf && walk->watch.final && sc_uses_pass(&walk->uses, leaf);
   return tells ? walk->watch.final(walk->watch.context, leaf) : SC_OK;
}

static ScStatus give_leaf(void *context, ScTensor *leaf, ScTensor *gradient) {
   SC_TRY(accumulate(&leaf->grad, gradient));
   return pass(context, leaf);
}

static ScStatus convert_late(Walk *walk) {
   walk->late_bytes = 0;
   return sc_late_convert(&walk->late, give_leaf, walk);
}

// Takes a gradient that is converted together with others; false: it is none of those.
static ScStatus take_late(Walk *walk, ScNode *node, bool *late) {
   const ScTensor *gradient = node->call->grad_out[0];
   size_t bytes = gradient ? sc_nbytes(gradient) : 0;
   SC_TRY(sc_late_take(&walk->late, node, late));
   if (!*late) return SC_OK;
   walk->late_bytes += bytes;
   return walk->watch.final && walk->late_bytes >= LATE_BYTES ? convert_late(walk) : SC_OK;
}

// A backward that failed may have left gradients of inputs too.
static void drop_gradients(ScCall *call) {
   sc_tensor_release_all(call->nin, call->grad_in);
   sc_tensor_release_all(SC_MAXOUT, call->grad_out);
}

static ScStatus differentiate(void *context) {
   ScNode *node = context;
   ScCall *call = node->call;
   sc_tensor_release_all(call->nin, call->grad_in); // of a first try
   ScTensor **slot = node->nedges == 1 ? slot_of(&node->edges[0]) : NULL;
   bool added = false;
   if (slot) SC_TRY(sc_part_add(node, *slot, &added));
   if (added) return SC_OK;
   SC_TRY(sc_redo_for(node));
   return call->op->backward ? call->op->backward(call) : sc_run_backward_kernel(call);
}

static ScStatus go_through(ScNode *node) {
   ScCall *call = node->call;
   // A function from outside may have done what cannot be done again; ops in it try again by themselves.
   ScStatus status = call->function ? differentiate(node) : sc_with_retry(differentiate, node);
   const char *name = call->function ? call->function->name : call->op->name;
   if (status != SC_OK) return sc_wrap(sc_name_call(call, status), "in the backward of %s: ", name);
   return hand_on(node);
}

static ScStatus step_back(Walk *walk, ScNode *node, bool retain) {
   ScCall *call = node->call;
   bool reached = false, late = false;
   for (int i = 0; i < call->nout; i++) reached |= call->grad_out[i] != NULL;
   if (reached) SC_TRY(take_late(walk, node, &late));
   if (reached && !late) SC_TRY(go_through(node));
   if (retain) {
      drop_gradients(call);
      sc_redo_drop(node);
   } else {
      sc_redo_forget(node);
      sc_call_free(call);
      node->call = NULL;
   }
   for (int i = 0; i < node->nedges && !late; i++) SC_TRY(pass(walk, node->edges[i].leaf));
   return SC_OK;
}

static ScStatus walk_back(Walk *walk, bool retain) {
   for (size_t i = 0; i < walk->n; i++) SC_TRY(step_back(walk, walk->nodes[i], retain));
   return convert_late(walk);
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
   Walk walk = {.watch = watch};
   ScTensor *start = NULL;
   ScLeafWatch watched = sc_watch_leaves((ScLeafWatch){0}); // what is called meanwhile may begin one, too
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
   sc_late_free(&walk.late);
   sc_uses_free(&walk.uses);
   sc_watch_leaves(watched);
   sc_tensor_release(root);
   sc_set_recording(before);
   sc_set_autocast(autocast);
   return status;
}
