// By a few threads: what it takes is waiting for the disk.
#include "host/photo/photo_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/photo/photo_kind.h"

enum { CHUNK = 64, MOST_WORKERS = 64 };

// ---- one file ----

static ScPhotoKind kind_of_open(int file, int *error) {
   unsigned char head[SC_PHOTO_HEAD];
   struct stat info;
   ssize_t n = -1;
   if (fstat(file, &info) == 0) {
      if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return SC_PHOTO_NONE;
      n = pread(file, head, sizeof head, 0);
   }
   if (n < 0) *error = errno;
   return n > 0 ? sc_photo_kind((ScBytes){head, (size_t)n}) : SC_PHOTO_NONE;
}

static ScPhotoKind kind_of_file(const char *path, int *error) {
   *error = 0;
   int file =
       open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // non-blocking: a pipe without a writer must not hang
   if (file < 0) {
      *error = errno;
      return SC_PHOTO_NONE;
   }
   ScPhotoKind kind = kind_of_open(file, error);
   close(file);
   return kind;
}

// ---- many ----

typedef struct {
   const char *const *paths;
   int64_t n;
   unsigned char *kinds;
   int *errors;
   _Atomic int64_t next;
} Work;

static void *look(void *argument) {
   Work *work = argument;
   for (int64_t from; (from = atomic_fetch_add(&work->next, CHUNK)) < work->n;)
      for (int64_t i = from; i < from + CHUNK && i < work->n; i++)
         work->kinds[i] = (unsigned char)kind_of_file(work->paths[i], &work->errors[i]);
   return NULL;
}

// Threads that take no signals: those belong to the main thread.
static int start(Work *work, int wanted, pthread_t *threads) {
   sigset_t all, before;
   int started = 0;
   sigfillset(&all);
   pthread_sigmask(SIG_SETMASK, &all, &before);
   while (started < wanted && pthread_create(&threads[started], NULL, look, work) == 0) started++;
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   return started;
}

void sc_photo_kinds(const char *const *paths, int64_t n, int workers, unsigned char *kinds, int *errors) {
   Work work = {.paths = paths, .n = n, .kinds = kinds, .errors = errors};
   pthread_t threads[MOST_WORKERS];
   int64_t useful = (n + CHUNK - 1) / CHUNK;
   if (workers > MOST_WORKERS) workers = MOST_WORKERS;
   if (workers > useful) workers = (int)useful;
   int started = start(&work, workers - 1, threads);
   look(&work);
   for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}
