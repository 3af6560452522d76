// Safetensors files whose data is read where it lies, through a private mapping: what is opened costs no memory
// of the program's, however large it is, and of a large tensor only those pages are read that somebody looks
// at.
//
// A file that is replaced by another one of its name (as scute writes all files) stays whole for who has it
// mapped. One that is written to, or cut off, in place is not: nobody crashes (host/files/lost_pages.h), but
// values may be others from one moment to the next, so whoever computes with them asks sc_mapped_unchanged
// afterwards, and before anybody is told a result.
#ifndef SCUTE_MAPPED_H
#define SCUTE_MAPPED_H

#include "host/files/header.h"

typedef struct ScMapped ScMapped;

// Maps an open file, of which the caller may then let go. SC_EFORMAT, SC_EIO, SC_EMEM. The path is copied.
ScStatus sc_mapped_open(ScMapped **out, const ScSource *);
// The mapping lives on as long as a tensor over it does. NULL is fine.
void sc_mapped_close(ScMapped *);
const ScHeader *sc_mapped_header(const ScMapped *);
// The entry of that name, or NULL.
const ScHeaderItem *sc_mapped_find(const ScMapped *, const char *name);
// A tensor on the CPU of `count` entries of the first dimension, from number `from` (0 is the first; of a
// scalar 0 and 1). Where the file has them as memory does, and aligned to 64 bytes, it is the file's memory,
// which a write copies first; else a copy.
ScStatus sc_mapped_tensor(ScTensor **out, ScMapped *, const ScHeaderItem *, int64_t from, int64_t count);
// Where the bytes of such a range begin in memory, and how many there are.
const void *sc_mapped_bytes(const ScMapped *, const ScHeaderItem *, int64_t from, int64_t count, size_t *bytes);
// SC_EIO where the file was written to since it was opened before it was mapped, or a part of it is lost.
ScStatus sc_mapped_unchanged(const ScMapped *);

#endif
