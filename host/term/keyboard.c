#define _GNU_SOURCE // ppoll
#include "host/term/keyboard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

#include "host/term/signals.h"

static const ScScreen *screen;
static struct termios settings; // as they were at the start, for the keys that interrupt
static char held;               // a byte that was read ahead, 0 for none
static volatile sig_atomic_t resized, continued;
static bool settles; // the terminal has another size, and may be on its way to yet another

static void on_terminal_signal(int signal) {
   if (signal == SIGWINCH)
      resized = 1;
   else
      continued = 1;
}

void sc_keyboard_open(const ScScreen *use) {
   screen = use;
   if (tcgetattr(STDIN_FILENO, &settings) != 0) settings = (struct termios){.c_cc = {[VINTR] = 3}};
   struct sigaction action = {.sa_handler = on_terminal_signal};
   sigaction(SIGWINCH, &action, NULL);
   sigaction(SIGCONT, &action, NULL);
}

// Signals are let in only while waiting, so that none slips in between looking and waiting.
static int wait_for_input(void) {
   static const struct timespec moment = {.tv_nsec = 30000000};
   sigset_t blocked, before;
   sigemptyset(&blocked);
   sigaddset(&blocked, SIGINT);
   sigaddset(&blocked, SIGTERM);
   sigaddset(&blocked, SIGWINCH);
   sigaddset(&blocked, SIGCONT);
   pthread_sigmask(SIG_BLOCK, &blocked, &before);
   settles = settles || resized;
   resized = 0;
   struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
   int ready = sc_interrupted() || continued ? -1 : ppoll(&input, 1, settles ? &moment : NULL, &before);
   pthread_sigmask(SIG_SETMASK, &before, NULL);
   return ready;
}

// A window that is drawn to another size has many on the way, of which the last counts.
static void follow_terminal(int ready) {
   if (continued) {
      continued = 0;
      screen->resume();
   }
   if (settles && ready >= 0 && !resized) {
      settles = false;
      screen->resized();
   }
}

int sc_pasted_byte(char *byte) {
   for (;;) {
      if (sc_interrupted()) return -1;
      if (held) {
         *byte = held;
         held = 0;
         return 1;
      }
      int ready = wait_for_input();
      follow_terminal(ready);
      if (ready <= 0) continue;
      ssize_t got = read(STDIN_FILENO, byte, 1);
      if (got >= 0) return (int)got;
      if (errno != EINTR && errno != EAGAIN) return -1;
   }
}

static bool is_set(char byte, int which) {
   return settings.c_cc[which] != _POSIX_VDISABLE && (cc_t)byte == settings.c_cc[which];
}

bool sc_key_interrupts(char byte) {
   return is_set(byte, VINTR);
}

// What the terminal's driver does with a key where it is not told to leave that to us.
static int signal_of(char byte) {
   if (is_set(byte, VINTR)) return SIGINT;
   if (is_set(byte, VQUIT)) return SIGQUIT;
   return is_set(byte, VSUSP) ? SIGTSTP : 0;
}

int sc_key(char *byte) {
   for (;;) {
      int got = sc_pasted_byte(byte), signal = got == 1 ? signal_of(*byte) : 0;
      if (!signal) return got;
      if (signal != SIGINT) screen->leave();
      kill(0, signal); // to all that run in the foreground, as the driver does
      if (signal == SIGTSTP)
         continued = 1; // also where nobody is there to continue it, so that it did not stop
   }
}

char sc_key_ahead(void) {
   struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
   if (!held && poll(&input, 1, 0) > 0 && read(STDIN_FILENO, &held, 1) != 1) held = 0;
   return held;
}

void sc_keys_forget(void) {
   held = 0;
}
