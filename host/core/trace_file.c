#include "host/core/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char END[] = "\n]}\n";
enum { END_BYTES = sizeof END - 1 };

struct ScTraceFile {
   int fd;
   off_t length; // without the end
   char *path;
   char *whole_path; // whatever the current folder is later; NULL: of what has none
};

static ScStatus failed(const char *path) {
   return sc_fail(SC_EIO, "cannot write '%s': %s", path, strerror(errno));
}

static bool write_at(int fd, const char *text, size_t bytes, off_t at) {
   for (size_t done = 0; done < bytes;) {
      ssize_t n = pwrite(fd, text + done, bytes - done, at + (off_t)done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return false;
      if (n == 0) return errno = ENOSPC, false;
      done += (size_t)n;
   }
   return true;
}

// The end lies where one was, which takes no more of the disk.
static void mend(ScTraceFile *f) {
   int reason = errno;
   if (ftruncate(f->fd, f->length + END_BYTES) == 0) write_at(f->fd, END, END_BYTES, f->length);
   errno = reason;
}

ScStatus sc_trace_file_append(ScTraceFile *f, const char *text, size_t bytes) {
   char *whole = malloc(bytes + END_BYTES);
   if (!whole) return sc_fail(SC_EMEM, "cannot write '%s': out of memory", f->path);
   memcpy(whole, text, bytes);
   memcpy(whole + bytes, END, END_BYTES);
   bool written = write_at(f->fd, whole, bytes + END_BYTES, f->length);
   free(whole);
   if (written)
      f->length += (off_t)bytes;
   else
      mend(f);
   return written ? SC_OK : failed(f->path);
}

static void let_go(ScTraceFile *f) {
   if (f->fd >= 0) close(f->fd);
   free(f->path);
   free(f->whole_path);
   free(f);
}

ScStatus sc_trace_file_open(ScTraceFile **out, const char *path, const char *head) {
   ScTraceFile *f = calloc(1, sizeof *f);
   if (!f || !(f->path = strdup(path))) {
      free(f);
      return sc_fail(SC_EMEM, "cannot write '%s': out of memory", path);
   }
   f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
   ScStatus status = f->fd < 0 ? failed(path) : sc_trace_file_append(f, head, strlen(head));
   if (status == SC_OK) {
      f->whole_path = realpath(path, NULL);
      return *out = f, SC_OK;
   }
   let_go(f);
   return status;
}

static bool is_in_its_place(const ScTraceFile *f) {
   struct stat own, there;
   if (!f->whole_path || fstat(f->fd, &own) != 0) return true;
   return stat(f->whole_path, &there) == 0 && there.st_dev == own.st_dev && there.st_ino == own.st_ino;
}

ScStatus sc_trace_file_close(ScTraceFile *f) {
   ScStatus status = SC_OK;
   if (!is_in_its_place(f))
      status = sc_fail(SC_EIO, "'%s' was removed or moved away while it was written", f->path);
   if (close(f->fd) != 0 && status == SC_OK) status = failed(f->path);
   f->fd = -1;
   let_go(f);
   return status;
}
