// The header of a safetensors file: what it says of each entry, checked against the size of the file before
// anything is allocated for the data.
#ifndef SCUTE_HEADER_H
#define SCUTE_HEADER_H

#include "host/files/file_tensor.h"
#include "host/files/source.h"
#include "host/files/state.h"

#define SC_METADATA "__metadata__" // the one name that is no entry

enum { SC_MAXHEADER = 32 << 20 }; // bytes; what 20,000 entries take, ten times over

// One entry.
typedef struct {
   const char *name; // belongs to the header
   const ScFileType *type;
   int rank;
   int64_t shape[SC_MAXRANK];
   int64_t begin, end; // from where the data begins
} ScHeaderItem;

typedef struct {
   int64_t data; // where in the file the header ends and the data begins
   ScHeaderItem *items;
   int n;
   struct json_t *json;
} ScHeader;

// SC_EFORMAT where it is damaged, or has more than any network's: see host/files/header_limits.h. On failure
// nothing needs freeing.
ScStatus sc_header_read(ScHeader *, const ScSource *);
void sc_header_free(ScHeader *);
// The text of a key of the metadata, which belongs to the header, or NULL.
const char *sc_header_metadata(const ScHeader *, const char *key);
// Adds the metadata to a state.
ScStatus sc_header_annotate(const ScHeader *, ScState *out);
// "F32" of SC_F32.
const char *sc_header_type_name(ScDtype);

#endif
