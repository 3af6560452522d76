// The values that an unpickler builds.
#ifndef SCUTE_PICKLED_H
#define SCUTE_PICKLED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/files/arena.h"

typedef enum {
   SC_PICKLED_NONE,
   SC_PICKLED_BOOL,    // integer
   SC_PICKLED_INT,     // integer
   SC_PICKLED_FLOAT,   // number
   SC_PICKLED_LONG,    // text: little-endian bytes of an integer beyond 64 bits
   SC_PICKLED_STRING,  // text, also for bytes
   SC_PICKLED_GLOBAL,  // text: "torch.FloatStorage"
   SC_PICKLED_LIST,    // items
   SC_PICKLED_TUPLE,   // items
   SC_PICKLED_DICT,    // items: key, value, key, value, ...; OrderedDict too
   SC_PICKLED_OBJECT,  // items: what was set on an object of a class that is not known: key, value, ...
   SC_PICKLED_STORAGE, // items: the parts of torch's persistent id
   SC_PICKLED_TENSOR,  // items: the arguments of _rebuild_tensor: storage, offset, size, stride, ...
   SC_PICKLED_MARK,    // never in a result
} ScPickledKind;

typedef struct ScPickled ScPickled;
struct ScPickled {
   ScPickledKind kind;
   union {
      int64_t integer;
      double number;
      struct {
         const char *text; // into the caller's bytes, not terminated
         size_t length;
      };
      struct {
         ScPickled **items;
         size_t n, capacity;
      };
   };
};

enum { SC_OTHERS_NOTED = 6 };

// The values of one file and the storages that it mentions. All zero is empty.
typedef struct {
   ScArena arena;
   size_t values;
   ScPickled storages; // a list, in the order of mention, repeated ones too
   ScPickled others;   // a list of the globals that are not known, the first few
} ScPickle;

// Whether a value is this text.
bool sc_pickled_is(const ScPickled *, const char *text);
// Whether it has keys and values.
bool sc_pickled_is_dict(const ScPickled *);
// The first value of a key in a dict, or NULL.
const ScPickled *sc_pickled_get(const ScPickled *dict, const char *key);

#endif
