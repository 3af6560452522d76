#define _GNU_SOURCE
#include "host/term/lineedit.h"

#include <histedit.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "host/term/history.h"
#include "host/term/keyboard.h"
#include "host/term/linekeys.h"
#include "host/term/linescreen.h"
#include "host/term/paste.h"
#include "host/term/recall.h"
#include "host/term/signals.h"

static EditLine *editor;
static History *history_list; // for Ctrl-R; the arrows walk through sc_recall
static const char *prompt_text = "";
static char *buffer; // of the line that was read
static size_t capacity;
static char *last; // what entered the history last

bool sc_line_at_terminal(void) {
   return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

// ---- the terminal ----

static int read_character(EditLine *el, wchar_t *out) {
   (void)el;
   mbstate_t state = {0};
   for (;;) {
      char byte;
      int got = sc_key(&byte);
      if (got <= 0) return got;
      size_t used = mbrtowc(out, &byte, 1, &state);
      if (used == (size_t)-1)
         memset(&state, 0, sizeof state); // not text: dropped
      else if (used != (size_t)-2)
         return 1;
   }
}

static void edit(bool on) {
   el_set(editor, EL_PREP_TERM, on);
   sc_paste_in_brackets(on);
}

static void leave(void) {
   sc_screen_go_to_end(editor);
   putchar('\n');
   edit(false);
}

static void resume(void) {
   edit(false);
   edit(true);
   el_set(editor, EL_REFRESH);
}

static void follow_size(void) {
   sc_screen_wipe(editor);
   el_resize(editor);
   sc_screen_drawn(editor);
   el_set(editor, EL_REFRESH);
}

// ---- opening ----

static char *prompt(EditLine *el) {
   (void)el;
   return (char *)prompt_text;
}

static void enter(void *context, const char *text) {
   (void)context;
   HistEvent event;
   history(history_list, &event, H_ENTER, text);
   sc_recall_add(text);
}

static void use_utf8(void) {
   setlocale(LC_CTYPE, "");
   if (MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
}

static void open_history(void) {
   HistEvent event;
   history(history_list, &event, H_SETSIZE, SC_HISTORY_KEPT);
   history(history_list, &event, H_SETUNIQUE, 1);
   sc_history_load(enter, NULL);
   el_set(editor, EL_HIST, history, history_list);
}

bool sc_line_open(ScCompleter use, void *context) {
   static const ScScreen screen = {.resized = follow_size, .leave = leave, .resume = resume};
   if (!sc_line_at_terminal() || editor) return editor != NULL;
   use_utf8();
   sc_keyboard_open(&screen);
   history_list = history_init();
   editor = history_list ? el_init("scute", stdin, stdout, stderr) : NULL;
   if (!editor) return false;
   open_history();
   el_set(editor, EL_PROMPT, prompt);
   el_set(editor, EL_SIGNAL, 0);
   el_set(editor, EL_SETTY, "-d", "-isig", "-icrnl", "-inlcr", NULL); // what is pasted holds any byte
   el_set(editor, EL_GETCFN, read_character);
   el_set(editor, EL_EDITOR, "emacs");
   sc_bind_keys(editor, use, context);
   el_source(editor, NULL); // what the user's .editrc says goes first
   return true;
}

void sc_line_close(void) {
   if (editor) el_end(editor);
   if (history_list) history_end(history_list);
   sc_recall_free();
   editor = NULL;
   history_list = NULL;
   free(last);
   free(buffer);
   last = buffer = NULL;
   capacity = 0;
}

// ---- reading ----

static ScLine read_edited(const char **line) {
   int length = 0;
   sc_paste_in_brackets(true);
   sc_screen_begin();
   const char *text = el_gets(editor, &length);
   sc_paste_in_brackets(false);
   if (sc_interrupted()) {
      sc_keys_forget();
      sc_screen_go_to_end(editor);
      fputs(sc_interrupted() == SIGINT ? "^C\n" : "\n", stdout);
      fflush(stdout);
      return SC_LINE_INTERRUPTED;
   }
   if (!text || length <= 0) return SC_LINE_END;
   if (text[length - 1] == '\n') length--;
   free(buffer);
   buffer = strndup(text, (size_t)length);
   if (!buffer) return SC_LINE_END;
   sc_screen_show_whole(editor, buffer);
   *line = buffer;
   return SC_LINE;
}

// Through stdio, so that a program that reads standard input itself gets what follows.
static ScLine read_plain(const char **line) {
   sc_interrupt_reads(true);
   ssize_t length = getline(&buffer, &capacity, stdin);
   sc_interrupt_reads(false);
   if (sc_interrupted()) return SC_LINE_INTERRUPTED;
   if (length < 0) return SC_LINE_END;
   if (length > 0 && buffer[length - 1] == '\n') buffer[length - 1] = '\0';
   *line = buffer;
   return SC_LINE;
}

ScLine sc_line_read(const char *text, const char **line) {
   if (!editor) return read_plain(line);
   prompt_text = text;
   return read_edited(line);
}

void sc_line_remember(const char *text) {
   bool repeated = last && strcmp(last, text) == 0;
   if (!editor || repeated || text[strspn(text, " \t\r\n")] == '\0') return;
   free(last);
   last = strdup(text);
   enter(NULL, text);
   sc_history_append(text);
}
