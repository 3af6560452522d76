#include "host/files/pth.h"

#include <stdlib.h>
#include <string.h>

#include "host/files/pth_search.h"

// One entry of the state dict, checked against its storage.
typedef struct {
   char *name;
   const ScStorage *storage;
   int rank;
   int64_t offset, shape[SC_MAXRANK], strides[SC_MAXRANK];
   ScTensor *tensor;
} Item;

typedef struct {
   ScPth pth;
   Item *items;
   int n;
   Item **sorted; // the items in another order
} Reader;

static ScStatus no_memory(void) {
   return sc_fail(SC_EMEM, "out of memory");
}

static ScStatus bad(const Reader *r, const Item *item, const char *problem) {
   return sc_fail(SC_EFORMAT, "%s: entry '%s' %s", r->pth.path, item->name, problem);
}

static ScStatus read_name(const Reader *r, Item *item, const ScPickled *name) {
   if (name->length > SC_MAXNAME)
      return sc_fail(SC_EFORMAT, "%s: an entry has a name of %zu bytes, at most %d are allowed", r->pth.path,
                     name->length, SC_MAXNAME);
   item->name = calloc(name->length + 1, 1);
   if (!item->name) return no_memory();
   memcpy(item->name, name->text, name->length);
   if (name->length == 0 || strlen(item->name) != name->length)
      return sc_fail(SC_EFORMAT, "%s: an entry has an empty name or one with a zero byte in it", r->pth.path);
   return SC_OK;
}

static ScStatus read_sizes(const Reader *r, Item *item, const ScPickled *shape, const ScPickled *strides) {
   if (shape->kind != SC_PICKLED_TUPLE || strides->kind != SC_PICKLED_TUPLE || shape->n != strides->n)
      return bad(r, item, "has no shape with a stride for each dimension");
   if (shape->n > SC_MAXRANK) return bad(r, item, "has more than 8 dimensions");
   item->rank = (int)shape->n;
   for (int i = 0; i < item->rank; i++) {
      const ScPickled *size = shape->items[i], *stride = strides->items[i];
      if (size->kind != SC_PICKLED_INT || size->integer < 1)
         return bad(r, item, "has a dimension that is not a positive whole number");
      if (stride->kind != SC_PICKLED_INT || stride->integer < 0)
         return bad(r, item, "has a stride that is not a whole number");
      item->shape[i] = size->integer;
      item->strides[i] = stride->integer;
   }
   return SC_OK;
}

// From PyTorch before 0.4: a storage can be a window (key, offset, count) of another one.
static ScStatus read_view(const Reader *r, Item *item, const ScPickled *id, int64_t *begin, int64_t *end) {
   *begin = 0;
   *end = item->storage->count;
   if (id->n < 6 || id->items[5]->kind == SC_PICKLED_NONE) return SC_OK;
   const ScPickled *view = id->items[5];
   if (view->kind != SC_PICKLED_TUPLE || view->n != 3 || view->items[1]->kind != SC_PICKLED_INT ||
       view->items[2]->kind != SC_PICKLED_INT)
      return bad(r, item, "has a damaged view of its storage");
   int64_t offset = view->items[1]->integer, count = view->items[2]->integer;
   if (offset < 0 || count < 0 || offset > *end || count > *end - offset)
      return bad(r, item, "lies outside of its storage");
   *begin = offset;
   *end = offset + count;
   return SC_OK;
}

// The furthest element that the strides reach must lie in the storage.
static ScStatus check_bounds(const Reader *r, Item *item, const ScPickled *offset, int64_t begin, int64_t end) {
   if (offset->kind != SC_PICKLED_INT || offset->integer < 0)
      return bad(r, item, "has a damaged storage offset");
   int64_t last = offset->integer, reach;
   bool inside = !__builtin_add_overflow(last, begin, &last);
   for (int i = 0; i < item->rank && inside; i++)
      inside = !__builtin_mul_overflow(item->shape[i] - 1, item->strides[i], &reach) &&
               !__builtin_add_overflow(last, reach, &last);
   if (!inside || last >= end) return bad(r, item, "lies outside of its storage");
   item->offset = begin + offset->integer;
   return SC_OK;
}

static ScStatus read_item(const Reader *r, Item *item, const ScPickled *tensor) {
   const ScPickled *id = tensor->items[0];
   int64_t begin, end;
   item->storage = sc_pth_storage(&r->pth, id->items[2]);
   if (!item->storage || item->storage->at < 0) return bad(r, item, "has no data in the file");
   if (!sc_pth_is_read(item->storage)) return bad(r, item, "has numbers of a type that is not read");
   SC_TRY(read_sizes(r, item, tensor->items[2], tensor->items[3]));
   SC_TRY(read_view(r, item, id, &begin, &end));
   return check_bounds(r, item, tensor->items[1], begin, end);
}

static int by_name(const void *a, const void *b) {
   const Item *const *x = a, *const *y = b;
   return strcmp((*x)->name, (*y)->name);
}

static ScStatus check_names(const Reader *r) {
   qsort(r->sorted, (size_t)r->n, sizeof *r->sorted, by_name);
   for (int i = 1; i < r->n; i++)
      if (by_name(&r->sorted[i - 1], &r->sorted[i]) == 0) return bad(r, r->sorted[i], "is there twice");
   return SC_OK;
}

