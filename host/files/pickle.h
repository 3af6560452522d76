// A restricted unpickler: it builds plain values and the descriptions of tensors that a state dict holds, and
// nothing else. It never calls anything a file names; every global outside the list in pickle.c, and every
// instruction that a state dict does not need, is refused. It does not recurse, so no file can exhaust the
// stack.
#ifndef SCUTE_PICKLE_H
#define SCUTE_PICKLE_H

#include <stddef.h>
#include <stdint.h>

#include "host/files/arena.h"
#include "host/core/status.h"

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

// The values of one file and the storages that it mentions. All zero is empty.
typedef struct {
   ScArena arena;
   size_t values;
   ScPickled storages; // a list, in the order of mention, repeated ones too
} ScPickle;

void sc_pickle_free(ScPickle *);

// Reads one pickle from the start of `bytes`; `*used` is where it ended. `file` is for messages. The values
// live as long as the ScPickle and the bytes. SC_EFORMAT when damaged or refused, SC_EMEM.
ScStatus sc_unpickle(ScPickle *, const char *file, const void *bytes, size_t size, size_t *used,
                     ScPickled **out);

#endif
