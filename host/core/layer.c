#include "host/core/layer.h"

#include <string.h>

enum { MOST = 4096 };

static char *paths[MOST]; // of number i + 1
static int count, current;

int sc_layer_number(const char *path) {
   for (int i = 0; i < count; i++)
      if (strcmp(paths[i], path) == 0) return i + 1;
   if (count == MOST || !(paths[count] = strdup(path))) return 0;
   return ++count;
}

const char *sc_layer_path(int layer) {
   return layer > 0 && layer <= count ? paths[layer - 1] : "";
}

int sc_layer(void) {
   return current;
}

int sc_layer_set(int layer) {
   int before = current;
   current = layer;
   return before;
}
