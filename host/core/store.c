#include "host/core/store.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sha2.h>

enum { PLACES = 1 << 17, MOST = PLACES / 4 * 3, ALIGN = 64, LONG_UNUSED = 8 };

typedef struct {
   ScStoreKey key;
   size_t at, size;    // in the arena
   unsigned long used; // the last run that found or kept it
   bool whole;         // false where a process died while it was copied
} Entry;

typedef struct {
   size_t size, end; // of the arena: how large it is, how far it is in use
   size_t count;
   unsigned long run;
   bool lacked_room;
   Entry entries[PLACES]; // by hash; a place with size 0 is free
} Table;

static Table *table;
static char *arena;
static size_t mapped;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

ScStoreKey sc_store_key(const char *kind, const void *data, size_t size) {
   ScStoreKey key;
   SHA2_CTX digest;
   SHA256Init(&digest);
   SHA256Update(&digest, (const uint8_t *)kind, strlen(kind) + 1);
   SHA256Update(&digest, data, size);
   SHA256Final(key.digest, &digest);
   return key;
}

// ---- opening ----

// Pages that nobody has written to take no memory.
bool sc_store_open(size_t bytes) {
   size_t head = (sizeof(Table) + ALIGN - 1) / ALIGN * ALIGN;
   void *memory =
       mmap(NULL, head + bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
   if (memory == MAP_FAILED) return false;
   table = memory;
   arena = (char *)memory + head;
   mapped = head + bytes;
   table->size = bytes;
   table->run = 1;
   return true;
}

void sc_store_close(void) {
   if (table) munmap(table, mapped);
   table = NULL;
}

bool sc_store_is_open(void) {
   return table != NULL;
}

// ---- entries ----

// The key's own place or the free one where it would go; never full, see MOST.
static Entry *place_of(Entry *entries, const ScStoreKey *key) {
   size_t at;
   memcpy(&at, key->digest, sizeof at);
   for (at %= PLACES; entries[at].size > 0; at = (at + 1) % PLACES)
      if (memcmp(&entries[at].key, key, sizeof *key) == 0) break;
   return &entries[at];
}

const void *sc_store_find(const ScStoreKey *key, size_t *size) {
   const void *found = NULL;
   if (!table) return NULL;
   pthread_mutex_lock(&lock);
   Entry *entry = place_of(table->entries, key);
   if (entry->size > 0 && entry->whole) {
      entry->used = table->run;
      *size = entry->size;
      found = arena + entry->at;
   }
   pthread_mutex_unlock(&lock);
   return found;
}

static size_t rounded(size_t size) {
   return (size + ALIGN - 1) / ALIGN * ALIGN;
}

// A place in table and arena for an entry that is not whole yet; NULL where there is none.
static Entry *reserve(const ScStoreKey *key, size_t size) {
   Entry *entry = place_of(table->entries, key);
   if (entry->size > 0) return NULL;
   if (table->count == MOST || size > table->size - table->end) {
      table->lacked_room = true;
      return NULL;
   }
   *entry = (Entry){*key, table->end, size, table->run, false};
   table->end += rounded(size) < table->size - table->end ? rounded(size) : table->size - table->end;
   table->count++;
   return entry;
}

void sc_store_keep(const ScStoreKey *key, const void *head, size_t head_size, const void *data, size_t size) {
   if (!table || head_size + size == 0) return;
   pthread_mutex_lock(&lock);
   Entry *entry = reserve(key, head_size + size);
   pthread_mutex_unlock(&lock);
   if (!entry) return;
   if (head_size) memcpy(arena + entry->at, head, head_size);
   if (size) memcpy(arena + entry->at + head_size, data, size);
   pthread_mutex_lock(&lock);
   entry->whole = true;
   pthread_mutex_unlock(&lock);
}

void sc_store_lacks_room(void) {
   if (!table) return;
   pthread_mutex_lock(&lock);
   table->lacked_room = true;
   pthread_mutex_unlock(&lock);
}

// ---- between runs ----

static bool stays(const Entry *entry) {
   unsigned long idle = table->run - entry->used;
   return entry->whole && idle < (table->lacked_room ? 1 : LONG_UNUSED);
}

static int by_place(const void *a, const void *b) {
   size_t x = ((const Entry *)a)->at, y = ((const Entry *)b)->at;
   return (x > y) - (x < y);
}

// Those that stay, in the order of the arena.
static size_t collect(Entry *to) {
   size_t n = 0;
   for (size_t i = 0; i < PLACES; i++)
      if (table->entries[i].size > 0 && stays(&table->entries[i])) to[n++] = table->entries[i];
   qsort(to, n, sizeof *to, by_place);
   return n;
}

static void close_ranks(Entry *entries, size_t n) {
   memset(table->entries, 0, sizeof table->entries);
   table->end = 0;
   for (size_t i = 0; i < n; i++) {
      memmove(arena + table->end, arena + entries[i].at, entries[i].size);
      entries[i].at = table->end;
      *place_of(table->entries, &entries[i].key) = entries[i];
      table->end += rounded(entries[i].size);
   }
   if (table->end > table->size) table->end = table->size;
   table->count = n;
}

// Gives the pages behind the last entry back.
static void give_back(void) {
   size_t page = 1 << 16, from = ((size_t)(arena - (char *)table) + table->end + page - 1) / page * page;
   if (from < mapped) madvise((char *)table + from, mapped - from, MADV_REMOVE);
}

void sc_store_next_run(void) {
   if (!table) return;
   Entry *staying = malloc((table->count + 1) * sizeof *staying);
   size_t before = table->count;
   if (staying) {
      size_t n = collect(staying);
      if (n < before) {
         close_ranks(staying, n);
         give_back();
      }
      free(staying);
   }
   table->lacked_room = false;
   table->run++;
}

ScStoreUse sc_store_use(void) {
   if (!table) return (ScStoreUse){0};
   pthread_mutex_lock(&lock);
   ScStoreUse use = {table->end, table->size, table->count};
   pthread_mutex_unlock(&lock);
   return use;
}
