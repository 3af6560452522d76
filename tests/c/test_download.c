// The downloader against a server on 127.0.0.1 that behaves badly in every way asked for. The server answers
// one connection after the other in a thread of this program; the path of the request says how.
#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <time.h>

#include "host/files/download.h"
#include "host/files/file.h"
#include "tests/c/scratch.h"

enum { BODY = 200000 };

static unsigned char body[BODY];
static char digest[SC_SHA256_HEX];
static int listener, port;
static _Atomic int requests;
static pthread_t thread;

static void send_all(int client, const void *data, size_t bytes) {
   const char *at = data;
   while (bytes > 0) {
      ssize_t done = send(client, at, bytes, MSG_NOSIGNAL);
      if (done <= 0) return;
      at += done;
      bytes -= (size_t)done;
   }
}

static void send_head(int client, const char *status, const char *field, long length) {
   char head[512];
   int n = snprintf(head, sizeof head, "HTTP/1.1 %s\r\n%s", status, field);
   if (length >= 0) n += snprintf(head + n, sizeof head - (size_t)n, "Content-Length: %ld\r\n", length);
   n += snprintf(head + n, sizeof head - (size_t)n, "Connection: close\r\n\r\n");
   send_all(client, head, (size_t)n);
}

static void answer_slowly(int client) {
   struct timespec pause = {0, 200000000};
   send_head(client, "200 OK", "", BODY);
   for (int i = 0; i < 40; i++) { // 5 bytes a second, for eight seconds or until the other side has enough
      if (send(client, body + i, 1, MSG_NOSIGNAL) <= 0) return;
      nanosleep(&pause, NULL);
   }
}

static void wait_for_end(int client) {
   char byte;
   while (recv(client, &byte, 1, 0) > 0) continue;
}

static void redirect(int client, const char *to) {
   char field[256];
   snprintf(field, sizeof field, "Location: %s\r\n", to);
   send_head(client, "302 Found", field, 0);
}

static void answer(int client, const char *path) {
   char url[64];
   if (strcmp(path, "/good") == 0 || strcmp(path, "/corrupt") == 0) {
      send_head(client, "200 OK", "", BODY);
      send_all(client, body, BODY - 1);
      unsigned char last = body[BODY - 1] ^ (path[1] == 'c');
      send_all(client, &last, 1);
   } else if (strcmp(path, "/truncated") == 0) {
      send_head(client, "200 OK", "", BODY);
      send_all(client, body, BODY / 2);
   } else if (strcmp(path, "/no_length") ==
              0) { // the end of the connection is the end of the file: only the digest tells
      send_head(client, "200 OK", "", -1);
      send_all(client, body, BODY / 2);
   } else if (strcmp(path, "/slow") == 0) {
      answer_slowly(client);
   } else if (strcmp(path, "/stalled") == 0) {
      send_head(client, "200 OK", "", BODY);
      send_all(client, body, BODY / 2);
      wait_for_end(client);
   } else if (strcmp(path, "/silent") == 0) {
      wait_for_end(client);
   } else if (strcmp(path, "/moved") == 0) {
      snprintf(url, sizeof url, "http://127.0.0.1:%d/good", port);
      redirect(client, url);
   } else if (strcmp(path, "/circle") == 0) {
      redirect(client, "/circle");
   } else if (strcmp(path, "/local") == 0) {
      redirect(client, "file:///etc/passwd");
   } else {
      send_head(client, "404 Not Found", "", 0);
   }
}

static void *serve(void *unused) {
   for (;;) {
      int client = accept(listener, NULL, NULL);
      if (client < 0) return unused;
      char request[2048] = "", path[64];
      requests++;
      ssize_t n = recv(client, request, sizeof request - 1, 0);
      if (n > 0 && sscanf(request, "GET %63s", path) == 1) answer(client, path);
      shutdown(client, SHUT_WR);
      close(client);
   }
}

static int start_server(void **state) {
   struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
   socklen_t length = sizeof address;
   if (scratch_setup(state) != 0) return -1;
   for (int i = 0; i < BODY; i++) body[i] = (unsigned char)(i * 31 + i / 256);
   spill(scratch("body"), body, BODY);
   if (sha256_of(scratch("body"), digest) != SC_OK) return -1;
   listener = socket(AF_INET, SOCK_STREAM, 0);
   if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 8) != 0) return -1;
   getsockname(listener, (struct sockaddr *)&address, &length);
   port = ntohs(address.sin_port);
   setenv("no_proxy", "127.0.0.1", 1);
   setenv("SCUTE_NET_TIMEOUT", "1", 1);
   return pthread_create(&thread, NULL, serve, NULL);
}

static int stop_server(void **state) {
   shutdown(listener, SHUT_RDWR);
   pthread_join(thread, NULL);
   close(listener);
   return scratch_teardown(state);
}

