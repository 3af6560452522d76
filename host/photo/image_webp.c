// WebP through libwebp; of an animation the first frame. The container is walked here: libwebp's own way of
// doing that does not tell lack of memory from a damaged file.
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>

#include "host/photo/image_orient.h"
#include "host/photo/image_white.h"
#include "host/photo/photo_kind.h"

// ---- chunks: type, length, data, padded to an even length; they follow "RIFF", a length, "WEBP" ----

typedef struct {
   ScBytes data; // as far as it is there
   const unsigned char *type;
   size_t next;
} Chunk;

static uint32_t little(const unsigned char *p, int bytes) {
   uint32_t n = 0;
   while (bytes-- > 0) n = n << 8 | p[bytes];
   return n;
}

static bool read_chunk(ScBytes b, size_t at, Chunk *out) {
   if (at > b.size || b.size - at < 8) return false;
   size_t length = little(b.data + at + 4, 4), there = b.size - at - 8;
   *out =
       (Chunk){{b.data + at + 8, length < there ? length : there}, b.data + at, at + 8 + length + (length & 1)};
   return true;
}

static bool is_of_type(const Chunk *chunk, const char *type, size_t least) {
   return memcmp(chunk->type, type, 4) == 0 && chunk->data.size >= least;
}

// ---- what is to be decoded ----

typedef struct {
   int width, height; // of the canvas
   ScBytes coded;     // what libwebp decodes: the file, or the first frame
   int left, top;     // where that stands on the canvas
   bool animated;
   int orientation;
   WebPBitstreamFeatures is; // the coded picture
} Layout;

enum { WITH_ANIMATION = 2, FRAME_HEAD = 16 };

static ScStatus fail(VP8StatusCode status) {
   static const char *const faults[] = {"",
                                        "out of memory",
                                        "invalid",
                                        "damaged",
                                        "an unknown feature",
                                        "it ends too early",
                                        "it ends too early",
                                        "it ends too early"};
   if (status == VP8_STATUS_OUT_OF_MEMORY) return sc_fail(SC_EMEM, "out of memory while decoding a WebP");
   return sc_fail(SC_EFORMAT, "truncated or corrupt WebP (%s)",
                  (size_t)status < sizeof faults / sizeof *faults ? faults[status] : "damaged");
}

static void read_frame(const Chunk *chunk, Layout *out) {
   if (!out->animated || out->coded.data || !is_of_type(chunk, "ANMF", FRAME_HEAD)) return;
   out->left = 2 * (int)little(chunk->data.data, 3);
   out->top = 2 * (int)little(chunk->data.data + 3, 3);
   out->coded = (ScBytes){chunk->data.data + FRAME_HEAD, chunk->data.size - FRAME_HEAD};
}

// What a file says that has more than a picture.
static void read_chunks(ScBytes b, Layout *out) {
   Chunk chunk;
   for (size_t at = 12; read_chunk(b, at, &chunk); at = chunk.next) {
      if (at == 12 && is_of_type(&chunk, "VP8X", 10)) {
         out->animated = chunk.data.data[0] & WITH_ANIMATION;
         out->width = 1 + (int)little(chunk.data.data + 4, 3);
         out->height = 1 + (int)little(chunk.data.data + 7, 3);
      }
      read_frame(&chunk, out);
      if (!out->orientation && is_of_type(&chunk, "EXIF", 1))
         out->orientation = sc_exif_orientation(chunk.data);
   }
}

static ScStatus read_layout(ScBytes b, const ScImageLimits *limits, Layout *out) {
   *out = (Layout){0};
   read_chunks(b, out);
   if (!out->animated) out->coded = b;
   if (!out->coded.data) return fail(VP8_STATUS_NOT_ENOUGH_DATA);
   VP8StatusCode status = WebPGetFeatures(out->coded.data, out->coded.size, &out->is);
   if (status != VP8_STATUS_OK) return fail(status);
   if (!out->animated) out->width = out->is.width, out->height = out->is.height;
   SC_TRY(sc_image_check_size(out->width, out->height, limits));
   if (out->left + out->is.width > out->width || out->top + out->is.height > out->height)
      return fail(VP8_STATUS_BITSTREAM_ERROR);
   return SC_OK;
}

// ---- pixels ----

enum { LOSSLESS = 2 };

// libwebp keeps a few rows of what is coded with loss, and its transparency; of what is without, all pixels in
// four bytes, and codes, of which the file says how many.
static size_t bytes_beside(const Layout *l, size_t file) {
   enum { ROWS = 64, CODES = 16 };
   size_t pixels = (size_t)l->is.width * (size_t)l->is.height, bytes = (size_t)l->is.width * ROWS;
   if (l->is.has_alpha || l->animated) bytes += 4 * pixels;
   return bytes + (l->is.format == LOSSLESS ? 4 * pixels + CODES * file : l->is.has_alpha ? 3 * pixels : 0);
}

static ScStatus decode_into(const Layout *l, unsigned char *pixels, size_t pixel) {
   WebPDecoderConfig config;
   if (!WebPInitDecoderConfig(&config))
      return sc_fail(SC_EUNSUPPORTED, "this libwebp is not the one it was built for");
   config.output.colorspace = pixel == 4 ? MODE_RGBA : MODE_RGB;
   config.output.is_external_memory = 1;
   config.output.u.RGBA.rgba = pixels;
   config.output.u.RGBA.stride = l->is.width * (int)pixel;
   config.output.u.RGBA.size = (size_t)l->is.width * (size_t)l->is.height * pixel;
   VP8StatusCode status = WebPDecode(l->coded.data, l->coded.size, &config);
   return status == VP8_STATUS_OK ? SC_OK : fail(status);
}

// What a frame does not cover shows the white behind it.
static void place(const Layout *l, const unsigned char *frame, ScImage *out) {
   size_t row = (size_t)l->is.width * 3;
   memset(out->rgb, 255, (size_t)out->width * (size_t)out->height * 3);
   for (int y = 0; y < l->is.height; y++)
      memcpy(out->rgb + ((size_t)(l->top + y) * (size_t)out->width + (size_t)l->left) * 3,
             frame + (size_t)y * row, row);
}

static ScStatus decode_apart(const Layout *l, ScImage *out) {
   size_t count = (size_t)l->is.width * (size_t)l->is.height;
   unsigned char *frame = malloc(4 * count);
   if (!frame) return sc_fail(SC_EMEM, "out of memory: %zu bytes", 4 * count);
   ScStatus status = decode_into(l, frame, 4);
   if (!status) {
      sc_pixels_on_white(frame, count);
      place(l, frame, out);
   }
   free(frame);
   return status;
}

static ScStatus decode_webp(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose,
                            ScPhoto *out) {
   Layout l;
   SC_TRY(read_layout(bytes, limits, &l));
   size_t memory = bytes_beside(&l, bytes.size);
   SC_TRY(sc_photo_reserve_whole(out, l.width, l.height, l.orientation, memory, purpose, limits));
   SC_TRY(sc_image_new(l.width, l.height, &out->image));
   SC_TRY(sc_image_check_memory(memory)); // libwebp 1.2 calls a file damaged, or crashes, where there is none
   SC_TRY(l.is.has_alpha || l.animated ? decode_apart(&l, &out->image) : decode_into(&l, out->image.rgb, 3));
   return sc_image_orient(&out->image, l.orientation);
}
SC_PHOTO_READER(SC_PHOTO_WEBP, decode_webp)
