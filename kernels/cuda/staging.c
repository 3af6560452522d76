#include "kernels/cuda/staging.h"

#include <stdlib.h>
#include <string.h>

#include "host/core/recording.h"
#include "host/core/sync.h"
#include "kernels/cuda/await.h"
#include "kernels/cuda/status.h"
#include "kernels/cuda/stream.h"

enum { CHUNK = 4 << 20, CHUNKS = 4, SMALL = 64 << 10, SMALLS = 16, LANDING = 64 << 20, LANDINGS = 2 };

// Pinned memory and the copy that last used it.
typedef struct Slot {
   char *data;
   size_t bytes;
   cudaEvent_t done;
   struct Slot *next; // of the tickets that are free
} Slot;

// Device memory in which a large upload arrives on the copy stream, while the compute stream still works with
// what went before. It cannot arrive in its own buffer: the pool orders those by the compute stream alone.
typedef struct {
   void *data;
   size_t bytes;
   cudaEvent_t arrived, taken;
} Landing;

typedef struct {
   const ScDevice *device;
   cudaStream_t copies;
   Slot chunk[CHUNKS], small[SMALLS];
   unsigned next_chunk, next_small, next_landing;
   Landing landing[LANDINGS];
   Slot *tickets;
} Staging;

static Staging *stagings[SC_MAXDEVICES];

static const char WHAT[] = "copying between host and GPU";

// ---- making and unmaking ----

static ScStatus new_event(cudaEvent_t *out) {
   return *out ? SC_OK
               : sc_cuda_status(cudaEventCreateWithFlags(out, cudaEventDisableTiming | cudaEventBlockingSync),
                                WHAT);
}

static ScStatus open_slot(Slot *slot, size_t bytes) {
   SC_TRY(new_event(&slot->done));
   if (slot->data) return SC_OK;
   SC_CUDA_TRY(cudaMallocHost((void **)&slot->data, bytes), "pinned memory of the host");
   slot->bytes = bytes;
   return SC_OK;
}

static void close_slot(Slot *slot) {
   if (slot->done) cudaEventDestroy(slot->done);
   if (slot->data) cudaFreeHost(slot->data);
}

// What is copied now would be copied again at each launch of a graph, from memory that has other content by
// then.
static ScStatus find_staging(Staging **out, ScDevice *device) {
   if (sc_records(device))
      return sc_fail(SC_EUNSUPPORTED, "%s: a graph copies nothing from or to the host", WHAT);
   SC_TRY(sc_cuda_use(device));
   Staging **staging = &stagings[device->index];
   if (!*staging) *staging = calloc(1, sizeof **staging);
   if (!*staging) return sc_fail(SC_EMEM, "out of memory");
   *out = *staging;
   (*out)->device = device;
   return (*out)->copies
              ? SC_OK
              : sc_cuda_status(cudaStreamCreateWithFlags(&(*out)->copies, cudaStreamNonBlocking), WHAT);
}

static void close_landing(Landing *landing) {
   if (landing->data) cudaFree(landing->data);
   if (landing->arrived) cudaEventDestroy(landing->arrived);
   if (landing->taken) cudaEventDestroy(landing->taken);
}

void sc_staging_close(const ScDevice *device) {
   Staging *s = stagings[device->index];
   if (!s) return;
   if (s->copies) cudaStreamSynchronize(s->copies);
   for (int i = 0; i < CHUNKS; i++) close_slot(&s->chunk[i]);
   for (int i = 0; i < SMALLS; i++) close_slot(&s->small[i]);
   for (int i = 0; i < LANDINGS; i++) close_landing(&s->landing[i]);
   for (Slot *slot = s->tickets; slot;) {
      Slot *next = slot->next;
      close_slot(slot);
      free(slot);
      slot = next;
   }
   if (s->copies) cudaStreamDestroy(s->copies);
   free(s);
   stagings[device->index] = NULL;
}

// ---- up ----

