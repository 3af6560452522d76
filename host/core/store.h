// What one run of a script leaves for the next (scute --watch), in memory that the processes of both see:
// contents under keys that say all they depend on. Everywhere else the store is closed: nothing is found and
// nothing is kept.
//
// One process at a time uses it. Its threads may do so together.
#ifndef SCUTE_STORE_H
#define SCUTE_STORE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
   unsigned char digest[32];
} ScStoreKey;

// `kind` says what is kept and in which form, `data` of what it was made and how.
ScStoreKey sc_store_key(const char *kind, const void *data, size_t size);

// Opens the store for this process and those that it will fork, which never hold more than `bytes` together.
// False where the system has no such memory.
bool sc_store_open(size_t bytes);
void sc_store_close(void);
bool sc_store_is_open(void);

// What is kept under a key, or NULL. It stays where it is until sc_store_next_run.
const void *sc_store_find(const ScStoreKey *, size_t *size);

// Keeps a copy of `head` followed by `data` (either may be empty). Where there is no room left nothing happens,
// and what is found under a key already stays.
void sc_store_keep(const ScStoreKey *, const void *head, size_t head_size, const void *data, size_t size);

// Says that something was not kept because its room ran out before the store's did.
void sc_store_lacks_room(void);

// Between two runs: where the last one lacked room, what it did not use goes; so does what no run has used for
// long.
void sc_store_next_run(void);

typedef struct {
   size_t bytes, size, entries; // in use, of how many
} ScStoreUse;

ScStoreUse sc_store_use(void);

#endif
