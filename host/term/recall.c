#define _GNU_SOURCE
#include "host/term/recall.h"

#include <stdlib.h>
#include <string.h>

#include "host/term/history.h"

static char *entries[SC_HISTORY_KEPT]; // a ring
static size_t count;
// A walk that is under way: what was typed and how much of it counts, how far back it is (0: what was typed).
static char *typed;
static size_t prefix, back;

void sc_recall_add(const char *entry) {
   char **slot = &entries[count % SC_HISTORY_KEPT], *copy = strdup(entry);
   if (!copy) return;
   free(*slot);
   *slot = copy;
   count++;
   back = 0;
}

static const char *entry_at(size_t steps) {
   if (steps == 0) return typed;
   bool kept = steps <= count && steps <= SC_HISTORY_KEPT;
   return kept ? entries[(count - steps) % SC_HISTORY_KEPT] : NULL;
}

// Whether the line is what the walk showed last; another one begins a new walk.
static bool goes_on(const char *line, size_t length) {
   const char *shown = back > 0 ? entry_at(back) : NULL;
   return shown && strlen(shown) == length && memcmp(shown, line, length) == 0;
}

static bool begin(const char *line, size_t length, size_t before) {
   free(typed);
   typed = strndup(line, length);
   prefix = before;
   back = 0;
   return typed != NULL;
}

const char *sc_recall(const char *line, size_t length, size_t before, bool older) {
   if (!goes_on(line, length) && !begin(line, length, before)) return NULL;
   for (size_t steps = back; older || steps > 0;) {
      steps += older ? 1 : (size_t)-1;
      const char *entry = entry_at(steps);
      if (!entry) return NULL;
      bool same = strlen(entry) == length && memcmp(entry, line, length) == 0;
      if (strncmp(entry, typed, prefix) != 0 || same) continue;
      back = steps;
      return entry;
   }
   return NULL;
}

void sc_recall_free(void) {
   for (size_t i = 0; i < SC_HISTORY_KEPT; i++) {
      free(entries[i]);
      entries[i] = NULL;
   }
   free(typed);
   typed = NULL;
   count = back = 0;
}
