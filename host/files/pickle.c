#include "host/files/pickle.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a file may make us hold. The state dict of a network with a thousand tensors takes some thirty thousand
// values.
enum { MAXVALUES = 2000000, MAXSTACK = 1 << 20, MAXMEMO = 1 << 20 };

typedef struct {
   ScPickle *pickle;
   const char *file;
   const uint8_t *bytes;
   size_t size, at;
   uint64_t operand; // of the current instruction
   ScPickled **stack;
   size_t depth, capacity;
   ScPickled **memo;
   size_t nmemo, remembered; // slots, slots in use
   ScPickled *result;
} Machine;

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

static ScStatus damaged(const Machine *m, const char *problem) {
   return sc_fail(SC_EFORMAT, "%s is damaged or not a plain state dict: its pickle %s (at byte %zu)", m->file,
                  problem, m->at);
}

// Either memory is short or the file asks for more than the arena gives.
static ScStatus no_memory(const Machine *m) {
   return sc_fail(
       SC_EMEM,
       "out of memory: the pickle in %s takes more than there is, or more than a state dict ever needs",
       m->file);
}

static ScStatus truncated(const Machine *m) {
   return sc_fail(SC_EFORMAT, "%s is truncated or damaged: its pickle stops in the middle (at byte %zu)",
                  m->file, m->at);
}

static ScStatus new_value(Machine *m, ScPickledKind kind, ScPickled **out) {
   if (m->pickle->values++ == MAXVALUES) return damaged(m, "holds too many values");
   ScPickled *value = sc_arena_take(&m->pickle->arena, sizeof *value);
   if (!value) return no_memory(m);
   *value = (ScPickled){.kind = kind};
   *out = value;
   return SC_OK;
}

static ScStatus push(Machine *m, ScPickled *value) {
   if (m->depth == MAXSTACK) return damaged(m, "is nested too deep");
   if (m->depth == m->capacity) {
      size_t capacity = m->capacity ? 2 * m->capacity : 256;
      ScPickled **stack = realloc(m->stack, capacity * sizeof *stack);
      if (!stack) return no_memory(m);
      m->stack = stack;
      m->capacity = capacity;
   }
   m->stack[m->depth++] = value;
   return SC_OK;
}

static ScStatus push_new(Machine *m, ScPickledKind kind, ScPickled **out) {
   SC_TRY(new_value(m, kind, out));
   return push(m, *out);
}

static ScStatus pop(Machine *m, ScPickled **out) {
   if (m->depth == 0 || m->stack[m->depth - 1]->kind == SC_PICKLED_MARK)
      return damaged(m, "takes a value where there is none");
   *out = m->stack[--m->depth];
   return SC_OK;
}

// The last `n` values, in order, stay in the stack's memory above its new top.
static ScStatus pop_many(Machine *m, size_t n, ScPickled ***out) {
   for (size_t i = 1; i <= n; i++)
      if (m->depth < i || m->stack[m->depth - i]->kind == SC_PICKLED_MARK)
         return damaged(m, "takes a value where there is none");
   m->depth -= n;
   *out = m->stack + m->depth;
   return SC_OK;
}

static ScStatus pop_to_mark(Machine *m, ScPickled ***out, size_t *n) {
   size_t at = m->depth;
   while (at > 0 && m->stack[at - 1]->kind != SC_PICKLED_MARK) at--;
   if (at == 0) return damaged(m, "closes what it did not open");
   *n = m->depth - at;
   *out = m->stack + at;
   m->depth = at - 1;
   return SC_OK;
}

static ScStatus append(Machine *m, ScPickled *to, ScPickled *const *items, size_t n) {
   if (to->capacity - to->n < n) {
      size_t capacity = to->n + n > 2 * to->capacity ? to->n + n : 2 * to->capacity;
      ScPickled **grown = sc_arena_take(&m->pickle->arena, capacity * sizeof *grown);
      if (!grown) return no_memory(m);
      if (to->n > 0) memcpy(grown, to->items, to->n * sizeof *grown);
      to->items = grown;
      to->capacity = capacity;
   }
   if (n > 0) memcpy(to->items + to->n, items, n * sizeof *items);
   to->n += n;
   return SC_OK;
}

