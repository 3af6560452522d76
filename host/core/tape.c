#include "host/core/tape.h"

#include <stdlib.h>

#include "host/core/node.h"

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
   for (int i = 0; i < call->nsaved; i++)
      if (call->saved[i]) copy->saved[i] = sc_tensor_retain(call->saved[i]);
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

static void release_node(ScNode *node) {
   if (--node->refs == 0) drop_node(node);
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
   node->release = release_node;
   node->order = ++last;
   node->nedges = call->nin;
   for (int i = 0; i < call->nin; i++) {
      if (!call->needs_grad[i]) continue;
      ScTensor *t = call->in[i];
      if (t->node)
         node->edges[i] = (ScEdge){.node = t->node, .output = t->output}, t->node->refs++;
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
