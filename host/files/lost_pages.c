#include "host/files/lost_pages.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct ScPages {
   ScPages *next;           // stays as it is once the handler can find it
   _Atomic uintptr_t begin; // 0: nobody's, to be used again
   _Atomic size_t bytes;
   atomic_bool lost;
};

// Only grows: the handler walks it at any moment.
static ScPages *_Atomic first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t page_size;
static struct sigaction before;

// Another thread may take an entry for other pages between the two loads; then it has another beginning
// afterwards, and is none of those that the address is in, which whoever reads there keeps.
static bool holds(const ScPages *p, uintptr_t address) {
   uintptr_t begin = atomic_load(&p->begin);
   size_t bytes = atomic_load(&p->bytes);
   return begin && atomic_load(&p->begin) == begin && address >= begin && address - begin < bytes;
}

static ScPages *find(uintptr_t address) {
   for (ScPages *p = atomic_load(&first); p; p = p->next)
      if (holds(p, address)) return p;
   return NULL;
}

// Zeros from the page of `address` to the end: what is behind it is as lost, and nobody has to come here for
// it.
static bool replace(ScPages *p, uintptr_t address) {
   uintptr_t from = address / page_size * page_size;
   size_t bytes = atomic_load(&p->begin) + atomic_load(&p->bytes) - from;
   return mmap((void *)from, bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

// One that was sent has to be sent again; it waits until the handler returns.
static void as_before(bool was_sent) {
   if (was_sent && !(before.sa_flags & SA_SIGINFO) && before.sa_handler == SIG_IGN) return;
   sigaction(SIGBUS, &before, NULL);
   if (was_sent) raise(SIGBUS);
}

// A fault that returns without having changed anything comes again, and does then what it did before.
static void on_bus_error(int number, siginfo_t *info, void *context) {
   (void)number, (void)context;
   int error = errno;
   uintptr_t address = (uintptr_t)info->si_addr;
   bool was_sent = info->si_code <= 0;
   ScPages *p = was_sent ? NULL : find(address);
   if (p && replace(p, address))
      atomic_store(&p->lost, true);
   else
      as_before(was_sent);
   errno = error;
}

// Somebody may have set another handler since the last time; that one comes after ours now.
static void handle(void) {
   struct sigaction now, action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART};
   if (sigaction(SIGBUS, NULL, &now) == 0 && now.sa_sigaction == on_bus_error) return;
   page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
   sigemptyset(&action.sa_mask);
   before = now;
   sigaction(SIGBUS, &action, NULL);
}

static ScPages *unused(void) {
   for (ScPages *p = atomic_load(&first); p; p = p->next)
      if (!atomic_load(&p->begin)) return p;
   ScPages *p = calloc(1, sizeof *p);
   if (!p) return NULL;
   p->next = atomic_load(&first);
   atomic_store(&first, p);
   return p;
}

ScStatus sc_pages_watch(ScPages **out, void *begin, size_t bytes) {
   pthread_mutex_lock(&lock);
   handle();
   ScPages *p = unused();
   if (p) {
      atomic_store(&p->bytes, bytes);
      atomic_store(&p->lost, false);
      atomic_store(&p->begin, (uintptr_t)begin);
   }
   pthread_mutex_unlock(&lock);
   *out = p;
   return p ? SC_OK : sc_fail(SC_EMEM, "out of memory");
}

bool sc_pages_lost(const ScPages *p) {
   return atomic_load(&p->lost);
}

void sc_pages_forget(ScPages *p) {
   if (p) atomic_store(&p->begin, 0);
}
