#include "host/core/graph.h"

#include <stdlib.h>

#include "host/core/halves.h"
#include "host/core/recording.h"
#include "host/core/rng.h"
#include "host/core/span.h"

// Number i of the watched tensors.
typedef struct {
   ScTensor *tensor, *grad; // grad: NULL where it gets none
   bool requires_grad;
} Party;

struct ScGraph {
   ScDevice *device;
   void *work; // the backend's; NULL before it is recorded
   int n;
   Party *parties;
   ScWatched *watched;
   bool begun, recorded;
   ScTensor *numbers;       // {seed, stream} (2)
   uint64_t first, streams; // random streams: the one at the start, and how many it uses up
};

bool *sc_graphs(void) {
   static bool wanted = true;
   return &wanted;
}

// ---- beginning and ending ----

static ScStatus watch(ScGraph *graph, int n, ScTensor *const *tensors) {
   graph->parties = calloc((size_t)n + 1, sizeof *graph->parties);
   graph->watched = calloc((size_t)n + 1, sizeof *graph->watched);
   if (!graph->parties || !graph->watched) return sc_fail(SC_EMEM, "out of memory");
   for (int i = 0; i < n; i++) {
      ScTensor *t = tensors[i];
      if (t->device != graph->device) continue; // the host's are none of its business
      graph->parties[graph->n] = (Party){sc_tensor_retain(t), NULL, t->requires_grad};
      graph->watched[graph->n++].data = t->buffer->data;
   }
   return SC_OK;
}

static ScStatus begin(ScGraph *graph) {
   ScDevice *device = graph->device;
   SC_TRY(sc_tensor_new(&graph->numbers, device, SC_I64, 1, (int64_t[]){2}));
   graph->first = sc_rng()->next_stream;
   ScGraphDraws draws = {graph->numbers->buffer->data, graph->first};
   sc_halves_flush(device); // they are made within, or they would be of now
   if (!sc_recording_begin(device, graph->n, graph->watched, draws))
      return sc_fail(SC_EUNSUPPORTED, "%s has a graph already", device->name);
   graph->begun = true;
   return device->backend->record(device);
}

ScStatus sc_graph_begin(ScGraph **out, ScDevice *device, int n, ScTensor *const *watched) {
   if (!*sc_graphs() || !device->backend->record || device->communicator)
      return sc_fail(SC_EUNSUPPORTED, "%s records no graph", device->name);
   ScGraph *graph = calloc(1, sizeof *graph);
   if (!graph) return sc_fail(SC_EMEM, "out of memory");
   *out = graph;
   graph->device = device;
   SC_TRY(watch(graph, n, watched));
   return begin(graph);
}

// Nothing of what was recorded has been computed: what caches got meanwhile they do not have. Later it is
// there, but each launch writes it anew, whoever holds it.
static void undo(ScGraph *graph) {
   sc_rng()->next_stream = graph->first;
   sc_halves_flush(graph->device);
   if (graph->device->backend->flush) graph->device->backend->flush(graph->device);
}

static bool is_alone(const ScTensor *t) {
   return __atomic_load_n(&t->buffer->refs, __ATOMIC_ACQUIRE) == 1;
}

// Why it would fit at no launch, or NULL.
static const char *fault_of(const ScTensor *t, const void *data) {
   if (t->buffer->data != data) return "it moves a tensor that it watches";
   return t->grad && !is_alone(t->grad) ? "tensors that it watches share a gradient, or something else holds it"
                                        : NULL;
}

static ScStatus check(const ScGraph *graph, const char *fault) {
   for (int i = 0; i < graph->n && !fault; i++)
      fault = fault_of(graph->parties[i].tensor, graph->watched[i].data);
   return fault ? sc_fail(SC_EUNSUPPORTED, "a graph is of no use: %s", fault) : SC_OK;
}

ScStatus sc_graph_end(ScGraph *graph) {
   const char *fault = sc_recording_stop();
   graph->recorded = true;
   ScStatus status = graph->device->backend->recorded(graph->device, &graph->work);
   if (status == SC_OK) status = check(graph, fault);
   graph->streams = sc_rng()->next_stream - graph->first;
   undo(graph);
   if (status != SC_OK) return status;
   for (int i = 0; i < graph->n; i++) {
      ScTensor *t = graph->parties[i].tensor;
      graph->parties[i].grad = t->grad;
      t->grad = NULL;
   }
   return SC_OK;
}

