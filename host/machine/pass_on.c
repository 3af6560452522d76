#include "host/machine/pass_on.h"

#include <stddef.h>

void sc_pass_on_prepare(sigset_t *mask) {
   sigset_t those;
   sigemptyset(&those);
   sigaddset(&those, SIGINT);
   sigaddset(&those, SIGTERM);
   sigaddset(&those, SIGTSTP);
   sigprocmask(SIG_BLOCK, &those, mask);
   signal(SIGCHLD, SIG_DFL);
}

// What was ignored from the start stays so.
static void handle(int number, void (*handler)(int)) {
   struct sigaction before, action = {.sa_handler = handler};
   sigemptyset(&action.sa_mask);
   if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) sigaction(number, &action, NULL);
}

void sc_pass_on(void (*end)(int), void (*stop)(int), const sigset_t *mask) {
   handle(SIGINT, end);
   handle(SIGTERM, end);
   handle(SIGTSTP, stop);
   signal(SIGPIPE, SIG_IGN);
   sigprocmask(SIG_SETMASK, mask, NULL);
}
