#include "host/files/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/files/file.h"

struct ScLock {
   int folder; // where it lies, by whatever name
   int fd;
   char *name;
};

static ScStatus cannot_lock(const char *path, int error) {
   return sc_fail(SC_EIO, "cannot write %s: %s", path, strerror(error));
}

static bool are_same(const struct stat *a, const struct stat *b) {
   return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

// Between our open and our lock another process may have removed the file, or moved its folder away.
static bool still_named(const ScLock *lock, const char *path) {
   struct stat held, named;
   return fstat(lock->fd, &held) == 0 && lstat(path, &named) == 0 && are_same(&held, &named);
}

static void forget(ScLock *lock) {
   if (lock->fd >= 0) close(lock->fd);
   if (lock->folder >= 0) close(lock->folder);
   free(lock->name);
   free(lock);
}

static ScLock *new_lock(const char *name) {
   ScLock *lock = calloc(1, sizeof *lock);
   if (!lock) return NULL;
   lock->fd = lock->folder = -1;
   if ((lock->name = strdup(name))) return lock;
   free(lock);
   return NULL;
}

// Who has it says so in its first line, unless it has only just begun.
static void read_holder(int fd, char holder[SC_LOCK_HOLDER]) {
   ssize_t length = pread(fd, holder, SC_LOCK_HOLDER - 1, 0);
   holder[length > 0 ? length : 0] = '\0';
   holder[strcspn(holder, "\n")] = '\0';
}

// On a full disk the file stays empty; the lock holds all the same.
static void write_holder(const ScLock *lock) {
   char host[256] = "", text[SC_LOCK_HOLDER];
   gethostname(host, sizeof host - 1);
   int length = snprintf(text, sizeof text, "process %ld on %s\n", (long)getpid(), host);
   int fd = openat(lock->folder, lock->name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
   if (fd < 0) return;
   (void)!write(fd, text, (size_t)length);
   close(fd);
}

// A file that is open for writing keeps its disk from being made read-only, so ours is not, except where the
// file system wants that of an exclusive lock (NFS). Returns 0 or an error; where there are no locks that is 0.
static int lock_file(ScLock *lock, int how) {
   lock->fd = openat(lock->folder, lock->name, how | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
   if (lock->fd < 0) return errno;
   if (flock(lock->fd, LOCK_EX | LOCK_NB) == 0) return 0;
   if (errno == EWOULDBLOCK) return EWOULDBLOCK;
   if (errno != EBADF || how != O_RDONLY) return 0;
   close(lock->fd);
   return lock_file(lock, O_RDWR);
}

enum { TAKEN, HELD, GONE, FAILED };

static int try_once(ScLock *lock, const char *folder, const char *path, char holder[SC_LOCK_HOLDER]) {
   lock->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
   int error = lock->folder < 0 ? errno : lock_file(lock, O_RDONLY);
   if (error == EWOULDBLOCK) read_holder(lock->fd, holder);
   errno = error;
   if (error) return error == EWOULDBLOCK ? HELD : error == ENOENT ? GONE : FAILED;
   if (!still_named(lock, path)) return GONE;
   write_holder(lock);
   return TAKEN;
}

static ScStatus take(ScLock **out, const char *folder, const char *path, char holder[SC_LOCK_HOLDER]) {
   for (int attempt = 0; attempt < 10; attempt++) {
      SC_TRY(sc_file_mkdirs(folder));
      ScLock *lock = new_lock(path + strlen(folder) + 1);
      if (!lock) return sc_fail(SC_EMEM, "out of memory");
      int outcome = try_once(lock, folder, path, holder), error = errno;
      if (outcome == TAKEN) {
         *out = lock;
         return SC_OK;
      }
      forget(lock);
      if (outcome == HELD) return SC_OK;
      if (outcome == FAILED) return cannot_lock(path, error);
   }
   return cannot_lock(path, EBUSY);
}

ScStatus sc_lock_take(ScLock **out, const char *path, char holder[SC_LOCK_HOLDER]) {
   const char *slash = strrchr(path, '/');
   *out = NULL;
   holder[0] = '\0';
   if (!slash || slash == path) return sc_fail(SC_EARG, "a lock lies in a folder, '%s' does not", path);
   char *folder = strndup(path, (size_t)(slash - path));
   if (!folder) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = take(out, folder, path, holder);
   free(folder);
   return status;
}

void sc_lock_release(ScLock *lock) {
   struct stat held, named;
   if (!lock) return;
   if (fstat(lock->fd, &held) == 0 && fstatat(lock->folder, lock->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
       are_same(&held, &named))
      unlinkat(lock->folder, lock->name, 0);
   forget(lock);
}
