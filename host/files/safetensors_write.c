#include "host/files/safetensors_write.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "host/core/span.h"
#include "host/core/transfer.h"
#include "host/files/file.h"
#include "host/files/header.h"
#include "host/files/json_memory.h"
#include "host/files/read_back.h"
#include "host/files/seal.h"

// ---- the header ----

static ScStatus no_memory(const char *path) {
   return sc_fail(SC_EMEM, "out of memory: the header of %s", path);
}

// jansson has not taken a text: `what`, which has this name.
static ScStatus refused(const char *path, const char *what, const char *name) {
   if (sc_json_starved()) return no_memory(path);
   return sc_fail(SC_EARG, "cannot write %s: the %s '%s' is not valid UTF-8", path, what, name);
}

// A new value that has become part of another one, or has been given up.
static bool put(json_t *object, const char *key, json_t *value) {
   return json_object_set_new(object, key, value) == 0;
}

static json_t *list_of(int n, const int64_t *numbers) {
   json_t *list = json_array();
   for (int i = 0; list && i < n; i++) {
      if (json_array_append_new(list, json_integer(numbers[i])) == 0) continue;
      json_decref(list);
      return NULL;
   }
   return list;
}

static json_t *item_json(const ScTensor *t, int64_t begin) {
   const int64_t offsets[] = {begin, begin + (int64_t)sc_nbytes(t)};
   json_t *item = json_object();
   if (put(item, "dtype", json_string(sc_header_type_name(t->dtype))) &&
       put(item, "shape", list_of(t->rank, t->shape)) && put(item, "data_offsets", list_of(2, offsets)))
      return item;
   json_decref(item);
   return NULL;
}

static ScStatus add_item(const char *path, json_t *header, const ScEntry *entry, int64_t begin) {
   const char *name = entry->name;
   if (!entry->tensor->buffer)
      return sc_fail(SC_EARG, "cannot write %s: '%s' has a shape but no values", path, name);
   if (strcmp(name, SC_METADATA) == 0 || json_object_get(header, name))
      return sc_fail(SC_EARG, "cannot write %s: the name '%s' is %s", path, name,
                     strcmp(name, SC_METADATA) == 0 ? "reserved" : "there twice");
   if (strlen(name) > SC_MAXNAME)
      return sc_fail(SC_EARG, "cannot write %s: a name has %zu bytes, at most %d are allowed", path,
                     strlen(name), SC_MAXNAME);
   return put(header, name, item_json(entry->tensor, begin)) ? SC_OK : refused(path, "name", name);
}

static ScStatus fill_metadata(const char *path, json_t *map, const ScState *state, bool sealed) {
   if (sealed && !put(map, SC_SEAL_KEY, json_string(SC_NO_SUM))) return no_memory(path);
   for (int i = 0; i < state->nmetadata; i++) {
      const ScMetadata *pair = &state->metadata[i];
      if (sealed && strcmp(pair->key, SC_SEAL_KEY) == 0) continue; // of the file that this one was read from
      if (!put(map, pair->key, json_string(pair->value))) return refused(path, "metadata", pair->key);
   }
   return SC_OK;
}

static ScStatus add_metadata(const char *path, json_t *header, const ScState *state, bool sealed) {
   if (state->nmetadata == 0 && !sealed) return SC_OK;
   json_t *map = json_object();
   if (!map) return no_memory(path);
   ScStatus status = fill_metadata(path, map, state, sealed);
   if (status == SC_OK) return put(header, SC_METADATA, map) ? SC_OK : no_memory(path);
   json_decref(map);
   return status;
}

static ScStatus fill_header(const char *path, json_t *header, const ScWritten *plan) {
   const ScState *state = plan->state;
   if (state->n > SC_MAXENTRIES)
      return sc_fail(SC_EARG, "cannot write %s: %d entries, at most %d are allowed", path, state->n,
                     SC_MAXENTRIES);
   SC_TRY(add_metadata(path, header, state, plan->sealed));
   for (int i = 0; i < state->n; i++) SC_TRY(add_item(path, header, &state->entries[i], plan->begins[i]));
   return SC_OK;
}

// A text that jansson had no memory for may come all the same, without the key that it was short at.
static ScStatus header_text(const char *path, const ScWritten *plan, char **text) {
   sc_json_watch();
   json_t *header = json_object();
   if (!header) return no_memory(path);
   ScStatus status = fill_header(path, header, plan);
   if (status == SC_OK) *text = json_dumps(header, JSON_COMPACT);
   json_decref(header);
   SC_TRY(status);
   if (!*text || sc_json_starved()) return no_memory(path);
   if (strlen(*text) <= SC_MAXHEADER) return SC_OK;
   return sc_fail(SC_EARG, "cannot write %s: names and metadata would take %zu bytes, at most %d are allowed",
                  path, strlen(*text), SC_MAXHEADER);
}