static ScStatus take_bytes(Machine *m, uint64_t n, const char **out) {
   if (n > m->size - m->at) return truncated(m);
   *out = (const char *)m->bytes + m->at;
   m->at += n;
   return SC_OK;
}

static ScStatus op_proto(Machine *m) {
   return m->operand <= 5 ? SC_OK : damaged(m, "has an unknown protocol");
}

static ScStatus op_frame(Machine *m) {
   return m->operand <= m->size - m->at ? SC_OK : truncated(m);
}

static ScStatus op_stop(Machine *m) {
   SC_TRY(pop(m, &m->result));
   return m->depth == 0 ? SC_OK : damaged(m, "ends with values left over");
}

static ScStatus op_mark(Machine *m) {
   static ScPickled mark = {.kind = SC_PICKLED_MARK};
   return push(m, &mark);
}

static ScStatus op_none(Machine *m) {
   ScPickled *value;
   return push_new(m, SC_PICKLED_NONE, &value);
}

static ScStatus push_integer(Machine *m, ScPickledKind kind, int64_t integer) {
   ScPickled *value;
   SC_TRY(push_new(m, kind, &value));
   value->integer = integer;
   return SC_OK;
}

static ScStatus op_true(Machine *m) {
   return push_integer(m, SC_PICKLED_BOOL, 1);
}

static ScStatus op_false(Machine *m) {
   return push_integer(m, SC_PICKLED_BOOL, 0);
}

static ScStatus op_unsigned(Machine *m) {
   return push_integer(m, SC_PICKLED_INT, (int64_t)m->operand);
}

static ScStatus op_int32(Machine *m) {
   return push_integer(m, SC_PICKLED_INT, (int32_t)(uint32_t)m->operand);
}

static ScStatus op_float(Machine *m) {
   ScPickled *value;
   SC_TRY(push_new(m, SC_PICKLED_FLOAT, &value));
   uint64_t bits = __builtin_bswap64(m->operand); // the only big-endian number of a pickle
   memcpy(&value->number, &bits, sizeof bits);
   return SC_OK;
}

static ScStatus push_text(Machine *m, ScPickledKind kind, const char *text, size_t length) {
   ScPickled *value;
   SC_TRY(push_new(m, kind, &value));
   value->text = text;
   value->length = length;
   return SC_OK;
}

static ScStatus op_text(Machine *m) {
   const char *text;
   SC_TRY(take_bytes(m, m->operand, &text));
   return push_text(m, SC_PICKLED_STRING, text, m->operand);
}

static ScStatus op_long(Machine *m) {
   const char *bytes;
   size_t n = m->operand;
   SC_TRY(take_bytes(m, n, &bytes));
   if (n > 8) return push_text(m, SC_PICKLED_LONG, bytes, n);
   uint64_t bits = n > 0 && (bytes[n - 1] & 0x80) ? ~(uint64_t)0 : 0; // two's complement, shortened
   memcpy(&bits, bytes, n);
   return push_integer(m, SC_PICKLED_INT, (int64_t)bits);
}

static ScStatus op_empty_list(Machine *m) {
   ScPickled *value;
   return push_new(m, SC_PICKLED_LIST, &value);
}

static ScStatus op_empty_dict(Machine *m) {
   ScPickled *value;
   return push_new(m, SC_PICKLED_DICT, &value);
}

static ScStatus op_empty_tuple(Machine *m) {
   ScPickled *value;
   return push_new(m, SC_PICKLED_TUPLE, &value);
}

static ScStatus push_tuple(Machine *m, ScPickled *const *items, size_t n) {
   ScPickled *tuple; // filled before it is pushed: pushing overwrites the first item
   SC_TRY(new_value(m, SC_PICKLED_TUPLE, &tuple));
   SC_TRY(append(m, tuple, items, n));
   return push(m, tuple);
}

