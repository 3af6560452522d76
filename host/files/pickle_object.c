#include "host/files/pickle_object.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

// The whole list of names that mean something here, and what stands for them.
typedef enum { TYPE, ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, REBUILD_FROM_TYPE, OTHER } Meaning;
static const struct {
   const char *name;
   Meaning meaning;
} allowed[] = {
    {"collections.OrderedDict", ORDERED_DICT},
    {"torch._utils._rebuild_tensor_v2", REBUILD_TENSOR},
    {"torch._utils._rebuild_tensor", REBUILD_TENSOR},
    {"torch._utils._rebuild_parameter", REBUILD_PARAMETER},
    {"torch._utils._rebuild_parameter_with_state", REBUILD_PARAMETER},
    {"torch.nn.parameter.Parameter", REBUILD_PARAMETER},
    {"torch._tensor._rebuild_from_type_v2", REBUILD_FROM_TYPE},
    {"torch.Tensor", TYPE},
    {"torch.FloatStorage", TYPE},
    {"torch.HalfStorage", TYPE},
    {"torch.BFloat16Storage", TYPE},
    {"torch.DoubleStorage", TYPE},
    {"torch.LongStorage", TYPE},
    {"torch.IntStorage", TYPE},
    {"torch.ByteStorage", TYPE},
    {"torch.BoolStorage", TYPE},
    {"torch.CharStorage", TYPE},
    {"torch.ShortStorage", TYPE},
    {"torch.ComplexFloatStorage", TYPE},
    {"torch.ComplexDoubleStorage", TYPE},
    {"torch.storage.UntypedStorage", TYPE},
};
enum { NALLOWED = sizeof allowed / sizeof allowed[0] };

void sc_pickle_printable(char *to, size_t size, const char *text, size_t length) {
   size_t n = length < size - 1 ? length : size - 1;
   for (size_t i = 0; i < n; i++) to[i] = (char)(isprint((unsigned char)text[i]) ? text[i] : '?');
   to[n] = '\0';
}

// Whether a name of the list is this module and name.
static bool is_named(const char *known, const char *module, size_t nmodule, const char *name, size_t nname) {
   return strlen(known) == nmodule + 1 + nname && memcmp(known, module, nmodule) == 0 &&
          known[nmodule] == '.' && memcmp(known + nmodule + 1, name, nname) == 0;
}

// No checkpoint asks for what these can do. Here it would not be called either, but a file that was made to
// harm is no file to take weights from.
static bool is_harmful(const char *module, const char *name) {
   static const char *const modules[] = {"os",     "posix",      "nt",       "subprocess", "sys",
                                         "runpy",  "pty",        "shutil",   "importlib",  "socket",
                                         "ctypes", "webbrowser", "commands", "code"};
   static const char *const functions[] = {"eval", "exec", "compile", "__import__", "open", "execfile"};
   for (size_t i = 0; i < sizeof modules / sizeof modules[0]; i++)
      if (strcmp(module, modules[i]) == 0) return true;
   bool built_in = strcmp(module, "builtins") == 0 || strcmp(module, "__builtin__") == 0;
   for (size_t i = 0; built_in && i < sizeof functions / sizeof functions[0]; i++)
      if (strcmp(name, functions[i]) == 0) return true;
   return false;
}

// The first few names of what is not known are kept, each once.
static ScStatus note_other(ScUnpickler *m, ScPickled *global) {
   ScPickled *others = &m->pickle->others;
   for (size_t i = 0; i < others->n; i++)
      if (strcmp(others->items[i]->text, global->text) == 0) return SC_OK;
   return others->n == SC_OTHERS_NOTED ? SC_OK : sc_pickle_append(m, others, &global, 1);
}

static ScStatus push_other(ScUnpickler *m, const char *module, const char *name) {
   ScPickled *global;
   size_t length = strlen(module) + 1 + strlen(name);
   char *text = sc_arena_take(&m->pickle->arena, length + 1);
   if (!text) return sc_pickle_no_memory(m);
   snprintf(text, length + 1, "%s.%s", module, name);
   SC_TRY(sc_pickle_push_new(m, SC_PICKLED_GLOBAL, &global));
   global->text = text;
   global->length = length;
   return note_other(m, global);
}

ScStatus sc_pickle_global(ScUnpickler *m, const char *module, size_t nmodule, const char *name, size_t nname) {
   char shown[2][64];
   for (int i = 0; i < NALLOWED; i++)
      if (is_named(allowed[i].name, module, nmodule, name, nname))
         return sc_pickle_push_text(m, SC_PICKLED_GLOBAL, allowed[i].name, nmodule + 1 + nname);
   sc_pickle_printable(shown[0], sizeof shown[0], module, nmodule);
   sc_pickle_printable(shown[1], sizeof shown[1], name, nname);
   if (!is_harmful(shown[0], shown[1])) return push_other(m, shown[0], shown[1]);
   return sc_fail(
       SC_EFORMAT,
       "%s is not a plain state dict: its pickle asks for %s.%s. The file is refused and nothing in it "
       "was executed",
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

static Meaning meaning_of(const ScPickled *callee) {
   for (int i = 0; i < NALLOWED && callee->kind == SC_PICKLED_GLOBAL; i++)
      if (allowed[i].name == callee->text) return allowed[i].meaning;
   return OTHER;
}

// A tensor that has attributes, or is of a class of its own: the function that makes it without, a class, that
// function's arguments, and the attributes.
static ScStatus make_from_type(ScUnpickler *m, const ScPickled *arguments) {
   if (arguments->n != 4 || meaning_of(arguments->items[0]) == REBUILD_FROM_TYPE)
      return sc_pickle_damaged(m, "makes a tensor from something other than its parts");
   return sc_pickle_call(m, arguments->items[0], arguments->items[2]);
}

ScStatus sc_pickle_call(ScUnpickler *m, const ScPickled *callee, const ScPickled *arguments) {
   ScPickled *object;
   if ((callee->kind != SC_PICKLED_GLOBAL && callee->kind != SC_PICKLED_OBJECT) ||
       arguments->kind != SC_PICKLED_TUPLE)
      return sc_pickle_damaged(m, "calls what cannot be called");
   Meaning meaning = meaning_of(callee);
   if (meaning == OTHER) return sc_pickle_push_new(m, SC_PICKLED_OBJECT, &object);
   if (meaning == ORDERED_DICT) return make_dict(m, arguments);
   if (meaning == REBUILD_TENSOR) return make_tensor(m, arguments);
   if (meaning == REBUILD_FROM_TYPE) return make_from_type(m, arguments);
   if (meaning == REBUILD_PARAMETER && arguments->n > 0 && arguments->items[0]->kind == SC_PICKLED_TENSOR)
      return sc_pickle_push(m, arguments->items[0]);
   return sc_pickle_damaged(m, "calls what cannot be called");
}
