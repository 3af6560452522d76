#include "host/files/seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "host/files/header.h"

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
static ScStatus sum_header(const ScSource *source, uint32_t *sum, char digits[9], int64_t *data) {
   const char *path = source->path;
   uint64_t length = 0;
   SC_TRY(sc_source_read(source, 0, &length, sizeof length));
   if (length > SC_MAXHEADER || (int64_t)length > source->size - 8) return damaged(path);
   char *header = malloc(length + 1);
   if (!header) return sc_fail(SC_EMEM, "out of memory: the header of %s", path);
   header[length] = '\0';
   ScStatus status = sc_source_read(source, 8, header, length);
   if (status == SC_OK) status = take_digits(path, header, digits);
   if (status == SC_OK) {
      *sum = (uint32_t)crc32_z(*sum, (const Bytef *)&length, sizeof length);
      *sum = (uint32_t)crc32_z(*sum, (const Bytef *)header, length);
      *data = 8 + (int64_t)length;
   }
   free(header);
   return status;
}

ScStatus sc_seal_check(const ScSource *source) {
   uint32_t sum = 0;
   char digits[9], found[9];
   int64_t data;
   SC_TRY(sum_header(source, &sum, digits, &data));
   SC_TRY(sc_source_crc32(source, data, &sum));
   snprintf(found, sizeof found, "%08x", sum);
   return strcmp(digits, found) == 0 ? SC_OK : damaged(source->path);
}

ScStatus sc_seal_verify(const char *path) {
   ScSource source;
   SC_TRY(sc_source_open(&source, path));
   ScStatus status = sc_seal_check(&source);
   sc_source_close(&source);
   return status;
}
