// Processes joined by MPI: what sc_world (host/core/world.h) is where a launcher started several. Buffers are
// in the host's memory; all calls come from the program's main thread.
#define _GNU_SOURCE // dladdr
#include <dlfcn.h>
#include <mpi.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/core/transport.h"
#include "kernels/mpi/saving.h"

// MPI counts in int.
enum { MOST = 1 << 28 };

static ScStatus check(int code, const char *call) {
   if (code == MPI_SUCCESS) return SC_OK;
   char why[MPI_MAX_ERROR_STRING];
   int length = 0;
   if (MPI_Error_string(code, why, &length) != MPI_SUCCESS) length = 0;
   return sc_fail(SC_EIO, "%s: %.*s", call, length, why);
}

static ScStatus datatype(ScDtype dtype, MPI_Datatype *out) {
   switch (dtype) {
   case SC_F32: *out = MPI_FLOAT; return SC_OK;
   case SC_F64: *out = MPI_DOUBLE; return SC_OK;
   case SC_I64: *out = MPI_INT64_T; return SC_OK;
   default: return sc_fail(SC_EARG, "MPI_Allreduce: expected f32, f64 or i64, found %s", sc_dtype_name(dtype));
   }
}

// ---- orders of their own ----

// What is asked of MPI_COMM_WORLD does not come between sums that are beside other work, nor between calls.
// Ends are messages from each to each.
static MPI_Comm beside = MPI_COMM_NULL, calls = MPI_COMM_NULL, ends = MPI_COMM_NULL;

// ---- waiting ----

// Looks, between naps, that what another process has begun may take once that has said that it ends; a machine
// that sleeps meanwhile makes none.
enum { LAST_LOOKS = 2000 };

// Sleeps before the next look. Whoever waits for long leaves the processors to those that it waits for.
static void pause_after(int looks) {
   struct timespec step = {.tv_nsec = looks < 100 ? 10 * 1000 : 1000 * 1000};
   nanosleep(&step, NULL);
}

// Counts looks since another process has said that it ends: it has no part in what comes after that.
static ScStatus check_ends(int *since) {
   MPI_Status from;
   int told;
   SC_TRY(check(MPI_Iprobe(MPI_ANY_SOURCE, 0, ends, &told, &from), "MPI_Iprobe"));
   if (!told || (*since)++ < LAST_LOOKS) return SC_OK;
   return sc_fail(SC_EIO,
                  "rank %d has come to its end, while others wait for its part of a sum: all processes have to "
                  "do the same to the end",
                  from.MPI_SOURCE);
}

// `awake`: looks before the first nap; most of what is asked is between processes that are as far.
static ScStatus wait_for(int n, MPI_Request *requests, int awake) {
   int since = 0;
   for (int done = 0, looks = 0;; looks++) {
      SC_TRY(check(MPI_Testall(n, requests, &done, MPI_STATUSES_IGNORE), "MPI_Testall"));
      if (done) return SC_OK;
      if (looks < awake) {
         sched_yield();
      } else {
         pause_after(looks - awake);
         SC_TRY(check_ends(&since));
      }
   }
}

// The same for what those that end have a part in, too; for so many seconds; 0: as long as it takes.
static ScStatus wait_within(MPI_Request *request, double seconds, int awake) {
   double until = MPI_Wtime() + seconds;
   for (int done = 0, looks = 0; !done; looks++) {
      SC_TRY(check(MPI_Test(request, &done, MPI_STATUS_IGNORE), "MPI_Test"));
      if (!done && seconds > 0 && MPI_Wtime() > until)
         return sc_fail(SC_EIO, "another process of the group did not come within %g seconds", seconds);
      if (!done && looks < awake)
         sched_yield();
      else if (!done)
         pause_after(looks - awake);
   }
   return SC_OK;
}

// ---- what is there when it returns ----

enum { AWAKE = 1000 };

