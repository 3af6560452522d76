#include "host/core/sync.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>

enum { MOST = 16 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ScSync counted[MOST];
static int ncounted;
static void (*watcher_)(const char *);

static void count(const char *what) {
   int i = 0;
   while (i < ncounted && strcmp(counted[i].what, what) != 0) i++;
   if (i == MOST) return;
   if (i == ncounted) counted[ncounted++] = (ScSync){what, 0};
   counted[i].count++;
}

void sc_note_sync(const char *what) {
   pthread_mutex_lock(&lock);
   count(what);
   pthread_mutex_unlock(&lock);
   if (watcher_) watcher_(what);
}

int sc_syncs(const ScSync **out) {
   *out = counted;
   return ncounted;
}

void sc_reset_syncs(void) {
   ncounted = 0;
}

void sc_watch_syncs(void (*watcher)(const char *what)) {
   watcher_ = watcher;
}
