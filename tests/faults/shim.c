// A library to be preloaded (LD_PRELOAD) into a program, in which it lets calls of the system fail: those that
// ask for memory, that read and write files, that start threads. From the environment:
//    FAULTS=KIND:FIRST         call number FIRST of a kind (see `kinds`) fails, once
//    FAULTS=KIND:FIRST:EVERY   and every so many calls after it; with 1, all of them
//    FAULTS_LOG=PATH           is told how many calls of each kind there were, and where each one that failed
//    came from
// Calls are counted from where main begins, which this library sees because it starts main: what the loader and
// the constructors do before is another matter. Neither children of the program nor its standard error are
// touched.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { MEMORY, OPEN, READ, SHORT_READ, WRITE, SHORT_WRITE, TRUNCATE, SYNC, RENAME, LINK, LIST, THREAD, KINDS };

static struct {
   const char *name;
   int error;
   atomic_long calls;
} kinds[KINDS] = {
    [MEMORY] = {"memory", ENOMEM},    [OPEN] = {"open", EMFILE},   [READ] = {"read", EIO},
    [SHORT_READ] = {"short_read", 0}, [WRITE] = {"write", ENOSPC}, [SHORT_WRITE] = {"short_write", 0},
    [TRUNCATE] = {"truncate", EFBIG}, [SYNC] = {"sync", EIO},      [RENAME] = {"rename", EIO},
    [LINK] = {"link", EPERM},         [LIST] = {"list", EIO},      [THREAD] = {"thread", EAGAIN},
};

static int wanted = -1; // the kind that fails
static long first, every;
static int log_fd = -1;
static atomic_bool counting;
static __thread bool inside
    __attribute__((tls_model("initial-exec"))); // what this library calls does not count

static void tell(const char *function, long call) {
   char line[128];
   void *frames[48];
   int length = snprintf(line, sizeof line, "failed: %s, %s call %ld\n", function, kinds[wanted].name, call);
   if (write(log_fd, line, (size_t)length) == length)
      backtrace_symbols_fd(frames, backtrace(frames, sizeof frames / sizeof *frames), log_fd);
}

// Libraries that end the program, or go on with a null pointer, where memory is short: they are called only
// where there is room, which is asked for before (host/draw/canvas_internal.h, scute.make_room), and so none of
// their calls fails. What asks for the room does.
static const char *const fragile[] = {"libcairo",    "libfontconfig", "libpixman",
                                      "libfreetype", "libexpat",      "cjson.so"};
enum { FRAGILE = sizeof fragile / sizeof fragile[0], PARTS = 32 };
static __thread const char *begins[PARTS], *ends[PARTS];

static int find_fragile(struct dl_phdr_info *info, size_t size, void *context) {
   (void)size;
   bool is_one = false;
   int *n = context;
   for (int i = 0; i < FRAGILE; i++) is_one = is_one || strstr(info->dlpi_name, fragile[i]);
   for (int i = 0; is_one && i < info->dlpi_phnum && *n < PARTS; i++) {
      const ElfW(Phdr) *part = &info->dlpi_phdr[i];
      if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
      begins[*n] = (const char *)info->dlpi_addr + part->p_vaddr;
      ends[*n] = begins[*n] + part->p_memsz;
      ++*n;
   }
   return 0;
}

// Whether a fragile library is among the callers.
static bool is_spared(void) {
   void *frames[48];
   int n = 0;
   dl_iterate_phdr(find_fragile, &n); // anew: cjson is loaded late
   int depth = backtrace(frames, sizeof frames / sizeof *frames);
   for (int i = 0; i < depth; i++)
      for (int k = 0; k < n; k++)
         if (begins[k] <= (const char *)frames[i] && (const char *)frames[i] < ends[k]) return true;
   return false;
}

