#include "host/files/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/core/span.h"

struct ScFile {
   int fd;
   bool synced; // what was written is on disk
   char *path;
   char *temporary;
};

static ScStatus cannot_write(const char *path, int error) {
   return sc_fail(SC_EIO, "cannot write %s: %s; nothing that was there before is changed", path,
                  strerror(error));
}

static void forget(ScFile *file) {
   if (file->fd >= 0) close(file->fd);
   free(file->path);
   free(file->temporary);
   free(file);
}

static ScFile *new_file(const char *path, const char *suffix) {
   ScFile *file = calloc(1, sizeof *file);
   if (!file) return NULL;
   file->fd = -1;
   file->path = strdup(path);
   size_t length = strlen(path) + strlen(suffix) + 1;
   file->temporary = malloc(length);
   if (!file->path || !file->temporary) {
      forget(file);
      return NULL;
   }
   snprintf(file->temporary, length, "%s%s", path, suffix);
   return file;
}

// Refuses early what rename would refuse after all the work.
static ScStatus check_target(const char *path) {
   struct stat info;
   if (!*path) return sc_fail(SC_EARG, "cannot write a file without a name");
   if (stat(path, &info) != 0) return SC_OK;
   if (S_ISDIR(info.st_mode)) return cannot_write(path, EISDIR);
   if (!S_ISREG(info.st_mode)) // the new file would take its place
      return sc_fail(SC_EIO, "cannot write %s: expected a file, found a pipe, socket or device", path);
   return SC_OK;
}

// Another process may rename its finished .part, or remove our .tmp as a left-over, between our open and our
// lock; then the file we hold is no longer the one of that name.
static bool still_named(const ScFile *file) {
   struct stat held, named;
   return fstat(file->fd, &held) == 0 && lstat(file->temporary, &named) == 0 && held.st_ino == named.st_ino &&
          held.st_dev == named.st_dev;
}

// Whether `name` is "<base>.<digits>-<digits>.tmp", as sc_file_create calls its files.
static bool is_temporary_of(const char *name, const char *base) {
   size_t length = strlen(base);
   int end = 0;
   if (strncmp(name, base, length) != 0) return false;
   sscanf(name + length, ".%*[0-9]-%*[0-9].tmp%n", &end);
   return end > 0 && name[length + (size_t)end] == '\0';
}

// A writer holds a lock on its file until it ends, however it ends; what nobody holds was left by a killed one.
static void remove_left_over(int folder, const char *name) {
   int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
   if (fd < 0) return;
   if (flock(fd, LOCK_EX | LOCK_NB) == 0) unlinkat(folder, name, 0);
   close(fd);
}

static void remove_left_overs(const char *path) {
   const char *slash = strrchr(path, '/');
   char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
   DIR *entries = folder ? opendir(folder) : NULL;
   free(folder);
   if (!entries) return;
   for (struct dirent *entry; (entry = readdir(entries));)
      if (is_temporary_of(entry->d_name, slash ? slash + 1 : path))
         remove_left_over(dirfd(entries), entry->d_name);
   closedir(entries);
}

