#include "host/files/safetensors.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "host/core/transfer.h"
#include "host/files/file.h"
#include "host/files/file_tensor.h"
#include "host/files/seal.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weight files are little-endian and are copied as they are"
#endif

enum { MAXHEADER = 100 * 1000 * 1000 }; // the format's own limit

static const ScFileType types[] = {
    {"F32", SC_F32, 4}, {"F64", SC_F64, 8}, {"F16", SC_F16, 2}, {"BF16", SC_BF16, 2},
    {"I64", SC_I64, 8}, {"I32", SC_I64, 4}, {"U8", SC_U8, 1},   {"BOOL", SC_U8, 1},
};
enum { NTYPES = sizeof types / sizeof types[0] };

// What the header says of one entry.
typedef struct {
   const char *name; // belongs to the JSON header
   const ScFileType *type;
   int rank;
   int64_t shape[SC_MAXRANK];
   int64_t begin, end; // from the end of the header
} Item;

typedef struct {
   const char *path;
   int fd;
   int64_t size, data; // of the file; offset of the data in it
   json_t *header;
   Item *items;
   int n;
} Reader;

static ScStatus bad(const Reader *r, const char *name, const char *problem) {
   return sc_fail(SC_EFORMAT, "%s: entry '%s' %s", r->path, name, problem);
}

// jansson takes what it has no memory for as a fault of the text.
static _Thread_local bool starved;

static void *allocate(size_t bytes) {
   void *block = malloc(bytes);
   if (!block) starved = true;
   return block;
}

static void watch_allocations(void) {
   json_set_alloc_funcs(allocate, free);
}

static json_t *parse(const char *text, size_t length, json_error_t *error) {
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   pthread_once(&once, watch_allocations);
   starved = false;
   return json_loadb(text, length, JSON_REJECT_DUPLICATES, error);
}

static ScStatus read_header(Reader *r) {
   uint64_t length = 0;
   if (r->size < 8)
      return sc_fail(SC_EFORMAT, "%s is truncated: a safetensors file has at least 8 bytes", r->path);
   SC_TRY(sc_file_read(r->fd, r->path, 0, &length, sizeof length));
   if (length > MAXHEADER)
      return sc_fail(SC_EFORMAT,
                     "%s is not a safetensors file: its header would have %llu bytes, at most %d are allowed",
                     r->path, (unsigned long long)length, MAXHEADER);
   if ((int64_t)length > r->size - 8)
      return sc_fail(SC_EFORMAT, "%s is truncated: its header has %llu bytes, the file ends after %lld",
                     r->path, (unsigned long long)length, (long long)r->size);
   r->data = 8 + (int64_t)length;
   char *text = malloc(length + 1);
   if (!text)
      return sc_fail(SC_EMEM, "out of memory: the header of %s has %llu bytes", r->path,
                     (unsigned long long)length);
   ScStatus status = sc_file_read(r->fd, r->path, 8, text, length);
   json_error_t error;
   if (status == SC_OK) r->header = parse(text, length, &error);
   if (status == SC_OK && !r->header && starved)
      status = sc_fail(SC_EMEM, "out of memory: the header of %s", r->path);
   else if (status == SC_OK && (!json_is_object(r->header) || text[0] != '{'))
      status = sc_fail(SC_EFORMAT, "%s: damaged safetensors header: %s", r->path,
                       r->header ? "expected a JSON object" : error.text);
   free(text);
   return status;
}

static ScStatus read_type(const Reader *r, const json_t *entry, Item *item) {
   const char *name = json_string_value(json_object_get(entry, "dtype"));
   if (!name) return bad(r, item->name, "has no dtype");
   for (int i = 0; i < NTYPES && !item->type; i++)
      if (strcmp(types[i].name, name) == 0) item->type = &types[i];
   if (item->type) return SC_OK;
   return sc_fail(SC_EFORMAT, "%s: entry '%s' has dtype %s; expected F32, F64, F16, BF16, I64, I32, U8 or BOOL",
                  r->path, item->name, name);
}