static ScStatus op_tuple(Machine *m) {
   ScPickled **items;
   size_t n;
   SC_TRY(pop_to_mark(m, &items, &n));
   return push_tuple(m, items, n);
}

static ScStatus small_tuple(Machine *m, size_t n) {
   ScPickled **items;
   SC_TRY(pop_many(m, n, &items));
   return push_tuple(m, items, n);
}

static ScStatus op_tuple1(Machine *m) {
   return small_tuple(m, 1);
}

static ScStatus op_tuple2(Machine *m) {
   return small_tuple(m, 2);
}

static ScStatus op_tuple3(Machine *m) {
   return small_tuple(m, 3);
}

// Adds the values to the container below them.
static ScStatus extend(Machine *m, ScPickledKind kind, ScPickled *const *items, size_t n) {
   if (m->depth == 0 || m->stack[m->depth - 1]->kind != kind)
      return damaged(m,
                     kind == SC_PICKLED_LIST ? "appends to what is no list" : "sets items of what is no dict");
   if (kind == SC_PICKLED_DICT && n % 2 != 0) return damaged(m, "has a dict key without a value");
   return append(m, m->stack[m->depth - 1], items, n);
}

static ScStatus extend_by(Machine *m, ScPickledKind kind, size_t n) {
   ScPickled **items;
   SC_TRY(pop_many(m, n, &items));
   return extend(m, kind, items, n);
}

static ScStatus extend_to_mark(Machine *m, ScPickledKind kind) {
   ScPickled **items;
   size_t n;
   SC_TRY(pop_to_mark(m, &items, &n));
   return extend(m, kind, items, n);
}

static ScStatus op_append(Machine *m) {
   return extend_by(m, SC_PICKLED_LIST, 1);
}

static ScStatus op_appends(Machine *m) {
   return extend_to_mark(m, SC_PICKLED_LIST);
}

static ScStatus op_setitem(Machine *m) {
   return extend_by(m, SC_PICKLED_DICT, 2);
}

static ScStatus op_setitems(Machine *m) {
   return extend_to_mark(m, SC_PICKLED_DICT);
}

static ScStatus memoize(Machine *m, uint64_t index) {
   if (m->depth == 0 || m->stack[m->depth - 1]->kind == SC_PICKLED_MARK) return damaged(m, "remembers nothing");
   if (index >= MAXMEMO) return damaged(m, "remembers too many values");
   if (index >= m->nmemo) {
      size_t n = 2 * index + 256;
      ScPickled **memo = realloc(m->memo, n * sizeof *memo);
      if (!memo) return no_memory(m);
      memset(memo + m->nmemo, 0, (n - m->nmemo) * sizeof *memo);
      m->memo = memo;
      m->nmemo = n;
   }
   if (!m->memo[index]) m->remembered++;
   m->memo[index] = m->stack[m->depth - 1];
   return SC_OK;
}

static ScStatus op_memoize(Machine *m) {
   return memoize(m, m->remembered);
}

static ScStatus op_put(Machine *m) {
   return memoize(m, m->operand);
}

static ScStatus op_get(Machine *m) {
   if (m->operand >= m->nmemo || !m->memo[m->operand]) return damaged(m, "recalls what it did not remember");
   return push(m, m->memo[m->operand]);
}

// Text of a file in a message: printable and short.
static void printable(char *to, size_t size, const char *text, size_t length) {
   size_t n = length < size - 1 ? length : size - 1;
   for (size_t i = 0; i < n; i++) to[i] = (char)(isprint((unsigned char)text[i]) ? text[i] : '?');
   to[n] = '\0';
}

static ScStatus push_global(Machine *m, const char *module, size_t nmodule, const char *name, size_t nname) {
   char shown[2][64];
   printable(shown[0], sizeof shown[0], module, nmodule);
   printable(shown[1], sizeof shown[1], name, nname);
   for (int i = 0; i < NALLOWED; i++) {
      const char *known = allowed[i].name;
      if (strlen(known) == nmodule + 1 + nname && memcmp(known, module, nmodule) == 0 &&
          known[nmodule] == '.' && memcmp(known + nmodule + 1, name, nname) == 0)
         return push_text(m, SC_PICKLED_GLOBAL, known, strlen(known));
   }
   return sc_fail(
       SC_EFORMAT,
       "%s is not a plain state dict: its pickle asks for %s.%s. The file is refused and nothing in it was "
       "executed; if you trust it, load it in PyTorch and save model.state_dict() alone",
       m->file, shown[0], shown[1]);
}

