#include "host/core/trace_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char END[] = "\n]}\n";
enum { END_BYTES = sizeof END - 1 };

struct ScTraceFile {
   int fd;
   off_t length; // without the end
   char *path;
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

ScStatus sc_trace_file_open(ScTraceFile **out, const char *path, const char *head) {
   ScTraceFile *f = calloc(1, sizeof *f);
   if (!f || !(f->path = strdup(path))) {
      free(f);
      return sc_fail(SC_EMEM, "cannot write '%s': out of memory", path);
   }
   f->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
   ScStatus status = f->fd < 0 ? failed(path) : sc_trace_file_append(f, head, strlen(head));
   if (status == SC_OK) return *out = f, SC_OK;
   sc_trace_file_close(f);
   return sc_fail(status, "%s", sc_error());
}

ScStatus sc_trace_file_close(ScTraceFile *f) {
   ScStatus status = f->fd >= 0 && close(f->fd) != 0 ? failed(f->path) : SC_OK;
   free(f->path);
   free(f);
   return status;
}