// Counts a call; true where it is to fail.
static bool fails(int kind, const char *function) {
   if (inside || !atomic_load(&counting)) return false;
   long call = atomic_fetch_add(&kinds[kind].calls, 1) + 1;
   if (kind != wanted || call < first || (call != first && (every == 0 || (call - first) % every != 0)))
      return false;
   int error = kinds[kind].error;
   inside = true;
   bool spared = kind == MEMORY && is_spared();
   if (log_fd >= 0 && !spared) tell(function, call);
   inside = false;
   if (spared) return false;
   errno = error;
   return true;
}

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) {
   bool before = inside;
   inside = true;
   void *function = dlsym(RTLD_NEXT, name);
   inside = before;
   return function;
}

// ---- memory: glibc's own names of what stands behind malloc, which asking dlsym for would need itself ----

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

// oneDNN does not look at what it gets from the few calls of its own (those of `new` come from elsewhere), for
// which kernels/cpu/onednn.c makes sure that there is room: they do not fail.
static const char *onednn_begin, *onednn_end;

static int find_onednn(struct dl_phdr_info *info, size_t size, void *context) {
   (void)size, (void)context;
   if (!strstr(info->dlpi_name, "libdnnl.so")) return 0;
   for (int i = 0; i < info->dlpi_phnum; i++) {
      const ElfW(Phdr) *part = &info->dlpi_phdr[i];
      if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
      onednn_begin = (const char *)info->dlpi_addr + part->p_vaddr;
      onednn_end = onednn_begin + part->p_memsz;
   }
   return 1;
}

EXPORT void *malloc(size_t bytes) {
   const char *caller = __builtin_return_address(0);
   if (onednn_begin <= caller && caller < onednn_end) return __libc_malloc(bytes);
   return fails(MEMORY, "malloc") ? NULL : __libc_malloc(bytes);
}

EXPORT void *calloc(size_t n, size_t bytes) {
   return fails(MEMORY, "calloc") ? NULL : __libc_calloc(n, bytes);
}

EXPORT void *realloc(void *block, size_t bytes) {
   return fails(MEMORY, "realloc") ? NULL : __libc_realloc(block, bytes);
}

EXPORT void *memalign(size_t alignment, size_t bytes) {
   return fails(MEMORY, "memalign") ? NULL : __libc_memalign(alignment, bytes);
}

EXPORT void *aligned_alloc(size_t alignment, size_t bytes) {
   return fails(MEMORY, "aligned_alloc") ? NULL : __libc_memalign(alignment, bytes);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t bytes) {
   void *block = fails(MEMORY, "posix_memalign") ? NULL : __libc_memalign(alignment, bytes);
   if (block) *out = block;
   return block ? 0 : ENOMEM;
}

EXPORT void *mmap(void *at, size_t bytes, int protection, int flags, int fd, off_t offset) {
   if (fails(MEMORY, "mmap")) return MAP_FAILED;
   return REAL(mmap)(at, bytes, protection, flags, fd, offset);
}

// What makes reserved addresses memory; other protections ask for none.
EXPORT int mprotect(void *at, size_t bytes, int protection) {
   if (protection == (PROT_READ | PROT_WRITE) && fails(MEMORY, "mprotect")) return -1;
   return REAL(mprotect)(at, bytes, protection);
}

// ---- files ----

EXPORT int open(const char *path, int flags, ...) {
   va_list args;
   va_start(args, flags);
   mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
   va_end(args);
   return fails(OPEN, "open") ? -1 : REAL(open)(path, flags, mode);
}

EXPORT FILE *fopen(const char *path, const char *mode) {
   return fails(OPEN, "fopen") ? NULL : REAL(fopen)(path, mode);
}

EXPORT ssize_t read(int fd, void *to, size_t bytes) {
   if (fails(READ, "read")) return -1;
   return REAL(read)(fd, to, bytes > 1 && fails(SHORT_READ, "read") ? bytes / 2 : bytes);
}

EXPORT ssize_t pread(int fd, void *to, size_t bytes, off_t offset) {
   if (fails(READ, "pread")) return -1;
   return REAL(pread)(fd, to, bytes > 1 && fails(SHORT_READ, "pread") ? bytes / 2 : bytes, offset);
}