static void give_up(ScGraph *graph) {
   sc_recording_stop();
   graph->device->backend->recorded(graph->device, NULL);
   undo(graph);
}

void sc_graph_free(ScGraph *graph) {
   if (!graph) return;
   if (graph->begun && !graph->recorded) give_up(graph);
   if (graph->work) graph->device->backend->forget_recorded(graph->device, graph->work);
   for (int i = 0; i < graph->n; i++) {
      sc_tensor_release(graph->parties[i].tensor);
      sc_tensor_release(graph->parties[i].grad);
   }
   sc_tensor_release(graph->numbers);
   if (graph->begun) sc_recording_end(graph->device->pool);
   free(graph->parties);
   free(graph->watched);
   free(graph);
}

// ---- doing it again ----

// What it writes nobody else may look at: they would see it change.
static bool fits(const Party *p, const ScWatched *w) {
   const ScTensor *t = p->tensor;
   return t->buffer->data == w->data && t->requires_grad == p->requires_grad && !(w->written && !is_alone(t)) &&
          !(p->grad && (t->grad || !is_alone(p->grad)));
}

static bool takes(const ScTensor *t, const ScTensor *input) {
   return sc_same_shape(t, input) && t->dtype == input->dtype && t->device == input->device && is_alone(t);
}

static bool all_fit(const ScGraph *graph, int n, ScTensor *const *inputs) {
   if (n > graph->n) return false;
   for (int i = 0; i < graph->n; i++)
      if (!fits(&graph->parties[i], &graph->watched[i]) ||
          (i < n && !takes(graph->parties[i].tensor, inputs[i])))
         return false;
   return true;
}

static ScStatus feed(ScTensor *t, const ScTensor *input) {
   SC_TRY(t->device->backend->copy(t->device, t->buffer->data, input->buffer->data, sc_nbytes(t)));
   sc_tensor_touch(t);
   return SC_OK;
}

static void settle(const Party *p, const ScWatched *w) {
   if (w->written) sc_tensor_touch(p->tensor);
   if (!p->grad) return;
   sc_tensor_touch(p->grad);
   p->tensor->grad = sc_tensor_retain(p->grad);
}

static ScStatus run(ScGraph *graph, int n, ScTensor *const *inputs) {
   const ScBackend *backend = graph->device->backend;
   for (int i = 0; i < n; i++) SC_TRY(feed(graph->parties[i].tensor, inputs[i]));
   uint64_t numbers[] = {sc_rng()->seed, sc_rng()->next_stream};
   SC_TRY(backend->upload(graph->device, graph->numbers->buffer->data, numbers, sizeof numbers));
   int span = sc_span_begin("steps that are graphs");
   ScStatus status = backend->replay(graph->device, graph->work);
   if (status == SC_OK && sc_profiling() && backend->wait) status = backend->wait(graph->device);
   sc_span_end(span);
   return status;
}

// For messages, as sc_name_call does for an op.
static ScStatus name_inputs(const ScGraph *graph, int n, ScTensor *const *inputs, ScStatus status) {
   const char *name = graph->device->name;
   if (n == 0) return sc_fail(status, "%s; in a graph on %s", sc_error(), name);
   return sc_fail(status, "%s; in a graph on %s of %s %s", sc_error(), name, sc_dtype_name(inputs[0]->dtype),
                  sc_shape_text(inputs[0]));
}

ScStatus sc_graph_launch(ScGraph *graph, int n, ScTensor *const *inputs, bool *fit) {
   *fit = all_fit(graph, n, inputs);
   if (!*fit) return SC_OK;
   ScStatus status = run(graph, n, inputs);
   if (status != SC_OK) return name_inputs(graph, n, inputs, status);
   sc_rng()->next_stream += graph->streams;
   for (int i = 0; i < graph->n; i++) settle(&graph->parties[i], &graph->watched[i]);
   return SC_OK;
}
