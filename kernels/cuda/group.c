#include "kernels/cuda/group.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/recording.h"
#include "kernels/cuda/await.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"

static const char WHAT[] = "sums between GPUs";

// A sum that is under way, or one that may be begun.
struct ScPending {
   cudaEvent_t done;
   ScPending *next; // of those that are free
};

typedef struct {
   ScCommunicator is;       // first
   ScNccl *beside, *direct; // sums that are begun have an order of their own
   bool owns;               // `beside`
   cudaStream_t stream;     // of `beside`
   cudaEvent_t ready;
   ScPending *tickets;
} Group;

// ---- order ----

// The group's stream begins what comes once the device has computed what it has to so far.
static ScStatus follow(Group *g) {
   ScDevice *device = g->is.device;
   if (sc_records(device))
      return sc_fail(SC_EUNSUPPORTED, "%s: a graph cannot hold what other processes have a part in", WHAT);
   SC_TRY(sc_cuda_use(device));
   SC_CUDA_TRY(cudaEventRecord(g->ready, sc_cuda_stream(device)), WHAT);
   return sc_cuda_status(cudaStreamWaitEvent(g->stream, g->ready, 0), WHAT);
}

static ScStatus take_ticket(Group *g, ScPending **out) {
   if (g->tickets) {
      *out = g->tickets;
      g->tickets = (*out)->next;
      return SC_OK;
   }
   ScPending *made = calloc(1, sizeof *made);
   if (!made) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = sc_cuda_status(
       cudaEventCreateWithFlags(&made->done, cudaEventDisableTiming | cudaEventBlockingSync), WHAT);
   if (status != SC_OK) return free(made), status;
   *out = made;
   return SC_OK;
}

static void give_ticket(Group *g, ScPending *ticket) {
   ticket->next = g->tickets;
   g->tickets = ticket;
}

// ---- calls ----

static ScStatus begin(Group *g, ScDtype dtype, int64_t n, void *data, ScPending *ticket) {
   SC_TRY(follow(g));
   SC_TRY(sc_nccl_all_reduce(g->beside, dtype, n, data, g->stream));
   return sc_cuda_status(cudaEventRecord(ticket->done, g->stream), WHAT);
}

static ScStatus begin_all_reduce(ScCommunicator *c, ScDtype dtype, int64_t n, void *data, ScPending **out) {
   Group *g = (Group *)c;
   ScPending *ticket;
   SC_TRY(take_ticket(g, &ticket));
   ScStatus status = begin(g, dtype, n, data, ticket);
   if (status != SC_OK) return give_ticket(g, ticket), status;
   *out = ticket;
   return SC_OK;
}

// The device waits, not the host.
static ScStatus finish(ScCommunicator *c, ScPending *ticket) {
   Group *g = (Group *)c;
   cudaError_t error = cudaStreamWaitEvent(sc_cuda_stream(c->device), ticket->done, 0);
   give_ticket(g, ticket);
   SC_CUDA_TRY(error, WHAT);
   return sc_nccl_check(g->beside);
}

// What is not begun beside other work is a part of what the device computes, in its order.
static ScStatus begin_here(Group *g) {
   if (sc_records(g->is.device))
      return sc_fail(SC_EUNSUPPORTED, "%s: a graph cannot hold what other processes have a part in", WHAT);
   return sc_cuda_use(g->is.device);
}

static ScStatus all_reduce(ScCommunicator *c, ScDtype dtype, int64_t n, void *data) {
   Group *g = (Group *)c;
   SC_TRY(begin_here(g));
   return sc_nccl_all_reduce(g->direct, dtype, n, data, sc_cuda_stream(c->device));
}

// ---- making and unmaking ----

static void free_group(Group *g) {
   if (g->stream) sc_cuda_unwatch(g->is.device, g->stream);
   sc_cuda_unwatch(g->is.device, sc_cuda_stream(g->is.device));
   for (ScPending *ticket = g->tickets; ticket;) {
      ScPending *next = ticket->next;
      cudaEventDestroy(ticket->done);
      free(ticket);
      ticket = next;
   }
   if (g->ready) cudaEventDestroy(g->ready);
   if (g->stream) cudaStreamDestroy(g->stream);
   free(g);
}

