#include "kernels/cuda/conv_known.h"

#include <cuda_runtime_api.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct {
   ScConvKey key;
   ScConvChoice choice;
   bool used;
} Known;

typedef struct {
   bool begun;
   uint64_t card; // of the GPU and cuDNN
   long read;     // bytes of the file
   bool saved;    // there is a checkpoint
   int n, room;
   Known *known;
} Table;

static Table tables[SC_MAXDEVICES];

// ---- what is known ----

static Known *find(Table *table, const ScConvKey *key) {
   for (int i = 0; i < table->n; i++)
      if (memcmp(&table->known[i].key, key, sizeof *key) == 0) return &table->known[i];
   return NULL;
}

// Where memory is short it is forgotten, and will be timed again.
static void add(Table *table, const Known *entry) {
   Known *old = find(table, &entry->key);
   if (old) {
      *old = *entry;
      return;
   }
   if (table->n == table->room) {
      int room = table->room ? 2 * table->room : 64;
      Known *grown = realloc(table->known, (size_t)room * sizeof *grown);
      if (!grown) return;
      table->known = grown, table->room = room;
   }
   table->known[table->n++] = *entry;
}

// ---- lines ----

// CARD, the words of the key, algorithm, math, workspace, and the checksum of all before it.
enum { WORDS = SC_CONV_WORDS + 3, LINE = 21 * (WORDS + 2) + 2 };

static uint64_t hash(const void *data, size_t bytes) {
   uint64_t h = 14695981039346656037u;
   for (size_t i = 0; i < bytes; i++) h = (h ^ ((const unsigned char *)data)[i]) * 1099511628211u;
   return h;
}

static void write_line(char line[LINE], uint64_t card, const Known *entry) {
   int at = snprintf(line, LINE, "%016" PRIx64, card);
   for (int i = 0; i < SC_CONV_WORDS; i++)
      at += snprintf(line + at, (size_t)(LINE - at), " %" PRId64, entry->key.word[i]);
   at += snprintf(line + at, (size_t)(LINE - at), " %d %d %zu", entry->choice.algorithm,
                  (int)entry->choice.math, entry->choice.workspace);
   snprintf(line + at, (size_t)(LINE - at), " %016" PRIx64 "\n", hash(line, (size_t)at));
}

static bool read_line(const char *line, uint64_t *card, Known *entry) {
   const char *last = strrchr(line, ' ');
   char *at;
   if (!last || strtoull(last, NULL, 16) != hash(line, (size_t)(last - line))) return false;
   *entry = (Known){0};
   *card = strtoull(line, &at, 16);
   for (int i = 0; i < SC_CONV_WORDS; i++) entry->key.word[i] = strtoll(at, &at, 10);
   entry->choice.algorithm = (int)strtol(at, &at, 10);
   entry->choice.math = (cudnnMathType_t)strtol(at, &at, 10);
   entry->choice.workspace = strtoull(at, &at, 10);
   return at == last;
}

// ---- the file ----

static uint64_t card_of(const ScDevice *device) {
   struct cudaDeviceProp card;
   char text[sizeof card.name + 64];
   if (cudaGetDeviceProperties(&card, device->index) != cudaSuccess) {
      cudaGetLastError();
      return 0;
   }
   int n = snprintf(text, sizeof text, "%s, %d.%d, cuDNN %zu", card.name, card.major, card.minor,
                    cudnnGetVersion());
   return hash(text, (size_t)n);
}

