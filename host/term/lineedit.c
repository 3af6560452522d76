#define _GNU_SOURCE // ppoll
#include "host/term/lineedit.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "host/core/visible.h"
#include "host/term/history.h"
#include "host/term/signals.h"

static EditLine *editor;
static History *history_list;
static ScCompleter completer;
static void *completer_context;
static const char *prompt_text = "";
static char *buffer; // of the line that was read
static size_t capacity;
static char held; // a byte that was read ahead, 0 for none
static volatile sig_atomic_t resized, continued;

bool sc_line_at_terminal(void) {
   return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

// ---- one character, or a signal ----

static void on_terminal_signal(int signal) {
   if (signal == SIGWINCH)
      resized = 1;
   else
      continued = 1;
}

// Signals are let in only while waiting, so that none slips in between looking and waiting.
static int wait_for_input(void) {
   sigset_t blocked, before;
   sigemptyset(&blocked);
   sigaddset(&blocked, SIGINT);
   sigaddset(&blocked, SIGTERM);
   sigaddset(&blocked, SIGWINCH);
   sigaddset(&blocked, SIGCONT);
   pthread_sigmask(SIG_BLOCK, &blocked, &before);
   struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
   bool stop = sc_interrupted() || resized || continued;
   int ready = stop ? 0 : ppoll(&input, 1, NULL, &before);
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   return ready;
}

static void follow_terminal(void) {
   if (resized) el_resize(editor);
   if (continued) { // the shell may have changed the terminal's settings meanwhile
      el_set(editor, EL_PREP_TERM, 0);
      el_set(editor, EL_PREP_TERM, 1);
      el_set(editor, EL_REFRESH);
   }
   resized = continued = 0;
}

// 1 with a byte, 0 at the end of input, -1 where a signal asks to stop or the terminal is gone.
static int read_byte(char *byte) {
   for (;;) {
      if (sc_interrupted()) return -1;
      if (held) {
         *byte = held;
         held = 0;
         return 1;
      }
      int ready = wait_for_input();
      follow_terminal();
      if (ready <= 0) continue;
      ssize_t got = read(STDIN_FILENO, byte, 1);
      if (got >= 0) return (int)got;
      if (errno != EINTR && errno != EAGAIN) return -1;
   }
}

static int read_character(EditLine *el, wchar_t *out) {
   (void)el;
   mbstate_t state = {0};
   for (;;) {
      char byte;
      int got = read_byte(&byte);
      if (got <= 0) return got;
      size_t used = mbrtowc(out, &byte, 1, &state);
      if (used == (size_t)-1)
         memset(&state, 0, sizeof state); // not text: dropped
      else if (used != (size_t)-2)
         return 1;
   }
}

// ---- completion ----

static int columns(void) {
   struct winsize size;
   return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// A tab in text that is being pasted, so that more than another tab follows at once, is white space and no
// question.
static bool is_pasted(void) {
   struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
   if (!held && poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &held, 1) != 1) held = 0;
   return held && held != '\t';
}

static bool only_spaces(const char *text, size_t length) {
   for (size_t i = 0; i < length; i++)
      if (text[i] != ' ' && text[i] != '\t') return false;
   return true;
}

static unsigned char complete(EditLine *el, int key) {
   (void)key;
   const LineInfo *line = el_line(el);
   size_t length = (size_t)(line->cursor - line->buffer);
   if (is_pasted() || only_spaces(line->buffer, length)) {
      el_insertstr(el, "   ");
      return CC_REFRESH;
   }
   ScCompletion c = completer(completer_context, line->buffer, length, columns());
   if (c.choices) {
      putchar('\n');
      sc_put_visible(stdout, c.choices); // names of files may be among them
      putchar('\n');
      fflush(stdout);
   }
   if (*c.insert) el_insertstr(el, c.insert);
   if (c.choices) return CC_REDISPLAY;
   return *c.insert ? CC_REFRESH : CC_REFRESH_BEEP;
}

// ---- opening ----

static char *prompt(EditLine *el) {
   (void)el;
   return (char *)prompt_text;
}

static void remember(void *context, const char *line) {
   (void)context;
   HistEvent event;
   history(history_list, &event, H_ENTER, line);
}

static void use_utf8(void) {
   setlocale(LC_CTYPE, "");
   if (MB_CUR_MAX == 1) setlocale(LC_CTYPE, "C.UTF-8");
}

static void set_keys(void) {
   el_set(editor, EL_EDITOR, "emacs");
   el_set(editor, EL_ADDFN, "scute-complete", "complete names", complete);
   el_set(editor, EL_BIND, "^I", "scute-complete", NULL);
   el_set(editor, EL_BIND, "^R", "em-inc-search-prev", NULL);
   el_set(editor, EL_BIND, "^[[A", "ed-search-prev-history", NULL);
   el_set(editor, EL_BIND, "^[[B", "ed-search-next-history", NULL);
   el_source(editor, NULL); // what the user's .editrc says goes first
}

bool sc_line_open(ScCompleter use, void *context) {
   if (!sc_line_at_terminal() || editor) return editor != NULL;
   use_utf8();
   history_list = history_init();
   editor = history_list ? el_init("scute", stdin, stdout, stderr) : NULL;
   if (!editor) return false;
   completer = use;
   completer_context = context;
   HistEvent event;
   history(history_list, &event, H_SETSIZE, SC_HISTORY_KEPT);
   history(history_list, &event, H_SETUNIQUE, 1);
   sc_history_load(remember, NULL);
   el_set(editor, EL_PROMPT, prompt);
   el_set(editor, EL_SIGNAL, 0);
   el_set(editor, EL_HIST, history, history_list);
   el_set(editor, EL_GETCFN, read_character);
   set_keys();
   struct sigaction action = {.sa_handler = on_terminal_signal};
   sigaction(SIGWINCH, &action, NULL);
   sigaction(SIGCONT, &action, NULL);
   return true;
}

void sc_line_close(void) {
   if (editor) el_end(editor);
   if (history_list) history_end(history_list);
   editor = NULL;
   history_list = NULL;
   free(buffer);
   buffer = NULL;
   capacity = 0;
}

// ---- reading ----

static ScLine read_edited(const char **line) {
   int length = 0;
   const char *text = el_gets(editor, &length);
   if (sc_interrupted()) {
      held = 0;
      fputs(sc_interrupted() == SIGINT ? "^C\n" : "\n", stdout);
      fflush(stdout);
      return SC_LINE_INTERRUPTED;
   }
   if (!text || length <= 0) return SC_LINE_END;
   char *before = buffer;
   buffer = strndup(text, strcspn(text, "\r\n"));
   bool repeated = before && buffer && strcmp(before, buffer) == 0;
   free(before);
   if (!buffer) return SC_LINE_END;
   if (!repeated && !only_spaces(buffer, strlen(buffer))) {
      remember(NULL, buffer);
      sc_history_append(buffer);
   }
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
