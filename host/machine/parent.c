#include "host/machine/parent.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

ScStatus sc_end_with_parent(long id) {
   if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
      return sc_fail(SC_EIO, "cannot follow process %ld: %s", id, strerror(errno));
   if (getppid() == id) return SC_OK; // asked for after that: one that ends from now on is noticed
   prctl(PR_SET_PDEATHSIG, 0);
   return sc_fail(SC_EIO, "process %ld, which started this one, has ended", id);
}
