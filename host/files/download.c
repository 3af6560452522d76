#include "host/files/download.h"

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#undef curl_easy_setopt // checks types in a macro around a call
#include <sha2.h>

#include "host/core/shared_library.h"
#include "host/files/file.h"

enum { CONNECT_SECONDS = 15, STALL_SECONDS = 30, STALL_BYTES = 100, DIGITS = 64 };

// What is called of libcurl, under its own names without "curl_".
// clang-format off
#define FUNCTIONS(F) \
   F(easy_setopt) F(easy_init) F(easy_perform) F(easy_cleanup) F(easy_strerror) F(global_init)
// clang-format on
#define POINTER(name) __typeof__(curl_##name) *name;
#define SYMBOL(name)  {"curl_" #name, &curl.name},

static struct { FUNCTIONS(POINTER) } curl;
static const ScSymbol symbols[] = {FUNCTIONS(SYMBOL){0}};
// Which one there is depends on who does its cryptography.
static const char *const files[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4", NULL};
static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "libcurl4"};

typedef struct {
   const char *url, *path, *sha256;
   ScProgress progress;
   void *context;
   ScFile *file;
   SHA2_CTX digest;
   int64_t limit, received;
   bool stopped, unwritable, too_large; // why curl was told to abort
   char error[CURL_ERROR_SIZE];
} Transfer;

// What of a URL may be told: not what identifies its user before an @, nor what follows a ? or #. Where a / in
// a password makes it hard to tell which @ ends it, only the protocol.
static void shown(const char *url, const char **host, int lengths[2]) {
   const char *start = strstr(url, "://");
   start = start ? start + 3 : url;
   const char *end = start + strcspn(start, "/?#"), *last = strrchr(start, '@');
   lengths[0] = (int)(start - url);
   *host = last && last < end ? last + 1 : start;
   lengths[1] = last && last >= end ? 0 : (int)strcspn(*host, "?#");
}

// The file's name and, in `folder`, where it belongs; for messages.
static const char *split(const char *path, const char **folder, int *length) {
   const char *slash = strrchr(path, '/');
   *folder = slash ? path : ".";
   *length = slash ? (int)(slash - path) : 1;
   if (slash == path) *length = 1;
   return slash ? slash + 1 : path;
}

static ScStatus failed(const Transfer *t, ScStatus code, const char *why) {
   const char *folder;
   int length;
   const char *name = split(t->path, &folder, &length), *host;
   int lengths[2];
   shown(t->url, &host, lengths);
   return sc_fail(code, "cannot download %.*s%.*s: %s; try again, or put the file %s into %.*s by hand",
                  lengths[0], t->url, lengths[1], host, why, name, length, folder);
}

static size_t receive(char *data, size_t size, size_t n, void *context) {
   Transfer *t = context;
   t->received += (int64_t)(size * n);
   t->too_large = t->received > t->limit;
   if (t->too_large) return 0;
   SHA256Update(&t->digest, (const uint8_t *)data, size * n);
   t->unwritable = sc_file_write(t->file, data, size * n) != SC_OK;
   return t->unwritable ? 0 : size * n;
}

static int report(void *context, curl_off_t total, curl_off_t done, curl_off_t up, curl_off_t uploaded) {
   Transfer *t = context;
   (void)up, (void)uploaded;
   if (t->progress) t->stopped = !t->progress(t->context, done, total);
   return t->stopped;
}

static long seconds(long usual) {
   const char *text = getenv("SCUTE_NET_TIMEOUT");
   char *end;
   long value = text ? strtol(text, &end, 10) : 0;
   return value > 0 && *end == '\0' ? value : usual;
}

