// The transport "nccl": processes that each have a GPU. Where MPI joins them it carries the id of NCCL's
// communicator; where it is not, the program that started them (host/machine/members.h) has given them a pipe
// for that, and what they say to each other in the host's memory goes through the GPUs as well.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/transport.h"
#include "kernels/cuda/await.h"
#include "kernels/cuda/group.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"

static const char WHAT[] = "what processes say to each other";

// ---- the host's memory ----

// A block of the device's memory through which values go, and when it is free again.
struct ScPending {
   void *block, *data;
   size_t capacity, bytes;
   cudaEvent_t done;
   ScPending *next; // of those that are free
};

// Sums that are begun have a communicator of their own: what else is said meanwhile may come between them.
typedef struct {
   ScCommunicator is; // first
   ScDevice *device;
   ScNccl *control, *beside;
   cudaStream_t stream, stream_beside;
   ScPending *tickets;
   int64_t *words; // of all members, see below
   int room;       // how many each has
} World;

static World world;

static void free_ticket(ScPending *ticket) {
   if (ticket->block) cudaFree(ticket->block);
   if (ticket->done) cudaEventDestroy(ticket->done);
   free(ticket);
}

static ScStatus new_ticket(ScPending **out, size_t bytes) {
   ScPending *ticket = calloc(1, sizeof *ticket);
   if (!ticket) return sc_fail(SC_EMEM, "out of memory");
   ticket->capacity = bytes < 4096 ? 4096 : bytes;
   const unsigned flags = cudaEventDisableTiming | cudaEventBlockingSync;
   cudaError_t error = cudaEventCreateWithFlags(&ticket->done, flags);
   if (error == cudaSuccess) error = cudaMalloc(&ticket->block, ticket->capacity);
   *out = ticket;
   if (error == cudaSuccess) return SC_OK;
   free_ticket(ticket);
   return sc_cuda_status(error, WHAT);
}

// Of those that are free the first that is large enough, or a new one.
static ScStatus take_ticket(ScPending **out, void *data, size_t bytes) {
   SC_TRY(sc_cuda_use(world.device));
   ScPending **at = &world.tickets;
   while (*at && (*at)->capacity < bytes) at = &(*at)->next;
   *out = *at;
   if (*at)
      *at = (*at)->next;
   else
      SC_TRY(new_ticket(out, bytes));
   (*out)->data = data;
   (*out)->bytes = bytes;
   return SC_OK;
}

static void give_ticket(ScPending *ticket) {
   ticket->next = world.tickets;
   world.tickets = ticket;
}

static ScStatus send(ScPending *ticket, cudaStream_t stream) {
   return sc_cuda_status(
       cudaMemcpyAsync(ticket->block, ticket->data, ticket->bytes, cudaMemcpyHostToDevice, stream), WHAT);
}

static ScStatus mark(ScPending *ticket, cudaStream_t stream) {
   return sc_cuda_status(cudaEventRecord(ticket->done, stream), WHAT);
}

// Once it has come to pass: a copy to memory that is not pinned would wait in the driver, for ever where
// another process has died.
static ScStatus fetch(ScPending *ticket, cudaStream_t stream, double seconds) {
   SC_TRY(sc_cuda_use(world.device));
   SC_TRY(sc_cuda_await_for(world.device, ticket->done, seconds, WHAT));
   SC_CUDA_TRY(cudaMemcpyAsync(ticket->data, ticket->block, ticket->bytes, cudaMemcpyDeviceToHost, stream),
               WHAT);
   return sc_cuda_status(cudaStreamSynchronize(stream), WHAT);
}

static ScStatus sum(ScPending *ticket, ScDtype dtype, int64_t n, ScNccl *nccl, cudaStream_t stream) {
   SC_TRY(send(ticket, stream));
   SC_TRY(sc_nccl_all_reduce(nccl, dtype, n, ticket->block, stream));
   return mark(ticket, stream);
}

static ScStatus begin_all_reduce(ScCommunicator *c, ScDtype dtype, int64_t n, void *data, ScPending **out) {
   (void)c;
   ScPending *ticket;
   SC_TRY(take_ticket(&ticket, data, (size_t)n * sc_dtype_size(dtype)));
   ScStatus status = sum(ticket, dtype, n, world.beside, world.stream_beside);
   if (status != SC_OK) return give_ticket(ticket), status;
   *out = ticket;
   return SC_OK;
}