// The device's work is through first: what else is in the stream of the group belongs to it.
static void leave(ScCommunicator *c) {
   Group *g = (Group *)c;
   if (sc_cuda_use(c->device) == SC_OK) sc_cuda_await_all(c->device, WHAT);
   sc_nccl_close(g->direct);
   if (g->owns) sc_nccl_close(g->beside);
   free_group(g);
}

// Without the others. The process ends: what is said of it is said elsewhere.
static void end_alone(ScCommunicator *c, int exit_code) {
   Group *g = (Group *)c;
   (void)exit_code;
   sc_nccl_abort(g->direct, "this process has left the others");
   sc_nccl_abort(g->beside, "this process has left the others");
   leave(c);
}

static ScStatus open(Group *g) {
   SC_TRY(sc_cuda_use(g->is.device));
   SC_CUDA_TRY(cudaStreamCreateWithFlags(&g->stream, cudaStreamNonBlocking), WHAT);
   return sc_cuda_status(cudaEventCreateWithFlags(&g->ready, cudaEventDisableTiming | cudaEventBlockingSync),
                         WHAT);
}

static ScStatus new_group(Group **out, ScDevice *device, const ScCommunicator *world, ScNccl *beside) {
   Group *g = calloc(1, sizeof *g);
   if (!g) return sc_fail(SC_EMEM, "out of memory");
   *g = (Group){.is = {.transport = "nccl",
                       .rank = world->rank,
                       .size = world->size,
                       .device = device,
                       .all_reduce = all_reduce,
                       .begin_all_reduce = begin_all_reduce,
                       .finish = finish,
                       .abort = end_alone,
                       .close = leave},
                .beside = beside,
                .owns = !beside};
   ScStatus status = open(g);
   if (status != SC_OK) return free_group(g), status;
   *out = g;
   return SC_OK;
}

// ---- between the processes of a world ----

// Fails in all of them where one has failed; its own message is its own.
static ScStatus agree(ScCommunicator *world, ScStatus mine, const char *what) {
   int64_t bad[2] = {mine != SC_OK, mine != SC_OK ? world->rank : 0};
   ScStatus status = world->all_reduce(world, SC_I64, 2, bad);
   if (mine != SC_OK || status != SC_OK || bad[0] == 0) return mine != SC_OK ? mine : status;
   if (bad[0] == 1) return sc_fail(SC_EIO, "%s: rank %d cannot", what, (int)bad[1]);
   return sc_fail(SC_EIO, "%s: %d processes cannot", what, (int)bad[0]);
}

ScStatus sc_cuda_group_join(ScNccl **out, ScDevice *device, ScCommunicator *world) {
   char id[SC_NCCL_ID] = "";
   ScStatus status = sc_cuda_use(device);
   if (status == SC_OK) status = sc_nccl_find();
   if (status == SC_OK && world->rank == 0) status = sc_nccl_make_id(id);
   SC_TRY(agree(world, status, "joining GPUs"));
   SC_TRY(world->broadcast(world, 0, sizeof id, id));
   return sc_nccl_open(out, device, world->rank, world->size, id);
}

static ScStatus join_both(Group *g, ScCommunicator *world) {
   if (g->owns) SC_TRY(sc_cuda_group_join(&g->beside, g->is.device, world));
   sc_cuda_watch(g->is.device, g->beside, g->stream);
   SC_TRY(sc_cuda_group_join(&g->direct, g->is.device, world));
   sc_cuda_watch(g->is.device, g->direct, sc_cuda_stream(g->is.device));
   return SC_OK;
}

ScStatus sc_cuda_group_new(ScCommunicator **out, ScDevice *device, ScCommunicator *world, ScNccl *beside) {
   Group *g;
   SC_TRY(new_group(&g, device, world, beside));
   ScStatus status = join_both(g, world);
   if (status != SC_OK) {
      if (g->owns) sc_nccl_close(g->beside);
      return free_group(g), status;
   }
   *out = &g->is;
   return SC_OK;
}