static const char *url_of(const char *path) {
   static char url[96];
   snprintf(url, sizeof url, "http://127.0.0.1:%d/%s", port, path);
   return url;
}

static void assert_body(const char *path) {
   size_t size;
   unsigned char *bytes = slurp(path, &size);
   assert_int_equal(size, BODY);
   assert_memory_equal(bytes, body, BODY);
   free(bytes);
}

// Every failure names the URL, the file and its folder, and leaves nothing.
static void assert_no_file(const char *url, const char *path) {
   assert_non_null(strstr(sc_error(), url));
   assert_non_null(strstr(sc_error(), "put the file w.pth into /tmp/scute-test-"));
   assert_int_not_equal(access(path, F_OK), 0);
   assert_int_equal(scratch_count("part"), 0);
}

typedef struct {
   int calls;
   int64_t done, total, stop_at;
} Watch;

static bool watch(void *context, int64_t done, int64_t total) {
   Watch *w = context;
   w->calls++;
   w->done = done;
   w->total = total;
   return w->stop_at == 0 || done < w->stop_at;
}

static void arrives_whole(void **state) {
   (void)state;
   Watch w = {0};
   const char *path = scratch("whole.pth");
   assert_ok(sc_download(url_of("good"), path, digest, SC_MAXDOWNLOAD, watch, &w));
   assert_body(path);
   assert_true(w.calls > 0);
   assert_int_equal(w.done, BODY);
   assert_int_equal(w.total, BODY);
   assert_int_equal(scratch_count("part"), 0);
}

// Over https; over plain http whoever sits between could find other weights that begin alike.
static void a_prefix_of_the_digest_is_not_enough_over_http(void **state) {
   (void)state;
   char prefix[64] = "";
   int before = requests;
   for (size_t n = 8; n < 64; n += 55) {
      memcpy(prefix, digest, n);
      assert_fails(sc_download(url_of("good"), scratch("w.pth"), prefix, SC_MAXDOWNLOAD, NULL, NULL), SC_EARG,
                   "over plain http all 64 digits are needed");
   }
   assert_int_equal(requests, before);
   assert_int_not_equal(access(scratch("w.pth"), F_OK), 0);
   assert_int_equal(scratch_count("part"), 0);
   assert_fails(
       sc_download("https://127.0.0.1:1/w.pth", scratch("w.pth"), "f37072fd", SC_MAXDOWNLOAD, NULL, NULL),
       SC_EIO, "connect");
}

static void stops_at_the_largest_size(void **state) {
   (void)state;
   static const char *const bodies[] = {"truncated",
                                        "no_length"}; // of a length that is told, and of one that is not
   const char *path = scratch("w.pth");
   for (int i = 0; i < 2; i++) {
      const char *url = url_of(bodies[i]);
      assert_fails(sc_download(url, path, digest, BODY / 4, NULL, NULL), SC_EFORMAT,
                   "it has more than 0.1 MB, and no weight file has");
      assert_no_file(url, path);
   }
   assert_ok(sc_download(url_of("good"), scratch("fits.pth"), digest, BODY, NULL, NULL));
}

// Every secret of a URL begins with "hush", wherever it stands in it.
static void no_message_tells_a_password(void **state) {
   (void)state;
   static const char *const urls[] = {
       "http://hush:hush@127.0.0.1:%d/missing",     "http://127.0.0.1:%d/missing?token=hush",
       "http://hush@127.0.0.1:%d/missing?a=hush@b", "http://127.0.0.1:%d/missing#hush",
       "http://u:hush/hush@127.0.0.1:%d/missing",   "http://u:hush?hush@127.0.0.1:%d/missing",
       "http://u:hush#hush@127.0.0.1:%d/missing",   "http://u:hush@hush@127.0.0.1:%d/missing",
       "ftp://u:hush@127.0.0.1:%d/missing",
   };
   for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
      char url[128];
      snprintf(url, sizeof url, urls[i], port);
      assert_int_not_equal(sc_download(url, scratch("w.pth"), digest, SC_MAXDOWNLOAD, NULL, NULL), SC_OK);
      if (strstr(sc_error(), "hush")) fail_msg("%s: %s", url, sc_error());
   }
   char url[64];
   snprintf(url, sizeof url, "http://127.0.0.1:%d/missing", port);
   char secret[128];
   snprintf(secret, sizeof secret, "http://me:hush@127.0.0.1:%d/missing?token=hush", port);
   assert_int_not_equal(sc_download(secret, scratch("w.pth"), digest, SC_MAXDOWNLOAD, NULL, NULL), SC_OK);
   assert_no_file(url, scratch("w.pth"));
}

static void follows_redirects(void **state) {
   (void)state;
   assert_ok(sc_download(url_of("moved"), scratch("moved.pth"), digest, SC_MAXDOWNLOAD, NULL, NULL));
   assert_body(scratch("moved.pth"));
}

