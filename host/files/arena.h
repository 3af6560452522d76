// Memory for many small values that live and die together, with a ceiling for what a file can make us take.
#ifndef SCUTE_ARENA_H
#define SCUTE_ARENA_H

#include <stddef.h>

// All zero is empty.
typedef struct {
   struct ScArenaChunk *chunks;
   size_t bytes;
} ScArena;

// 16-byte aligned, uninitialised; NULL when memory is short or 64 MB are taken.
void *sc_arena_take(ScArena *, size_t bytes);
void sc_arena_free(ScArena *); // and leaves it empty

#endif
