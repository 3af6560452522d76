#define _GNU_SOURCE
#include "host/machine/parent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void end_group(int number) {
   (void)number;
   kill(0, SIGKILL);
}

// What ends this process: SIGKILL, or, where it is the first of its group, what takes along all that is in
// that.
static int ending(void) {
   if (getpgrp() != getpid()) return SIGKILL;
   struct sigaction action = {.sa_handler = end_group};
   sigaction(SIGRTMAX, &action, NULL);
   return SIGRTMAX;
}

ScStatus sc_end_with_parent(long id) {
   if (prctl(PR_SET_PDEATHSIG, ending()) != 0)
      return sc_fail(SC_EIO, "cannot follow process %ld: %s", id, strerror(errno));
   if (getppid() == id) return SC_OK; // asked for after that: one that ends from now on is noticed
   prctl(PR_SET_PDEATHSIG, 0);
   return sc_fail(SC_EIO, "process %ld, which started this one, has ended", id);
}
