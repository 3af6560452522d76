#include "host/files/header.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "host/files/header_limits.h"
#include "host/files/json_memory.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "weight files are little-endian and are copied as they are"
#endif

static const ScFileType types[] = {
    {"F32", SC_F32, 4}, {"F64", SC_F64, 8}, {"F16", SC_F16, 2}, {"BF16", SC_BF16, 2},
    {"I64", SC_I64, 8}, {"I32", SC_I64, 4}, {"U8", SC_U8, 1},   {"BOOL", SC_U8, 1},
};
enum { NTYPES = sizeof types / sizeof types[0] };

typedef struct {
   const ScSource *source;
   const char *path;
   ScHeader *header;
} Reader;

static ScStatus bad(const Reader *r, const char *name, const char *problem) {
   return sc_fail(SC_EFORMAT, "%s: entry '%s' %s", r->path, name, problem);
}

static ScStatus parse(const Reader *r, const char *text, size_t length) {
   json_error_t error;
   SC_TRY(sc_check_header_limits(r->path, text, length));
   sc_json_watch();
   json_t *json = r->header->json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
   if (sc_json_starved()) return sc_fail(SC_EMEM, "out of memory: the header of %s", r->path);
   if (json_is_object(json) && text[0] == '{') return SC_OK;
   return sc_fail(SC_EFORMAT, "%s: damaged safetensors header: %s", r->path,
                  json ? "expected a JSON object" : error.text);
}

static ScStatus read_text(const Reader *r) {
   uint64_t length = 0;
   if (r->source->size < 8)
      return sc_fail(SC_EFORMAT, "%s is truncated: a safetensors file has at least 8 bytes", r->path);
   SC_TRY(sc_source_read(r->source, 0, &length, sizeof length));
   if (length > SC_MAXHEADER)
      return sc_fail(SC_EFORMAT,
                     "%s is not a safetensors file: its header would have %llu bytes, at most %d are allowed",
                     r->path, (unsigned long long)length, SC_MAXHEADER);
   if ((int64_t)length > r->source->size - 8)
      return sc_fail(SC_EFORMAT, "%s is truncated: its header has %llu bytes, the file ends after %lld",
                     r->path, (unsigned long long)length, (long long)r->source->size);
   r->header->data = 8 + (int64_t)length;
   char *text = malloc(length + 1);
   if (!text)
      return sc_fail(SC_EMEM, "out of memory: the header of %s has %llu bytes", r->path,
                     (unsigned long long)length);
   ScStatus status = sc_source_read(r->source, 8, text, length);
   if (status == SC_OK) status = parse(r, text, length);
   free(text);
   return status;
}

static ScStatus read_type(const Reader *r, const json_t *entry, ScHeaderItem *item) {
   const char *name = json_string_value(json_object_get(entry, "dtype"));
   if (!name) return bad(r, item->name, "has no dtype");
   for (int i = 0; i < NTYPES && !item->type; i++)
      if (strcmp(types[i].name, name) == 0) item->type = &types[i];
   if (item->type) return SC_OK;
   return sc_fail(SC_EFORMAT, "%s: entry '%s' has dtype %s; expected F32, F64, F16, BF16, I64, I32, U8 or BOOL",
                  r->path, item->name, name);
}

