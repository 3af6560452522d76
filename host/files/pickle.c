#include "host/files/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "host/files/pickle_object.h"

// Values that a file may give a number to recall them by.
enum { MAXMEMO = 1 << 20 };

static ScStatus truncated(const ScUnpickler *m) {
   return sc_fail(SC_EFORMAT, "%s is truncated or damaged: its pickle stops in the middle (at byte %zu)",
                  m->file, m->at);
}

static ScStatus pop_to_mark(ScUnpickler *m, ScPickled ***out, size_t *n) {
   size_t at = m->depth;
   while (at > 0 && m->stack[at - 1]->kind != SC_PICKLED_MARK) at--;
   if (at == 0) return sc_pickle_damaged(m, "closes what it did not open");
   *n = m->depth - at;
   *out = m->stack + at;
   m->depth = at - 1;
   return SC_OK;
}

static ScStatus take_bytes(ScUnpickler *m, uint64_t n, const char **out) {
   if (n > m->size - m->at) return truncated(m);
   *out = (const char *)m->bytes + m->at;
   m->at += n;
   return SC_OK;
}

static ScStatus op_proto(ScUnpickler *m) {
   return m->operand <= 5 ? SC_OK : sc_pickle_damaged(m, "has an unknown protocol");
}

static ScStatus op_frame(ScUnpickler *m) {
   return m->operand <= m->size - m->at ? SC_OK : truncated(m);
}

static ScStatus op_stop(ScUnpickler *m) {
   SC_TRY(sc_pickle_pop(m, &m->result));
   return m->depth == 0 ? SC_OK : sc_pickle_damaged(m, "ends with values left over");
}

static ScStatus op_mark(ScUnpickler *m) {
   static ScPickled mark = {.kind = SC_PICKLED_MARK};
   return sc_pickle_push(m, &mark);
}

static ScStatus op_none(ScUnpickler *m) {
   ScPickled *value;
   return sc_pickle_push_new(m, SC_PICKLED_NONE, &value);
}

static ScStatus push_integer(ScUnpickler *m, ScPickledKind kind, int64_t integer) {
   ScPickled *value;
   SC_TRY(sc_pickle_push_new(m, kind, &value));
   value->integer = integer;
   return SC_OK;
}

static ScStatus op_true(ScUnpickler *m) {
   return push_integer(m, SC_PICKLED_BOOL, 1);
}

static ScStatus op_false(ScUnpickler *m) {
   return push_integer(m, SC_PICKLED_BOOL, 0);
}

static ScStatus op_unsigned(ScUnpickler *m) {
   return push_integer(m, SC_PICKLED_INT, (int64_t)m->operand);
}

static ScStatus op_int32(ScUnpickler *m) {
   return push_integer(m, SC_PICKLED_INT, (int32_t)(uint32_t)m->operand);
}

static ScStatus op_float(ScUnpickler *m) {
   ScPickled *value;
   SC_TRY(sc_pickle_push_new(m, SC_PICKLED_FLOAT, &value));
   uint64_t bits = __builtin_bswap64(m->operand); // the only big-endian number of a pickle
   memcpy(&value->number, &bits, sizeof bits);
   return SC_OK;
}

static ScStatus op_text(ScUnpickler *m) {
   const char *text;
   SC_TRY(take_bytes(m, m->operand, &text));
   return sc_pickle_push_text(m, SC_PICKLED_STRING, text, m->operand);
}

static ScStatus op_long(ScUnpickler *m) {
   const char *bytes;
   size_t n = m->operand;
   SC_TRY(take_bytes(m, n, &bytes));
   if (n > 8) return sc_pickle_push_text(m, SC_PICKLED_LONG, bytes, n);
   uint64_t bits = n > 0 && (bytes[n - 1] & 0x80) ? ~(uint64_t)0 : 0; // two's complement, shortened
   memcpy(&bits, bytes, n);
   return push_integer(m, SC_PICKLED_INT, (int64_t)bits);
}

static ScStatus op_empty_list(ScUnpickler *m) {
   ScPickled *value;
   return sc_pickle_push_new(m, SC_PICKLED_LIST, &value);
}

static ScStatus op_empty_dict(ScUnpickler *m) {
   ScPickled *value;
   return sc_pickle_push_new(m, SC_PICKLED_DICT, &value);
}

static ScStatus op_empty_tuple(ScUnpickler *m) {
   ScPickled *value;
   return sc_pickle_push_new(m, SC_PICKLED_TUPLE, &value);
}

