#include "host/files/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "host/files/file.h"

enum { MAXHEADER = 100 * 1000 * 1000, CHUNK = 1 << 20 };

static ScStatus damaged(const char *path) {
   return sc_fail(SC_EFORMAT, "%s: its checksum does not fit: the file is damaged", path);
}

// Takes the digits out of the header, where zeros stand afterwards.
static ScStatus take_digits(const char *path, char *header, char digits[9]) {
   char *at = strstr(header, SC_SEAL);
   if (!at) return sc_fail(SC_EFORMAT, "%s: it has no checksum", path);
   at += strlen(SC_SEAL);
   if (strnlen(at, 8) < 8) return damaged(path);
   memcpy(digits, at, 8);
   digits[8] = '\0';
   memcpy(at, SC_NO_SUM, 8);
   return SC_OK;
}

// Adds length and header to the sum; `*data` is where they end.
static ScStatus sum_header(int fd, const char *path, int64_t size, uLong *sum, char digits[9], int64_t *data) {
   uint64_t length = 0;
   SC_TRY(sc_file_read(fd, path, 0, &length, sizeof length));
   if (length > MAXHEADER || (int64_t)length > size - 8) return damaged(path);
   char *header = malloc(length + 1);
   if (!header) return sc_fail(SC_EMEM, "out of memory: the header of %s", path);
   header[length] = '\0';
   ScStatus status = sc_file_read(fd, path, 8, header, length);
   if (status == SC_OK) status = take_digits(path, header, digits);
   if (status == SC_OK) {
      *sum = crc32_z(*sum, (const Bytef *)&length, sizeof length);
      *sum = crc32_z(*sum, (const Bytef *)header, length);
      *data = 8 + (int64_t)length;
   }
   free(header);
   return status;
}

static ScStatus sum_rest(int fd, const char *path, int64_t from, int64_t size, uLong *sum) {
   char *chunk = malloc(CHUNK);
   if (!chunk) return sc_fail(SC_EMEM, "out of memory: a part of %s", path);
   ScStatus status = SC_OK;
   for (int64_t at = from; at < size && status == SC_OK; at += CHUNK) {
      size_t bytes = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
      status = sc_file_read(fd, path, at, chunk, bytes);
      if (status == SC_OK) *sum = crc32_z(*sum, (const Bytef *)chunk, bytes);
   }
   free(chunk);
   return status;
}

static ScStatus compare(int fd, const char *path, int64_t size) {
   uLong sum = crc32_z(0, NULL, 0);
   char digits[9], found[9];
   int64_t data;
   SC_TRY(sum_header(fd, path, size, &sum, digits, &data));
   SC_TRY(sum_rest(fd, path, data, size, &sum));
   snprintf(found, sizeof found, "%08lx", sum & 0xfffffffful);
   return strcmp(digits, found) == 0 ? SC_OK : damaged(path);
}

ScStatus sc_seal_verify(const char *path) {
   int fd;
   int64_t size;
   SC_TRY(sc_file_open(path, &fd, &size));
   ScStatus status = compare(fd, path, size);
   close(fd);
   return status;
}