// The folder is made, as far as it can be.
static bool file_name(char path[PATH_MAX]) {
   const char *named = getenv("SCUTE_CUDA_CACHE"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
   if (named) return *named && snprintf(path, PATH_MAX, "%s", named) < PATH_MAX;
   bool has_cache = cache && *cache;
   if (!has_cache && !(home && *home)) return false;
   int n = snprintf(path, PATH_MAX, "%s%s", has_cache ? cache : home, has_cache ? "" : "/.cache");
   if (n > PATH_MAX - 32) return false;
   mkdir(path, 0777);
   strcpy(path + n, "/scute");
   mkdir(path, 0777);
   strcat(path, "/convolutions");
   return true;
}

// What has been written since it was read last, but for a line that is being written. What the program uses, it
// goes on with.
static void read_file(Table *table) {
   char path[PATH_MAX], line[LINE];
   FILE *file = file_name(path) ? fopen(path, "r") : NULL;
   if (!file) return;
   fseek(file, table->read, SEEK_SET);
   while (fgets(line, sizeof line, file) && !feof(file)) {
      uint64_t card;
      Known entry, *old;
      table->read = ftell(file);
      if (!read_line(line, &card, &entry) || card != table->card) continue;
      old = find(table, &entry.key);
      if (!old || !old->used) add(table, &entry);
   }
   fclose(file);
}

static bool can_append(void) {
   char path[PATH_MAX];
   FILE *file = file_name(path) ? fopen(path, "a") : NULL;
   return file && fclose(file) == 0;
}

// A line that was broken off spoils the one that follows it, and no other.
static void append(const char *line) {
   char path[PATH_MAX];
   FILE *file = file_name(path) ? fopen(path, "a") : NULL;
   if (!file) return;
   fputs(line, file);
   fclose(file);
}

static Table *table_of(const ScDevice *device) {
   Table *table = &tables[device->index];
   if (!table->begun) {
      table->begun = true;
      table->card = card_of(device);
   }
   return table;
}

// ----

bool sc_conv_in_use(const ScDevice *device, const ScConvKey *key, ScConvChoice *out) {
   ScConvKey plain = sc_conv_search_key(key);
   Known *known = find(table_of(device), &plain);
   if (!known || !known->used) return false;
   *out = known->choice;
   return true;
}

bool sc_conv_recall(const ScDevice *device, const ScConvKey *key, ScConvChoice *out) {
   ScConvKey plain = sc_conv_search_key(key);
   if (sc_conv_in_use(device, key, out)) return true;
   read_file(table_of(device));
   Known *known = find(table_of(device), &plain);
   if (!known) return false;
   known->used = true;
   *out = known->choice;
   return true;
}

bool sc_conv_may_time(const ScDevice *device) {
   return !table_of(device)->saved || can_append();
}

bool sc_conv_is_rest_of_used(const ScDevice *device, const ScConvKey *key) {
   const Table *table = table_of(device);
   for (int i = 0; i < table->n; i++)
      if (table->known[i].used && sc_conv_is_rest(key, &table->known[i].key)) return true;
   return false;
}

void sc_conv_keep(const ScDevice *device, const ScConvKey *key, const ScConvChoice *choice) {
   Known entry = {sc_conv_search_key(key), *choice, true};
   add(table_of(device), &entry);
}

void sc_conv_learn(const ScDevice *device, const ScConvKey *key, const ScConvChoice *choice) {
   char line[LINE];
   const Table *table = table_of(device);
   Known entry = {sc_conv_search_key(key), *choice, true};
   sc_conv_keep(device, key, choice);
   write_line(line, table->card, &entry);
   append(line);
}

char *sc_conv_used(ScDevice *device) {
   Table *table = table_of(device);
   char *text = malloc((size_t)table->n * LINE + 1), *at = text;
   table->saved = true;
   if (!text) return NULL;
   *at = 0;
   for (int i = 0; i < table->n; i++) {
      if (!table->known[i].used) continue;
      write_line(at, table->card, &table->known[i]);
      at += strlen(at);
   }
   return text;
}

// The file is read again, from its beginning, where something is timed.
static void forget_all(Table *table) {
   table->n = 0;
   table->read = 0;
}

bool sc_conv_take(ScDevice *device, const char *lines) {
   Table *table = table_of(device);
   char line[LINE];
   table->saved = false;
   if (!*lines) forget_all(table);
   for (const char *end; (end = strchr(lines, '\n')); lines = end + 1) {
      uint64_t card;
      Known entry;
      snprintf(line, sizeof line, "%.*s", (int)(end - lines < LINE ? end - lines : 0), lines);
      if (!read_line(line, &card, &entry)) continue;
      if (card != table->card) return false;
      entry.used = table->saved = true;
      add(table, &entry);
   }
   return true;
}