static ScStatus push_tuple(ScUnpickler *m, ScPickled *const *items, size_t n) {
   ScPickled *tuple; // filled before it is pushed: pushing overwrites the first item
   SC_TRY(sc_pickle_new(m, SC_PICKLED_TUPLE, &tuple));
   SC_TRY(sc_pickle_append(m, tuple, items, n));
   return sc_pickle_push(m, tuple);
}

static ScStatus op_tuple(ScUnpickler *m) {
   ScPickled **items = NULL;
   size_t n = 0;
   SC_TRY(pop_to_mark(m, &items, &n));
   return push_tuple(m, items, n);
}

static ScStatus small_tuple(ScUnpickler *m, size_t n) {
   ScPickled **items;
   SC_TRY(sc_pickle_pop_many(m, n, &items));
   return push_tuple(m, items, n);
}

static ScStatus op_tuple1(ScUnpickler *m) {
   return small_tuple(m, 1);
}

static ScStatus op_tuple2(ScUnpickler *m) {
   return small_tuple(m, 2);
}

static ScStatus op_tuple3(ScUnpickler *m) {
   return small_tuple(m, 3);
}

// Adds the values to the container below them. An object takes what a dict does; the elements of one that is a
// list are of no use.
static ScStatus extend(ScUnpickler *m, ScPickledKind kind, ScPickled *const *items, size_t n) {
   ScPickled *to = m->depth > 0 ? m->stack[m->depth - 1] : NULL;
   if (!to || (to->kind != kind && to->kind != SC_PICKLED_OBJECT))
      return sc_pickle_damaged(m, kind == SC_PICKLED_LIST ? "appends to what is no list"
                                                          : "sets items of what is no dict");
   if (kind == SC_PICKLED_DICT && n % 2 != 0) return sc_pickle_damaged(m, "has a dict key without a value");
   if (kind == SC_PICKLED_LIST && to->kind == SC_PICKLED_OBJECT) return SC_OK;
   return sc_pickle_append(m, to, items, n);
}

static ScStatus extend_by(ScUnpickler *m, ScPickledKind kind, size_t n) {
   ScPickled **items;
   SC_TRY(sc_pickle_pop_many(m, n, &items));
   return extend(m, kind, items, n);
}

static ScStatus extend_to_mark(ScUnpickler *m, ScPickledKind kind) {
   ScPickled **items = NULL;
   size_t n = 0;
   SC_TRY(pop_to_mark(m, &items, &n));
   return extend(m, kind, items, n);
}

static ScStatus op_append(ScUnpickler *m) {
   return extend_by(m, SC_PICKLED_LIST, 1);
}

static ScStatus op_appends(ScUnpickler *m) {
   return extend_to_mark(m, SC_PICKLED_LIST);
}

static ScStatus op_setitem(ScUnpickler *m) {
   return extend_by(m, SC_PICKLED_DICT, 2);
}

static ScStatus op_setitems(ScUnpickler *m) {
   return extend_to_mark(m, SC_PICKLED_DICT);
}

static ScStatus memoize(ScUnpickler *m, uint64_t index) {
   if (m->depth == 0 || m->stack[m->depth - 1]->kind == SC_PICKLED_MARK)
      return sc_pickle_damaged(m, "remembers nothing");
   if (index >= MAXMEMO) return sc_pickle_damaged(m, "remembers too many values");
   if (index >= m->nmemo) {
      size_t n = 2 * index + 256;
      ScPickled **memo = realloc(m->memo, n * sizeof *memo);
      if (!memo) return sc_pickle_no_memory(m);
      memset(memo + m->nmemo, 0, (n - m->nmemo) * sizeof *memo);
      m->memo = memo;
      m->nmemo = n;
   }
   if (!m->memo[index]) m->remembered++;
   m->memo[index] = m->stack[m->depth - 1];
   return SC_OK;
}

static ScStatus op_memoize(ScUnpickler *m) {
   return memoize(m, m->remembered);
}

static ScStatus op_put(ScUnpickler *m) {
   return memoize(m, m->operand);
}

static ScStatus op_get(ScUnpickler *m) {
   if (m->operand >= m->nmemo || !m->memo[m->operand])
      return sc_pickle_damaged(m, "recalls what it did not remember");
   return sc_pickle_push(m, m->memo[m->operand]);
}