// By storage, and within one by the part of it.
static int by_part(const void *a, const void *b) {
   const Item *x = *(const Item *const *)a, *y = *(const Item *const *)b;
   if (x->storage != y->storage) return x->storage < y->storage ? -1 : 1;
   if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
   if (x->rank != y->rank) return x->rank - y->rank;
   int order = memcmp(x->shape, y->shape, sizeof x->shape);
   return order ? order : memcmp(x->strides, y->strides, sizeof x->strides);
}

// Whether sorted item i is the same part of the same storage as the one before it.
static bool is_repeated(const Reader *r, int i) {
   return i > 0 && by_part(&r->sorted[i - 1], &r->sorted[i]) == 0;
}

// Strides of zero, and parts of a storage that lie on top of each other, let a small file ask for any amount of
// memory.
static ScStatus check_amount(const Reader *r) {
   int64_t allowed = r->pth.size + (16 << 20), total = 0;
   for (int i = 0; i < r->n; i++) {
      const Item *item = r->sorted[i];
      if (is_repeated(r, i)) continue;
      int64_t bytes = item->storage->type->size;
      bool fits = true;
      for (int k = 0; k < item->rank && fits; k++)
         fits = !__builtin_mul_overflow(bytes, item->shape[k], &bytes);
      if (!fits || bytes > allowed - total)
         return bad(r, item, "takes far more memory than the file holds; refused");
      total += bytes;
   }
   return SC_OK;
}

static ScStatus read_dict(Reader *r, const ScPickled *dict) {
   r->items = calloc(dict->n / 2, sizeof *r->items);
   r->sorted = calloc(dict->n / 2, sizeof *r->sorted);
   if (!r->items || !r->sorted) return no_memory();
   for (size_t i = 0; i < dict->n; i += 2) {
      if (!sc_pth_is_weight(dict->items[i + 1])) continue;
      Item *item = r->sorted[r->n] = &r->items[r->n];
      r->n++; // from here on its name is freed with the others
      SC_TRY(read_name(r, item, dict->items[i]));
      SC_TRY(read_item(r, item, dict->items[i + 1]));
   }
   if (r->n > 0) return SC_OK;
   return sc_fail(SC_EFORMAT, "%s: each entry has a dimension that is not a positive whole number",
                  r->pth.path);
}

// Leaves the items sorted by their parts of the storages.
static ScStatus read_items(Reader *r, ScState *out) {
   const ScPickled *dict;
   SC_TRY(sc_pth_find(&r->pth, &dict, out));
   if (dict->n / 2 > SC_MAXENTRIES)
      return sc_fail(SC_EFORMAT, "%s holds %zu entries; at most %d are allowed", r->pth.path, dict->n / 2,
                     SC_MAXENTRIES);
   SC_TRY(read_dict(r, dict));
   SC_TRY(check_names(r));
   qsort(r->sorted, (size_t)r->n, sizeof *r->sorted, by_part);
   return check_amount(r);
}

static ScStatus make_tensor(const Reader *r, int i, ScDevice *device, const char *storage) {
   Item *item = r->sorted[i];
   if (is_repeated(r, i))
      return sc_tensor_alias(&item->tensor, r->sorted[i - 1]->tensor, item->rank, item->shape);
   const ScFileType *type = item->storage->type;
   const char *from = storage + item->offset * type->size;
   return sc_file_tensor(&item->tensor, device, type, item->rank, item->shape, item->strides, from);
}

// The tensors of one storage, from sorted item `first` on; `*end` is where those of the next one begin. Each
// storage is read once, and only one is held at a time.
static ScStatus load_storage(const Reader *r, ScDevice *device, int first, int *end) {
   const ScStorage *storage = r->sorted[first]->storage;
   char *data = malloc((size_t)storage->count * (size_t)storage->type->size);
   ScStatus status = data ? sc_pth_fetch(&r->pth, storage, data) : no_memory();
   int i = first;
   for (; i < r->n && r->sorted[i]->storage == storage && status == SC_OK; i++)
      status = make_tensor(r, i, device, data);
   free(data);
   *end = i;
   return status;
}

static ScStatus read_all(Reader *r, ScDevice *device, ScState *out) {
   SC_TRY(read_items(r, out));
   for (int i = 0; i < r->n;) SC_TRY(load_storage(r, device, i, &i));
   for (int i = 0; i < r->n; i++) {
      ScTensor *tensor = r->items[i].tensor;
      r->items[i].tensor = NULL;
      SC_TRY(sc_state_add(out, r->items[i].name, tensor));
   }
   return SC_OK;
}

static void free_reader(Reader *r) {
   for (int i = 0; i < r->n; i++) {
      free(r->items[i].name);
      sc_tensor_release(r->items[i].tensor);
   }
   free(r->items);
   free(r->sorted);
   sc_pth_close(&r->pth);
}

ScStatus sc_pth_read(const ScSource *source, ScDevice *device, ScState *out) {
   Reader r = {.n = 0};
   SC_TRY(sc_pth_open(&r.pth, source));
   ScStatus status = read_all(&r, device, out);
   if (status != SC_OK) sc_state_free(out);
   free_reader(&r);
   return status;
}
