// A folder for the files of one test program, and whole files in memory. For tests only; every test program
// runs from the root of the repository.
#ifndef SCUTE_TESTS_SCRATCH_H
#define SCUTE_TESTS_SCRATCH_H

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/files/source.h"
#include "tests/c/check.h"

static char scratch_folder[64];

static int scratch_setup(void **state) {
   (void)state;
   strcpy(scratch_folder, "/tmp/scute-test-XXXXXX");
   return mkdtemp(scratch_folder) ? 0 : -1;
}

static int scratch_teardown(void **state) {
   (void)state;
   char command[128];
   snprintf(command, sizeof command, "rm -rf '%s'", scratch_folder);
   return system(command);
}

// "<folder>/<name>" in a ring of buffers.
static inline const char *scratch(const char *name) {
   static char ring[4][256];
   static int next;
   char *path = ring[next++ % 4];
   snprintf(path, sizeof ring[0], "%s/%s", scratch_folder, name);
   return path;
}

// Number of files in the scratch folder whose name contains `part`.
static inline int scratch_count(const char *part) {
   DIR *folder = opendir(scratch_folder);
   int n = 0;
   assert_non_null(folder);
   for (struct dirent *entry; (entry = readdir(folder));) n += strstr(entry->d_name, part) != NULL;
   closedir(folder);
   return n;
}

static inline unsigned char *slurp(const char *path, size_t *size) {
   FILE *file = fopen(path, "rb");
   if (!file) fail_msg("cannot open %s", path);
   fseek(file, 0, SEEK_END);
   *size = (size_t)ftell(file);
   rewind(file);
   unsigned char *bytes = malloc(*size + 1);
   assert_non_null(bytes);
   assert_int_equal(fread(bytes, 1, *size, file), *size);
   fclose(file);
   return bytes;
}

static inline ScStatus sha256_of(const char *path, char hex[SC_SHA256_HEX]) {
   ScSource source;
   SC_TRY(sc_source_open(&source, path));
   ScStatus status = sc_source_sha256(&source, hex);
   sc_source_close(&source);
   return status;
}

static inline void spill(const char *path, const void *bytes, size_t size) {
   FILE *file = fopen(path, "wb");
   if (!file) fail_msg("cannot create %s", path);
   assert_int_equal(fwrite(bytes, 1, size, file), size);
   assert_int_equal(fclose(file), 0);
}

#endif
