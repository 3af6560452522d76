#include "host/term/linekeys.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/core/visible.h"
#include "host/term/keyboard.h"
#include "host/term/linescreen.h"
#include "host/term/paste.h"
#include "host/term/recall.h"

static ScCompleter completer;
static void *completer_context;

// ---- completion ----

// A tab in text that is pasted without brackets, so that more than another tab follows at once, is white space
// and no question.
static bool is_pasted(void) {
   char next = sc_key_ahead();
   return next && next != '\t';
}

// Whether nothing but blanks stands before the cursor in its line.
static bool only_blanks(const char *text, size_t length) {
   while (length > 0 && (text[length - 1] == ' ' || text[length - 1] == '\t')) length--;
   return length == 0 || text[length - 1] == '\n';
}

// Shows the choices below the whole block, which is drawn anew behind them.
static void show_choices(EditLine *el, const char *choices) {
   sc_screen_go_to_end(el);
   putchar('\n');
   sc_put_visible(stdout, choices); // names of files may be among them
   putchar('\n');
   fflush(stdout);
}

static unsigned char complete(EditLine *el, int key) {
   (void)key;
   const LineInfo *line = el_line(el);
   size_t length = (size_t)(line->cursor - line->buffer);
   if (is_pasted() || only_blanks(line->buffer, length)) {
      el_insertstr(el, "   ");
      return CC_REFRESH;
   }
   ScCompletion c = completer(completer_context, line->buffer, length, sc_screen_columns());
   if (c.choices) show_choices(el, c.choices);
   if (c.remove > 0) el_deletestr(el, c.remove);
   if (*c.insert) el_insertstr(el, c.insert);
   if (c.choices) return CC_REDISPLAY;
   return *c.insert ? CC_REFRESH : CC_REFRESH_BEEP;
}

// ---- pasting ----

static unsigned char paste(EditLine *el, int key) {
   (void)key;
   wchar_t *text = sc_paste_read();
   bool inserted = text && (!*text || el_winsertstr(el, text) == 0);
   free(text);
   sc_screen_drawn(el);
   return inserted ? CC_REFRESH : CC_REFRESH_BEEP;
}

static unsigned char new_line(EditLine *el, int key) {
   (void)key;
   return el_insertstr(el, "\n") == 0 ? CC_REFRESH : CC_ERROR;
}

// ---- arrows ----

static const wchar_t *line_start(const LineInfoW *line, const wchar_t *at) {
   while (at > line->buffer && at[-1] != L'\n') at--;
   return at;
}

static const wchar_t *line_end(const LineInfoW *line, const wchar_t *at) {
   while (at < line->lastchar && *at != L'\n') at++;
   return at;
}

// Moves the cursor to the same column of a line of the block, which begins at `start`.
static unsigned char move_to(EditLine *el, const LineInfoW *line, const wchar_t *start) {
   long column = line->cursor - line_start(line, line->cursor), longest = line_end(line, start) - start;
   const wchar_t *to = start + (column < longest ? column : longest);
   el_cursor(el, (int)(to - line->cursor));
   return CC_CURSOR;
}

static unsigned char recall(EditLine *el, bool older) {
   const LineInfo *line = el_line(el);
   const char *entry = sc_recall(line->buffer, (size_t)(line->lastchar - line->buffer),
                                 (size_t)(line->cursor - line->buffer), older);
   if (!entry) return CC_ERROR;
   const LineInfoW *wide = el_wline(el);
   int length = (int)(wide->lastchar - wide->buffer);
   el_cursor(el, length);
   el_deletestr(el, length);
   el_insertstr(el, entry);
   sc_screen_drawn(el);
   return CC_REFRESH;
}

static unsigned char up(EditLine *el, int key) {
   (void)key;
   const LineInfoW *line = el_wline(el);
   const wchar_t *start = line_start(line, line->cursor);
   return start > line->buffer ? move_to(el, line, line_start(line, start - 1)) : recall(el, true);
}

static unsigned char down(EditLine *el, int key) {
   (void)key;
   const LineInfoW *line = el_wline(el);
   const wchar_t *end = line_end(line, line->cursor);
   return end < line->lastchar ? move_to(el, line, end + 1) : recall(el, false);
}

static unsigned char to_start(EditLine *el, int key) {
   (void)key;
   const LineInfoW *line = el_wline(el);
   el_cursor(el, (int)(line_start(line, line->cursor) - line->cursor));
   return CC_CURSOR;
}

static unsigned char to_end(EditLine *el, int key) {
   (void)key;
   const LineInfoW *line = el_wline(el);
   el_cursor(el, (int)(line_end(line, line->cursor) - line->cursor));
   return CC_CURSOR;
}

// ---- which keys ----

static void bind(EditLine *el, const char *function, const char *const *keys) {
   for (; *keys; keys++) el_set(el, EL_BIND, *keys, function, NULL);
}

void sc_bind_keys(EditLine *el, ScCompleter use, void *context) {
   completer = use;
   completer_context = context;
   el_set(el, EL_ADDFN, "scute-complete", "complete names", complete);
   el_set(el, EL_ADDFN, "scute-paste", "take in what is pasted", paste);
   el_set(el, EL_ADDFN, "scute-new-line", "go on in a new line", new_line);
   el_set(el, EL_ADDFN, "scute-up", "the line above, or what was typed before", up);
   el_set(el, EL_ADDFN, "scute-down", "the line below, or what was typed after", down);
   el_set(el, EL_ADDFN, "scute-line-start", "the start of the line", to_start);
   el_set(el, EL_ADDFN, "scute-line-end", "the end of the line", to_end);
   bind(el, "scute-complete", (const char *const[]){"^I", NULL});
   bind(el, "scute-paste", (const char *const[]){SC_PASTE_BEGINS, NULL});
   bind(el, "scute-new-line", (const char *const[]){"^[^M", "^[^J", NULL});
   bind(el, "scute-up", (const char *const[]){"^[[A", "^[OA", NULL});
   bind(el, "scute-down", (const char *const[]){"^[[B", "^[OB", NULL});
   bind(el, "scute-line-start", (const char *const[]){"^A", "^[[H", "^[OH", "^[[1~", NULL});
   bind(el, "scute-line-end", (const char *const[]){"^E", "^[[F", "^[OF", "^[[4~", NULL});
   bind(el, "em-inc-search-prev", (const char *const[]){"^R", NULL});
   bind(el, "ed-delete-next-char", (const char *const[]){"^[[3~", NULL});
   bind(el, "em-next-word", (const char *const[]){"^[[1;5C", NULL});
   bind(el, "ed-prev-word", (const char *const[]){"^[[1;5D", NULL});
}
