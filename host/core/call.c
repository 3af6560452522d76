#include "host/core/call.h"

#include "host/core/compute.h"
#include "host/core/recording.h"
#include "host/core/transcript.h"
#include "host/core/width.h"

// Then nothing is left after the kernel that could fail for want of the device's memory; the tape's see
// sc_compute.
static bool changes_nothing(const ScWidth *width) {
   bool written = false;
   for (int i = 0; i < SC_MAXPARAM; i++) written |= width->written[i] != NULL;
   return !width->narrows && !written;
}

static void note_reading(const ScCall *call) {
   for (int i = 0; i < call->nin; i++) {
      const ScTensor *t = call->in[i];
      if (t && t->buffer) sc_recording_reads(t->device, t->buffer->era, t->buffer->data);
   }
}

static ScStatus run(ScCall *call) {
   ScWidth width = {.narrows = call->half != SC_F32, .narrow = call->half};
   call->device = NULL;
   call->nout = call->nsaved = 0;
   ScStatus status = sc_call_place(call);
   note_reading(call);
   if (status == SC_OK) status = sc_apply_autocast(call);
   if (status == SC_OK && call->op->promote) status = sc_promote(call, 0);
   if (status == SC_OK && !call->op->any_dtype && call->op->infer) status = sc_choose_width(call, &width);
   call->may_commit = changes_nothing(&width);
   call->committed = false;
   if (status == SC_OK) status = sc_compute(call);
   if (status == SC_OK) status = sc_narrow_results(call, &width);
   if (status == SC_OK && call->op->commit && !call->committed) status = call->op->commit(call);
   status = sc_name_call(call, sc_write_back(call, status, &width));
   if (status != SC_OK) sc_tensor_release_all(SC_MAXOUT, call->out);
   sc_tensor_release_all(SC_MAXSAVED, call->saved); // the tape has its own references
   return status;
}

ScStatus sc_call_run(ScCall *call) {
   SC_TRY(sc_transcript_enter(call));
   return sc_transcript_leave(call, run(call));
}

ScStatus sc_apply(ScTensor **out, const char *name, int nin, ScTensor *const *in, const ScAttr *attr,
                  int nattr) {
   ScCall *call;
   SC_TRY(sc_call_prepare(&call, name, nin, in, attr, nattr));
   return sc_call_finish(call, sc_call_run(call), out);
}
