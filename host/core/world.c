#include "host/core/world.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/core/clock.h"
#include "host/core/device.h"
#include "host/core/place.h"
#include "host/core/plugin.h"
#include "host/core/transfer.h"
#include "host/core/transport.h"

// Seconds that a process which was asked to end, or fails, waits for the others, one of which may be saving to
// a slow disk.
static const double PATIENCE = 600;

// ---- a process alone ----

static ScStatus reduce_alone(ScCommunicator *c, ScDtype dtype, int64_t n, void *data) {
   (void)c, (void)dtype, (void)n, (void)data;
   return SC_OK;
}

static ScStatus begin_alone(ScCommunicator *c, ScDtype dtype, int64_t n, void *data, ScPending **out) {
   (void)c, (void)dtype, (void)n, (void)data;
   *out = NULL;
   return SC_OK;
}

static ScStatus finish_alone(ScCommunicator *c, ScPending *pending) {
   (void)c, (void)pending;
   return SC_OK;
}

static ScStatus broadcast_alone(ScCommunicator *c, int root, size_t bytes, void *data) {
   (void)c, (void)root, (void)bytes, (void)data;
   return SC_OK;
}

static ScStatus gather_alone(ScCommunicator *c, int root, size_t bytes, const void *mine, void *all) {
   (void)c, (void)root;
   memcpy(all, mine, bytes);
   return SC_OK;
}

static ScStatus call_alone(ScCommunicator *c, ScWorldText *all, double seconds) {
   (void)c, (void)all, (void)seconds;
   return SC_OK;
}

static ScStatus meet_alone(ScCommunicator *c, double seconds) {
   (void)c, (void)seconds;
   return SC_OK;
}

static void abort_alone(ScCommunicator *c, int exit_code) {
   (void)c, (void)exit_code;
}

static void close_alone(ScCommunicator *c) {
   (void)c;
}

static ScCommunicator alone = {.transport = "none",
                               .rank = 0,
                               .size = 1,
                               .all_reduce = reduce_alone,
                               .begin_all_reduce = begin_alone,
                               .finish = finish_alone,
                               .call = call_alone,
                               .broadcast = broadcast_alone,
                               .gather = gather_alone,
                               .barrier = meet_alone,
                               .abort = abort_alone,
                               .close = close_alone};

// ---- which group ----

static ScCommunicator *world = &alone;

ScCommunicator *sc_world(void) {
   return world;
}

// Between devices that have memory of their own, by what their plugin brings for that.
static ScStatus connect(ScDevice *device) {
   const ScTransport *transport = device->backend->shapes_only ? NULL : sc_transport_of(device);
   if (transport) return transport->connect(device, world, &device->communicator);
   return sc_fail(SC_EUNSUPPORTED, "several processes add up what is in the host's memory, not on '%s'",
                  device->name);
}

ScStatus sc_world_for(ScDevice *device, ScCommunicator **out) {
   const ScBackend *backend = device->backend;
   bool fits = device->communicator || ((backend->host_memory || world->size == 1) && !backend->shapes_only);
   if (!fits) SC_TRY(connect(device));
   *out = device->communicator ? device->communicator : world;
   return SC_OK;
}

static const ScPlugin mpi = {.name = "mpi",
                             .brings = "MPI plugin",
                             .advice = "install MPI (Debian: apt install libopenmpi-dev openmpi-bin) and build "
                                       "it with make",
                             .instead = "start one process alone"};

ScStatus sc_world_can_join(void) {
   return sc_find_transport(mpi.name) ? SC_OK : sc_plugin_find(&mpi);
}

static ScStatus join_by(const ScTransport *transport) {
   SC_TRY(transport->join(&world));
   return sc_place_find(world);
}

ScStatus sc_world_join(void) {
   if (world != &alone) return SC_OK;
   if (!sc_find_transport(mpi.name)) SC_TRY(sc_plugin_open(&mpi));
   const ScTransport *transport = sc_find_transport(mpi.name);
   if (!transport) return sc_fail(SC_EUNSUPPORTED, "the MPI plugin brings no transport");
   return join_by(transport);
}

ScStatus sc_world_can_join_gpus(void) {
   ScDevice *first;
   return sc_device_find("cuda:0", &first);
}