// The next slot of a ring, once the copy that used it last is through. This waits for copies alone (or, in the
// small ring, for work sixteen uploads old), so it keeps a program from running far ahead, not in step.
static ScStatus take_slot(Slot **out, const Staging *s, Slot *ring, unsigned n, unsigned *next, size_t bytes) {
   *out = &ring[(*next)++ % n];
   SC_TRY(open_slot(*out, bytes));
   return sc_cuda_await(s->device, (*out)->done, WHAT);
}

// The copy that uses a slot is what the slot's next user waits for. Where it cannot be marked it is waited for
// here.
static ScStatus mark(Slot *slot, cudaStream_t stream) {
   cudaError_t error = cudaEventRecord(slot->done, stream);
   if (error != cudaSuccess) cudaStreamSynchronize(stream);
   return sc_cuda_status(error, WHAT);
}

static ScStatus send_slot(Slot *slot, cudaStream_t stream, void *to, const void *from, size_t bytes) {
   memcpy(slot->data, from, bytes);
   SC_CUDA_TRY(cudaMemcpyAsync(to, slot->data, bytes, cudaMemcpyHostToDevice, stream), WHAT);
   return mark(slot, stream);
}

static ScStatus send_chunks(Staging *s, cudaStream_t stream, char *to, const char *from, size_t bytes) {
   for (size_t at = 0; at < bytes; at += CHUNK) {
      Slot *slot;
      SC_TRY(take_slot(&slot, s, s->chunk, CHUNKS, &s->next_chunk, CHUNK));
      SC_TRY(send_slot(slot, stream, to + at, from + at, bytes - at < CHUNK ? bytes - at : CHUNK));
   }
   return SC_OK;
}

// Once nobody uses it: the copies into it, and the one out of it.
static void close_block(Staging *s, Landing *landing) {
   sc_note_sync("staging memory that grows");
   sc_cuda_await_all(s->device, WHAT);
   cudaStreamSynchronize(s->copies);
   cudaFree(landing->data);
   landing->data = NULL;
   landing->bytes = 0;
}

// Of at least `bytes`; the smaller block before it is freed first.
static ScStatus open_landing(Staging *s, Landing *landing, size_t bytes) {
   SC_TRY(new_event(&landing->arrived));
   SC_TRY(new_event(&landing->taken));
   if (landing->bytes >= bytes) return SC_OK;
   if (landing->data) close_block(s, landing);
   SC_CUDA_TRY(cudaMalloc(&landing->data, bytes), WHAT);
   landing->bytes = bytes;
   return SC_OK;
}

static ScStatus send_by_landing(Staging *s, Landing *landing, cudaStream_t compute, void *to, const void *from,
                                size_t bytes) {
   SC_CUDA_TRY(cudaStreamWaitEvent(s->copies, landing->taken, 0), WHAT);
   SC_TRY(send_chunks(s, s->copies, landing->data, from, bytes));
   SC_CUDA_TRY(cudaEventRecord(landing->arrived, s->copies), WHAT);
   SC_CUDA_TRY(cudaStreamWaitEvent(compute, landing->arrived, 0), WHAT);
   SC_CUDA_TRY(cudaMemcpyAsync(to, landing->data, bytes, cudaMemcpyDeviceToDevice, compute), WHAT);
   return sc_cuda_status(cudaEventRecord(landing->taken, compute), WHAT);
}

// Where memory is short the overlap is given up, not the copy.
static ScStatus send_large(Staging *s, cudaStream_t compute, char *to, const char *from, size_t bytes) {
   for (size_t at = 0; at < bytes; at += LANDING) {
      size_t n = bytes - at < LANDING ? bytes - at : LANDING;
      Landing *landing = &s->landing[s->next_landing++ % LANDINGS];
      ScStatus status = open_landing(s, landing, n);
      if (status == SC_EMEM)
         SC_TRY(send_chunks(s, compute, to + at, from + at, n));
      else if (status != SC_OK)
         return status;
      else
         SC_TRY(send_by_landing(s, landing, compute, to + at, from + at, n));
   }
   return SC_OK;
}