static ScStatus take_line(Machine *m, const char **line, size_t *length) {
   const uint8_t *start = m->bytes + m->at, *end = memchr(start, '\n', m->size - m->at);
   if (!end) return truncated(m);
   *line = (const char *)start;
   *length = (size_t)(end - start);
   m->at += *length + 1;
   return SC_OK;
}

static ScStatus op_global(Machine *m) {
   const char *module, *name;
   size_t nmodule, nname;
   SC_TRY(take_line(m, &module, &nmodule));
   SC_TRY(take_line(m, &name, &nname));
   return push_global(m, module, nmodule, name, nname);
}

static ScStatus op_stack_global(Machine *m) {
   ScPickled **names;
   SC_TRY(pop_many(m, 2, &names));
   if (names[0]->kind != SC_PICKLED_STRING || names[1]->kind != SC_PICKLED_STRING)
      return damaged(m, "has a global without a name");
   return push_global(m, names[0]->text, names[0]->length, names[1]->text, names[1]->length);
}

// OrderedDict() or, from Python 2, OrderedDict([[key, value], ...]).
static ScStatus make_dict(Machine *m, const ScPickled *arguments) {
   ScPickled *dict;
   SC_TRY(new_value(m, SC_PICKLED_DICT, &dict));
   const ScPickled *pairs = arguments->n > 0 ? arguments->items[0] : arguments;
   if (arguments->n > 1 || (arguments->n == 1 && pairs->kind != SC_PICKLED_LIST))
      return damaged(m, "makes an OrderedDict from something other than pairs");
   for (size_t i = 0; arguments->n == 1 && i < pairs->n; i++) {
      const ScPickled *pair = pairs->items[i];
      if ((pair->kind != SC_PICKLED_LIST && pair->kind != SC_PICKLED_TUPLE) || pair->n != 2)
         return damaged(m, "makes an OrderedDict from something other than pairs");
      SC_TRY(append(m, dict, pair->items, 2));
   }
   return push(m, dict);
}

static ScStatus make_tensor(Machine *m, const ScPickled *arguments) {
   ScPickled *tensor;
   if (arguments->n < 4 || arguments->items[0]->kind != SC_PICKLED_STORAGE)
      return damaged(m, "makes a tensor from something other than a storage");
   SC_TRY(push_new(m, SC_PICKLED_TENSOR, &tensor));
   return append(m, tensor, arguments->items, 4);
}

static ScStatus call(Machine *m, const ScPickled *global, const ScPickled *arguments) {
   if (global->kind != SC_PICKLED_GLOBAL || arguments->kind != SC_PICKLED_TUPLE)
      return damaged(m, "calls what cannot be called");
   Meaning meaning = TYPE;
   for (int i = 0; i < NALLOWED; i++)
      if (allowed[i].name == global->text) meaning = allowed[i].meaning;
   if (meaning == ORDERED_DICT) return make_dict(m, arguments);
   if (meaning == REBUILD_TENSOR) return make_tensor(m, arguments);
   if (meaning == REBUILD_PARAMETER && arguments->n > 0 && arguments->items[0]->kind == SC_PICKLED_TENSOR)
      return push(m, arguments->items[0]);
   return damaged(m, "calls what cannot be called");
}

// NEWOBJ differs from REDUCE only in how Python would call the class.
static ScStatus op_reduce(Machine *m) {
   ScPickled **pair;
   SC_TRY(pop_many(m, 2, &pair));
   return call(m, pair[0], pair[1]);
}

