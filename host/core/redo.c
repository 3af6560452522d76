#include "host/core/redo.h"

#include <stddef.h>

enum { LONGEST = 16 }; // calls in a row

static size_t most = SC_SPARED, kept; // bytes of outputs that could be computed again

void sc_redo_above(size_t bytes) {
   most = bytes;
}

static int longest_before(const ScCall *call) {
   int longest = 0;
   for (int i = 0; i < call->nin; i++) {
      const ScTensor *t = call->in[i];
      if (sc_can_be_redone(t) && t->node->redo > longest) longest = t->node->redo;
   }
   return longest;
}

// ref's results come from sums in double, of which what is saved keeps less.
bool sc_may_redo(const ScCall *call) {
   if (call->device == sc_device_ref()) return false;
   return call->device->backend->host_memory && longest_before(call) < LONGEST;
}

bool sc_would_redo(ScCall *call) {
   bool may = sc_may_redo(call);
   size_t bytes = sc_nbytes(call->out[0]);
   call->spared = may && bytes <= most && kept <= most - bytes ? bytes : 0;
   return may && !call->spared;
}

// Not once it was written over, or backward has consumed the call.
bool sc_can_be_redone(const ScTensor *t) {
   return t && t->node && t->node->redo && t->node->call && t->buffer && t->buffer->stamp == t->node->stamp;
}

void sc_redo_note(ScNode *node, const ScCall *call) {
   node->spared = call->spared;
   kept += node->spared;
   if (!call->redoes) return;
   node->redo = 1 + longest_before(call);
   node->stamp = call->out[0]->buffer->stamp;
}

void sc_redo_forget(ScNode *node) {
   kept -= node->spared;
   node->spared = 0;
}

// ---- backward ----

static ScStatus redo_output(ScNode *node);

static ScStatus redo_inputs(ScNode *node) {
   for (int i = 0; i < node->nedges; i++) {
      const ScEdge *edge = &node->edges[i];
      ScTensor *in = node->call->in[i];
      if (!edge->redone || in->buffer) continue;
      SC_TRY(redo_output(edge->node));
      in->buffer = sc_buffer_retain(edge->node->call->out[0]->buffer);
   }
   return SC_OK;
}

static ScStatus redo_output(ScNode *node) {
   ScCall *call = node->call;
   if (call->out[0]->buffer) return SC_OK;
   SC_TRY(redo_inputs(node));
   ScTensor *out;
   SC_TRY(call->op->redo(call, &out));
   call->out[0]->buffer = sc_buffer_retain(out->buffer);
   sc_tensor_release(out);
   return SC_OK;
}

static void drop_values(ScTensor *t) {
   sc_buffer_release(t->buffer);
   t->buffer = NULL;
}

// All that had use for the output have come before.
ScStatus sc_redo_for(ScNode *node) {
   ScCall *call = node->call;
   if (call->redoes && call->keep_out)
      SC_TRY(redo_output(node));
   else if (call->redoes)
      drop_values(call->out[0]);
   return redo_inputs(node);
}

void sc_redo_drop(ScNode *node) {
   for (int i = 0; i < node->nedges; i++)
      if (node->edges[i].redone) drop_values(node->call->in[i]);
   if (node->call->redoes) drop_values(node->call->out[0]);
}
