// Ctrl-C and SIGTERM. The first one asks to stop, in a way that fits what is running; the second one ends the
// process at once (never the REPL, where Ctrl-C stops the computation only). Long loops of the core poll
// sc_interrupted() and return SC_EINTERRUPTED.
#ifndef SCUTE_SIGNALS_H
#define SCUTE_SIGNALS_H

#include <signal.h>
#include <stdbool.h>

// What a watching process sends to a run whose script was saved (see host/bind/watch.h).
#define SC_SAVED SIGUSR1

// Handles SIGINT and SIGTERM from here on and ignores SIGPIPE and SIGXFSZ (a reader that went away and a file
// that may not grow are write errors). `stop` is called from the handler, on the thread that installed it, when
// Lua shall end at its next instruction; it must be async-signal-safe.
void sc_signals_install(void (*stop)(void));

// The signal that asked to stop, 0 if none did.
int sc_interrupted(void);
void sc_interrupt_clear(void);

// With `finish` the first signal only sets sc_interrupted(): a training loop that polls it completes its step
// and saves. Returns what was set before.
bool sc_interrupt_finish(bool finish);

// Whether a signal ends a read that waits. Normally not: an interrupted read in a worker thread is no damaged
// photo.
void sc_interrupt_reads(bool on);

// From the next sc_signals_install on SC_SAVED asks to stop too, once: a second one does nothing. Until then it
// stays blocked, where the caller has blocked it. It is ours alone: whether it was ignored before says nothing.
void sc_interrupt_on_save(void);

// From the next sc_signals_install on that signal counts as SIGINT: what a launcher passes on to processes that
// no terminal reaches.
void sc_interrupt_also(int number);

// A session at a terminal: no number of Ctrl-C ends it.
void sc_interrupt_session(bool on);

// Only the first signal counts from now on: a second one is for the process that started this one, with which
// it ends. From a terminal both hear of each, and what the parent passes on is no second one.
void sc_interrupt_only_first(void);

// From now on SIGTERM ends the process at once, without a word: it is not the user who sends it, but what has
// started several of them and ends all, since one has ended.
void sc_interrupt_term_ends(void);

// The line of the terminal in which the cursor stands is drawn in place: what ends the process erases it.
void sc_interrupt_drawing(bool on);

#endif