// Also the number of bytes that the shape needs, with overflow checked.
static ScStatus read_shape(const Reader *r, const json_t *entry, ScHeaderItem *item, int64_t *bytes) {
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

static ScStatus read_offsets(const Reader *r, const json_t *entry, ScHeaderItem *item, int64_t bytes) {
   const json_t *offsets = json_object_get(entry, "data_offsets");
   const json_t *begin = json_array_get(offsets, 0), *end = json_array_get(offsets, 1);
   if (json_array_size(offsets) != 2 || !json_is_integer(begin) || !json_is_integer(end))
      return bad(r, item->name, "has no data_offsets of two whole numbers");
   item->begin = json_integer_value(begin);
   item->end = json_integer_value(end);
   if (item->begin < 0 || item->end < item->begin) return bad(r, item->name, "has data_offsets out of order");
   if (item->end > r->source->size - r->header->data)
      return sc_fail(SC_EFORMAT, "%s is truncated: entry '%s' ends at byte %lld of the data, the file at %lld",
                     r->path, item->name, (long long)item->end, (long long)(r->source->size - r->header->data));
   if (item->end - item->begin == bytes) return SC_OK;
   return sc_fail(SC_EFORMAT, "%s: entry '%s' of %s %s needs %lld bytes, its data_offsets hold %lld", r->path,
                  item->name, item->type->name, sc_dims_text(item->rank, item->shape), (long long)bytes,
                  (long long)(item->end - item->begin));
}

static ScStatus read_item(const Reader *r, const char *name, const json_t *entry, ScHeaderItem *item) {
   int64_t bytes = 0;
   *item = (ScHeaderItem){.name = name};
   if (!json_is_object(entry)) return bad(r, name, "is not a JSON object");
   SC_TRY(read_type(r, entry, item));
   SC_TRY(read_shape(r, entry, item, &bytes));
   return read_offsets(r, entry, item, bytes);
}

static ScStatus check_metadata(const Reader *r, json_t *map) {
   const char *key;
   json_t *value;
   if (!json_is_object(map)) return bad(r, SC_METADATA, "is not a JSON object");
   json_object_foreach(map, key, value) {
      if (!json_is_string(value)) return bad(r, SC_METADATA, "holds a value that is not a string");
   }
   return SC_OK;
}

static ScStatus read_items(const Reader *r) {
   ScHeader *h = r->header;
   const char *name;
   json_t *entry;
   h->items = calloc(json_object_size(h->json) + 1, sizeof *h->items);
   if (!h->items) return sc_fail(SC_EMEM, "out of memory");
   json_object_foreach(h->json, name, entry) {
      if (strcmp(name, SC_METADATA) == 0)
         SC_TRY(check_metadata(r, entry));
      else
         SC_TRY(read_item(r, name, entry, &h->items[h->n++]));
   }
   return SC_OK;
}

static int by_begin(const void *a, const void *b) {
   const ScHeaderItem *const *x = a, *const *y = b;
   return ((*x)->begin > (*y)->begin) - ((*x)->begin < (*y)->begin);
}

// The entries must cover the data exactly: a byte that belongs to none or to two could hide something.
static ScStatus check_cover(const Reader *r) {
   const ScHeader *h = r->header;
   const ScHeaderItem **sorted = malloc(((size_t)h->n + 1) * sizeof *sorted);
   if (!sorted) return sc_fail(SC_EMEM, "out of memory");
   for (int i = 0; i < h->n; i++) sorted[i] = &h->items[i];
   qsort(sorted, (size_t)h->n, sizeof *sorted, by_begin);
   ScStatus status = SC_OK;
   int64_t at = 0;
   for (int i = 0; i < h->n && status == SC_OK; i++) {
      if (sorted[i]->begin > at) status = bad(r, sorted[i]->name, "leaves a hole in the data before it");
      if (sorted[i]->begin < at) status = bad(r, sorted[i]->name, "overlaps the entry before it");
      at = sorted[i]->end;
   }
   free(sorted);
   int64_t end = r->source->size - h->data;
   if (status == SC_OK && at != end)
      return sc_fail(SC_EFORMAT, "%s: %lld bytes at the end belong to no entry", r->path,
                     (long long)(end - at));
   return status;
}

static ScStatus read_all(const Reader *r) {
   SC_TRY(read_text(r));
   SC_TRY(read_items(r));
   return check_cover(r);
}

ScStatus sc_header_read(ScHeader *out, const ScSource *source) {
   *out = (ScHeader){0};
   ScStatus status = read_all(&(Reader){source, source->path, out});
   if (status != SC_OK) sc_header_free(out);
   return status;
}

void sc_header_free(ScHeader *header) {
   free(header->items);
   json_decref(header->json);
   *header = (ScHeader){0};
}

const char *sc_header_metadata(const ScHeader *header, const char *key) {
   return json_string_value(json_object_get(json_object_get(header->json, SC_METADATA), key));
}

ScStatus sc_header_annotate(const ScHeader *header, ScState *out) {
   const char *key;
   json_t *value;
   json_object_foreach(json_object_get(header->json, SC_METADATA), key, value) {
      SC_TRY(sc_state_annotate(out, key, json_string_value(value)));
   }
   return SC_OK;
}

const char *sc_header_type_name(ScDtype dtype) {
   for (int i = 0; i < NTYPES; i++)
      if (types[i].dtype == dtype) return types[i].name;
   return "";
}
