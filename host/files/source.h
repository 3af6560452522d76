// Files that are open for reading.
#ifndef SCUTE_SOURCE_H
#define SCUTE_SOURCE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "host/core/status.h"

enum { SC_SHA256_HEX = 65 }; // 64 hex digits and the terminating zero

// A regular file. What is hashed, checked and loaded through one of these is one and the same file, whatever
// its name comes to stand for meanwhile.
typedef struct {
   const char *path; // for messages; the caller's
   int fd;
   int64_t size;
   struct timespec changed; // the last time before it was opened
} ScSource;

// SC_EIO where there is no such file or it cannot be read; then nothing needs closing.
ScStatus sc_source_open(ScSource *, const char *path);
void sc_source_close(ScSource *);
// Exactly `bytes` from `offset`; a file that ends earlier is SC_EFORMAT ("is truncated").
ScStatus sc_source_read(const ScSource *, int64_t offset, void *data, size_t bytes);
// SC_EIO where the file has been written to since it was opened.
ScStatus sc_source_unchanged(const ScSource *);

// Lower-case hex digest of the content.
ScStatus sc_source_sha256(const ScSource *, char hex[SC_SHA256_HEX]);
// Adds what follows `offset` to a CRC-32.
ScStatus sc_source_crc32(const ScSource *, int64_t offset, uint32_t *sum);

#endif
