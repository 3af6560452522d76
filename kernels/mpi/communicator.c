// Processes joined by MPI: what sc_world (host/core/world.h) is where a launcher started several. Buffers are
// in the host's memory; all calls come from the program's main thread.
#define _GNU_SOURCE // dladdr
#include <dlfcn.h>
#include <mpi.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "host/core/transport.h"

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

static ScStatus all_reduce(ScCommunicator *c, ScDtype dtype, int64_t n, void *data) {
   (void)c;
   MPI_Datatype type;
   SC_TRY(datatype(dtype, &type));
   char *at = data;
   for (int64_t left = n; left > 0; left -= MOST) {
      int count = left < MOST ? (int)left : MOST;
      SC_TRY(check(MPI_Allreduce(MPI_IN_PLACE, at, count, type, MPI_SUM, MPI_COMM_WORLD), "MPI_Allreduce"));
      at += (size_t)count * sc_dtype_size(dtype);
   }
   return SC_OK;
}

static ScStatus broadcast(ScCommunicator *c, int root, size_t bytes, void *data) {
   (void)c;
   char *at = data;
   for (size_t count; bytes > 0; bytes -= count, at += count) {
      count = bytes < MOST ? bytes : MOST;
      SC_TRY(check(MPI_Bcast(at, (int)count, MPI_BYTE, root, MPI_COMM_WORLD), "MPI_Bcast"));
   }
   return SC_OK;
}

// The bytes of a process lie together in `all`, so that there are no parts that could be gathered one by one.
static ScStatus gather(ScCommunicator *c, int root, size_t bytes, const void *mine, void *all) {
   (void)c;
   if (bytes > MOST) return sc_fail(SC_EARG, "MPI_Gather: expected at most %d bytes, found %zu", MOST, bytes);
   int n = (int)bytes;
   return check(MPI_Gather(mine, n, MPI_BYTE, all, n, MPI_BYTE, root, MPI_COMM_WORLD), "MPI_Gather");
}

// Processes may be here long before the last one comes: they sleep meanwhile, and leave it the processors.
static ScStatus barrier(ScCommunicator *c, double seconds) {
   (void)c;
   MPI_Request request;
   SC_TRY(check(MPI_Ibarrier(MPI_COMM_WORLD, &request), "MPI_Ibarrier"));
   double until = MPI_Wtime() + seconds;
   for (int done = 0, looks = 0; !done; looks++) {
      SC_TRY(check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test"));
      if (!done && seconds > 0 && MPI_Wtime() > until)
         return sc_fail(SC_EIO, "another process of the group did not come within %g seconds", seconds);
      struct timespec step = {.tv_nsec = looks < 100 ? 10 * 1000 : 1000 * 1000};
      if (!done) nanosleep(&step, NULL);
   }
   return SC_OK;
}

static void end_all(ScCommunicator *c, int exit_code) {
   (void)c;
   MPI_Abort(MPI_COMM_WORLD, exit_code);
}

static void leave(ScCommunicator *c) {
   (void)c;
   MPI_Finalize();
}

static ScCommunicator world = {.transport = "mpi",
                               .all_reduce = all_reduce,
                               .broadcast = broadcast,
                               .gather = gather,
                               .barrier = barrier,
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

static ScStatus join(ScCommunicator **out) {
   int level;
   show_library();
   SC_TRY(check(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level), "MPI_Init"));
   SC_TRY(check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler"));
   SC_TRY(check(MPI_Comm_rank(MPI_COMM_WORLD, &world.rank), "MPI_Comm_rank"));
   SC_TRY(check(MPI_Comm_size(MPI_COMM_WORLD, &world.size), "MPI_Comm_size"));
   *out = &world;
   return SC_OK;
}

static const ScTransport mpi = {.name = "mpi", .join = join};
SC_TRANSPORT(mpi)
