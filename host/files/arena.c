#include "host/files/arena.h"

#include <stdlib.h>

// MAXBYTES: some hundred times what the state dict of a network with a thousand tensors needs.
enum { MAXBYTES = 1 << 26, CHUNK = 1 << 16 };

typedef struct ScArenaChunk {
   struct ScArenaChunk *next;
   size_t used, size;
   _Alignas(16) char data[];
} Chunk;

void *sc_arena_take(ScArena *arena, size_t bytes) {
   bytes = (bytes + 15) & ~(size_t)15;
   if (bytes > MAXBYTES - arena->bytes) return NULL;
   Chunk *chunk = arena->chunks;
   if (!chunk || chunk->size - chunk->used < bytes) {
      size_t size = bytes > CHUNK ? bytes : CHUNK;
      chunk = malloc(sizeof *chunk + size);
      if (!chunk) return NULL;
      *chunk = (Chunk){.next = arena->chunks, .size = size};
      arena->chunks = chunk;
   }
   void *taken = chunk->data + chunk->used;
   chunk->used += bytes;
   arena->bytes += bytes;
   return taken;
}

void sc_arena_free(ScArena *arena) {
   for (Chunk *chunk = arena->chunks, *next; chunk; chunk = next) {
      next = chunk->next;
      free(chunk);
   }
   *arena = (ScArena){0};
}
