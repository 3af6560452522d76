// The two containers of .pth: where the pickle of the state dict is and where each storage's bytes are.
#ifndef SCUTE_PTH_CONTAINER_H
#define SCUTE_PTH_CONTAINER_H

#include "host/files/file_tensor.h"
#include "host/files/pickle.h"
#include "host/files/zip_input.h"

// A storage that the pickle mentions.
typedef struct {
   const char *key; // into the pickle
   size_t length;
   const ScFileType *type;
   int64_t count; // elements
   int64_t at;    // of its bytes: offset in a legacy file, index in a zip archive; -1 where missing
} ScStorage;

typedef struct {
   const ScSource *source;
   const char *path; // and size of the file
   int64_t size;
   ScPickle pickle;
   ScPickled *root;
   ScStorage *storages; // by key
   size_t nstorages;
   void *bytes; // bytes that the values point into
   zip_t *zip;  // NULL in the legacy format
   ScZipInput input;
} ScPth;

// Unpickles the file and finds the bytes of every storage; all of them together are no more than the file. On
// failure nothing needs closing.
ScStatus sc_pth_open(ScPth *, const ScSource *);
void sc_pth_close(ScPth *);
// The storage of a key, or NULL.
ScStorage *sc_pth_storage(const ScPth *, const ScPickled *key);
// Whether there are tensors of its type here.
bool sc_pth_is_read(const ScStorage *);
// Reads all bytes of a storage that is.
ScStatus sc_pth_fetch(const ScPth *, const ScStorage *, void *data);

#endif
