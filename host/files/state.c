#include "host/files/state.h"

#include <stdlib.h>
#include <string.h>

static ScStatus no_memory(void) {
   return sc_fail(SC_EMEM, "out of memory");
}

// Room for one more element in a growing array.
static bool grow(void **array, int n, int *capacity, size_t size) {
   if (n < *capacity) return true;
   int larger = *capacity ? 2 * *capacity : 64;
   void *grown = realloc(*array, (size_t)larger * size);
   if (!grown) return false;
   *array = grown;
   *capacity = larger;
   return true;
}

ScStatus sc_state_add(ScState *state, const char *name, ScTensor *tensor) {
   char *copy = strdup(name);
   if (!copy || !grow((void **)&state->entries, state->n, &state->capacity, sizeof *state->entries)) {
      free(copy);
      sc_tensor_release(tensor);
      return no_memory();
   }
   state->entries[state->n++] = (ScEntry){copy, tensor};
   return SC_OK;
}

ScStatus sc_state_annotate(ScState *state, const char *key, const char *value) {
   ScMetadata pair = {strdup(key), strdup(value)};
   if (!pair.key || !pair.value ||
       !grow((void **)&state->metadata, state->nmetadata, &state->metadata_capacity, sizeof *state->metadata)) {
      free(pair.key);
      free(pair.value);
      return no_memory();
   }
   state->metadata[state->nmetadata++] = pair;
   return SC_OK;
}

ScStatus sc_state_note(ScState *state, const char *line) {
   char *copy = strdup(line);
   if (!copy || !grow((void **)&state->notes, state->nnotes, &state->notes_capacity, sizeof *state->notes)) {
      free(copy);
      return no_memory();
   }
   state->notes[state->nnotes++] = copy;
   return SC_OK;
}

void sc_state_free(ScState *state) {
   for (int i = 0; i < state->n; i++) {
      free(state->entries[i].name);
      sc_tensor_release(state->entries[i].tensor);
   }
   for (int i = 0; i < state->nmetadata; i++) {
      free(state->metadata[i].key);
      free(state->metadata[i].value);
   }
   for (int i = 0; i < state->nnotes; i++) free(state->notes[i]);
   free(state->entries);
   free(state->metadata);
   free(state->notes);
   *state = (ScState){0};
}
