#include "host/core/transcript.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/layer.h"

typedef struct {
   int nvalues, ncalls;
   ScValue *values;
   ScWrittenCall *calls;
   int depth;    // of calls within calls
   bool is_open; // the last of `calls` has begun, and computes from an input
} Transcript;

static _Thread_local Transcript *current;

// Room for one more of `n` elements of that size: doubled at each power of two.
static ScStatus make_room(void *list, int n, size_t size) {
   if (n & (n - 1)) return SC_OK;
   void **at = list, *larger = realloc(*at, (n ? 2 * (size_t)n : 1) * size);
   if (!larger) return sc_fail(SC_EMEM, "out of memory");
   *at = larger;
   return SC_OK;
}

// ---- values ----

static bool is_value(const ScValue *value, const ScTensor *t) {
   return value->stamp == t->buffer->stamp && value->dtype == t->dtype && value->rank == t->rank &&
          memcmp(value->shape, t->shape, (size_t)t->rank * sizeof *t->shape) == 0;
}

int sc_transcript_find(const ScTensor *t) {
   for (int i = current && t->buffer ? current->nvalues : 0; i > 0; i--)
      if (is_value(&current->values[i - 1], t)) return i;
   return 0;
}

static ScStatus add_value(int *number, const ScTensor *t, bool is_constant) {
   SC_TRY(make_room(&current->values, current->nvalues, sizeof *current->values));
   ScValue value = {.stamp = t->buffer->stamp, .dtype = t->dtype, .rank = t->rank};
   memcpy(value.shape, t->shape, sizeof value.shape);
   if (is_constant) SC_TRY(sc_tensor_alias(&value.constant, t, t->rank, t->shape));
   current->values[current->nvalues++] = value;
   *number = current->nvalues;
   return SC_OK;
}

static ScStatus number_value(int *number, const ScTensor *t, bool is_constant) {
   *number = sc_transcript_find(t);
   return *number ? SC_OK : add_value(number, t, is_constant);
}

static bool comes_from_input(const ScTensor *t) {
   int number = sc_transcript_find(t);
   return number && !current->values[number - 1].constant;
}

ScStatus sc_transcript_read(const ScTensor *t) {
   if (!current || current->depth > 0 || !comes_from_input(t)) return SC_OK;
   return sc_fail(
       SC_EARG,
       "the values of a tensor %s %s, computed from the model's input, are read in Lua: what that does "
       "with them would hold for this one input, so the model cannot be exported; compute with "
       "tensors (scute.where, clamp, ...)",
       sc_dtype_name(t->dtype), sc_shape_text(t));
}

// ---- calls ----

static bool any_comes_from_input(const ScCall *call) {
   for (int i = 0; i < call->nin; i++)
      if (call->in[i] && comes_from_input(call->in[i])) return true;
   return false;
}

static ScStatus number_inputs(ScWrittenCall *written, const ScCall *call) {
   for (int i = 0; i < call->nin; i++)
      if (call->in[i]) SC_TRY(number_value(&written->in[i], call->in[i], true));
   return SC_OK;
}

static void drop_last(void) {
   free(current->calls[--current->ncalls].in);
}

static ScStatus open_call(const ScCall *call) {
   SC_TRY(make_room(&current->calls, current->ncalls, sizeof *current->calls));
   ScWrittenCall *written = &current->calls[current->ncalls];
   *written = (ScWrittenCall){.op = call->op, .layer = sc_layer(), .nin = call->nin};
   memcpy(written->count, call->count, sizeof written->count);
   memcpy(written->attr, call->attr, sizeof written->attr);
   written->in = calloc((size_t)call->nin + 1, sizeof *written->in);
   if (!written->in) return sc_fail(SC_EMEM, "out of memory");
   current->ncalls++;
   ScStatus status = number_inputs(written, call);
   if (status != SC_OK) drop_last();
   return status;
}

ScStatus sc_transcript_enter(const ScCall *call) {
   if (!current || current->depth++ > 0) return SC_OK;
   current->is_open = any_comes_from_input(call);
   ScStatus status = current->is_open ? open_call(call) : SC_OK;
   if (status != SC_OK) current->depth--;
   return status;
}

// A result that was known before is what an op gives that changes nothing.
static ScStatus number_outputs(ScWrittenCall *written, const ScCall *call) {
   int known = 0;
   for (int i = 0; i < SC_MAXPARAM; i++)
      if (memcmp(&written->attr[i], &call->attr[i], sizeof written->attr[i]) != 0)
         written->completed |= 1u << i;
   memcpy(written->attr, call->attr, sizeof written->attr);
   for (int i = 0; i < call->nout; i++) {
      int before = current->nvalues;
      SC_TRY(number_value(&written->out[written->nout++], call->out[i], false));
      known += current->nvalues == before;
   }
   if (call->nout > 0 && known == call->nout) drop_last();
   return SC_OK;
}

ScStatus sc_transcript_leave(const ScCall *call, ScStatus status) {
   if (!current || --current->depth > 0 || !current->is_open) return status;
   if (status == SC_OK) status = number_outputs(&current->calls[current->ncalls - 1], call);
   if (status != SC_OK) drop_last();
   return status;
}

// ---- the whole ----

ScStatus sc_transcript_begin(int n, ScTensor *const *inputs) {
   if (current) return sc_fail(SC_EARG, "a model is being written down already");
   current = calloc(1, sizeof *current);
   if (!current) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = SC_OK;
   for (int i = 0, number; i < n && status == SC_OK; i++) status = add_value(&number, inputs[i], false);
   if (status != SC_OK) sc_transcript_end();
   return status;
}

void sc_transcript_end(void) {
   if (!current) return;
   while (current->ncalls > 0) drop_last();
   for (int i = 0; i < current->nvalues; i++) sc_tensor_release(current->values[i].constant);
   free(current->values);
   free(current->calls);
   free(current);
   current = NULL;
}

int sc_transcript_calls(const ScWrittenCall **out) {
   *out = current ? current->calls : NULL;
   return current ? current->ncalls : 0;
}

int sc_transcript_values(const ScValue **out) {
   *out = current ? current->values : NULL;
   return current ? current->nvalues : 0;
}
