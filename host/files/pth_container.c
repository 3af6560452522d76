#include "host/files/pth_container.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// MAXPICKLE: that of a network of a thousand tensors has some 100 KB. FIRSTPICKLE: how much of a legacy file,
// where the pickles' length is not stated, is read for a first try.
// MAXDIRECTORY: what lists the entries of a zip archive, some ten thousand. MAXKEY: of a storage, a number.
enum {
   MAXPICKLE = 64 << 20,
   FIRSTPICKLE = 2 << 20,
   MAXSTORAGES = 100000,
   MAXDIRECTORY = 1 << 20,
   MAXKEY = 100
};

// Those past NREAD are stepped over: nothing that a network needs has them.
static const ScFileType types[] = {
    {"torch.FloatStorage", SC_F32, 4},
    {"torch.HalfStorage", SC_F16, 2},
    {"torch.BFloat16Storage", SC_BF16, 2},
    {"torch.DoubleStorage", SC_F64, 8},
    {"torch.LongStorage", SC_I64, 8},
    {"torch.IntStorage", SC_I64, 4},
    {"torch.ByteStorage", SC_U8, 1},
    {"torch.BoolStorage", SC_U8, 1},
    {"torch.CharStorage", SC_U8, 1},
    {"torch.ShortStorage", SC_U8, 2},
    {"torch.ComplexFloatStorage", SC_U8, 8},
    {"torch.ComplexDoubleStorage", SC_U8, 16},
    {"torch.storage.UntypedStorage", SC_U8, 1},
};
enum { NTYPES = sizeof types / sizeof types[0], NREAD = 8 };

static ScStatus no_memory(void) {
   return sc_fail(SC_EMEM, "out of memory");
}

static ScStatus damaged(const ScPth *p, const char *problem) {
   return sc_fail(SC_EFORMAT, "%s is truncated or damaged: %s", p->path, problem);
}

// What libzip has no memory for it often takes as a fault of the archive; errno, 0 before the call, tells.
static ScStatus unzipped(const ScPth *p, zip_error_t *error) {
   if (errno == ENOMEM || libzip.error_code_zip(error) == ZIP_ER_MEMORY) return no_memory();
   return damaged(p, libzip.error_strerror(error));
}

static int compare_keys(const char *a, size_t na, const char *b, size_t nb) {
   int order = memcmp(a, b, na < nb ? na : nb);
   return order ? order : (na > nb) - (na < nb);
}

static int by_key(const void *a, const void *b) {
   const ScStorage *x = a, *y = b;
   return compare_keys(x->key, x->length, y->key, y->length);
}

static ScStorage *look_up(const ScPth *p, const char *key, size_t length) {
   ScStorage wanted = {.key = key, .length = length};
   return bsearch(&wanted, p->storages, p->nstorages, sizeof wanted, by_key);
}

bool sc_pth_is_read(const ScStorage *storage) {
   return storage->type < types + NREAD;
}

ScStorage *sc_pth_storage(const ScPth *p, const ScPickled *key) {
   return key->kind == SC_PICKLED_STRING ? look_up(p, key->text, key->length) : NULL;
}

// ('storage', type, key, device, count[, view]): the persistent id that torch gives a storage.
static ScStatus read_storage(const ScPth *p, const ScPickled *id, ScStorage *out) {
   ScPickled *const *part = id->items;
   if (!sc_pickled_is(part[0], "storage") || part[1]->kind != SC_PICKLED_GLOBAL ||
       part[2]->kind != SC_PICKLED_STRING || part[2]->length > MAXKEY || part[4]->kind != SC_PICKLED_INT ||
       part[4]->integer < 0 || part[4]->integer > p->size)
      return damaged(p, "it describes a storage that cannot be");
   *out = (ScStorage){.key = part[2]->text, .length = part[2]->length, .count = part[4]->integer, .at = -1};
   for (int i = 0; i < NTYPES && !out->type; i++)
      if (strcmp(part[1]->text, types[i].name) == 0) out->type = &types[i];
   return out->type ? SC_OK : damaged(p, "it describes a storage without a type");
}