static ScStatus take_line(ScUnpickler *m, const char **line, size_t *length) {
   const uint8_t *start = m->bytes + m->at, *end = memchr(start, '\n', m->size - m->at);
   if (!end) return truncated(m);
   *line = (const char *)start;
   *length = (size_t)(end - start);
   m->at += *length + 1;
   return SC_OK;
}

static ScStatus op_global(ScUnpickler *m) {
   const char *module, *name;
   size_t nmodule, nname;
   SC_TRY(take_line(m, &module, &nmodule));
   SC_TRY(take_line(m, &name, &nname));
   return sc_pickle_global(m, module, nmodule, name, nname);
}

static ScStatus op_stack_global(ScUnpickler *m) {
   ScPickled **names;
   SC_TRY(sc_pickle_pop_many(m, 2, &names));
   if (names[0]->kind != SC_PICKLED_STRING || names[1]->kind != SC_PICKLED_STRING)
      return sc_pickle_damaged(m, "has a global without a name");
   return sc_pickle_global(m, names[0]->text, names[0]->length, names[1]->text, names[1]->length);
}

// NEWOBJ differs from REDUCE only in how Python would call the class.
static ScStatus op_reduce(ScUnpickler *m) {
   ScPickled **pair;
   SC_TRY(sc_pickle_pop_many(m, 2, &pair));
   return sc_pickle_call(m, pair[0], pair[1]);
}

// NEWOBJ_EX has arguments by name too.
static ScStatus op_reduce_named(ScUnpickler *m) {
   ScPickled **parts;
   SC_TRY(sc_pickle_pop_many(m, 3, &parts));
   return sc_pickle_call(m, parts[0], parts[1]);
}

// Attributes of a state dict (_metadata) and of old Parameters (requires_grad) are of no use here; those of an
// object can say what the network is.
static ScStatus op_build(ScUnpickler *m) {
   ScPickled *state;
   SC_TRY(sc_pickle_pop(m, &state));
   if (m->depth == 0) return sc_pickle_damaged(m, "takes a value where there is none");
   ScPickled *object = m->stack[m->depth - 1];
   if (object->kind == SC_PICKLED_DICT || object->kind == SC_PICKLED_TENSOR) return SC_OK;
   if (object->kind != SC_PICKLED_OBJECT) return sc_pickle_damaged(m, "sets attributes of a plain value");
   return state->kind == SC_PICKLED_DICT ? sc_pickle_append(m, object, state->items, state->n) : SC_OK;
}

static ScStatus op_pop(ScUnpickler *m) {
   ScPickled *dropped;
   return sc_pickle_pop(m, &dropped);
}

static ScStatus op_pop_mark(ScUnpickler *m) {
   ScPickled **items;
   size_t n;
   return pop_to_mark(m, &items, &n);
}

static ScStatus op_persistent(ScUnpickler *m) {
   ScPickled *id, *storage;
   SC_TRY(sc_pickle_pop(m, &id));
   if (id->kind != SC_PICKLED_TUPLE || id->n < 5)
      return sc_pickle_damaged(m, "refers to something other than a storage");
   SC_TRY(sc_pickle_push_new(m, SC_PICKLED_STORAGE, &storage));
   SC_TRY(sc_pickle_append(m, storage, id->items, id->n));
   return sc_pickle_append(m, &m->pickle->storages, &storage, 1);
}

// Every instruction that is understood (sets are lists here, and bytes are text), with the width of its
// little-endian operand.
static const struct {
   ScStatus (*run)(ScUnpickler *);
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
    ['0'] = {op_pop, 0},           ['1'] = {op_pop_mark, 0},    [0x8f] = {op_empty_list, 0},
    [0x90] = {op_appends, 0},      [0x91] = {op_tuple, 0},      [0x92] = {op_reduce_named, 0},
    [0x8e] = {op_text, 8},         [0x96] = {op_text, 8},       ['b'] = {op_build, 0},
    [0x94] = {op_memoize, 0},      ['Q'] = {op_persistent, 0},
};

static ScStatus step(ScUnpickler *m) {
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
   ScUnpickler m = {.pickle = pickle, .file = file, .bytes = bytes, .size = size};
   ScStatus status = SC_OK;
   while (status == SC_OK && !m.result) status = step(&m);
   free(m.stack);
   free(m.memo);
   if (status != SC_OK) return status;
   *used = m.at;
   *out = m.result;
   return SC_OK;
}