// Also the number of bytes that the shape needs, with overflow checked.
static ScStatus read_shape(const Reader *r, const json_t *entry, Item *item, int64_t *bytes) {
   const json_t *shape = json_object_get(entry, "shape");
   if (!json_is_array(shape)) return bad(r, item->name, "has no shape");
   if (json_array_size(shape) > SC_MAXRANK) return bad(r, item->name, "has more than 8 dimensions");
   item->rank = (int)json_array_size(shape);
   *bytes = item->type->size;
   for (int i = 0; i < item->rank; i++) {
      const json_t *size = json_array_get(shape, (size_t)i);
      if (!json_is_integer(size) || json_integer_value(size) < 1)
         return bad(r, item->name, "has a dimension that is not a positive whole number");
      item->shape[i] = json_integer_value(size);
      if (__builtin_mul_overflow(*bytes, item->shape[i], bytes))
         return bad(r, item->name, "has a shape too large");
   }
   return SC_OK;
}

static ScStatus read_offsets(const Reader *r, const json_t *entry, Item *item, int64_t bytes) {
   const json_t *offsets = json_object_get(entry, "data_offsets");
   const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
   if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
      return bad(r, item->name, "has no data_offsets of two whole numbers");
   item->begin = json_integer_value(begin);
   item->end = json_integer_value(end);
   if (item->begin < 0 || item->end < item->begin) return bad(r, item->name, "has data_offsets out of order");
   if (item->end > r->size - r->data)
      return sc_fail(SC_EFORMAT, "%s is truncated: entry '%s' ends at byte %lld of the data, the file at %lld",
                     r->path, item->name, (long long)item->end, (long long)(r->size - r->data));
   if (item->end - item->begin == bytes) return SC_OK;
   return sc_fail(SC_EFORMAT, "%s: entry '%s' of %s %s needs %lld bytes, its data_offsets hold %lld", r->path,
                  item->name, item->type->name, sc_dims_text(item->rank, item->shape), (long long)bytes,
                  (long long)(item->end - item->begin));
}

static ScStatus read_item(const Reader *r, const char *name, const json_t *entry, Item *item) {
   int64_t bytes = 0;
   *item = (Item){.name = name};
   if (!json_is_object(entry)) return bad(r, name, "is not a JSON object");
   SC_TRY(read_type(r, entry, item));
   SC_TRY(read_shape(r, entry, item, &bytes));
   return read_offsets(r, entry, item, bytes);
}

static ScStatus read_metadata(const Reader *r, json_t *map, ScState *out) {
   const char *key;
   json_t *value;
   if (!json_is_object(map)) return bad(r, "__metadata__", "is not a JSON object");
   json_object_foreach(map, key, value) {
      if (!json_is_string(value)) return bad(r, "__metadata__", "holds a value that is not a string");
      SC_TRY(sc_state_annotate(out, key, json_string_value(value)));
   }
   return SC_OK;
}

static ScStatus read_items(Reader *r, ScState *out) {
   const char *name;
   json_t *entry;
   r->items = calloc(json_object_size(r->header) + 1, sizeof *r->items);
   if (!r->items) return sc_fail(SC_EMEM, "out of memory");
   json_object_foreach(r->header, name, entry) {
      if (strcmp(name, "__metadata__") == 0)
         SC_TRY(read_metadata(r, entry, out));
      else
         SC_TRY(read_item(r, name, entry, &r->items[r->n++]));
   }
   return SC_OK;
}

static int by_begin(const void *a, const void *b) {
   const Item *const *x = a, *const *y = b;
   return ((*x)->begin > (*y)->begin) - ((*x)->begin < (*y)->begin);
}

// The entries must cover the data exactly: a byte that belongs to none or to two could hide something.
static ScStatus check_cover(const Reader *r) {
   const Item **sorted = malloc(((size_t)r->n + 1) * sizeof *sorted);
   if (!sorted) return sc_fail(SC_EMEM, "out of memory");
   for (int i = 0; i < r->n; i++) sorted[i] = &r->items[i];
   qsort(sorted, (size_t)r->n, sizeof *sorted, by_begin);
   ScStatus status = SC_OK;
   int64_t at = 0;
   for (int i = 0; i < r->n && status == SC_OK; i++) {
      if (sorted[i]->begin > at) status = bad(r, sorted[i]->name, "leaves a hole in the data before it");
      if (sorted[i]->begin < at) status = bad(r, sorted[i]->name, "overlaps the entry before it");
      at = sorted[i]->end;
   }
   free(sorted);
   if (status == SC_OK && at != r->size - r->data)
      return sc_fail(SC_EFORMAT, "%s: %lld bytes at the end belong to no entry", r->path,
                     (long long)(r->size - r->data - at));
   return status;
}