static ScStatus finish(ScCommunicator *c, ScPending *ticket) {
   (void)c;
   ScStatus status = fetch(ticket, world.stream_beside, 0);
   give_ticket(ticket);
   return status;
}

// ---- in one order ----

// What members begin together, which NCCL does not compare.
typedef enum { SUM = 1, BROADCAST, BARRIER, CALL } Kind;
typedef struct {
   int64_t kind, more, count; // more: a sum's dtype, a broadcast's root
} Begun;

// Each member has some words of its own: what it begins, and behind that what it has to say, where there is
// room for it. So all begin with the same sum, whatever they begin.
enum { WORDS = 1024, HEAD = sizeof(Begun) / sizeof(int64_t), LEAST = HEAD + SC_WORLD_TEXT / sizeof(int64_t) };

static Begun *begun_by(int rank) {
   return (Begun *)(world.words + (size_t)rank * world.room);
}

static void *said_by(int rank) {
   return begun_by(rank) + 1;
}

static bool has_room(size_t bytes) {
   return bytes <= (size_t)(world.room - HEAD) * sizeof(int64_t);
}

static void describe(char *out, size_t size, int rank) {
   const Begun *begun = begun_by(rank);
   long long count = begun->count;
   switch (begun->kind) {
   case SUM:
      snprintf(out, size, "adds up %lld number%s (%s)", count, count == 1 ? "" : "s",
               sc_dtype_name((ScDtype)begun->more));
      break;
   case BROADCAST: snprintf(out, size, "waits for %lld bytes of rank %d", count, (int)begun->more); break;
   case CALL: snprintf(out, size, "calls %s", (const char *)said_by(rank)); break;
   default: snprintf(out, size, "waits for all");
   }
}

static ScStatus compare(void) {
   for (int rank = 1; rank < world.is.size; rank++) {
      char one[SC_WORLD_TEXT + 8], other[sizeof one];
      if (memcmp(begun_by(rank), begun_by(0), sizeof(Begun)) == 0) continue;
      describe(one, sizeof one, 0);
      describe(other, sizeof other, rank);
      return sc_fail(
          SC_EARG,
          "scute.world: all processes have to make the same calls in the same order; rank 0 %s, rank "
          "%d %s",
          one, rank, other);
   }
   return SC_OK;
}

static ScStatus sum_words(ScPending *ticket, double seconds) {
   SC_TRY(sum(ticket, SC_I64, (int64_t)world.room * world.is.size, world.control, world.stream));
   return fetch(ticket, world.stream, seconds);
}

// Fails in all members alike where they do not begin the same, and in none of them has anything happened then.
// data: what this member says; NULL, or more than there is room for: nothing.
static ScStatus meet(Begun begun, const void *data, size_t bytes, double seconds) {
   ScPending *ticket;
   size_t all = (size_t)world.room * (size_t)world.is.size * sizeof(int64_t);
   memset(world.words, 0, all);
   *begun_by(world.is.rank) = begun;
   if (data && has_room(bytes)) memcpy(said_by(world.is.rank), data, bytes);
   SC_TRY(take_ticket(&ticket, world.words, all));
   ScStatus status = sum_words(ticket, seconds);
   give_ticket(ticket);
   return status == SC_OK ? compare() : status;
}

#define ADD(T)                                                                                                 \
   for (int64_t i = 0; i < n; i++) ((T *)to)[i] += ((const T *)from)[i]

// In the order of ranks, everywhere.
static void add_said(ScDtype dtype, int64_t n, void *to) {
   memcpy(to, said_by(0), (size_t)n * sc_dtype_size(dtype));
   for (int rank = 1; rank < world.is.size; rank++) {
      const void *from = said_by(rank);
      if (dtype == SC_F32)
         ADD(float);
      else if (dtype == SC_F64)
         ADD(double);
      else
         ADD(int64_t);
   }
}

static ScStatus add_there(ScDtype dtype, int64_t n, void *data, size_t bytes) {
   ScPending *ticket;
   SC_TRY(take_ticket(&ticket, data, bytes));
   ScStatus status = sum(ticket, dtype, n, world.control, world.stream);
   if (status == SC_OK) status = fetch(ticket, world.stream, 0);
   give_ticket(ticket);
   return status;
}

