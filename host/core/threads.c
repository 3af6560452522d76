#include "host/core/threads.h"

#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// ---- one thread needs no team ----

// For a loop that is not worth more than one thread libgomp takes memory for a team of one each time, and ends
// the process where there is none. The linker (see the Makefile) puts the first of these in the place of the
// second.
void __wrap_GOMP_parallel(void (*run)(void *), void *data, unsigned threads, unsigned flags);
void __real_GOMP_parallel(void (*run)(void *), void *data, unsigned threads, unsigned flags);

void __wrap_GOMP_parallel(void (*run)(void *), void *data, unsigned threads, unsigned flags) {
   bool alone = threads == 1 || (threads == 0 && omp_get_max_threads() == 1);
   if (alone && !omp_in_parallel())
      run(data);
   else
      __real_GOMP_parallel(run, data, threads, flags);
}

// ---- starting threads ----

static void *wait_for_others(void *lock) {
   pthread_mutex_lock(lock);
   pthread_mutex_unlock(lock);
   return NULL;
}

// Starts n threads that live at the same time, and ends them. Returns 0, or what was in the way.
static int try_threads(int n) {
   pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
   pthread_t *threads = calloc((size_t)n, sizeof *threads);
   if (!threads) return ENOMEM;
   int started = 0, failed = 0;
   pthread_mutex_lock(&lock);
   while (started < n && !failed) {
      failed = pthread_create(&threads[started], NULL, wait_for_others, &lock);
      if (!failed) started++;
   }
   pthread_mutex_unlock(&lock);
   while (started > 0) pthread_join(threads[--started], NULL);
   free(threads);
   return failed;
}

// A first loop, so that the threads are there from now on.
static void start_team(void) {
   atomic_int members = 0;
#pragma omp parallel
   atomic_fetch_add(&members, 1);
}

ScStatus sc_threads_set(int n) {
   static int most = 1; // that were ever started
   int failed = n > most ? try_threads(n - 1) : 0;
   if (failed)
      return sc_fail(SC_EMEM, "out of memory: %d compute threads cannot be started: %s", n, strerror(failed));
   if (n > most) most = n;
   omp_set_num_threads(n);
   start_team();
   return SC_OK;
}
