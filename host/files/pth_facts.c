#include "host/files/pth_facts.h"

#include <jansson.h>
#include <stdlib.h>

#include "host/files/json_memory.h"
#include "host/files/pickle_object.h"

// MAXCLASSES: far more than any head here has.
enum { MAXCLASSES = 100000 };

static ScStatus tell_architecture(const ScPickled *dict, ScState *out) {
   static const char *const keys[] = {"architecture", "arch", "model_name", "model"};
   char name[64];
   for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
      const ScPickled *value = sc_pickled_get(dict, keys[i]);
      if (!value || value->kind != SC_PICKLED_STRING || value->length >= sizeof name) continue;
      sc_pickle_printable(name, sizeof name, value->text, value->length);
      return sc_state_annotate(out, "architecture", name);
   }
   return SC_OK;
}

static json_t *text_of(const ScPickled *name) {
   return name->kind == SC_PICKLED_STRING ? json_stringn(name->text, name->length) : NULL;
}

static json_t *dropped(json_t *names) {
   json_decref(names);
   return NULL;
}

// ["ant", "bee"], or NULL.
static json_t *list_names(const ScPickled *list) {
   if ((list->kind != SC_PICKLED_LIST && list->kind != SC_PICKLED_TUPLE) || list->n == 0 ||
       list->n > MAXCLASSES)
      return NULL;
   json_t *names = json_array();
   for (size_t i = 0; i < list->n; i++)
      if (json_array_append_new(names, text_of(list->items[i])) != 0) return dropped(names);
   return names;
}

// Of {"ant": 0, "bee": 1} as torchvision's ImageFolder has it: the names in the order of their numbers.
static json_t *order_names(const ScPickled *dict) {
   size_t n = dict->kind == SC_PICKLED_DICT ? dict->n / 2 : 0;
   if (n == 0 || n > MAXCLASSES) return NULL;
   json_t *names = json_array();
   for (size_t i = 0; i < n; i++)
      if (json_array_append_new(names, json_null()) != 0) return dropped(names);
   for (size_t i = 0; i < n; i++) {
      const ScPickled *number = dict->items[2 * i + 1];
      bool one = number->kind == SC_PICKLED_INT && number->integer >= 0 && number->integer < (int64_t)n &&
                 json_is_null(json_array_get(names, (size_t)number->integer));
      if (!one || json_array_set_new(names, (size_t)number->integer, text_of(dict->items[2 * i])) != 0)
         return dropped(names);
   }
   return names;
}

static json_t *find_classes(const ScPickled *root) {
   static const struct {
      const char *key;
      json_t *(*read)(const ScPickled *);
   } ways[] = {{"classes", list_names}, {"class_names", list_names}, {"class_to_idx", order_names}};
   json_t *names = NULL;
   for (size_t i = 0; !names && i < sizeof ways / sizeof ways[0]; i++) {
      const ScPickled *value = sc_pickled_get(root, ways[i].key);
      names = value ? ways[i].read(value) : NULL;
   }
   return names;
}

static ScStatus tell_classes(const ScPickled *root, ScState *out) {
   sc_json_watch();
   json_t *names = find_classes(root);
   char *text = names ? json_dumps(names, JSON_COMPACT) : NULL;
   json_decref(names);
   ScStatus status = SC_OK;
   if (text)
      status = sc_state_annotate(out, "classes", text);
   else if (names || sc_json_starved())
      status = sc_fail(SC_EMEM, "out of memory");
   free(text);
   return status;
}

ScStatus sc_pth_facts(const ScPickled *root, ScState *out) {
   static const char *const settings[] = {"args", "hyper_parameters", "hparams", "config"};
   SC_TRY(tell_architecture(root, out));
   for (size_t i = 0; i < sizeof settings / sizeof settings[0] && out->nmetadata == 0; i++) {
      const ScPickled *dict = sc_pickled_get(root, settings[i]);
      if (dict && sc_pickled_is_dict(dict)) SC_TRY(tell_architecture(dict, out));
   }
   return tell_classes(root, out);
}