static void set_options(CURL *handle, Transfer *t) {
   bool plain = strncmp(t->url, "http://", 7) == 0;
   const char *protocols = plain ? "http,https" : "https";
   curl.easy_setopt(handle, CURLOPT_URL, t->url);
   curl.easy_setopt(handle, CURLOPT_PROTOCOLS_STR, protocols);
   curl.easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, protocols);
   curl.easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
   curl.easy_setopt(handle, CURLOPT_MAXREDIRS, 10L);
   curl.easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
   curl.easy_setopt(handle, CURLOPT_USERAGENT, "scute");
   curl.easy_setopt(handle, CURLOPT_NOSIGNAL, 1L); // a timeout in a thread must not raise a signal
   curl.easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, seconds(CONNECT_SECONDS));
   curl.easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES);
   curl.easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, seconds(STALL_SECONDS));
   curl.easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->limit); // where the server tells it
   curl.easy_setopt(handle, CURLOPT_ERRORBUFFER, t->error);
   curl.easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
   curl.easy_setopt(handle, CURLOPT_WRITEDATA, t);
   curl.easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
   curl.easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, report);
   curl.easy_setopt(handle, CURLOPT_XFERINFODATA, t);
}

static ScStatus too_large(const Transfer *t) {
   char why[100];
   snprintf(why, sizeof why, "it has more than %.1f MB, and no weight file has", (double)t->limit / 1e6);
   return failed(t, SC_EFORMAT, why);
}

static ScStatus transfer(Transfer *t) {
   CURL *handle = curl.easy_init();
   if (!handle) return sc_fail(SC_EMEM, "out of memory");
   set_options(handle, t);
   CURLcode code = curl.easy_perform(handle);
   curl.easy_cleanup(handle);
   if (t->unwritable) return SC_EIO; // with the message of sc_file_write
   if (t->stopped) return failed(t, SC_EINTERRUPTED, "interrupted");
   if (t->too_large || code == CURLE_FILESIZE_EXCEEDED) return too_large(t);
   if (code == CURLE_OK) return SC_OK;
   return failed(t, code == CURLE_OUT_OF_MEMORY ? SC_EMEM : SC_EIO,
                 t->error[0] ? t->error : curl.easy_strerror(code));
}

static ScStatus check_digest(Transfer *t) {
   char hex[SHA256_DIGEST_STRING_LENGTH], why[2 * DIGITS + 100];
   SHA256End(&t->digest, hex);
   size_t length = strlen(t->sha256);
   if (strncasecmp(hex, t->sha256, length) == 0) return SC_OK;
   snprintf(why, sizeof why, "what came is damaged or another file: its sha256 begins with %.*s, expected %s",
            (int)length, hex, t->sha256);
   return failed(t, SC_EFORMAT, why);
}

static ScStatus check_arguments(const Transfer *t) {
   size_t digits = 0;
   while (t->sha256[digits] && isxdigit((unsigned char)t->sha256[digits])) digits++;
   if (t->sha256[digits] || digits < 8 || digits > DIGITS)
      return sc_fail(SC_EARG, "download: argument 'sha256': expected 8 to 64 hex digits, found '%s'",
                     t->sha256);
   if (strncmp(t->url, "https://", 8) == 0) return SC_OK;
   if (strncmp(t->url, "http://", 7) != 0)
      return sc_fail(SC_EARG, "download: argument 'url': expected https://..., found something else");
   if (digits == DIGITS) return SC_OK;
   return sc_fail(SC_EARG, "download: argument 'sha256': over plain http all 64 digits are needed, found %zu",
                  digits);
}

static void start_curl(void) {
   curl.global_init(CURL_GLOBAL_DEFAULT);
}

ScStatus sc_download(const char *url, const char *path, const char *sha256, int64_t limit, ScProgress progress,
                     void *context) {
   static pthread_once_t once = PTHREAD_ONCE_INIT;
   Transfer t = {
       .url = url, .path = path, .sha256 = sha256, .limit = limit, .progress = progress, .context = context};
   SC_TRY(check_arguments(&t));
   ScStatus status = sc_shared_library_open(&library);
   if (status) return failed(&t, status, sc_error());
   pthread_once(&once, start_curl);
   SC_TRY(sc_file_create_part(&t.file, path));
   SHA256Init(&t.digest);
   status = transfer(&t);
   if (status == SC_OK) status = check_digest(&t);
   if (status == SC_OK) return sc_file_commit(t.file);
   sc_file_abandon(t.file);
   return status;
}