EXPORT size_t fread(void *to, size_t size, size_t n, FILE *file) {
   if (!fails(READ, "fread")) return REAL(fread)(to, size, n, file);
   file->_flags |= _IO_ERR_SEEN;
   return 0;
}

EXPORT ssize_t write(int fd, const void *data, size_t bytes) {
   if (fd == STDERR_FILENO) return REAL(write)(fd, data, bytes);
   if (fails(WRITE, "write")) return -1;
   return REAL(write)(fd, data, bytes > 1 && fails(SHORT_WRITE, "write") ? bytes / 2 : bytes);
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
   if (fails(WRITE, "pwrite")) return -1;
   return REAL(pwrite)(fd, data, bytes > 1 && fails(SHORT_WRITE, "pwrite") ? bytes / 2 : bytes, offset);
}

EXPORT size_t fwrite(const void *data, size_t size, size_t n, FILE *file) {
   if (file == stderr || !fails(WRITE, "fwrite")) return REAL(fwrite)(data, size, n, file);
   file->_flags |= _IO_ERR_SEEN;
   return 0;
}

EXPORT int fflush(FILE *file) {
   if (file == stderr || !fails(WRITE, "fflush")) return REAL(fflush)(file);
   if (file) file->_flags |= _IO_ERR_SEEN;
   return EOF;
}

EXPORT int fclose(FILE *file) {
   bool failed = fails(WRITE, "fclose");
   int result = REAL(fclose)(file);
   if (failed) errno = kinds[WRITE].error;
   return failed ? EOF : result;
}

EXPORT int ftruncate(int fd, off_t bytes) {
   return fails(TRUNCATE, "ftruncate") ? -1 : REAL(ftruncate)(fd, bytes);
}

EXPORT int fsync(int fd) {
   return fails(SYNC, "fsync") ? -1 : REAL(fsync)(fd);
}

EXPORT int rename(const char *from, const char *to) {
   return fails(RENAME, "rename") ? -1 : REAL(rename)(from, to);
}

EXPORT int link(const char *from, const char *to) {
   return fails(LINK, "link") ? -1 : REAL(link)(from, to);
}

EXPORT struct dirent *readdir(DIR *entries) {
   return fails(LIST, "readdir") ? NULL : REAL(readdir)(entries);
}

// ---- threads ----

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *argument) {
   return fails(THREAD, "pthread_create") ? EAGAIN : REAL(pthread_create)(thread, attr, run, argument);
}

// ---- the start and the end ----

static void read_wish(const char *text) {
   for (int kind = 0; kind < KINDS; kind++) {
      size_t length = strlen(kinds[kind].name);
      if (strncmp(text, kinds[kind].name, length) != 0 || text[length] != ':') continue;
      if (sscanf(text + length, ":%ld:%ld", &first, &every) >= 1) wanted = kind;
   }
   if (wanted >= 0) return;
   fprintf(stderr, "FAULTS=%s: expected KIND:FIRST or KIND:FIRST:EVERY\n", text);
   _exit(EXIT_FAILURE);
}

static int (*program)(int, char **, char **);

static int run(int argc, char **argv, char **environment) {
   const char *wish = getenv("FAULTS"), *path = getenv("FAULTS_LOG");
   if (wish) read_wish(wish);
   if (path) log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
   unsetenv("LD_PRELOAD");
   unsetenv("FAULTS");
   unsetenv("FAULTS_LOG");
   dl_iterate_phdr(find_onednn, NULL);
   void *frame;
   backtrace(&frame, 1); // loads what it needs
   atomic_store(&counting, true);
   return program(argc, argv, environment);
}

EXPORT int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                             void (*fini)(void), void (*rtld_fini)(void), void *stack_end) {
   program = main;
   __typeof__(&__libc_start_main) start = real("__libc_start_main");
   return start(run, argc, argv, init, fini, rtld_fini, stack_end);
}

__attribute__((destructor)) static void end(void) {
   atomic_store(&counting, false);
   for (int kind = 0; kind < KINDS && log_fd >= 0; kind++)
      dprintf(log_fd, "%s %ld\n", kinds[kind].name, atomic_load(&kinds[kind].calls));
}