static void bad_transfers(void **state) {
   (void)state;
   static const struct {
      const char *how;
      ScStatus status;
      const char *message;
   } cases[] = {
       {"truncated", SC_EIO, "bytes remaining to read"},
       {"no_length", SC_EFORMAT, "its sha256 begins with"},
       {"corrupt", SC_EFORMAT, "its sha256 begins with"},
       {"missing", SC_EIO, "404"},
       {"circle", SC_EIO, "redirects"},
       {"local", SC_EIO, "rotocol"},
       {"slow", SC_EIO, "too slow"},
       {"stalled", SC_EIO, "too slow"},
       {"silent", SC_EIO, "too slow"},
   };
   const char *path = scratch("w.pth");
   for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
      const char *url = url_of(cases[i].how);
      ScStatus status = sc_download(url, path, digest, SC_MAXDOWNLOAD, NULL, NULL);
      if (status != cases[i].status || !strstr(sc_error(), cases[i].message))
         fail_msg("%s: status %d: %s", cases[i].how, status, sc_error());
      assert_no_file(url, path);
   }
}

static void a_refused_connection(void **state) {
   (void)state;
   // Bound but not listening: nobody else can take the port meanwhile.
   struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
   socklen_t length = sizeof address;
   int closed = socket(AF_INET, SOCK_STREAM, 0);
   assert_int_equal(bind(closed, (struct sockaddr *)&address, sizeof address), 0);
   getsockname(closed, (struct sockaddr *)&address, &length);
   char url[64];
   snprintf(url, sizeof url, "http://127.0.0.1:%d/good", ntohs(address.sin_port));
   assert_fails(sc_download(url, scratch("w.pth"), digest, SC_MAXDOWNLOAD, NULL, NULL), SC_EIO, "connect");
   assert_no_file(url, scratch("w.pth"));
   close(closed);
}

static void stops_when_asked(void **state) {
   (void)state;
   Watch w = {.stop_at = 1};
   const char *url = url_of("stalled");
   assert_fails(sc_download(url, scratch("w.pth"), digest, SC_MAXDOWNLOAD, watch, &w), SC_EINTERRUPTED,
                "interrupted");
   assert_no_file(url, scratch("w.pth"));
}

static void the_old_file_stays(void **state) {
   (void)state;
   const char *path = scratch("kept.pth");
   size_t size;
   spill(path, "old", 3);
   assert_int_not_equal(sc_download(url_of("corrupt"), path, digest, SC_MAXDOWNLOAD, NULL, NULL), SC_OK);
   free(slurp(path, &size));
   assert_int_equal(size, 3);
}

static void a_left_over_part_is_no_file(void **state) {
   (void)state;
   spill(scratch("again.pth.part"), body, BODY / 2);
   assert_ok(sc_download(url_of("good"), scratch("again.pth"), digest, SC_MAXDOWNLOAD, NULL, NULL));
   assert_body(scratch("again.pth"));
   assert_int_equal(scratch_count("part"), 0);
}

static void bad_arguments(void **state) {
   (void)state;
   const char *path = scratch("w.pth");
   assert_fails(sc_download("ftp://127.0.0.1/x", path, digest, SC_MAXDOWNLOAD, NULL, NULL), SC_EARG,
                "expected https://");
   assert_fails(sc_download("file:///etc/passwd", path, digest, SC_MAXDOWNLOAD, NULL, NULL), SC_EARG,
                "expected https://");
   assert_fails(sc_download(url_of("good"), path, "1234567", SC_MAXDOWNLOAD, NULL, NULL), SC_EARG,
                "8 to 64 hex digits");
   assert_fails(sc_download(url_of("good"), path, "", SC_MAXDOWNLOAD, NULL, NULL), SC_EARG,
                "8 to 64 hex digits");
   assert_fails(sc_download(url_of("good"), path, "f37072fx", SC_MAXDOWNLOAD, NULL, NULL), SC_EARG,
                "8 to 64 hex digits");
   assert_fails(sc_download(url_of("good"), scratch("no/where/w.pth"), digest, SC_MAXDOWNLOAD, NULL, NULL),
                SC_EIO, "No such file");
}

int main(void) {
   const struct CMUnitTest tests[] = {
       cmocka_unit_test(arrives_whole),
       cmocka_unit_test(a_prefix_of_the_digest_is_not_enough_over_http),
       cmocka_unit_test(stops_at_the_largest_size),
       cmocka_unit_test(no_message_tells_a_password),
       cmocka_unit_test(follows_redirects),
       cmocka_unit_test(bad_transfers),
       cmocka_unit_test(a_refused_connection),
       cmocka_unit_test(stops_when_asked),
       cmocka_unit_test(the_old_file_stays),
       cmocka_unit_test(a_left_over_part_is_no_file),
       cmocka_unit_test(bad_arguments),
   };
   return cmocka_run_group_tests(tests, start_server, stop_server);
}
