// The files that a run of a script was made of, watched from another process: the run notes each as it reads
// it, the watcher looks whether one has been saved since.
#ifndef SCUTE_WATCHED_H
#define SCUTE_WATCHED_H

#include <stdbool.h>
#include <stddef.h>

#include "host/core/status.h"

typedef struct ScWatched ScWatched;

// ---- in the watching process ----

ScStatus sc_watched_new(ScWatched **out);
void sc_watched_free(ScWatched *);
// Forgets all files.
void sc_watched_clear(ScWatched *);
// Adds a file as it is now, there or not.
ScStatus sc_watched_add(ScWatched *, const char *path);
// Waits at most so many milliseconds for files that the run notes, and takes them over.
ScStatus sc_watched_wait(ScWatched *, int milliseconds);
// The first file that is another one than before and has been like this for some looks, or NULL. It counts as
// seen from then on. One that is gone is looked at when it is back. `is_whole` says whether a file looks as if
// it was written to its end; one that does not is waited for a little longer.
const char *sc_watched_saved(ScWatched *, bool (*is_whole)(const char *path));

// ---- in the run ----

// What is noted in this process from here on is told to the watching one.
void sc_watched_tell(ScWatched *);
bool sc_watched_is_told(void);
// Called before a file is read. Does nothing in a process that nobody watches.
void sc_watched_note(const char *path);

#endif