ScStatus sc_world_join_gpus(void) {
   ScDevice *first;
   if (world != &alone) return SC_OK;
   SC_TRY(sc_device_find("cuda:0", &first));
   const ScTransport *transport = sc_transport_of(first);
   if (!transport) return sc_fail(SC_EUNSUPPORTED, "the CUDA plugin brings no transport");
   return join_by(transport);
}

// ---- waiting ----

static double waited;

double sc_world_waited(void) {
   return waited;
}

static volatile sig_atomic_t was_stopped;

void sc_world_goes_on(int signal) {
   (void)signal;
   was_stopped = true;
}

void sc_world_add_waited(double since) {
   if (!was_stopped) waited += sc_seconds() - since;
   was_stopped = false;
}

ScStatus sc_world_sum(ScDtype dtype, int64_t n, void *data) {
   double start = sc_seconds();
   ScStatus status = world->all_reduce(world, dtype, n, data);
   sc_world_add_waited(start);
   return status;
}

// ---- what each has ----

ScStatus sc_world_exchange(int64_t mine, int64_t *all) {
   memset(all, 0, (size_t)world->size * sizeof *all);
   all[world->rank] = mine;
   return sc_world_sum(SC_I64, world->size, all);
}

// What a process calls that has run out of memory, and which one has in this attempt; -1: none.
static const char GIVES_UP[] = "(out of memory)";
static int given_up = -1;

static ScStatus give_up(int rank) {
   given_up = rank;
   return sc_fail(SC_EMEM, "out of memory in rank %d", rank);
}

static ScStatus compare_texts(const ScWorldText *all) {
   for (int i = 0; i < world->size; i++)
      if (strcmp(all[i], GIVES_UP) == 0) return give_up(i);
   for (int i = 1; i < world->size; i++)
      if (strcmp(all[i], all[0]) != 0)
         return sc_fail(SC_EARG,
                        "scute.world: all processes have to make the same calls in the same order; rank 0 "
                        "calls %s, rank %d calls %s",
                        all[0], i, all[i]);
   return SC_OK;
}

static uint64_t meetings;

uint64_t sc_world_meetings(void) {
   return meetings;
}

static ScStatus same_call_within(const char *text, double seconds) {
   if (world->size == 1) return SC_OK;
   if (given_up >= 0) return give_up(given_up);
   static ScWorldText *all; // kept: what is called in the middle of something is not to run out of memory
   if (!all) all = malloc((size_t)world->size * sizeof *all);
   if (!all) return sc_fail(SC_EMEM, "scute.world: out of memory");
   memset(all, 0, (size_t)world->size * sizeof *all);
   snprintf(all[world->rank], sizeof *all, "%s", text);
   meetings++;
   double start = sc_seconds();
   ScStatus status = world->call(world, all, seconds);
   sc_world_add_waited(start);
   return status == SC_OK ? compare_texts(all) : status;
}

ScStatus sc_world_same_call(const char *text) {
   return same_call_within(text, 0);
}

// They know already where it was heard before.
ScStatus sc_world_end_attempt(bool out_of_memory) {
   if (world->size == 1) return out_of_memory ? sc_fail(SC_EMEM, "out of memory") : SC_OK;
   ScStatus status = sc_world_same_call(out_of_memory ? GIVES_UP : "the end of a step");
   given_up = -1;
   return status;
}

// ---- leaving ----

// Groups of devices go before that of the processes.
static void leave(ScCommunicator *group, bool together, int exit_code) {
   for (int i = 0; sc_device_at(i); i++) {
      ScCommunicator *own = sc_device_at(i)->communicator;
      if (own && together)
         own->close(own);
      else if (own)
         own->abort(own, exit_code);
      sc_device_at(i)->communicator = NULL;
   }
   if (together)
      group->close(group);
   else
      group->abort(group, exit_code);
}

static bool gave_up;

void sc_world_give_up(void) {
   gave_up = true;
}

bool sc_world_gave_up(void) {
   return gave_up;
}

// Others that want something else of this process hear that it ends, whatever they make of that.
static bool end_together(ScCommunicator *group, bool asked) {
   double seconds = asked ? PATIENCE : 0;
   ScStatus status;
   do {
      status = same_call_within("the end of the program", seconds);
   } while (status == SC_EARG);
   return status == SC_OK && group->barrier(group, seconds) == SC_OK;
}

void sc_world_leave(int exit_code, bool asked) {
   ScCommunicator *group = world;
   bool together = !gave_up && (exit_code == 0 || asked);
   if (group == &alone) return;
   if (together) together = end_together(group, asked);
   leave(group, together, exit_code ? exit_code : EXIT_FAILURE);
   world = &alone;
}

