#define _GNU_SOURCE
#include "host/term/history.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Creates the folders above a file, readable by the user alone.
static bool make_folders(char *path) {
   for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
      *slash = '\0';
      bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
      *slash = '/';
      if (!made) return false;
   }
   return true;
}

static const char *history_path(void) {
   static char path[PATH_MAX];
   const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
   int length;
   if (state && state[0] == '/')
      length = snprintf(path, sizeof path, "%s/scute/history", state);
   else if (home && home[0] == '/')
      length = snprintf(path, sizeof path, "%s/.local/state/scute/history", home);
   else
      return NULL;
   return length < (int)sizeof path && make_folders(path) ? path : NULL;
}

// The last lines of a file in a ring.
typedef struct {
   char *line[SC_HISTORY_KEPT];
   size_t count;
} Ring;

static void read_lines(FILE *f, Ring *ring) {
   char *line = NULL;
   size_t capacity = 0;
   for (ssize_t length; (length = getline(&line, &capacity, f)) >= 0;) {
      if (length > 0 && line[length - 1] == '\n') line[length - 1] = '\0';
      char **slot = &ring->line[ring->count % SC_HISTORY_KEPT];
      char *copy = strdup(line);
      if (!copy) break;
      free(*slot);
      *slot = copy;
      ring->count++;
   }
   free(line);
}

static char *ring_at(const Ring *ring, size_t i) {
   size_t first = ring->count > SC_HISTORY_KEPT ? ring->count - SC_HISTORY_KEPT : 0;
   return first + i < ring->count ? ring->line[(first + i) % SC_HISTORY_KEPT] : NULL;
}

static void cut_file(const char *path, const Ring *ring) {
   char temporary[PATH_MAX + 32];
   snprintf(temporary, sizeof temporary, "%s.%d", path, (int)getpid());
   FILE *f = fopen(temporary, "we");
   if (!f) return;
   bool written = fchmod(fileno(f), 0600) == 0;
   const char *line;
   for (size_t i = 0; (line = ring_at(ring, i)); i++) written = fprintf(f, "%s\n", line) > 0 && written;
   written = fclose(f) == 0 && written;
   if (!written || rename(temporary, path) != 0) unlink(temporary);
}

static void replace(char *text, char from, char to) {
   for (; *text; text++)
      if (*text == from) *text = to;
}

void sc_history_load(void (*add)(void *context, const char *entry), void *context) {
   const char *path = history_path();
   FILE *f = path ? fopen(path, "re") : NULL;
   Ring *ring = f ? calloc(1, sizeof *ring) : NULL;
   if (ring) {
      read_lines(f, ring);
      if (ring->count > 2 * SC_HISTORY_KEPT) cut_file(path, ring);
      char *line;
      for (size_t i = 0; (line = ring_at(ring, i)); i++) {
         replace(line, '\r', '\n');
         add(context, line);
      }
      for (size_t i = 0; i < SC_HISTORY_KEPT; i++) free(ring->line[i]);
   }
   free(ring);
   if (f) fclose(f);
}

void sc_history_append(const char *entry) {
   const char *path = history_path();
   char *line = NULL;
   int length = path && strlen(entry) <= SC_HISTORY_LONGEST ? asprintf(&line, "%s\n", entry) : -1;
   if (length < 0) return;
   line[length - 1] = '\0';
   replace(line, '\n', '\r');
   line[length - 1] = '\n';
   int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
   if (file >= 0) {
      fchmod(file, 0600);
      if (write(file, line, (size_t)length) != length) { // what is not kept is not missed
      }
      close(file);
   }
   free(line);
}
