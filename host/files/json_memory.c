#include "host/files/json_memory.h"

#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>

static _Thread_local bool starved;

static void *allocate(size_t bytes) {
   void *block = malloc(bytes);
   if (!block) starved = true;
   return block;
}

static void watch_allocations(void) {
   json_set_alloc_funcs(allocate, free);
}

void sc_json_watch(void) {
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, watch_allocations);
   starved = false;
}

bool sc_json_starved(void) {
   return starved;
}
