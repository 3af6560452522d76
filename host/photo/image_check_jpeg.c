#include "host/photo/image_check_jpeg.h"

#include <string.h>

enum { RST0 = 0xd0, RST7 = 0xd7, EOI = 0xd9, SOS = 0xda, TEM = 1 };

static bool is_alone(unsigned char marker) {
   return marker == TEM || (marker >= RST0 && marker <= RST7);
}

// Tables, another scan, the number of lines, applications' segments and comments: DHT, DAC, SOS, DQT, DNL, DRI,
// APPn, COM.
static bool may_follow_scan(unsigned char marker) {
   return is_alone(marker) || marker == 0xc4 || marker == 0xcc || (marker >= SOS && marker <= 0xdd) ||
          (marker >= 0xe0 && marker <= 0xef) || marker == 0xfe;
}

// Where the next marker stands from `at` on, behind coded pixels or stray bytes; the size where there is none.
static size_t find_marker(ScBytes b, size_t at) {
   while (at + 1 < b.size) {
      const unsigned char *mark = memchr(b.data + at, 0xff, b.size - at - 1);
      if (!mark) break;
      at = (size_t)(mark - b.data);
      if (mark[1] != 0 && mark[1] != 0xff && !is_alone(mark[1])) return at;
      at += mark[1] == 0xff ? 1 : 2;
   }
   return b.size;
}

// Behind the segment at `at`, whose length follows its marker; 0 where it is not all there.
static size_t skip_segment(ScBytes b, size_t at) {
   if (b.size - at < 4) return 0;
   size_t length = (size_t)(b.data[at + 2] << 8 | b.data[at + 3]);
   return length >= 2 && length <= b.size - at - 2 ? at + 2 + length : 0;
}

// What disks, downloads and programs leave, and coded pixels hardly ever look like: zeros and letters in a row.
// The last few bytes of a photo may look like letters.
static size_t find_filling(ScBytes b, size_t from) {
   enum { RUN = 32, LAST = 8 };
   size_t run = 0;
   for (size_t at = from; at < b.size; at++) {
      unsigned char c = b.data[at];
      run = c == 0 || c == '\t' || c == '\n' || c == '\r' || (c >= ' ' && c <= '~') ? run + 1 : 0;
      if (run == RUN) return at + 1 - RUN + LAST;
   }
   return b.size;
}

// A zero behind 0xff is part of what is coded.
static ScBytes without_zeros(ScBytes b) {
   size_t size = b.size;
   while (size > 0 && b.data[size - 1] == 0) size--;
   if (size > 0 && size < b.size && b.data[size - 1] == 0xff) size++;
   return (ScBytes){b.data, size};
}

ScBytes sc_image_trim_jpeg(ScBytes b, bool *lacks_end) {
   size_t at = 2, next = 0, scan = 0; // the last one, from its pixels on
   *lacks_end = false;
   for (; (at = find_marker(b, at)) < b.size; at = next) {
      unsigned char marker = b.data[at + 1];
      if (marker == EOI) return b;
      next = skip_segment(b, at);
      if (!next || (scan && !may_follow_scan(marker))) break;
      if (marker == SOS) scan = next;
   }
   if (!scan) return b;
   *lacks_end = true;
   return without_zeros((ScBytes){b.data, find_filling((ScBytes){b.data, at}, scan)});
}
