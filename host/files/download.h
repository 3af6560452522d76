// Fetches a file over HTTPS into its place, whole and checked, or not at all.
#ifndef SCUTE_DOWNLOAD_H
#define SCUTE_DOWNLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "host/core/status.h"

// Three times the largest official weight file (resnext101_32x8d, 356 MB).
enum { SC_MAXDOWNLOAD = 1000000000 };

// Called about once a second and at the end; `total` is 0 while unknown. false stops the download.
typedef bool (*ScProgress)(void *context, int64_t done, int64_t total);

// Downloads `url` to `path` through "<path>.part". `sha256` is the digest in hex, or over https a prefix of it
// of at least 8 digits; a file with another digest, or of more than `limit` bytes, is not kept. `progress` may
// be NULL.
//
// The URL is https://, and so is every redirect; http:// is taken only where the given URL itself says so, and
// then with all 64 digits: whoever sits between could find a file that begins with the same eight.
// Gives up when no connection stands after 15 s, or when less than 100 bytes a second came for 30 s
// (SCUTE_NET_TIMEOUT sets both, in seconds). The messages name the URL without what is secret in it, the
// file and what to do by hand.
// SC_EIO, SC_EFORMAT (wrong digest), SC_EINTERRUPTED (stopped by `progress`), SC_EARG, SC_EMEM. Nothing is left
// behind on failure.
ScStatus sc_download(const char *url, const char *path, const char *sha256, int64_t limit, ScProgress progress,
                     void *context);

#endif
