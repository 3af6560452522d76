#include "host/files/pickle_object.h"

#include <ctype.h>
#include <string.h>

// The whole list of names that a file may use, and what stands for them here.
typedef enum { TYPE, ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER } Meaning;
static const struct {
   const char *name;
   Meaning meaning;
} allowed[] = {
    {"collections.OrderedDict", ORDERED_DICT},
    {"torch._utils._rebuild_tensor_v2", REBUILD_TENSOR},
    {"torch._utils._rebuild_tensor", REBUILD_TENSOR},
    {"torch._utils._rebuild_parameter", REBUILD_PARAMETER},
    {"torch.nn.parameter.Parameter", REBUILD_PARAMETER},
    {"torch.FloatStorage", TYPE},
    {"torch.HalfStorage", TYPE},
    {"torch.BFloat16Storage", TYPE},
    {"torch.DoubleStorage", TYPE},
    {"torch.LongStorage", TYPE},
    {"torch.IntStorage", TYPE},
    {"torch.ByteStorage", TYPE},
    {"torch.BoolStorage", TYPE},
};
enum { NALLOWED = sizeof allowed / sizeof allowed[0] };

// Text of a file in a message: printable and short.
static void printable(char *to, size_t size, const char *text, size_t length) {
   size_t n = length < size - 1 ? length : size - 1;
   for (size_t i = 0; i < n; i++) to[i] = (char)(isprint((unsigned char)text[i]) ? text[i] : '?');
   to[n] = '\0';
}

ScStatus sc_pickle_global(ScUnpickler *m, const char *module, size_t nmodule, const char *name, size_t nname) {
   char shown[2][64];
   printable(shown[0], sizeof shown[0], module, nmodule);
   printable(shown[1], sizeof shown[1], name, nname);
   for (int i = 0; i < NALLOWED; i++) {
      const char *known = allowed[i].name;
      if (strlen(known) == nmodule + 1 + nname && memcmp(known, module, nmodule) == 0 &&
          known[nmodule] == '.' && memcmp(known + nmodule + 1, name, nname) == 0)
         return sc_pickle_push_text(m, SC_PICKLED_GLOBAL, known, strlen(known));
   }
   return sc_fail(
       SC_EFORMAT,
       "%s is not a plain state dict: its pickle asks for %s.%s. The file is refused and nothing in it was "
       "executed; if you trust it, load it in PyTorch and save model.state_dict() alone",
       m->file, shown[0], shown[1]);
}

// OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]).
static ScStatus make_dict(ScUnpickler *m, const ScPickled *arguments) {
   ScPickled *dict;
   SC_TRY(sc_pickle_new(m, SC_PICKLED_DICT, &dict));
   const ScPickled *pairs = arguments->n > 0 ? arguments->items[0] : arguments;
   if (arguments->n > 1 || (arguments->n == 1 && pairs->kind != SC_PICKLED_LIST))
      return sc_pickle_damaged(m, "makes an OrderedDict from something other than pairs");
   for (size_t i = 0; arguments->n == 1 && i < pairs->n; i++) {
      const ScPickled *pair = pairs->items[i];
      if ((pair->kind != SC_PICKLED_LIST && pair->kind != SC_PICKLED_TUPLE) || pair->n != 2)
         return sc_pickle_damaged(m, "makes an OrderedDict from something other than pairs");
      SC_TRY(sc_pickle_append(m, dict, pair->items, 2));
   }
   return sc_pickle_push(m, dict);
}

static ScStatus make_tensor(ScUnpickler *m, const ScPickled *arguments) {
   ScPickled *tensor;
   if (arguments->n < 4 || arguments->items[0]->kind != SC_PICKLED_STORAGE)
      return sc_pickle_damaged(m, "makes a tensor from something other than a storage");
   SC_TRY(sc_pickle_push_new(m, SC_PICKLED_TENSOR, &tensor));
   return sc_pickle_append(m, tensor, arguments->items, 4);
}

ScStatus sc_pickle_call(ScUnpickler *m, const ScPickled *global, const ScPickled *arguments) {
   if (global->kind != SC_PICKLED_GLOBAL || arguments->kind != SC_PICKLED_TUPLE)
      return sc_pickle_damaged(m, "calls what cannot be called");
   Meaning meaning = TYPE;
   for (int i = 0; i < NALLOWED; i++)
      if (allowed[i].name == global->text) meaning = allowed[i].meaning;
   if (meaning == ORDERED_DICT) return make_dict(m, arguments);
   if (meaning == REBUILD_TENSOR) return make_tensor(m, arguments);
   if (meaning == REBUILD_PARAMETER && arguments->n > 0 && arguments->items[0]->kind == SC_PICKLED_TENSOR)
      return sc_pickle_push(m, arguments->items[0]);
   return sc_pickle_damaged(m, "calls what cannot be called");
}
