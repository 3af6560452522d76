// A folder belongs to one process at a time: the one that holds the lock on a file in it.
#ifndef SCUTE_LOCK_H
#define SCUTE_LOCK_H

#include "host/core/status.h"

enum { SC_LOCK_HOLDER = 320 }; // "process 4711 on a-host" and the terminating zero

typedef struct ScLock ScLock;

// Locks the file `path`, "<folder>/<name>"; folder and file are made where they are missing, and a file that a
// killed process left is taken over. Where another process has it `*out` is NULL, and `holder` says who, as far
// as that is known. Where the file system has no locks nobody gets one, and everybody goes on. Fails with
// SC_EIO, naming `path`, where it cannot be written.
ScStatus sc_lock_take(ScLock **out, const char *path, char holder[SC_LOCK_HOLDER]);
// Removes the file while it is still held, wherever its folder was moved meanwhile, and lets go. NULL is fine.
void sc_lock_release(ScLock *);

#endif