// A storage is mentioned once for every tensor in it; all mentions must agree.
static ScStatus unite_storages(ScPth *p) {
   size_t n = 0;
   for (size_t i = 0; i < p->nstorages; i++) {
      const ScStorage *last = n > 0 ? &p->storages[n - 1] : NULL, *next = &p->storages[i];
      if (!last || by_key(last, next) != 0)
         p->storages[n++] = *next;
      else if (last->type != next->type || last->count != next->count)
         return damaged(p, "it describes a storage in two ways");
   }
   p->nstorages = n;
   return SC_OK;
}

static ScStatus list_storages(ScPth *p) {
   size_t n = p->pickle.storages.n;
   if (n > MAXSTORAGES) return damaged(p, "it holds too many tensors");
   p->storages = calloc(n + 1, sizeof *p->storages);
   if (!p->storages) return no_memory();
   for (; p->nstorages < n; p->nstorages++)
      SC_TRY(read_storage(p, p->pickle.storages.items[p->nstorages], &p->storages[p->nstorages]));
   qsort(p->storages, n, sizeof *p->storages, by_key);
   return unite_storages(p);
}

// The zip container.

static ScStatus entry_size(const ScPth *p, zip_int64_t index, int64_t *size) {
   zip_stat_t info;
   errno = 0;
   if (libzip.stat_index(p->zip, (zip_uint64_t)index, 0, &info) != 0 || !(info.valid & ZIP_STAT_SIZE))
      return unzipped(p, libzip.get_error(p->zip));
   if (info.comp_method != ZIP_CM_STORE || info.encryption_method != ZIP_EM_NONE)
      return sc_fail(SC_EFORMAT,
                     "%s: its entry %s is compressed or encrypted, which torch.save never does; refused",
                     p->path, info.name);
   if (info.size > (zip_uint64_t)p->size) return damaged(p, "an entry is larger than the file");
   *size = (int64_t)info.size;
   return SC_OK;
}

static ScStatus read_entry(const ScPth *p, zip_int64_t index, void *data, int64_t bytes) {
   errno = 0;
   zip_file_t *file = libzip.fopen_index(p->zip, (zip_uint64_t)index, 0);
   if (!file) return unzipped(p, libzip.get_error(p->zip));
   char *to = data, probe;
   zip_int64_t got = 1;
   for (; bytes > 0 && got > 0; bytes -= got, to += got) got = libzip.fread(file, to, (zip_uint64_t)bytes);
   // Reading on at the end makes libzip compare the checksum.
   bool whole = bytes == 0 && got > 0 && libzip.fread(file, &probe, 1) == 0;
   libzip.fclose(file);
   return whole ? SC_OK : damaged(p, "the checksum of an entry is wrong or its data is cut off");
}

