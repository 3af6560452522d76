#define _GNU_SOURCE
#include "host/files/watched.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/core/stamp.h"

// Looks for which a file stays as it is before it counts as saved: editors write in steps, or empty it first.
// One that is not whole gets more of them.
enum { QUIET = 2, PATIENT = 20 };

typedef struct {
   char *path;
   ScStamp seen;    // as it was when it was read; all zero: it was not there
   ScStamp current; // as it was at the last look
   int quiet;       // looks since it became so
} File;

struct ScWatched {
   int in, out; // a pipe from the run
   File *files;
   size_t count, room;
};

// What goes through the pipe, in one piece.
typedef struct {
   ScStamp stamp;
   char path[PIPE_BUF - sizeof(ScStamp)];
} Note;

// The time of the last change of the inode does not count: a backup that an editor links changes it.
static ScStamp look(const char *path) {
   struct stat info;
   if (stat(path, &info) != 0) return (ScStamp){0};
   ScStamp stamp = sc_stamp(&info);
   stamp.changed = stamp.changed_ns = 0;
   return stamp;
}

static bool is_there(const ScStamp *stamp) {
   return stamp->inode != 0;
}

// ---- the list ----

// Relative names are those of the folder that the process is in at the moment.
static bool whole_name(const char *path, char *to, size_t room) {
   char here[PATH_MAX];
   while (strncmp(path, "./", 2) == 0) path += 2;
   int length = path[0] == '/'                   ? snprintf(to, room, "%s", path)
                : getcwd(here, sizeof here) != 0 ? snprintf(to, room, "%s/%s", here, path)
                                                 : -1;
   return length > 0 && (size_t)length < room;
}

ScStatus sc_watched_new(ScWatched **out) {
   int ends[2];
   ScWatched *watched = calloc(1, sizeof *watched);
   if (!watched) return sc_fail(SC_EMEM, "out of memory");
   if (pipe2(ends, O_CLOEXEC) != 0) {
      free(watched);
      return sc_fail(SC_EIO, "cannot make a pipe: %s", strerror(errno));
   }
   watched->in = ends[0], watched->out = ends[1];
   *out = watched;
   return SC_OK;
}

void sc_watched_clear(ScWatched *watched) {
   for (size_t i = 0; i < watched->count; i++) free(watched->files[i].path);
   watched->count = 0;
}

void sc_watched_free(ScWatched *watched) {
   if (!watched) return;
   sc_watched_clear(watched);
   free(watched->files);
   close(watched->in);
   close(watched->out);
   free(watched);
}

static ScStatus add(ScWatched *watched, const char *path, const ScStamp *seen) {
   for (size_t i = 0; i < watched->count; i++)
      if (strcmp(watched->files[i].path, path) == 0) return SC_OK;
   if (watched->count == watched->room) {
      size_t room = watched->room ? 2 * watched->room : 64;
      File *files = realloc(watched->files, room * sizeof *files);
      if (!files) return sc_fail(SC_EMEM, "out of memory");
      watched->files = files, watched->room = room;
   }
   char *copy = strdup(path);
   if (!copy) return sc_fail(SC_EMEM, "out of memory");
   watched->files[watched->count++] = (File){copy, *seen, *seen, 0};
   return SC_OK;
}

ScStatus sc_watched_add(ScWatched *watched, const char *path) {
   char name[PATH_MAX];
   if (!whole_name(path, name, sizeof name)) return sc_fail(SC_EIO, "%s: the name is too long", path);
   ScStamp now = look(name);
   return add(watched, name, &now);
}

// ---- what the run notes ----

static int teller = -1;

void sc_watched_tell(ScWatched *watched) {
   teller = watched->out;
}

bool sc_watched_is_told(void) {
   return teller >= 0;
}

void sc_watched_note(const char *path) {
   Note note = {0};
   if (teller < 0 || !whole_name(path, note.path, sizeof note.path)) return;
   note.stamp = look(path);
   ssize_t written;
   do written = write(teller, &note, sizeof note);
   while (written < 0 && errno == EINTR);
}

ScStatus sc_watched_wait(ScWatched *watched, int milliseconds) {
   struct pollfd in = {.fd = watched->in, .events = POLLIN};
   while (poll(&in, 1, milliseconds) > 0 && in.revents & POLLIN) {
      Note note;
      if (read(watched->in, &note, sizeof note) != sizeof note) return SC_OK;
      note.path[sizeof note.path - 1] = '\0';
      SC_TRY(add(watched, note.path, &note.stamp));
      milliseconds = 0;
   }
   return SC_OK;
}

// ---- what was saved ----

static bool is_saved(File *file, bool (*is_whole)(const char *path)) {
   ScStamp now = look(file->path);
   bool as_before = sc_stamp_same(&now, &file->current);
   file->quiet = as_before ? file->quiet + 1 : 0;
   file->current = now;
   if (!is_there(&now)) file->seen = now; // what comes back is new, whatever it is
   if (!is_there(&now) || sc_stamp_same(&now, &file->seen) || file->quiet < QUIET) return false;
   return file->quiet >= PATIENT || (now.size > 0 && is_whole(file->path));
}

const char *sc_watched_saved(ScWatched *watched, bool (*is_whole)(const char *path)) {
   for (size_t i = 0; i < watched->count; i++) {
      File *file = &watched->files[i];
      if (!is_saved(file, is_whole)) continue;
      file->seen = file->current;
      return file->path;
   }
   return NULL;
}