static ScStatus read_tensor(const Reader *r, ScDevice *device, const Item *item, ScState *out) {
   size_t bytes = (size_t)(item->end - item->begin);
   void *data = malloc(bytes);
   if (!data)
      return sc_fail(SC_EMEM, "out of memory: entry '%s' of %s has %zu bytes", item->name, r->path, bytes);
   ScTensor *tensor;
   ScStatus status = sc_file_read(r->fd, r->path, r->data + item->begin, data, bytes);
   if (status == SC_OK) status = sc_file_tensor(&tensor, device, item->type, item->rank, item->shape, data);
   free(data);
   SC_TRY(status);
   return sc_state_add(out, item->name, tensor);
}

static ScStatus read_all(Reader *r, ScDevice *device, ScState *out) {
   SC_TRY(read_header(r));
   SC_TRY(read_items(r, out));
   SC_TRY(check_cover(r));
   for (int i = 0; i < r->n; i++) SC_TRY(read_tensor(r, device, &r->items[i], out));
   return SC_OK;
}

ScStatus sc_safetensors_read(const char *path, ScDevice *device, ScState *out) {
   Reader r = {.path = path};
   SC_TRY(sc_file_open(path, &r.fd, &r.size));
   ScStatus status = read_all(&r, device, out);
   if (status != SC_OK) sc_state_free(out);
   free(r.items);
   json_decref(r.header);
   close(r.fd);
   return status;
}

static const char *type_name(ScDtype dtype) {
   for (int i = 0; i < NTYPES; i++)
      if (types[i].dtype == dtype) return types[i].name;
   return "";
}

static json_t *shape_json(const ScTensor *t) {
   json_t *shape = json_array();
   for (int i = 0; i < t->rank; i++) json_array_append_new(shape, json_integer(t->shape[i]));
   return shape;
}

static ScStatus add_metadata(const char *path, json_t *header, const ScState *state, bool sealed) {
   if (state->nmetadata == 0 && !sealed) return SC_OK;
   json_t *map = json_object();
   if (sealed) json_object_set_new(map, "checksum", json_string(SC_NO_SUM));
   for (int i = 0; i < state->nmetadata; i++) {
      const ScMetadata *pair = &state->metadata[i];
      if (sealed && strcmp(pair->key, "checksum") == 0) continue; // of the file that this one was read from
      if (json_object_set_new(map, pair->key, json_string(pair->value)) == 0) continue;
      json_decref(map);
      return sc_fail(SC_EARG, "cannot write %s: the metadata '%s' is not valid UTF-8", path, pair->key);
   }
   json_object_set_new(header, "__metadata__", map);
   return SC_OK;
}

static ScStatus add_item(const char *path, json_t *header, const ScEntry *entry, int64_t begin) {
   const ScTensor *t = entry->tensor;
   if (!t->buffer)
      return sc_fail(SC_EARG, "cannot write %s: '%s' has a shape but no values", path, entry->name);
   if (strcmp(entry->name, "__metadata__") == 0 || json_object_get(header, entry->name))
      return sc_fail(SC_EARG, "cannot write %s: the name '%s' is %s", path, entry->name,
                     strcmp(entry->name, "__metadata__") == 0 ? "reserved" : "there twice");
   json_int_t end = begin + (int64_t)sc_nbytes(t);
   json_t *item = json_pack("{s:s, s:o, s:[I,I]}", "dtype", type_name(t->dtype), "shape", shape_json(t),
                            "data_offsets", (json_int_t)begin, end);
   if (json_object_set_new(header, entry->name, item) == 0) return SC_OK;
   return sc_fail(SC_EARG, "cannot write %s: the name '%s' is not valid UTF-8", path, entry->name);
}

