// By a few threads: what it takes is waiting for the disk.
#include "host/photo/photo_kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zlib.h>

#include "host/photo/photo_kind.h"

enum { CHUNK = 64, MOST_WORKERS = 64 };

// ---- one file ----

// What a file begins with.
typedef struct {
   unsigned char bytes[SC_PHOTO_HEAD];
   size_t length;
   bool is_regular;
   int64_t size; // of the whole
   int error;
} Head;

static void read_open(int file, Head *head) {
   struct stat info;
   ssize_t n = -1;
   if (fstat(file, &info) == 0) {
      head->is_regular = S_ISREG(info.st_mode);
      head->size = info.st_size;
      if (!head->is_regular && !S_ISDIR(info.st_mode)) return;
      n = pread(file, head->bytes, sizeof head->bytes, 0);
   }
   if (n < 0) head->error = errno;
   if (n > 0) head->length = (size_t)n;
}

static void read_head(const char *path, Head *head) {
   head->length = 0, head->size = 0, head->error = 0, head->is_regular = false;
   int file =
       open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // non-blocking: a pipe without a writer must not hang
   if (file < 0) {
      head->error = errno;
      return;
   }
   read_open(file, head);
   close(file);
}

// ---- many ----

typedef struct {
   const char *const *paths;
   int64_t n;
   unsigned char *kinds; // with errors, or else NULL
   int *errors;
   int64_t *marks;
   _Atomic int64_t next;
} Work;

static void note(Work *work, int64_t i, const Head *head) {
   if (work->marks) {
      uint32_t crc = (uint32_t)crc32_z(0, head->bytes, head->length);
      bool whole = head->is_regular && !head->error;
      work->marks[i] = whole ? (int64_t)(((uint64_t)head->size & INT32_MAX) << 32 | crc) : -1;
   } else {
      ScPhotoKind kind = head->length > 0 ? sc_photo_kind((ScBytes){head->bytes, head->length}) : SC_PHOTO_NONE;
      work->kinds[i] = (unsigned char)kind;
      work->errors[i] = head->error;
   }
}

static void *look(void *argument) {
   Work *work = argument;
   Head head;
   for (int64_t from; (from = atomic_fetch_add(&work->next, CHUNK)) < work->n;)
      for (int64_t i = from; i < from + CHUNK && i < work->n; i++) {
         read_head(work->paths[i], &head);
         note(work, i, &head);
      }
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

static void run(Work *work, int workers) {
   pthread_t threads[MOST_WORKERS];
   int64_t useful = (work->n + CHUNK - 1) / CHUNK;
   if (workers > MOST_WORKERS) workers = MOST_WORKERS;
   if (workers > useful) workers = (int)useful;
   int started = start(work, workers - 1, threads);
   look(work);
   for (int i = 0; i < started; i++) pthread_join(threads[i], NULL);
}

void sc_photo_kinds(const char *const *paths, int64_t n, int workers, unsigned char *kinds, int *errors) {
   run(&(Work){.paths = paths, .n = n, .kinds = kinds, .errors = errors}, workers);
}

void sc_photo_marks(const char *const *paths, int64_t n, int workers, int64_t *marks) {
   run(&(Work){.paths = paths, .n = n, .marks = marks}, workers);
}
