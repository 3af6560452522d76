#include "host/files/pth.h"

#include <stdlib.h>
#include <string.h>

#include "host/files/pth_container.h"

enum { MAXENTRIES = 20000 };

// One entry of the state dict, checked against its storage.
typedef struct {
   char *name;
   const ScStorage *storage;
   int rank;
   int64_t offset, shape[SC_MAXRANK], strides[SC_MAXRANK];
} Item;

typedef struct {
   ScPth pth;
   Item *items;
   int n;
   ScTensor **tensors;
} Reader;

static ScStatus no_memory(void) {
   return sc_fail(SC_EMEM, "out of memory");
}

static ScStatus bad(const Reader *r, const Item *item, const char *problem) {
   return sc_fail(SC_EFORMAT, "%s: entry '%s' %s", r->pth.path, item->name, problem);
}

static bool is_state_dict(const ScPickled *dict) {
   bool tensors = dict->kind == SC_PICKLED_DICT && dict->n > 0;
   for (size_t i = 0; tensors && i < dict->n; i += 2)
      tensors = dict->items[i]->kind == SC_PICKLED_STRING && dict->items[i + 1]->kind == SC_PICKLED_TENSOR;
   return tensors;
}

static const ScPickled *look_up(const ScPickled *dict, const char *key) {
   for (size_t i = 0; i < dict->n; i += 2) {
      const ScPickled *name = dict->items[i];
      if (name->kind == SC_PICKLED_STRING && name->length == strlen(key) &&
          memcmp(name->text, key, name->length) == 0)
         return dict->items[i + 1];
   }
   return NULL;
}

static ScStatus find_state_dict(const Reader *r, const ScPickled **out) {
   static const char *const wrappers[] = {"state_dict", "model_state_dict", "model"};
   const ScPickled *root = r->pth.root;
   *out = root;
   if (is_state_dict(root)) return SC_OK;
   for (int i = 0; root->kind == SC_PICKLED_DICT && i < 3; i++) {
      *out = look_up(root, wrappers[i]);
      if (*out && is_state_dict(*out)) return SC_OK;
   }
   return sc_fail(
       SC_EFORMAT,
       "%s is not a plain state dict: expected a dict from names to tensors, alone or under 'state_dict', "
       "'model_state_dict' or 'model'; save it with torch.save(model.state_dict(), ...)",
       r->pth.path);
}

static ScStatus read_name(const Reader *r, Item *item, const ScPickled *name) {
   item->name = calloc(name->length + 1, 1);
   if (!item->name) return no_memory();
   memcpy(item->name, name->text, name->length);
   if (name->length == 0 || strlen(item->name) != name->length)
      return sc_fail(SC_EFORMAT, "%s: an entry has an empty name or one with a zero byte in it", r->pth.path);
   for (int i = 0; i < r->n; i++)
      if (strcmp(r->items[i].name, item->name) == 0) return bad(r, item, "is there twice");
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
   SC_TRY(read_sizes(r, item, tensor->items[2], tensor->items[3]));
   SC_TRY(read_view(r, item, id, &begin, &end));
   return check_bounds(r, item, tensor->items[1], begin, end);
}

// Strides of zero and shared storages let a small file ask for any amount of memory.
static ScStatus check_amount(const Reader *r) {
   int64_t allowed = 16 * r->pth.size + (64 << 20), total = 0;
   for (int i = 0; i < r->n; i++) {
      const Item *item = &r->items[i];
      int64_t bytes = (int64_t)sc_dtype_size(item->storage->type->dtype);
      bool fits = true;
      for (int k = 0; k < item->rank && fits; k++)
         fits = !__builtin_mul_overflow(bytes, item->shape[k], &bytes);
      if (!fits || bytes > allowed - total)
         return bad(r, item, "takes far more memory than the file holds; refused");
      total += bytes;
   }
   return SC_OK;
}