static ScStatus all_reduce(ScCommunicator *c, ScDtype dtype, int64_t n, void *data) {
   (void)c;
   if (n <= 0) return SC_OK;
   if (dtype != SC_F32 && dtype != SC_F64 && dtype != SC_I64)
      return sc_fail(SC_EARG, "expected f32, f64 or i64, found %s", sc_dtype_name(dtype));
   size_t bytes = (size_t)n * sc_dtype_size(dtype);
   SC_TRY(meet((Begun){SUM, dtype, n}, data, bytes, 0));
   if (!has_room(bytes)) return add_there(dtype, n, data, bytes);
   add_said(dtype, n, data);
   return SC_OK;
}

static ScStatus send_there(int root, void *data, size_t bytes) {
   ScPending *ticket;
   SC_TRY(take_ticket(&ticket, data, bytes));
   ScStatus status = send(ticket, world.stream);
   if (status == SC_OK) status = sc_nccl_broadcast(world.control, root, bytes, ticket->block, world.stream);
   if (status == SC_OK) status = mark(ticket, world.stream);
   if (status == SC_OK) status = fetch(ticket, world.stream, 0);
   give_ticket(ticket);
   return status;
}

static ScStatus broadcast(ScCommunicator *c, int root, size_t bytes, void *data) {
   if (bytes == 0) return SC_OK;
   SC_TRY(meet((Begun){BROADCAST, root, (int64_t)bytes}, c->rank == root ? data : NULL, bytes, 0));
   if (!has_room(bytes)) return send_there(root, data, bytes);
   memcpy(data, said_by(root), bytes);
   return SC_OK;
}

// Parts come to all, one after another, and the root keeps them.
static ScStatus gather(ScCommunicator *c, int root, size_t bytes, const void *mine, void *all) {
   char *part = malloc(bytes + 1);
   if (!part) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = SC_OK;
   for (int rank = 0; rank < c->size && status == SC_OK; rank++) {
      memcpy(part, mine, bytes);
      status = broadcast(c, rank, bytes, part);
      if (status == SC_OK && root == c->rank) memcpy((char *)all + (size_t)rank * bytes, part, bytes);
   }
   free(part);
   return status;
}

static const double FOREVER = 1e9; // for what may take any time; a process that dies is noticed

static ScStatus barrier(ScCommunicator *c, double seconds) {
   (void)c;
   return meet((Begun){.kind = BARRIER}, NULL, 0, seconds > 0 ? seconds : FOREVER);
}

static ScStatus call(ScCommunicator *c, ScWorldText *all, double seconds) {
   SC_TRY(meet((Begun){.kind = CALL}, all[c->rank], sizeof *all, seconds > 0 ? seconds : FOREVER));
   for (int rank = 0; rank < c->size; rank++) memcpy(all[rank], said_by(rank), sizeof *all);
   return SC_OK;
}

static void leave(ScCommunicator *c) {
   (void)c;
   if (world.stream) sc_cuda_unwatch(world.device, world.stream);
   if (world.stream_beside) sc_cuda_unwatch(world.device, world.stream_beside);
   sc_nccl_close(world.beside);
   sc_nccl_close(world.control);
   if (sc_cuda_use(world.device) == SC_OK) {
      for (ScPending *ticket = world.tickets; ticket;) {
         ScPending *next = ticket->next;
         free_ticket(ticket);
         ticket = next;
      }
      if (world.stream) cudaStreamDestroy(world.stream);
      if (world.stream_beside) cudaStreamDestroy(world.stream_beside);
   }
   free(world.words);
   world = (World){0};
}

// The others are ended by the program that started all of them, once this process has ended.
static void end_alone(ScCommunicator *c, int exit_code) {
   (void)exit_code;
   if (world.control) sc_nccl_abort(world.control, "this process has left the others");
   if (world.beside) sc_nccl_abort(world.beside, "this process has left the others");
   leave(c);
}

// ---- joining ----

static ScStatus read_number(const char *name, int least, int *out) {
   const char *text = getenv(name);
   char *end = NULL;
   long n = text ? strtol(text, &end, 10) : -1;
   if (n < least || n > 1 << 20 || *end)
      return sc_fail(SC_EARG, "%s: expected a number of at least %d, found '%.40s'", name, least,
                     text ? text : "");
   *out = (int)n;
   return SC_OK;
}

