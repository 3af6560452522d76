#include "host/files/save.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/core/span.h"
#include "host/core/trace.h"
#include "host/files/safetensors_write.h"

struct ScSave {
   char *path;
   ScState state; // tensors of its own
   pthread_t thread;
   bool started;
   atomic_bool done;
   ScStatus status;
   char *message; // where it failed
   double seconds;
};

static void run(ScSave *save) {
   save->status = sc_safetensors_write_sealed(save->path, &save->state);
   if (save->status != SC_OK) save->message = strdup(sc_error());
   atomic_store(&save->done, true);
}

static void *work(void *argument) {
   ScSave *save = argument;
   struct timespec used;
   sc_trace_enter_thread("writing");
   run(save);
   sc_trace_leave_thread();
   if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0)
      save->seconds = (double)used.tv_sec + (double)used.tv_nsec * 1e-9;
   return NULL;
}

// Where no thread can be had the caller does the work.
static void start(ScSave *save) {
   sigset_t all, before;
   sigfillset(&all);        // signals such as Ctrl-C belong to the main thread
   sigdelset(&all, SIGBUS); // of a mapped file, see host/files/lost_pages.h
   pthread_sigmask(SIG_SETMASK, &all, &before);
   save->started = pthread_create(&save->thread, NULL, work, save) == 0;
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   if (!save->started) run(save);
}

static ScStatus own_tensor(ScTensor **out, const ScTensor *t) {
   if (t->device->backend->host_memory || !t->buffer) return sc_tensor_alias(out, t, t->rank, t->shape);
   SC_TRY(sc_tensor_new(out, sc_device_cpu(), t->dtype, t->rank, t->shape));
   // The same order in memory on both sides: no conversion, one copy.
   ScStatus status =
       t->device->backend->download(t->device, (*out)->buffer->data, t->buffer->data, sc_nbytes(t));
   if (status != SC_OK) sc_tensor_release(*out);
   return status;
}

static ScStatus own_state(ScState *own, const ScState *state) {
   for (int i = 0; i < state->n; i++) {
      ScTensor *tensor;
      SC_TRY(own_tensor(&tensor, state->entries[i].tensor));
      SC_TRY(sc_state_add(own, state->entries[i].name, tensor));
   }
   for (int i = 0; i < state->nmetadata; i++)
      SC_TRY(sc_state_annotate(own, state->metadata[i].key, state->metadata[i].value));
   return SC_OK;
}

static void forget(ScSave *save) {
   sc_state_free(&save->state);
   free(save->message);
   free(save->path);
   free(save);
}

ScStatus sc_save_begin(ScSave **out, const char *path, const ScState *state) {
   ScSave *save = calloc(1, sizeof *save);
   if (!save || !(save->path = strdup(path))) {
      free(save);
      return sc_fail(SC_EMEM, "out of memory");
   }
   ScStatus status = own_state(&save->state, state);
   if (status != SC_OK) {
      forget(save);
      return status;
   }
   start(save);
   *out = save;
   return SC_OK;
}

bool sc_save_done(ScSave *save) {
   return atomic_load(&save->done);
}

ScStatus sc_save_end(ScSave *save, double *seconds) {
   int span = sc_span_begin("waiting for files to be written");
   if (save->started) pthread_join(save->thread, NULL);
   sc_span_end(span);
   ScStatus status = save->status;
   if (status != SC_OK) sc_keep_message("%s", save->message ? save->message : "out of memory");
   if (seconds) *seconds = save->seconds;
   forget(save);
   return status;
}
