#define _GNU_SOURCE
#include "host/term/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

// Some wrappers (timeout, shells) pass one signal on twice, to the process and to its group; within this many
// nanoseconds it counts as one.
static const long long SAME_PRESS = 250 * 1000 * 1000;

static pthread_t main_thread;
static void (*stop_running)(void);
static volatile sig_atomic_t pending, finishing, in_session, drawing, saves_stop, only_first, term_ends;
static volatile long long first_press; // written in the handler only
static int also;                       // a signal that counts as SIGINT, 0: none

static long long now(void) {
   struct timespec t;
   clock_gettime(CLOCK_MONOTONIC, &t);
   return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void on_first(int signal) {
   pending = signal;
   first_press = now();
   if (!finishing && stop_running) stop_running();
}

static void on_second(int signal) {
   if (signal == SC_SAVED || only_first) return;
   if (now() - first_press < SAME_PRESS) return;
   if (!in_session || signal != SIGINT) {
      static const char erase_line[] = "\r\033[K";
      if (drawing && write(STDOUT_FILENO, erase_line, sizeof erase_line - 1) < 0)
         pending = signal; // all the same
      _exit(128 + signal);
   }
   if (stop_running) stop_running();
}

static void handle(int number) {
   int saved = errno, signal = also && number == also ? SIGINT : number;
   if (term_ends && number == SIGTERM) _exit(128 + SIGTERM);
   if (!pthread_equal(pthread_self(), main_thread))
      pthread_kill(main_thread, number);
   else if (pending && (pending != SC_SAVED || signal == SC_SAVED)) // the first that the user sends
      on_second(signal);
   else
      on_first(signal);
   errno = saved;
}

// Whoever started us with a signal ignored (nohup, a job in the background) keeps it so.
static void set_handler(int signal, int flags) {
   struct sigaction before, action = {.sa_handler = handle, .sa_flags = flags};
   sigemptyset(&action.sa_mask);
   sigaddset(&action.sa_mask, SIGINT);
   sigaddset(&action.sa_mask, SIGTERM);
   sigaddset(&action.sa_mask, SC_SAVED);
   if (also) sigaddset(&action.sa_mask, also);
   if (sigaction(signal, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(signal, &action, NULL);
}

void sc_interrupt_reads(bool on) {
   set_handler(SIGINT, on ? 0 : SA_RESTART);
   set_handler(SIGTERM, on ? 0 : SA_RESTART);
   if (also) set_handler(also, on ? 0 : SA_RESTART);
   if (saves_stop) set_handler(SC_SAVED, on ? 0 : SA_RESTART);
}

void sc_interrupt_on_save(void) {
   saves_stop = true;
   signal(SC_SAVED, SIG_DFL);
}

void sc_interrupt_also(int number) {
   also = number;
}

static void let_in(int number) {
   sigset_t one;
   sigemptyset(&one);
   sigaddset(&one, number);
   pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

void sc_signals_install(void (*stop)(void)) {
   main_thread = pthread_self();
   stop_running = stop;
   sc_interrupt_reads(false);
   if (saves_stop) let_in(SC_SAVED);
   signal(SIGPIPE, SIG_IGN);
   signal(SIGXFSZ, SIG_IGN);
}

int sc_interrupted(void) {
   return pending;
}

void sc_interrupt_clear(void) {
   pending = 0;
}

bool sc_interrupt_finish(bool finish) {
   bool before = finishing;
   finishing = finish;
   return before;
}

void sc_interrupt_session(bool on) {
   in_session = on;
}

void sc_interrupt_only_first(void) {
   only_first = true;
}

void sc_interrupt_term_ends(void) {
   term_ends = true;
}

void sc_interrupt_drawing(bool on) {
   drawing = on;
}