// Finds "<prefix>/data.pkl"; everything else has the same prefix.
static zip_int64_t find_pickle(const ScPth *p, int *prefix) {
   zip_int64_t n = libzip.get_num_entries(p->zip, 0);
   for (zip_int64_t i = 0; i < n; i++) {
      const char *name = libzip.get_name(p->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
      const char *slash = name ? strchr(name, '/') : NULL;
      if (!slash || strcmp(slash, "/data.pkl") != 0 || slash - name > 1000) continue;
      *prefix = (int)(slash - name);
      return i;
   }
   return -1;
}

static ScStatus check_byte_order(const ScPth *p, const char *archive, int prefix) {
   char name[1200], order[8] = "";
   snprintf(name, sizeof name, "%.*s/byteorder", prefix, archive);
   zip_int64_t index = libzip.name_locate(p->zip, name, ZIP_FL_ENC_RAW);
   if (index < 0) return SC_OK; // files before PyTorch 2.1 do not tell
   int64_t size;
   SC_TRY(entry_size(p, index, &size));
   if (size < (int64_t)sizeof order) SC_TRY(read_entry(p, index, order, size));
   if (strcmp(order, "little") == 0) return SC_OK;
   return sc_fail(SC_EFORMAT, "%s was written on a big-endian machine, which is not supported", p->path);
}

// The storage whose bytes are in "<prefix>/data/<key>"; NULL of any other name.
static ScStorage *storage_of(const ScPth *p, const char *name, const char *archive, int prefix) {
   static const char folder[] = "/data/";
   size_t before = (size_t)prefix + sizeof folder - 1;
   if (strncmp(name, archive, (size_t)prefix) != 0 || strncmp(name + prefix, folder, sizeof folder - 1) != 0)
      return NULL;
   return look_up(p, name + before, strlen(name + before));
}

// Entries may lie on top of each other; storages that are more than the file say that they do.
static ScStatus check_sizes(const ScPth *p) {
   int64_t total = 0, size;
   for (size_t i = 0; i < p->nstorages; i++) {
      const ScStorage *storage = &p->storages[i];
      if (storage->at < 0) return damaged(p, "the data of a tensor is missing");
      SC_TRY(entry_size(p, storage->at, &size));
      if (size / storage->type->size < storage->count) return damaged(p, "the data of a tensor is too short");
      total += size;
      if (total > p->size) return damaged(p, "the data of its tensors is more than the file");
   }
   return SC_OK;
}

static ScStatus find_storages(const ScPth *p, const char *archive, int prefix) {
   for (zip_int64_t i = 0, n = libzip.get_num_entries(p->zip, 0); i < n; i++) {
      const char *name = libzip.get_name(p->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
      ScStorage *storage = name ? storage_of(p, name, archive, prefix) : NULL;
      if (storage && storage->at < 0) storage->at = i;
   }
   return check_sizes(p);
}

static ScStatus other_archive(const ScPth *p) {
   bool keras = libzip.name_locate(p->zip, "model.weights.h5", ZIP_FL_ENC_RAW) >= 0;
   return sc_fail(SC_EFORMAT, "%s is a zip archive%s, but not one of torch.save: it holds no data.pkl", p->path,
                  keras ? " of Keras" : "");
}

static ScStatus unpickle_zip(ScPth *p) {
   int prefix;
   zip_int64_t index = find_pickle(p, &prefix);
   if (index < 0) return other_archive(p);
   int64_t size;
   size_t used;
   SC_TRY(entry_size(p, index, &size));
   if (size > MAXPICKLE) return damaged(p, "its pickle is too large for a state dict");
   p->bytes = malloc((size_t)size + 1);
   if (!p->bytes) return no_memory();
   SC_TRY(read_entry(p, index, p->bytes, size));
   const char *archive = libzip.get_name(p->zip, (zip_uint64_t)index, ZIP_FL_ENC_RAW);
   SC_TRY(check_byte_order(p, archive, prefix));
   SC_TRY(sc_unpickle(&p->pickle, p->path, p->bytes, (size_t)size, &used, &p->root));
   SC_TRY(list_storages(p));
   return find_storages(p, archive, prefix);
}

static ScStatus open_zip(ScPth *p) {
   zip_error_t error;
   ScStatus status = sc_libzip_open();
   if (status != SC_OK) return sc_wrap(status, "%s: ", p->path);
   libzip.error_init(&error);
   errno = 0;
   p->zip = sc_zip_open(&p->input, p->source, MAXDIRECTORY, &error);
   if (p->input.exceeded)
      status = damaged(p, "it lists far more entries than a state dict has");
   else if (!p->zip)
      status = unzipped(p, &error);
   libzip.error_fini(&error);
   p->input.budget = INT64_MAX;
   return status == SC_OK ? unpickle_zip(p) : status;
}

// The legacy container: pickles of a magic number, the protocol version, facts of the machine, the object and
// the list of storage keys, one after the other; then, in the order of that list, each storage's element count
// and bytes.

typedef struct {
   size_t size, at;
} Window; // what of the file is in p->bytes

static ScStatus next_pickle(ScPth *p, Window *w, ScPickled **out) {
   size_t used;
   SC_TRY(sc_unpickle(&p->pickle, p->path, (char *)p->bytes + w->at, w->size - w->at, &used, out));
   w->at += used;
   return SC_OK;
}

static ScStatus check_head(ScPth *p, Window *w) {
   static const char magic[] = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";
   ScPickled *value, *facts;
   SC_TRY(next_pickle(p, w, &value));
   if (value->kind != SC_PICKLED_LONG || value->length != sizeof magic - 1 ||
       memcmp(value->text, magic, sizeof magic - 1) != 0)
      return sc_fail(SC_EFORMAT,
                     "%s is a pickle, but not one of torch.save; save the state dict with torch.save", p->path);
   SC_TRY(next_pickle(p, w, &value));
   if (value->kind != SC_PICKLED_INT || value->integer != 1001)
      return sc_fail(SC_EFORMAT, "%s: unknown version of torch.save's format, expected 1001", p->path);
   SC_TRY(next_pickle(p, w, &facts));
   for (size_t i = 0; facts->kind == SC_PICKLED_DICT && i < facts->n; i += 2)
      if (sc_pickled_is(facts->items[i], "little_endian") && facts->items[i + 1]->kind == SC_PICKLED_BOOL &&
          !facts->items[i + 1]->integer)
         return sc_fail(SC_EFORMAT, "%s was written on a big-endian machine, which is not supported", p->path);
   return SC_OK;
}

static ScStatus place_storage(ScPth *p, const ScPickled *key, int64_t *at) {
   ScStorage *storage = sc_pth_storage(p, key);
   int64_t count;
   if (!storage || storage->at >= 0) return damaged(p, "its list of storages does not fit its tensors");
   if (p->size - *at < (int64_t)sizeof count) return damaged(p, "it ends before the data of its tensors");
   SC_TRY(sc_source_read(p->source, *at, &count, sizeof count));
   if (count != storage->count) return damaged(p, "a storage has another size than its tensors say");
   storage->at = *at + (int64_t)sizeof count;
   int64_t bytes = count * storage->type->size; // count is at most the file's size
   if (bytes > p->size - storage->at) return damaged(p, "it ends before the data of its tensors");
   *at = storage->at + bytes;
   return SC_OK;
}

static ScStatus unpickle_legacy(ScPth *p, size_t size) {
   Window w = {.size = size};
   ScPickled *keys;
   SC_TRY(check_head(p, &w));
   SC_TRY(next_pickle(p, &w, &p->root));
   SC_TRY(next_pickle(p, &w, &keys));
   SC_TRY(list_storages(p));
   if (keys->kind != SC_PICKLED_LIST || keys->n != p->nstorages)
      return damaged(p, "its list of storages does not fit its tensors");
   int64_t at = (int64_t)w.at;
   for (size_t i = 0; i < keys->n; i++) SC_TRY(place_storage(p, keys->items[i], &at));
   return SC_OK;
}

static void forget(ScPth *p) {
   sc_pickle_free(&p->pickle);
   free(p->storages);
   free(p->bytes);
   p->storages = NULL;
   p->nstorages = 0;
   p->bytes = NULL;
}

static ScStatus try_legacy(ScPth *p, size_t limit) {
   size_t size = p->size < (int64_t)limit ? (size_t)p->size : limit;
   p->bytes = malloc(size + 1);
   if (!p->bytes) return no_memory();
   SC_TRY(sc_source_read(p->source, 0, p->bytes, size));
   return unpickle_legacy(p, size);
}

static ScStatus open_legacy(ScPth *p) {
   ScStatus status = try_legacy(p, FIRSTPICKLE);
   if (status != SC_EFORMAT || p->size <= FIRSTPICKLE) return status;
   forget(p);
   return try_legacy(p, MAXPICKLE);
}

ScStatus sc_pth_open(ScPth *p, const ScSource *source) {
   char head[2] = "";
   *p = (ScPth){.source = source, .path = source->path, .size = source->size};
   SC_TRY(sc_source_read(source, 0, head, p->size < 2 ? (size_t)p->size : 2));
   ScStatus status = memcmp(head, "PK", 2) == 0 ? open_zip(p) : open_legacy(p);
   if (status != SC_OK) sc_pth_close(p);
   return status;
}

void sc_pth_close(ScPth *p) {
   forget(p);
   if (p->zip) libzip.discard(p->zip);
}

ScStatus sc_pth_fetch(const ScPth *p, const ScStorage *storage, void *data) {
   size_t bytes = (size_t)storage->count * (size_t)storage->type->size;
   if (!p->zip) return sc_source_read(p->source, storage->at, data, bytes);
   int64_t size;
   SC_TRY(entry_size(p, storage->at, &size));
   return read_entry(p, storage->at, data, (int64_t)bytes);
}
