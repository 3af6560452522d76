#include "host/core/graph.h"

#include <pthread.h>
#include <stdlib.h>

#include "host/core/halves.h"
#include "host/core/reserve.h"
#include "host/core/rng.h"

typedef struct {
   ScTensor *tensor, *grad; // grad: NULL where it gets none
   const void *data;
   bool requires_grad, written;
} Watched;

struct ScGraph {
   ScDevice *device;
   void *work; // the backend's; NULL before it is recorded
   int n;
   Watched *watched;
   const char *fault; // why it cannot be used
   uint64_t era;      // of buffers that are made while it is recorded; those before have lower ones
   ScReserve reserve;
   ScTensor *numbers; // {seed, stream} (2)
   ScGraphDraws draws;
   uint64_t streams; // that it uses up
};

// Buffers may be let go of by threads that save.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ScGraph *living;
static bool recording;
static uint64_t era = 1; // of buffers that are made now

bool *sc_graphs(void) {
   static bool wanted = true;
   return &wanted;
}

// ---- memory ----

uint64_t sc_graph_era(void) {
   return era;
}

bool sc_graph_take(const ScDevice *device, size_t *bytes, void **out) {
   if (!recording || device != living->device) return false;
   pthread_mutex_lock(&lock);
   bool found = sc_reserve_take(&living->reserve, bytes, out);
   pthread_mutex_unlock(&lock);
   return found;
}

bool sc_graph_keep(const ScBuffer *buffer) {
   pthread_mutex_lock(&lock);
   bool kept = living && buffer->device == living->device && buffer->era <= living->era &&
               sc_reserve_put(&living->reserve, buffer->data, buffer->bytes);
   pthread_mutex_unlock(&lock);
   return kept;
}

static void set_living(ScGraph *graph) {
   pthread_mutex_lock(&lock);
   living = graph;
   pthread_mutex_unlock(&lock);
}

// ---- what is recorded ----

bool sc_graph_records(const ScDevice *device) {
   return recording && device == living->device;
}

const ScGraphDraws *sc_graph_draws(const ScDevice *device) {
   return sc_graph_records(device) ? &living->draws : NULL;
}

// The watched tensor over this memory.
static Watched *find(const ScGraph *graph, const ScBuffer *buffer) {
   for (int i = 0; i < graph->n; i++)
      if (graph->watched[i].data == buffer->data) return &graph->watched[i];
   return NULL;
}

bool sc_graph_watches(const ScTensor *t) {
   return sc_graph_records(t->device) && find(living, t->buffer);
}

static bool is_older(const ScTensor *t) {
   return t && t->buffer && sc_graph_records(t->device) && t->buffer->era < living->era;
}

void sc_graph_reads(const ScTensor *t) {
   if (is_older(t) && !find(living, t->buffer)) living->fault = "it reads a tensor that is not watched";
}

void sc_graph_writes(const ScTensor *t) {
   if (!is_older(t)) return;
   Watched *watched = find(living, t->buffer);
   if (watched)
      watched->written = true;
   else
      living->fault = "it writes into a tensor that is not watched";
}

// ---- beginning and ending ----

static ScStatus watch(ScGraph *graph, int n, ScTensor *const *tensors) {
   graph->watched = calloc((size_t)n, sizeof *graph->watched);
   if (!graph->watched) return sc_fail(SC_EMEM, "out of memory");
   for (int i = 0; i < n; i++) {
      ScTensor *t = tensors[i];
      if (t->device != graph->device) continue; // the host's are none of its business
      graph->watched[graph->n++] =
          (Watched){.tensor = sc_tensor_retain(t), .data = t->buffer->data, .requires_grad = t->requires_grad};
   }
   return SC_OK;
}

ScStatus sc_graph_begin(ScGraph **out, ScDevice *device, int n, ScTensor *const *watched) {
   if (!*sc_graphs() || !device->backend->record || device->communicator || living)
      return sc_fail(SC_EUNSUPPORTED, "%s records no graph now", device->name);
   ScGraph *graph = calloc(1, sizeof *graph);
   if (!graph) return sc_fail(SC_EMEM, "out of memory");
   *out = graph;
   graph->device = device;
   SC_TRY(watch(graph, n, watched));
   SC_TRY(sc_tensor_new(&graph->numbers, device, SC_I64, 1, (int64_t[]){2}));
   graph->draws = (ScGraphDraws){graph->numbers->buffer->data, sc_rng()->next_stream};
   sc_halves_flush(device); // they are made within, or they would be of now
   SC_TRY(device->backend->record(device));
   graph->era = ++era;
   set_living(graph);
   recording = true;
   return SC_OK;
}