// 0, or what is wrong, as errno says it. EEXIST: the name is taken, by what a dead process with our number left
// and nobody could remove, or by one that takes ours for a left-over between our open and our lock. Where the
// file system has no locks no one else gets one either, and nothing is removed.
static int open_temporary(ScFile *file) {
   file->fd = open(file->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
   if (file->fd < 0) return errno;
   bool free_of_others = flock(file->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
   return free_of_others && still_named(file) ? 0 : EEXIST;
}

ScStatus sc_file_create(ScFile **out, const char *path) {
   static _Atomic unsigned count;
   SC_TRY(check_target(path));
   remove_left_overs(path);
   int error = EEXIST;
   for (int attempt = 0; attempt < 10 && error == EEXIST; attempt++) {
      char suffix[48];
      snprintf(suffix, sizeof suffix, ".%ld-%u.tmp", (long)getpid(), atomic_fetch_add(&count, 1));
      ScFile *file = new_file(path, suffix);
      if (!file) return sc_fail(SC_EMEM, "out of memory");
      error = open_temporary(file);
      if (error == 0) return *out = file, SC_OK;
      forget(file);
   }
   return cannot_write(path, error);
}

static ScStatus empty(ScFile *file) {
   if (ftruncate(file->fd, 0) == 0) return SC_OK;
   int error = errno;
   unlink(file->temporary);
   return cannot_write(file->path, error);
}

static ScStatus open_part(ScFile *file) {
   for (int attempt = 0; attempt < 10; attempt++) {
      file->fd = open(file->temporary, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
      if (file->fd < 0) return cannot_write(file->path, errno);
      if (flock(file->fd, LOCK_EX | LOCK_NB) != 0) break;
      if (still_named(file)) return empty(file);
      close(file->fd);
      file->fd = -1;
   }
   return sc_fail(SC_EIO, "cannot write %s: another process is writing %s; wait until it is done", file->path,
                  file->temporary);
}

ScStatus sc_file_create_part(ScFile **out, const char *path) {
   SC_TRY(check_target(path));
   ScFile *file = new_file(path, ".part");
   if (!file) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = open_part(file);
   if (status != SC_OK) {
      forget(file);
      return status;
   }
   *out = file;
   return SC_OK;
}

// What a call of write or pwrite gave: how many bytes are done, 0 to try again, -1 where it failed. One that
// takes nothing, and does not say why, would be tried for ever.
static ssize_t progress(ssize_t written) {
   if (written < 0 && errno == EINTR) return 0;
   if (written == 0) errno = EIO;
   return written > 0 ? written : -1;
}

ScStatus sc_file_write(ScFile *file, const void *data, size_t bytes) {
   const char *at = data;
   file->synced = false;
   while (bytes > 0) {
      ssize_t done = progress(write(file->fd, at, bytes < 1 << 30 ? bytes : 1 << 30));
      if (done < 0) return cannot_write(file->path, errno);
      at += done;
      bytes -= (size_t)done;
   }
   return SC_OK;
}

ScStatus sc_file_patch(ScFile *file, int64_t offset, const void *data, size_t bytes) {
   const char *at = data;
   file->synced = false;
   while (bytes > 0) {
      ssize_t done = progress(pwrite(file->fd, at, bytes, offset));
      if (done < 0) return cannot_write(file->path, errno);
      at += done;
      offset += done;
      bytes -= (size_t)done;
   }
   return SC_OK;
}

static ScStatus sync_content(ScFile *file) {
   if (!file->synced && fsync(file->fd) != 0) return cannot_write(file->path, errno);
   file->synced = true;
   return SC_OK;
}

ScStatus sc_file_sync(ScFile *file, ScSource *out) {
   struct stat info;
   SC_TRY(sync_content(file));
   if (fstat(file->fd, &info) != 0) return cannot_write(file->path, errno);
   *out = (ScSource){file->path, file->fd, info.st_size, info.st_mtim};
   return SC_OK;
}

// Opens the folder that a file is in; no memory is needed for it.
static int open_folder(char *path) {
   char *slash = strrchr(path, '/');
   if (slash) *slash = '\0'; // for a moment
   int fd = open(!slash ? "." : slash == path ? "/" : path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
   if (slash) *slash = '/';
   return fd;
}

// After a power failure the rename is only certain once the folder itself is on disk. File systems that cannot
// sync a folder say EINVAL, which loses nothing.
static ScStatus sync_folder(char *path) {
   int fd = open_folder(path), error = 0;
   if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL && errno != EROFS) error = errno;
   if (fd >= 0) close(fd);
   return error ? sc_fail(SC_EIO, "cannot write %s to disk: %s", path, strerror(error)) : SC_OK;
}

static ScStatus finish(ScFile *file) {
   struct stat old;
   if (stat(file->path, &old) == 0) (void)!fchmod(file->fd, old.st_mode & 07777);
   SC_TRY(sync_content(file));
   // The lock of a .part ends with close, so the name changes first.
   if (rename(file->temporary, file->path) != 0) return cannot_write(file->path, errno);
   int fd = file->fd;
   file->fd = -1;
   if (close(fd) != 0) return sc_fail(SC_EIO, "cannot write %s: %s", file->path, strerror(errno));
   return sync_folder(file->path);
}

ScStatus sc_file_commit(ScFile *file) {
   ScStatus status = finish(file);
   if (status != SC_OK) {
      sc_file_abandon(file);
      return status;
   }
   forget(file);
   return SC_OK;
}

void sc_file_abandon(ScFile *file) {
   if (!file) return;
   if (file->fd >= 0) unlink(file->temporary);
   forget(file);
}

static ScStatus save(const char *path, const void *data, size_t bytes) {
   ScFile *file;
   SC_TRY(sc_file_create(&file, path));
   ScStatus status = sc_file_write(file, data, bytes);
   if (status != SC_OK) {
      sc_file_abandon(file);
      return status;
   }
   return sc_file_commit(file);
}

ScStatus sc_file_save(const char *path, const void *data, size_t bytes) {
   int span = sc_span_begin("writing files");
   ScStatus status = save(path, data, bytes);
   sc_span_end(span);
   return status;
}

static ScStatus make_folder(const char *path) {
   if (mkdir(path, 0777) == 0) return SC_OK;
   int error = errno;
   struct stat info;
   if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) return SC_OK;
   return sc_fail(SC_EIO, "cannot create the folder %s: %s", path, strerror(error == EEXIST ? ENOTDIR : error));
}

ScStatus sc_file_mkdirs(const char *path) {
   if (!*path) return sc_fail(SC_EARG, "cannot create a folder without a name");
   char *partial = strdup(path);
   if (!partial) return sc_fail(SC_EMEM, "out of memory");
   ScStatus status = SC_OK;
   for (char *at = partial + 1; *at && status == SC_OK; at++) {
      if (*at != '/') continue;
      *at = '\0';
      status = make_folder(partial);
      *at = '/';
   }
   if (status == SC_OK) status = make_folder(partial);
   free(partial);
   return status;
}