// ---- the data ----

// Visits the entries in the order of their data: 8-byte elements first, 1-byte elements last.
static int next_in_data(const ScState *state, int previous) {
   size_t size = previous < 0 ? 8 : sc_dtype_size(state->entries[previous].tensor->dtype);
   for (int i = previous + 1; size >= 1; size /= 2, i = 0)
      for (; i < state->n; i++)
         if (sc_dtype_size(state->entries[i].tensor->dtype) == size) return i;
   return -1;
}

static int64_t *lay_out(const ScState *state) {
   int64_t *begins = calloc((size_t)state->n + 1, sizeof *begins), at = 0;
   for (int i = begins ? next_in_data(state, -1) : -1; i >= 0; i = next_in_data(state, i)) {
      begins[i] = at;
      at += (int64_t)sc_nbytes(state->entries[i].tensor);
   }
   return begins;
}

// A file that is being written, and the CRC-32 of what it has so far.
typedef struct {
   ScFile *file;
   uint32_t sum;
} Writer;

static ScStatus append(Writer *w, const void *data, size_t bytes) {
   w->sum = (uint32_t)crc32_z(w->sum, data, bytes);
   return sc_file_write(w->file, data, bytes);
}

static ScStatus write_header(Writer *w, const char *text) {
   static const char spaces[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
   uint64_t length = strlen(text), padded = (length + 7) / 8 * 8;
   SC_TRY(append(w, &padded, sizeof padded));
   SC_TRY(append(w, text, length));
   return append(w, spaces, padded - length);
}

static ScStatus write_tensor(Writer *w, const ScTensor *t) {
   size_t bytes = sc_nbytes(t);
   void *data = malloc(bytes);
   if (!data) return sc_fail(SC_EMEM, "out of memory: a tensor of %zu bytes is to be written", bytes);
   ScStatus status = sc_tensor_read(t, data);
   if (status == SC_OK) status = append(w, data, bytes);
   free(data);
   return status;
}

// The digits take the place of the zeros that stood there when they were summed up.
static ScStatus write_seal(const Writer *w, const char *text) {
   char digits[9];
   snprintf(digits, sizeof digits, "%08x", w->sum);
   int64_t at = 8 + (strstr(text, SC_SEAL) - text) + (int64_t)strlen(SC_SEAL);
   return sc_file_patch(w->file, at, digits, 8);
}

static ScStatus write_all(Writer *w, const char *text, ScWritten *plan) {
   SC_TRY(write_header(w, text));
   for (int i = next_in_data(plan->state, -1); i >= 0; i = next_in_data(plan->state, i))
      SC_TRY(write_tensor(w, plan->state->entries[i].tensor));
   plan->sum = w->sum;
   return plan->sealed ? write_seal(w, text) : SC_OK;
}

// ---- both, and what has become of them ----

// What is on disk, while the file has no name yet.
static ScStatus verify(ScFile *file, const ScWritten *plan) {
   ScSource source;
   SC_TRY(sc_file_sync(file, &source));
   ScStatus status = sc_read_back(&source, plan);
   if (status == SC_OK || status == SC_EMEM) return status;
   return sc_wrap(status, "what was written does not read back: ");
}

static ScStatus write_file(const char *path, const char *text, ScWritten *plan) {
   Writer w = {0};
   SC_TRY(sc_file_create(&w.file, path));
   ScStatus status = write_all(&w, text, plan);
   if (status == SC_OK) status = verify(w.file, plan);
   if (status == SC_OK) return sc_file_commit(w.file);
   sc_file_abandon(w.file);
   return status;
}

static ScStatus write_state(const char *path, const ScState *state, bool sealed) {
   char *text = NULL;
   int64_t *begins = lay_out(state);
   if (!begins) return no_memory(path);
   ScWritten plan = {state, begins, sealed, 0};
   int span = sc_span_begin("writing weights");
   ScStatus status = header_text(path, &plan, &text);
   if (status == SC_OK) status = write_file(path, text, &plan);
   sc_span_end(span);
   free(text);
   free(begins);
   return status;
}

ScStatus sc_safetensors_write(const char *path, const ScState *state) {
   return write_state(path, state, false);
}

ScStatus sc_safetensors_write_sealed(const char *path, const ScState *state) {
   return write_state(path, state, true);
}
