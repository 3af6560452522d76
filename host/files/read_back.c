#include "host/files/read_back.h"

#include <string.h>

#include "host/files/header.h"
#include "host/files/seal.h"

static ScStatus differs(const ScSource *source, const char *name, const char *what) {
   return sc_fail(SC_EFORMAT, "%s: '%s' has %s", source->path, name, what);
}

static ScStatus compare_entry(const ScSource *source, const ScEntry *entry, int64_t begin,
                              const ScHeaderItem *item) {
   const ScTensor *t = entry->tensor;
   if (strcmp(item->name, entry->name) != 0) return differs(source, entry->name, "another name");
   if (strcmp(item->type->name, sc_header_type_name(t->dtype)) != 0)
      return differs(source, entry->name, "another dtype");
   if (item->rank != t->rank || memcmp(item->shape, t->shape, (size_t)t->rank * sizeof *t->shape) != 0)
      return differs(source, entry->name, "another shape");
   if (item->begin != begin) return differs(source, entry->name, "another offset");
   return SC_OK;
}

static ScStatus compare_entries(const ScSource *source, const ScWritten *written, const ScHeader *header) {
   const ScState *state = written->state;
   if (header->n != state->n)
      return sc_fail(SC_EFORMAT, "%s: %d entries, expected %d", source->path, header->n, state->n);
   for (int i = 0; i < state->n; i++)
      SC_TRY(compare_entry(source, &state->entries[i], written->begins[i], &header->items[i]));
   return SC_OK;
}

static bool is_checksum(const ScMetadata *pair) {
   return strcmp(pair->key, SC_SEAL_KEY) == 0;
}

static ScStatus compare_metadata(const ScSource *source, const ScWritten *written, const ScState *found) {
   const ScState *state = written->state;
   int at = written->sealed && found->nmetadata > 0 && is_checksum(&found->metadata[0]) ? 1 : 0;
   for (int i = 0; i < state->nmetadata; i++) {
      const ScMetadata *pair = &state->metadata[i];
      if (written->sealed && is_checksum(pair)) continue;
      if (at == found->nmetadata || strcmp(found->metadata[at].key, pair->key) != 0 ||
          strcmp(found->metadata[at].value, pair->value) != 0)
         return differs(source, pair->key, "other metadata");
      at++;
   }
   return at == found->nmetadata ? SC_OK : differs(source, found->metadata[at].key, "metadata of its own");
}

static ScStatus compare_header(const ScSource *source, const ScWritten *written, const ScHeader *header) {
   ScState found = {0};
   SC_TRY(compare_entries(source, written, header));
   ScStatus status = sc_header_annotate(header, &found);
   if (status == SC_OK) status = compare_metadata(source, written, &found);
   sc_state_free(&found);
   return status;
}

static ScStatus compare_bytes(const ScSource *source, const ScWritten *written) {
   uint32_t sum = 0;
   if (written->sealed) return sc_seal_check(source);
   SC_TRY(sc_source_crc32(source, 0, &sum));
   return sum == written->sum ? SC_OK : sc_fail(SC_EFORMAT, "%s: other bytes", source->path);
}

ScStatus sc_read_back(const ScSource *source, const ScWritten *written) {
   ScHeader header;
   SC_TRY(sc_header_read(&header, source));
   ScStatus status = compare_header(source, written, &header);
   sc_header_free(&header);
   return status == SC_OK ? compare_bytes(source, written) : status;
}