static int saving; // of the first process: how many pairs it is within

void sc_world_saves(bool begins) {
   if (world->rank > 0) {
      if (world->first_saves) world->first_saves(world); // hears what was said meanwhile
      return;
   }
   saving += begins ? 1 : -1;
   if (world->announce_saving && saving == (begins ? 1 : 0)) world->announce_saving(world);
}

bool sc_world_wait_for_first(double seconds) {
   static const struct timespec nap = {.tv_nsec = 20 * 1000 * 1000};
   double until = sc_seconds() + seconds, latest = until + PATIENCE;
   for (double now; (now = sc_seconds()) < until;) {
      if (nanosleep(&nap, NULL) != 0) return false;
      if (world->first_saves && world->first_saves(world) && now < latest) until = now + seconds;
   }
   return true;
}

// ---- tensors ----

static ScStatus fails_to_hold(const char *call, const ScTensor *t) {
   return sc_fail(SC_EMEM, "world.%s: out of memory for a copy of %zu bytes", call, sc_nbytes(t));
}

// What is tried again for want of memory would have the others wait for this process.
static ScStatus put(ScTensor *out, const void *values) {
   ScStatus status = sc_tensor_write(out, values);
   return status == SC_EMEM ? SC_EDEVICE : status;
}

// Reading comes first, since what fails in one process alone is to fail before any of them waits for another.
static ScStatus reduce_values(ScTensor *out, const ScTensor *t, void *values) {
   ScWorldText text;
   SC_TRY(sc_tensor_read(t, values));
   snprintf(text, sizeof text, "all_reduce of %s %s", sc_dtype_name(t->dtype), sc_shape_text(t));
   SC_TRY(sc_world_same_call(text));
   SC_TRY(sc_world_sum(t->dtype, sc_numel(t), values));
   return put(out, values);
}

static ScStatus broadcast_values(ScTensor *out, const ScTensor *t, int root, void *values) {
   ScWorldText text;
   SC_TRY(sc_tensor_read(t, values));
   snprintf(text, sizeof text, "broadcast from rank %d of %s %s", root, sc_dtype_name(t->dtype),
            sc_shape_text(t));
   SC_TRY(sc_world_same_call(text));
   SC_TRY(world->broadcast(world, root, sc_nbytes(t), values));
   return put(out, values);
}

static ScStatus check_values(const char *call, const ScTensor *t) {
   if (!t->device->backend->shapes_only) return SC_OK;
   return sc_fail(SC_EARG, "world.%s: argument 't': a tensor on '%s' has no values", call, t->device->name);
}

// On failure there is no result.
static ScStatus settle(ScTensor **out, ScStatus status) {
   if (status == SC_OK) return SC_OK;
   sc_tensor_release(*out);
   *out = NULL;
   return status;
}

ScStatus sc_world_all_reduce(ScTensor **out, const ScTensor *t) {
   SC_TRY(check_values("all_reduce", t));
   if (t->dtype != SC_F32 && t->dtype != SC_F64 && t->dtype != SC_I64)
      return sc_fail(SC_EARG, "world.all_reduce: argument 't': expected f32, f64 or i64, found %s %s",
                     sc_dtype_name(t->dtype), sc_shape_text(t));
   void *values = malloc(sc_nbytes(t));
   if (!values) return fails_to_hold("all_reduce", t);
   ScStatus status = sc_tensor_new(out, t->device, t->dtype, t->rank, t->shape);
   if (status == SC_OK) status = reduce_values(*out, t, values);
   free(values);
   return settle(out, status);
}

ScStatus sc_world_broadcast(ScTensor **out, const ScTensor *t, int root) {
   SC_TRY(check_values("broadcast", t));
   void *values = malloc(sc_nbytes(t));
   if (!values) return fails_to_hold("broadcast", t);
   ScStatus status = sc_tensor_new(out, t->device, t->dtype, t->rank, t->shape);
   if (status == SC_OK) status = broadcast_values(*out, t, root, values);
   free(values);
   return settle(out, status);
}

ScStatus sc_world_barrier(void) {
   SC_TRY(sc_world_same_call("barrier"));
   double start = sc_seconds();
   ScStatus status = world->barrier(world, 0);
   sc_world_add_waited(start);
   return status;
}
