#include "host/files/pickled.h"

#include <string.h>

bool sc_pickled_is(const ScPickled *value, const char *text) {
   return value->kind == SC_PICKLED_STRING && value->length == strlen(text) &&
          memcmp(value->text, text, value->length) == 0;
}

bool sc_pickled_is_dict(const ScPickled *value) {
   return value->kind == SC_PICKLED_DICT || value->kind == SC_PICKLED_OBJECT;
}

const ScPickled *sc_pickled_get(const ScPickled *dict, const char *key) {
   for (size_t i = 0; i < dict->n; i += 2)
      if (sc_pickled_is(dict->items[i], key)) return dict->items[i + 1];
   return NULL;
}
