// The two containers of .pth: where the pickle of the state dict is and where each storage's bytes are.
#ifndef SCUTE_PTH_CONTAINER_H
#define SCUTE_PTH_CONTAINER_H

#include "host/files/file_tensor.h"
#include "host/files/pickle.h"

// A storage that the pickle mentions.
typedef struct {
   const char *key; // into the pickle
   size_t length;
   const ScFileType *type;
   int64_t count; // elements
   int64_t at;    // of its bytes: offset in a legacy file, index in a zip archive; -1 where missing
} ScStorage;

typedef struct {
   const char *path;
   int64_t size; // of the file
   ScPickle pickle;
   ScPickled *root;
   ScStorage *storages; // by key
   size_t nstorages;
   void *bytes;     // bytes that the values point into
   struct zip *zip; // NULL in the legacy format
   int fd;
} ScPth;

// Opens the file, unpickles it and finds the bytes of every storage. On failure nothing needs closing.
ScStatus sc_pth_open(ScPth *, const char *path);
void sc_pth_close(ScPth *);
// The storage of a key, or NULL.
ScStorage *sc_pth_storage(const ScPth *, const ScPickled *key);
// Reads all bytes of a storage.
ScStatus sc_pth_fetch(const ScPth *, const ScStorage *, void *data);

#endif