static ScStatus all_reduce(ScCommunicator *c, ScDtype dtype, int64_t n, void *data) {
   (void)c;
   MPI_Datatype type;
   MPI_Request request;
   SC_TRY(datatype(dtype, &type));
   char *at = data;
   for (int64_t left = n; left > 0; left -= MOST) {
      int count = left < MOST ? (int)left : MOST;
      SC_TRY(check(MPI_Iallreduce(MPI_IN_PLACE, at, count, type, MPI_SUM, MPI_COMM_WORLD, &request),
                   "MPI_Iallreduce"));
      SC_TRY(wait_for(1, &request, AWAKE));
      at += (size_t)count * sc_dtype_size(dtype);
   }
   return SC_OK;
}

static ScStatus broadcast(ScCommunicator *c, int root, size_t bytes, void *data) {
   (void)c;
   MPI_Request request;
   char *at = data;
   for (size_t count; bytes > 0; bytes -= count, at += count) {
      count = bytes < MOST ? bytes : MOST;
      SC_TRY(check(MPI_Ibcast(at, (int)count, MPI_BYTE, root, MPI_COMM_WORLD, &request), "MPI_Ibcast"));
      SC_TRY(wait_for(1, &request, AWAKE));
   }
   return SC_OK;
}

// The bytes of a process lie together in `all`, so that there are no parts that could be gathered one by one.
static ScStatus gather(ScCommunicator *c, int root, size_t bytes, const void *mine, void *all) {
   (void)c;
   MPI_Request request;
   if (bytes > MOST) return sc_fail(SC_EARG, "MPI_Igather: expected at most %d bytes, found %zu", MOST, bytes);
   int n = (int)bytes;
   SC_TRY(
       check(MPI_Igather(mine, n, MPI_BYTE, all, n, MPI_BYTE, root, MPI_COMM_WORLD, &request), "MPI_Igather"));
   return wait_for(1, &request, AWAKE);
}

// ---- sums beside other work ----

struct ScPending {
   ScPending *next; // begun after it
   int n;
   MPI_Request requests[];
};

static ScPending *under_way;

static ScStatus begin_parts(ScPending *pending, ScDtype dtype, int64_t n, char *at) {
   MPI_Datatype type;
   SC_TRY(datatype(dtype, &type));
   for (int64_t left = n; left > 0; left -= MOST) {
      int count = left < MOST ? (int)left : MOST;
      MPI_Request *request = &pending->requests[pending->n];
      SC_TRY(check(MPI_Iallreduce(MPI_IN_PLACE, at, count, type, MPI_SUM, beside, request), "MPI_Iallreduce"));
      pending->n++;
      at += (size_t)count * sc_dtype_size(dtype);
   }
   return SC_OK;
}

static ScStatus begin_all_reduce(ScCommunicator *c, ScDtype dtype, int64_t n, void *data, ScPending **out) {
   (void)c;
   size_t parts = (size_t)((n + MOST - 1) / MOST);
   ScPending *pending = malloc(sizeof *pending + parts * sizeof(MPI_Request));
   if (!pending) return sc_fail(SC_EMEM, "MPI_Iallreduce: out of memory");
   *pending = (ScPending){0};
   ScStatus status = begin_parts(pending, dtype, n, data);
   if (status != SC_OK) { // what has begun writes into memory of the caller's until it is done
      MPI_Waitall(pending->n, pending->requests, MPI_STATUSES_IGNORE);
      free(pending);
      return status;
   }
   ScPending **end = &under_way;
   while (*end) end = &(*end)->next;
   *out = *end = pending;
   return SC_OK;
}

// Nothing goes on between calls. A look at one that is not done lets all of them go on.
static ScStatus look(ScPending *pending, int *done) {
   return check(MPI_Testall(pending->n, pending->requests, done, MPI_STATUSES_IGNORE), "MPI_Testall");
}

static ScStatus progress(ScCommunicator *c) {
   (void)c;
   int done = 1;
   for (ScPending *pending = under_way; pending && done; pending = pending->next) SC_TRY(look(pending, &done));
   return SC_OK;
}

static ScStatus finish(ScCommunicator *c, ScPending *pending) {
   (void)c;
   ScStatus status = wait_for(pending->n, pending->requests, 0);
   ScPending **at = &under_way;
   while (*at != pending) at = &(*at)->next;
   *at = pending->next;
   free(pending);
   return status;
}