// Nothing of what was recorded has been computed, caches included.
static void undo(ScGraph *graph) {
   sc_rng()->next_stream = graph->draws.stream;
   sc_halves_flush(graph->device);
   if (graph->device->backend->flush) graph->device->backend->flush(graph->device);
}

static ScStatus check_addresses(const ScGraph *graph) {
   for (int i = 0; i < graph->n; i++)
      if (graph->watched[i].tensor->buffer->data != graph->watched[i].data)
         return sc_fail(SC_EUNSUPPORTED, "a graph moves a tensor that it watches");
   return graph->fault ? sc_fail(SC_EUNSUPPORTED, "a graph is of no use: %s", graph->fault) : SC_OK;
}

static void stop_recording(void) {
   recording = false;
   era++;
}

ScStatus sc_graph_end(ScGraph *graph) {
   stop_recording();
   graph->streams = sc_rng()->next_stream - graph->draws.stream;
   ScStatus status = graph->device->backend->recorded(graph->device, &graph->work);
   if (status == SC_OK) status = check_addresses(graph);
   if (status != SC_OK) {
      undo(graph);
      return status;
   }
   sc_rng()->next_stream = graph->draws.stream;
   for (int i = 0; i < graph->n; i++) {
      ScTensor *t = graph->watched[i].tensor;
      graph->watched[i].grad = t->grad;
      t->grad = NULL;
   }
   return SC_OK;
}

void sc_graph_free(ScGraph *graph) {
   if (!graph) return;
   if (living == graph && recording) {
      stop_recording();
      graph->device->backend->recorded(graph->device, NULL);
      undo(graph);
   }
   if (graph->work) graph->device->backend->forget_recorded(graph->device, graph->work);
   if (living == graph) set_living(NULL);
   for (int i = 0; i < graph->n; i++) {
      sc_tensor_release(graph->watched[i].tensor);
      sc_tensor_release(graph->watched[i].grad);
   }
   sc_tensor_release(graph->numbers);
   sc_reserve_give_back(&graph->reserve, graph->device->pool);
   free(graph->watched);
   free(graph);
}

// ---- doing it again ----

static bool is_alone(const ScTensor *t) {
   return __atomic_load_n(&t->buffer->refs, __ATOMIC_ACQUIRE) == 1;
}

// What it writes nobody else may look at: they would see it change.
static bool fits(const Watched *w) {
   const ScTensor *t = w->tensor;
   return t->buffer->data == w->data && t->requires_grad == w->requires_grad && !(w->written && !is_alone(t)) &&
          !(w->grad && (t->grad || !is_alone(w->grad)));
}

static void settle(const Watched *w) {
   if (w->written) sc_tensor_touch(w->tensor);
   if (!w->grad) return;
   sc_tensor_touch(w->grad);
   w->tensor->grad = sc_tensor_retain(w->grad);
}

static bool takes(const Watched *w, const ScTensor *input) {
   return sc_same_shape(w->tensor, input) && w->tensor->dtype == input->dtype &&
          w->tensor->device == input->device && is_alone(w->tensor);
}

static bool all_fit(const ScGraph *graph, int n, ScTensor *const *inputs) {
   if (n > graph->n) return false;
   for (int i = 0; i < graph->n; i++)
      if (!fits(&graph->watched[i]) || (i < n && !takes(&graph->watched[i], inputs[i]))) return false;
   return true;
}

static ScStatus feed(const Watched *w, const ScTensor *input) {
   SC_TRY(input->device->backend->copy(input->device, w->tensor->buffer->data, input->buffer->data,
                                       sc_nbytes(input)));
   sc_tensor_touch(w->tensor);
   return SC_OK;
}

ScStatus sc_graph_launch(ScGraph *graph, int n, ScTensor *const *inputs, bool *fit) {
   const ScBackend *backend = graph->device->backend;
   *fit = all_fit(graph, n, inputs);
   if (!*fit) return SC_OK;
   for (int i = 0; i < n; i++) SC_TRY(feed(&graph->watched[i], inputs[i]));
   uint64_t numbers[] = {sc_rng()->seed, sc_rng()->next_stream};
   SC_TRY(backend->upload(graph->device, graph->numbers->buffer->data, numbers, sizeof numbers));
   SC_TRY(backend->replay(graph->device, graph->work));
   sc_rng()->next_stream += graph->streams;
   for (int i = 0; i < graph->n; i++) settle(&graph->watched[i]);
   return SC_OK;
}
