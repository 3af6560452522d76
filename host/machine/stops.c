#define _GNU_SOURCE
#include "host/machine/stops.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

enum { MOST = 256 }; // more than so many at once go on while this process is stopped

static volatile sig_atomic_t groups[MOST]; // 0: a free place
static struct sigaction before;
static int many;

static void tell(int signal) {
   for (int i = 0; i < MOST; i++)
      if (groups[i]) kill(-(pid_t)groups[i], signal);
}

static void on_stop(int number);

static void handle(void) {
   struct sigaction action = {.sa_handler = on_stop, .sa_flags = SA_RESTART};
   sigemptyset(&action.sa_mask);
   sigaction(SIGTSTP, &action, NULL);
}

// This process stops as it would have without a handler, inside this call.
static void on_stop(int number) {
   int saved = errno;
   sigset_t stop, masked;
   tell(SIGSTOP);
   sigemptyset(&stop);
   sigaddset(&stop, number);
   signal(number, SIG_DFL);
   raise(number);
   pthread_sigmask(SIG_UNBLOCK, &stop, &masked);
   pthread_sigmask(SIG_SETMASK, &masked, NULL);
   handle();
   tell(SIGCONT);
   errno = saved;
}

void sc_stops_with_us(pid_t group) {
   if (many == MOST) return;
   int place = 0;
   while (groups[place]) place++;
   groups[place] = group;
   if (many++ > 0) return;
   sigaction(SIGTSTP, NULL, &before);
   if (before.sa_handler == SIG_DFL) handle();
}

void sc_stops_without_us(pid_t group) {
   for (int i = 0; i < MOST; i++) {
      if (groups[i] != group) continue;
      groups[i] = 0;
      if (--many == 0) sigaction(SIGTSTP, &before, NULL);
   }
}