static ScStatus read_pipe(int ends[2]) {
   const char *text = getenv("SCUTE_WORLD_PIPE");
   if (text && sscanf(text, "%d,%d", &ends[0], &ends[1]) == 2) return SC_OK;
   return sc_fail(SC_EARG,
                  "SCUTE_WORLD_PIPE: expected the two ends of a pipe, found '%.40s'; 'scute --nproc N' sets it",
                  text ? text : "");
}

// Whole ids at a time, which a pipe neither parts nor mixes.
static ScStatus tell_id(const char *id, int end) {
   for (int rank = 1; rank < world.is.size; rank++)
      if (write(end, id, SC_NCCL_ID) != SC_NCCL_ID)
         return sc_fail(SC_EIO, "telling the other processes how to join: %s", strerror(errno));
   return SC_OK;
}

static ScStatus hear_id(char *id, int end) {
   ssize_t n;
   while ((n = read(end, id, SC_NCCL_ID)) < 0 && errno == EINTR) {
   }
   if (n == SC_NCCL_ID) return SC_OK;
   return sc_fail(SC_EIO, "rank 0 has ended before it said how to join");
}

// Nobody keeps an end by which it could be written to, so that a reader hears of rank 0's end.
static ScStatus exchange_id(char id[SC_NCCL_ID]) {
   int ends[2];
   SC_TRY(read_pipe(ends));
   ScStatus status = world.is.rank == 0 ? sc_nccl_make_id(id) : SC_OK;
   if (world.is.rank == 0 && status == SC_OK) status = tell_id(id, ends[1]);
   close(ends[1]);
   if (world.is.rank > 0) status = hear_id(id, ends[0]);
   close(ends[0]);
   return status;
}

static ScStatus open_streams(void) {
   SC_TRY(sc_cuda_use(world.device));
   SC_CUDA_TRY(cudaStreamCreateWithFlags(&world.stream, cudaStreamNonBlocking), WHAT);
   return sc_cuda_status(cudaStreamCreateWithFlags(&world.stream_beside, cudaStreamNonBlocking), WHAT);
}

static ScStatus open_all(void) {
   char id[SC_NCCL_ID], name[16];
   snprintf(name, sizeof name, "cuda:%d", world.is.rank);
   if (sc_device_find(name, &world.device) != SC_OK)
      return sc_fail(SC_EUNSUPPORTED, "%s; without MPI each of the %d processes needs a GPU of its own",
                     sc_error(), world.is.size);
   world.room = WORDS / world.is.size > LEAST ? WORDS / world.is.size : LEAST;
   world.words = calloc((size_t)world.room * (size_t)world.is.size, sizeof *world.words);
   if (!world.words) return sc_fail(SC_EMEM, "out of memory");
   SC_TRY(sc_nccl_find());
   SC_TRY(open_streams());
   SC_TRY(exchange_id(id));
   SC_TRY(sc_nccl_open(&world.control, world.device, world.is.rank, world.is.size, id));
   sc_cuda_watch(world.device, world.control, world.stream);
   SC_TRY(sc_cuda_group_join(&world.beside, world.device, &world.is));
   sc_cuda_watch(world.device, world.beside, world.stream_beside);
   return SC_OK;
}

static ScStatus join(ScCommunicator **out) {
   world = (World){.is = {.transport = "nccl",
                          .all_reduce = all_reduce,
                          .begin_all_reduce = begin_all_reduce,
                          .finish = finish,
                          .call = call,
                          .broadcast = broadcast,
                          .gather = gather,
                          .barrier = barrier,
                          .abort = end_alone,
                          .close = leave}};
   SC_TRY(read_number("SCUTE_WORLD_RANK", 0, &world.is.rank));
   SC_TRY(read_number("SCUTE_WORLD_SIZE", 1, &world.is.size));
   ScStatus status = open_all();
   if (status != SC_OK) {
      char why[600];
      snprintf(why, sizeof why, "%s", sc_error());
      if (world.device) end_alone(&world.is, EXIT_FAILURE);
      return sc_fail(status, "%s", why);
   }
   *out = &world.is;
   return SC_OK;
}

// ---- GPUs of a world ----

static ScStatus connect(ScDevice *device, ScCommunicator *of, ScCommunicator **out) {
   bool is_mine = of == &world.is && device == world.device;
   return sc_cuda_group_new(out, device, of, is_mine ? world.beside : NULL);
}

static const ScTransport nccl = {.name = "nccl", .backend = "cuda", .join = join, .connect = connect};
SC_TRANSPORT(nccl)
