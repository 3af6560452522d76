// The bytes that are allocated, as they stand and at most, and an allocation that fails; this stands before
// glibc's. For tests only, in one file of a program. With a sanitizer nothing is counted and none fails.
#ifndef SCUTE_TESTS_HEAP_H
#define SCUTE_TESTS_HEAP_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable" // with a sanitizer, in a test that makes none fail
static atomic_size_t live, most;
static int fails_at, seen; // allocations that begin where `seen` is set to 0; 0: none fails
static bool fails_on;      // all that come after that one, too
static bool failed;
#pragma GCC diagnostic pop

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) // have allocations of their own
#pragma GCC visibility push(default)                                // the libraries call it too

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void __libc_free(void *);

static bool fails(void) {
   if (!fails_at || ++seen < fails_at || (seen > fails_at && !fails_on)) return false;
   errno = ENOMEM;
   return failed = true;
}

static void *counted(void *block) {
   size_t now = block ? live += malloc_usable_size(block) : 0, before = most;
   while (now > before && !atomic_compare_exchange_weak(&most, &before, now)) continue;
   return block;
}

void *malloc(size_t bytes) {
   return fails() ? NULL : counted(__libc_malloc(bytes));
}

void *calloc(size_t n, size_t bytes) {
   return fails() ? NULL : counted(__libc_calloc(n, bytes));
}

void free(void *block) {
   if (block) live -= malloc_usable_size(block);
   __libc_free(block);
}

void *realloc(void *block, size_t bytes) {
   if (fails()) return NULL;
   size_t before = block ? malloc_usable_size(block) : 0;
   void *moved = __libc_realloc(block, bytes);
   if (moved || !bytes) live -= before;
   return counted(moved);
}

#pragma GCC visibility pop
#endif

#endif