static ScStatus read_items(Reader *r) {
   const ScPickled *dict;
   SC_TRY(find_state_dict(r, &dict));
   if (dict->n / 2 > MAXENTRIES)
      return sc_fail(SC_EFORMAT, "%s holds %zu entries; at most %d are allowed", r->pth.path, dict->n / 2,
                     MAXENTRIES);
   r->items = calloc(dict->n / 2, sizeof *r->items);
   r->tensors = calloc(dict->n / 2, sizeof *r->tensors);
   if (!r->items || !r->tensors) return no_memory();
   for (size_t i = 0; i < dict->n; i += 2) {
      Item *item = &r->items[r->n];
      ScStatus status = read_name(r, item, dict->items[i]);
      r->n++; // from here on its name is freed with the others
      SC_TRY(status);
      SC_TRY(read_item(r, item, dict->items[i + 1]));
   }
   return check_amount(r);
}

static bool is_contiguous(const Item *item) {
   int64_t stride = 1;
   for (int i = item->rank - 1; i >= 0; i--) {
      if (item->shape[i] > 1 && item->strides[i] != stride) return false;
      stride *= item->shape[i];
   }
   return true;
}

// Copies one dimension after the other; the depth is at most SC_MAXRANK.
static char *gather(const Item *item, int dim, const char *from, char *to) {
   size_t size = (size_t)item->storage->type->size;
   if (dim == item->rank) {
      memcpy(to, from, size);
      return to + size;
   }
   for (int64_t i = 0; i < item->shape[dim]; i++)
      to = gather(item, dim + 1, from + (size_t)(i * item->strides[dim]) * size, to);
   return to;
}

static ScStatus make_tensor(const Item *item, ScDevice *device, const char *storage, ScTensor **out) {
   const ScFileType *type = item->storage->type;
   const char *from = storage + item->offset * type->size;
   if (is_contiguous(item)) return sc_file_tensor(out, device, type, item->rank, item->shape, from);
   size_t bytes = (size_t)type->size;
   for (int i = 0; i < item->rank; i++) bytes *= (size_t)item->shape[i];
   char *dense = malloc(bytes);
   if (!dense) return no_memory();
   gather(item, 0, from, dense);
   ScStatus status = sc_file_tensor(out, device, type, item->rank, item->shape, dense);
   free(dense);
   return status;
}

// All tensors of one storage, so that each storage is read once and only one is held at a time.
static ScStatus load_storage(Reader *r, ScDevice *device, const ScStorage *storage) {
   char *data = NULL;
   ScStatus status = SC_OK;
   for (int i = 0; i < r->n && status == SC_OK; i++) {
      if (r->items[i].storage != storage) continue;
      if (!data) {
         data = malloc((size_t)storage->count * (size_t)storage->type->size);
         status = data ? sc_pth_fetch(&r->pth, storage, data) : no_memory();
      }
      if (status == SC_OK) status = make_tensor(&r->items[i], device, data, &r->tensors[i]);
   }
   free(data);
   return status;
}

static ScStatus read_all(Reader *r, ScDevice *device, ScState *out) {
   SC_TRY(read_items(r));
   for (size_t i = 0; i < r->pth.nstorages; i++) SC_TRY(load_storage(r, device, &r->pth.storages[i]));
   for (int i = 0; i < r->n; i++) {
      ScTensor *tensor = r->tensors[i];
      r->tensors[i] = NULL;
      SC_TRY(sc_state_add(out, r->items[i].name, tensor));
   }
   return SC_OK;
}

static void free_reader(Reader *r) {
   for (int i = 0; i < r->n; i++) {
      free(r->items[i].name);
      sc_tensor_release(r->tensors[i]);
   }
   free(r->items);
   free(r->tensors);
   sc_pth_close(&r->pth);
}

ScStatus sc_pth_read(const char *path, ScDevice *device, ScState *out) {
   Reader r = {.n = 0};
   SC_TRY(sc_pth_open(&r.pth, path));
   ScStatus status = read_all(&r, device, out);
   if (status != SC_OK) sc_state_free(out);
   free_reader(&r);
   return status;
}
