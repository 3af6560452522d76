// Files that are never half written, and folders.
#ifndef SCUTE_FILE_H
#define SCUTE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/core/status.h"
#include "host/files/source.h"

// A file that is being written under a temporary name beside its target. Only sc_file_commit gives it the
// target's name; until then, and after any failure, whatever had that name before is untouched.
typedef struct ScFile ScFile;

// A new temporary file "<path>.<pid>-<n>.tmp", which nobody else has opened; those of `path` that killed
// processes left are removed. Fails with SC_EIO, naming `path`, where the folder is missing or cannot be
// written.
ScStatus sc_file_create(ScFile **out, const char *path);
// The same with the fixed name "<path>.part", locked against other processes; one left over by a killed process
// is emptied and taken over.
ScStatus sc_file_create_part(ScFile **out, const char *path);
ScStatus sc_file_write(ScFile *, const void *data, size_t bytes);
// Overwrites bytes that were written before, from `offset`.
ScStatus sc_file_patch(ScFile *, int64_t offset, const void *data, size_t bytes);
// Brings what was written to disk, still under the temporary name, and opens it for reading: to be looked at
// before it is committed. `out` is valid until then, and needs no closing.
ScStatus sc_file_sync(ScFile *, ScSource *out);
// fsync, close, rename to the target, fsync the folder. Frees the handle, whatever the outcome; on failure the
// temporary file is removed.
ScStatus sc_file_commit(ScFile *);
// Removes the temporary file and frees the handle. NULL is fine.
void sc_file_abandon(ScFile *);

// Writes a whole file in one go, atomically.
ScStatus sc_file_save(const char *path, const void *data, size_t bytes);

// Creates a folder and its parents; one that exists is fine.
ScStatus sc_file_mkdirs(const char *path);

#endif