// ---- meeting ----

// Processes may be here long before the last one comes: they sleep meanwhile, and leave it the processors.
static ScStatus barrier(ScCommunicator *c, double seconds) {
   (void)c;
   MPI_Request request;
   SC_TRY(check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier"));
   return wait_within(&request, seconds, 0);
}

static ScStatus call(ScCommunicator *c, int64_t n, int64_t *data, double seconds) {
   (void)c;
   MPI_Request request;
   SC_TRY(check(MPI_Iallreduce(MPI_IN_PLACE, data, (int)n, MPI_INT64_T, MPI_SUM, calls, &request),
                "MPI_Iallreduce"));
   return wait_within(&request, seconds, AWAKE);
}

// ---- the end ----

// Nothing is in such a message, so it is under way at once, whatever the others do.
static void announce_end(ScCommunicator *c) {
   for (int rank = 0; rank < c->size; rank++) {
      MPI_Request request;
      if (rank == c->rank) continue;
      if (MPI_Isend(NULL, 0, MPI_BYTE, rank, 0, ends, &request) == MPI_SUCCESS) MPI_Request_free(&request);
   }
}

static void end_all(ScCommunicator *c, int exit_code) {
   (void)c;
   MPI_Abort(MPI_COMM_WORLD, exit_code);
}

// MPI wants all messages received.
static void receive_ends(void) {
   for (int told = 1; told;) {
      if (MPI_Iprobe(MPI_ANY_SOURCE, 0, ends, &told, MPI_STATUS_IGNORE) != MPI_SUCCESS) return;
      if (told) MPI_Recv(NULL, 0, MPI_BYTE, MPI_ANY_SOURCE, 0, ends, MPI_STATUS_IGNORE);
   }
}

static void leave(ScCommunicator *c) {
   (void)c;
   receive_ends();
   sc_mpi_close_saving();
   MPI_Comm_free(&ends);
   MPI_Comm_free(&calls);
   MPI_Comm_free(&beside);
   MPI_Finalize();
}

static ScCommunicator world = {.transport = "mpi",
                               .all_reduce = all_reduce,
                               .begin_all_reduce = begin_all_reduce,
                               .progress = progress,
                               .finish = finish,
                               .call = call,
                               .broadcast = broadcast,
                               .gather = gather,
                               .barrier = barrier,
                               .announce_end = announce_end,
                               .announce_saving = sc_mpi_announce_saving,
                               .first_saves = sc_mpi_first_saves,
                               .abort = end_all,
                               .close = leave};

// A plugin's libraries are its own, while components that MPI opens itself look for its functions among all.
static void show_library(void) {
   Dl_info at;
   void *function;
   int (*init)(int *, char ***, int, int *) = MPI_Init_thread;
   memcpy(&function, &init, sizeof function);
   if (dladdr(function, &at) && at.dli_fname) dlopen(at.dli_fname, RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
}

static ScStatus duplicate(MPI_Comm *out) {
   SC_TRY(check(MPI_Comm_dup(MPI_COMM_WORLD, out), "MPI_Comm_dup"));
   return check(MPI_Comm_set_errhandler(*out, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

static ScStatus join(ScCommunicator **out) {
   int level;
   show_library();
   SC_TRY(check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level), "MPI_Init"));
   SC_TRY(check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler"));
   SC_TRY(duplicate(&beside));
   SC_TRY(duplicate(&calls));
   SC_TRY(duplicate(&ends));
   SC_TRY(check(sc_mpi_open_saving(MPI_COMM_WORLD), "MPI_Comm_dup"));
   SC_TRY(check(MPI_Comm_rank(MPI_COMM_WORLD, &world.rank), "MPI_Comm_rank"));
   SC_TRY(check(MPI_Comm_size(MPI_COMM_WORLD, &world.size), "MPI_Comm_size"));
   *out = &world;
   return SC_OK;
}

static const ScTransport mpi = {.name = "mpi", .join = join};
SC_TRANSPORT(mpi)