// Attributes of a state dict (_metadata) and of old Parameters (requires_grad): of no use here, dropped.
static ScStatus op_build(Machine *m) {
   ScPickled *state;
   SC_TRY(pop(m, &state));
   if (m->depth == 0) return damaged(m, "takes a value where there is none");
   ScPickledKind kind = m->stack[m->depth - 1]->kind;
   return kind == SC_PICKLED_DICT || kind == SC_PICKLED_TENSOR ? SC_OK
                                                               : damaged(m, "sets attributes of a plain value");
}

static ScStatus op_persistent(Machine *m) {
   ScPickled *id, *storage;
   SC_TRY(pop(m, &id));
   if (id->kind != SC_PICKLED_TUPLE || id->n < 5) return damaged(m, "refers to something other than a storage");
   SC_TRY(push_new(m, SC_PICKLED_STORAGE, &storage));
   SC_TRY(append(m, storage, id->items, id->n));
   return append(m, &m->pickle->storages, &storage, 1);
}

// Every instruction that is understood, with the width of its little-endian operand.
static const struct {
   ScStatus (*run)(Machine *);
   int width;
} instructions[256] = {
    [0x80] = {op_proto, 1},        [0x95] = {op_frame, 8},      ['.'] = {op_stop, 0},
    ['('] = {op_mark, 0},          ['N'] = {op_none, 0},        [0x88] = {op_true, 0},
    [0x89] = {op_false, 0},        ['K'] = {op_unsigned, 1},    ['M'] = {op_unsigned, 2},
    ['J'] = {op_int32, 4},         ['G'] = {op_float, 8},       [0x8a] = {op_long, 1},
    [0x8b] = {op_long, 4},         ['X'] = {op_text, 4},        [0x8c] = {op_text, 1},
    [0x8d] = {op_text, 8},         ['T'] = {op_text, 4},        ['U'] = {op_text, 1},
    ['B'] = {op_text, 4},          ['C'] = {op_text, 1},        [']'] = {op_empty_list, 0},
    ['}'] = {op_empty_dict, 0},    [')'] = {op_empty_tuple, 0}, ['t'] = {op_tuple, 0},
    [0x85] = {op_tuple1, 0},       [0x86] = {op_tuple2, 0},     [0x87] = {op_tuple3, 0},
    ['a'] = {op_append, 0},        ['e'] = {op_appends, 0},     ['s'] = {op_setitem, 0},
    ['u'] = {op_setitems, 0},      ['q'] = {op_put, 1},         ['r'] = {op_put, 4},
    ['h'] = {op_get, 1},           ['j'] = {op_get, 4},         ['c'] = {op_global, 0},
    [0x93] = {op_stack_global, 0}, ['R'] = {op_reduce, 0},      [0x81] = {op_reduce, 0},
    ['b'] = {op_build, 0},         [0x94] = {op_memoize, 0},    ['Q'] = {op_persistent, 0},
};

static ScStatus step(Machine *m) {
   if (m->at == m->size) return truncated(m);
   uint8_t code = m->bytes[m->at++];
   if (!instructions[code].run)
      return sc_fail(
          SC_EFORMAT,
          "%s is not a plain state dict: its pickle has the instruction 0x%02x, which a state dict does not "
          "need. The file is refused and nothing in it was executed",
          m->file, code);
   const char *operand;
   SC_TRY(take_bytes(m, (uint64_t)instructions[code].width, &operand));
   m->operand = 0;
   memcpy(&m->operand, operand, (size_t)instructions[code].width);
   return instructions[code].run(m);
}

void sc_pickle_free(ScPickle *pickle) {
   sc_arena_free(&pickle->arena);
   *pickle = (ScPickle){0};
}

ScStatus sc_unpickle(ScPickle *pickle, const char *file, const void *bytes, size_t size, size_t *used,
                     ScPickled **out) {
   Machine m = {.pickle = pickle, .file = file, .bytes = bytes, .size = size};
   ScStatus status = SC_OK;
   while (status == SC_OK && !m.result) status = step(&m);
   free(m.stack);
   free(m.memo);
   if (status != SC_OK) return status;
   *used = m.at;
   *out = m.result;
   return SC_OK;
}
