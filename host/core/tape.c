#include "host/core/tape.h"

#include <stdlib.h>

#include "host/core/node.h"
#include "host/core/redo.h"

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

static ScStatus keep_inputs(ScNode *node, const ScCall *call) {
   int at = 0;
   for (int p = 0; at < call->nin; p++)
      for (int i = 0; i < call->count[p] && at < call->nin; i++, at++) {
         bool values = call->keep_in >> p & 1, redone = values && sc_can_be_redone(call->in[at]);
         node->edges[at].redone = redone;
         SC_TRY(keep(&node->call->in[at], call->in[at], values && !redone));
      }
   return SC_OK;
}

static ScStatus copy_call(ScNode *node, ScCall *call) {
   ScCall *copy;
   SC_TRY(sc_call_new(&copy, call->op, call->nin));
   node->call = copy;
   copy->device = call->device;
   copy->recording = true;
   copy->nout = call->nout;
   copy->nsaved = call->nsaved;
   for (int i = 0; i < SC_MAXPARAM; i++) copy->count[i] = call->count[i], copy->attr[i] = call->attr[i];
   for (int i = 0; i < call->nin; i++) copy->needs_grad[i] = call->needs_grad[i];
   copy->redoes = call->redoes;
   copy->keep_out = call->keep_out;
   SC_TRY(keep_inputs(node, call));
   for (int i = 0; i < call->nout; i++)
      SC_TRY(keep(&copy->out[i], call->out[i], !call->redoes && call->keep_out >> i & 1));
   for (int i = 0; i < call->nsaved; i++)
      if (call->saved[i]) copy->saved[i] = sc_tensor_retain(call->saved[i]);
   copy->function = call->function;
   call->function = NULL;
   return SC_OK;
}

static void free_node(ScNode *node) {
   sc_redo_forget(node);
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
   ScStatus status = node->edges ? copy_call(node, call) : sc_fail(SC_EMEM, "out of memory");
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
         node->edges[i].node = t->node, node->edges[i].output = t->output, t->node->refs++;
      else
         node->edges[i].leaf = sc_tensor_retain(t);
   }
   for (int i = 0; i < call->nout; i++) {
      if (!sc_dtype_is_float(call->out[i]->dtype)) continue;
      call->out[i]->node = node;
      call->out[i]->output = i;
      node->refs++;
   }
   sc_redo_note(node, call);
   if (node->refs == 0) drop_node(node); // no output leads to it
   return SC_OK;
}