ScStatus sc_cuda_upload(ScDevice *device, void *to, const void *from, size_t bytes) {
   Staging *s;
   SC_TRY(find_staging(&s, device));
   if (bytes > SMALL) return send_large(s, sc_cuda_stream(device), to, from, bytes);
   Slot *slot;
   SC_TRY(take_slot(&slot, s, s->small, SMALLS, &s->next_small, SMALL));
   return send_slot(slot, sc_cuda_stream(device), to, from, bytes);
}

// ---- down ----

static ScStatus fetch(Slot *slot, cudaStream_t stream, const void *from, size_t bytes) {
   SC_CUDA_TRY(cudaMemcpyAsync(slot->data, from, bytes, cudaMemcpyDeviceToHost, stream), WHAT);
   return mark(slot, stream);
}

static size_t chunk_at(size_t at, size_t bytes) {
   return bytes - at < CHUNK ? bytes - at : CHUNK;
}

// As many chunks as there are slots are on their way while the oldest is copied out.
ScStatus sc_cuda_download(ScDevice *device, void *to, const void *from, size_t bytes) {
   Staging *s;
   SC_TRY(find_staging(&s, device));
   sc_note_sync("values read");
   Slot *slots[CHUNKS];
   size_t asked = 0;
   for (size_t at = 0; at < bytes; at += CHUNK) {
      for (; asked < bytes && asked < at + (size_t)CHUNKS * CHUNK; asked += CHUNK) {
         Slot **slot = &slots[asked / CHUNK % CHUNKS];
         SC_TRY(take_slot(slot, s, s->chunk, CHUNKS, &s->next_chunk, CHUNK));
         SC_TRY(fetch(*slot, sc_cuda_stream(device), (const char *)from + asked, chunk_at(asked, bytes)));
      }
      Slot *slot = slots[at / CHUNK % CHUNKS];
      SC_TRY(sc_cuda_await(device, slot->done, WHAT));
      memcpy((char *)to + at, slot->data, chunk_at(at, bytes));
   }
   return SC_OK;
}

// ---- down, later ----

// A free ticket that is large enough, out of the list, or a new one.
static ScStatus take_ticket(Slot **out, Staging *s, size_t bytes) {
   for (Slot **at = &s->tickets; *at; at = &(*at)->next)
      if ((*at)->bytes >= bytes) {
         *out = *at;
         *at = (*at)->next;
         return SC_OK;
      }
   size_t capacity = 4096;
   while (capacity < bytes) capacity *= 2;
   Slot *slot = calloc(1, sizeof *slot);
   if (!slot) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = open_slot(slot, capacity);
   if (status != SC_OK) {
      close_slot(slot);
      free(slot);
      return status;
   }
   *out = slot;
   return SC_OK;
}

static void give_ticket(Staging *s, Slot *slot) {
   slot->next = s->tickets;
   s->tickets = slot;
}

ScStatus sc_cuda_begin_read(ScDevice *device, const void *from, size_t bytes, void **ticket) {
   Staging *s;
   Slot *slot;
   SC_TRY(find_staging(&s, device));
   SC_TRY(take_ticket(&slot, s, bytes));
   ScStatus status = fetch(slot, sc_cuda_stream(device), from, bytes);
   if (status != SC_OK) return give_ticket(s, slot), status;
   *ticket = slot;
   return SC_OK;
}

// A wait that has to be: whoever reads one step late finds the copy through already.
// The ticket goes back to where it came from also when nothing works any more.
ScStatus sc_cuda_end_read(ScDevice *device, void *ticket, void *to, size_t bytes) {
   Slot *slot = ticket;
   cudaError_t error = cudaEventQuery(slot->done);
   if (error == cudaErrorNotReady) sc_note_sync("values read later, but not late enough");
   ScStatus status = error == cudaErrorNotReady ? sc_cuda_await(device, slot->done, WHAT)
                     : error == cudaSuccess     ? sc_cuda_check_groups(device)
                                                : sc_cuda_status(error, WHAT);
   if (status == SC_OK && to) memcpy(to, slot->data, bytes);
   give_ticket(stagings[device->index], slot);
   return status;
}
