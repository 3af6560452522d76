#include "host/core/recording.h"

#include <pthread.h>
#include <stdatomic.h>

#include "host/core/reserve.h"

// Buffers may be let go of by threads that save.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t now = 1; // the era of buffers that are made now

static struct {
   const struct ScDevice *device; // NULL: there is none
   bool on;                       // being recorded
   uint64_t era;                  // of buffers that are made meanwhile; those before have lower ones
   int n;
   ScWatched *watched;
   ScGraphDraws draws;
   const char *fault;
   ScReserve reserve;
} it;

static void set_device(const struct ScDevice *device) {
   pthread_mutex_lock(&lock);
   it.device = device;
   it.era = ++now;
   pthread_mutex_unlock(&lock);
}

bool sc_recording_begin(const struct ScDevice *device, int n, ScWatched *watched, ScGraphDraws draws) {
   if (it.device) return false;
   it.n = n;
   it.watched = watched;
   it.draws = draws;
   it.fault = NULL;
   it.on = true;
   set_device(device);
   return true;
}

const char *sc_recording_stop(void) {
   it.on = false;
   it.n = 0;
   now++;
   return it.fault;
}

void sc_recording_end(ScPool *pool) {
   set_device(NULL);
   sc_reserve_give_back(&it.reserve, pool);
}

bool sc_records(const struct ScDevice *device) {
   return it.on && device == it.device;
}

bool sc_has_recording(const struct ScDevice *device) {
   return device == it.device;
}

const ScGraphDraws *sc_recording_draws(const struct ScDevice *device) {
   return sc_records(device) ? &it.draws : NULL;
}

// ---- what is recorded ----

uint64_t sc_recording_era(void) {
   return now;
}

static ScWatched *find(const void *data) {
   for (int i = 0; i < it.n; i++)
      if (it.watched[i].data == data) return &it.watched[i];
   return NULL;
}

bool sc_recording_watches(const struct ScDevice *device, const void *data) {
   return sc_records(device) && find(data);
}

static bool is_older(const struct ScDevice *device, uint64_t era) {
   return sc_records(device) && era < it.era;
}

void sc_recording_reads(const struct ScDevice *device, uint64_t era, const void *data) {
   if (is_older(device, era) && !find(data)) it.fault = "it reads a tensor that is not watched";
}

void sc_recording_writes(const struct ScDevice *device, uint64_t era, const void *data) {
   if (!is_older(device, era)) return;
   ScWatched *watched = find(data);
   if (watched)
      watched->written = true;
   else
      it.fault = "it writes into a tensor that is not watched";
}

// ---- memory ----

ScBlock *sc_recording_take(const struct ScDevice *device, size_t bytes) {
   pthread_mutex_lock(&lock);
   ScBlock *found = sc_records(device) ? sc_reserve_take(&it.reserve, bytes) : NULL;
   pthread_mutex_unlock(&lock);
   return found;
}

bool sc_recording_keep(const struct ScDevice *device, uint64_t era, ScBlock *block) {
   pthread_mutex_lock(&lock);
   bool kept = it.device == device && era <= it.era;
   if (kept) sc_reserve_put(&it.reserve, block);
   pthread_mutex_unlock(&lock);
   return kept;
}