// Visits the entries in the order of their data: 8-byte elements first, 1-byte elements last.
static int next_in_data(const ScState *state, int previous) {
   size_t size = previous < 0 ? 8 : sc_dtype_size(state->entries[previous].tensor->dtype);
   for (int i = previous + 1; size >= 1; size /= 2, i = 0)
      for (; i < state->n; i++)
         if (sc_dtype_size(state->entries[i].tensor->dtype) == size) return i;
   return -1;
}

static ScStatus build_header(const char *path, const ScState *state, bool sealed, json_t *header) {
   int64_t *begins = calloc((size_t)state->n + 1, sizeof *begins);
   if (!begins) return sc_fail(SC_EMEM, "out of memory");
   int64_t at = 0;
   for (int i = next_in_data(state, -1); i >= 0; i = next_in_data(state, i)) {
      begins[i] = at;
      at += (int64_t)sc_nbytes(state->entries[i].tensor);
   }
   ScStatus status = add_metadata(path, header, state, sealed);
   for (int i = 0; i < state->n && status == SC_OK; i++)
      status = add_item(path, header, &state->entries[i], begins[i]);
   free(begins);
   return status;
}

// A file that is being written, and the CRC-32 of what it has so far where that is wanted.
typedef struct {
   ScFile *file;
   bool sealed;
   uLong sum;
} Writer;

static ScStatus put(Writer *w, const void *data, size_t bytes) {
   if (w->sealed) w->sum = crc32_z(w->sum, data, bytes);
   return sc_file_write(w->file, data, bytes);
}

static ScStatus write_header(Writer *w, const char *text) {
   static const char spaces[8] = {' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '};
   uint64_t length = strlen(text), padded = (length + 7) / 8 * 8;
   SC_TRY(put(w, &padded, sizeof padded));
   SC_TRY(put(w, text, length));
   return put(w, spaces, padded - length);
}

static ScStatus write_tensor(Writer *w, const ScTensor *t) {
   size_t bytes = sc_nbytes(t);
   void *data = malloc(bytes);
   if (!data) return sc_fail(SC_EMEM, "out of memory: a tensor of %zu bytes is to be written", bytes);
   ScStatus status = sc_tensor_read(t, data);
   if (status == SC_OK) status = put(w, data, bytes);
   free(data);
   return status;
}

// The digits take the place of the zeros that stood there when they were summed up.
static ScStatus write_seal(const Writer *w, const char *text) {
   char digits[9];
   snprintf(digits, sizeof digits, "%08lx", w->sum & 0xfffffffful);
   int64_t at = 8 + (strstr(text, SC_SEAL) - text) + (int64_t)strlen(SC_SEAL);
   return sc_file_patch(w->file, at, digits, 8);
}

static ScStatus write_all(Writer *w, const char *text, const ScState *state) {
   SC_TRY(write_header(w, text));
   for (int i = next_in_data(state, -1); i >= 0; i = next_in_data(state, i))
      SC_TRY(write_tensor(w, state->entries[i].tensor));
   return w->sealed ? write_seal(w, text) : SC_OK;
}

static ScStatus write_file(const char *path, const char *text, const ScState *state, bool sealed) {
   Writer w = {.sealed = sealed, .sum = crc32_z(0, NULL, 0)};
   SC_TRY(sc_file_create(&w.file, path));
   ScStatus status = write_all(&w, text, state);
   if (status == SC_OK) return sc_file_commit(w.file);
   sc_file_abandon(w.file);
   return status;
}

static ScStatus write_state(const char *path, const ScState *state, bool sealed) {
   json_t *header = json_object();
   if (!header) return sc_fail(SC_EMEM, "out of memory");
   char *text = NULL;
   ScStatus status = build_header(path, state, sealed, header);
   if (status == SC_OK && !(text = json_dumps(header, JSON_COMPACT)))
      status = sc_fail(SC_EMEM, "out of memory");
   json_decref(header);
   if (status == SC_OK) status = write_file(path, text, state, sealed);
   free(text);
   return status;
}

ScStatus sc_safetensors_write(const char *path, const ScState *state) {
   return write_state(path, state, false);
}

ScStatus sc_safetensors_write_sealed(const char *path, const ScState *state) {
   return write_state(path, state, true);
}
