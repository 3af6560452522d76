// HEIC and AVIF through libheif, which turns them as their boxes say; their EXIF, which may say the same once
// more, is ignored as the standard wants it.
#include <stdlib.h>
#include <string.h>

#include <libheif/heif.h>

#include "host/core/shared_library.h"
#include "host/photo/image_white.h"
#include "host/photo/photo_kind.h"

// What is called of libheif, under its own names without "heif_".
// clang-format off
#define FUNCTIONS(F) \
   F(get_decoder_descriptors) F(decoder_descriptor_get_id_name) F(context_alloc) \
   F(decoding_options_alloc) F(context_set_max_decoding_threads) \
   F(context_read_from_memory_without_copy) F(context_get_primary_image_handle) \
   F(image_get_plane_readonly) F(image_get_width) F(image_get_height) F(image_handle_get_width) \
   F(image_handle_get_height) F(image_handle_get_ispe_width) F(image_handle_get_ispe_height) \
   F(image_handle_has_alpha_channel) F(decode_image) F(image_release) F(image_handle_release) \
   F(decoding_options_free) F(context_free)
// clang-format on
#define POINTER(name) __typeof__(heif_##name) *name;
#define SYMBOL(name)  {"heif_" #name, &heif.name},

static struct { FUNCTIONS(POINTER) } heif;
static const ScSymbol symbols[] = {FUNCTIONS(SYMBOL){0}};
static const char *const files[] = {"libheif.so.1", NULL};
static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "libheif1"};

typedef struct {
   struct heif_context *context;
   struct heif_image_handle *handle;
   struct heif_decoding_options *options;
   struct heif_image *image;
   bool is_av1;
   const char *kind;   // what the file is, for messages
   const char *plugin; // what decodes it where libheif comes in parts
} Job;

static ScStatus check(const Job *job, struct heif_error error) {
   if (error.code == heif_error_Ok) return SC_OK;
   if (error.code == heif_error_Memory_allocation_error &&
       error.subcode != heif_suberror_Security_limit_exceeded)
      return sc_fail(SC_EMEM, "out of memory while decoding %s", job->kind);
   if (error.subcode == heif_suberror_Unsupported_codec)
      return sc_fail(SC_EFORMAT, "this libheif decodes no %s: install %s", job->kind, job->plugin);
   return sc_fail(SC_EFORMAT, "truncated or corrupt %s (%.*s)", job->kind, (int)strcspn(error.message, "\n"),
                  error.message);
}

// dav1d, which libheif prefers for AVIF, writes about damaged files to the terminal. aom does not.
static const char *find_quiet_decoder(void) {
   enum { MOST = 16 };
   const struct heif_decoder_descriptor *found[MOST];
   int n = heif.get_decoder_descriptors(heif_compression_AV1, found, MOST);
   for (int i = 0; i < n; i++) {
      const char *name = heif.decoder_descriptor_get_id_name(found[i]);
      if (name && strcmp(name, "aom") == 0) return name;
   }
   return NULL;
}

static ScStatus open_file(Job *job, ScBytes bytes) {
   enum { BOXES = 1 << 20 };
   SC_TRY(sc_image_check_memory(BOXES + bytes.size)); // libheif is C++, which lack of memory ends
   SC_TRY(sc_shared_library_open(&library));
   job->context = heif.context_alloc();
   job->options = heif.decoding_options_alloc();
   if (!job->context || !job->options) return sc_fail(SC_EMEM, "out of memory while decoding %s", job->kind);
   job->options->convert_hdr_to_8bit = true;
   job->options->strict_decoding = true;
   if (job->is_av1) job->options->decoder_id = find_quiet_decoder();
   heif.context_set_max_decoding_threads(job->context, 0); // photos are decoded side by side already
   SC_TRY(check(job, heif.context_read_from_memory_without_copy(job->context, bytes.data, bytes.size, NULL)));
   return check(job, heif.context_get_primary_image_handle(job->context, &job->handle));
}

// Four or three bytes a pixel; what is decoded has to be of the size that the header states.
static ScStatus copy_rows(const Job *job, bool has_alpha, ScImage *out) {
   int stride = 0;
   size_t pixel = has_alpha ? 4 : 3, width = (size_t)out->width;
   const uint8_t *rows = heif.image_get_plane_readonly(job->image, heif_channel_interleaved, &stride);
   if (!rows || heif.image_get_width(job->image, heif_channel_interleaved) != out->width ||
       heif.image_get_height(job->image, heif_channel_interleaved) != out->height)
      return sc_fail(SC_EFORMAT, "truncated or corrupt %s (its picture has another size)", job->kind);
   unsigned char *row = malloc(width * pixel);
   if (!row) return sc_fail(SC_EMEM, "out of memory: %zu bytes", width * pixel);
   for (int y = 0; y < out->height; y++) {
      memcpy(row, rows + (size_t)y * (size_t)stride, width * pixel);
      if (has_alpha) sc_pixels_on_white(row, width);
      memcpy(out->rgb + (size_t)y * width * 3, row, width * 3);
   }
   free(row);
   return SC_OK;
}

static ScStatus decode(Job *job, const ScImageLimits *limits, const ScPurpose *purpose, ScPhoto *out) {
   enum { COPIES = 20 }; // bytes a pixel: planes of up to 16 bits, of which turning and converting make more
   int width = heif.image_handle_get_width(job->handle), height = heif.image_handle_get_height(job->handle);
   SC_TRY(sc_image_check_size(width, height, limits));
   SC_TRY(sc_image_check_size(heif.image_handle_get_ispe_width(job->handle),
                              heif.image_handle_get_ispe_height(job->handle), limits));
   size_t beside = COPIES * (size_t)heif.image_handle_get_ispe_width(job->handle) *
                   (size_t)heif.image_handle_get_ispe_height(job->handle);
   bool has_alpha = heif.image_handle_has_alpha_channel(job->handle);
   SC_TRY(sc_photo_reserve_whole(out, width, height, 1, beside, purpose, limits));
   SC_TRY(sc_image_new(width, height, &out->image));
   SC_TRY(sc_image_check_memory(beside));
   SC_TRY(check(job, heif.decode_image(job->handle, &job->image, heif_colorspace_RGB,
                                       has_alpha ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB,
                                       job->options)));
   return copy_rows(job, has_alpha, &out->image);
}

static void release(Job *job) {
   if (job->image) heif.image_release(job->image);
   if (job->handle) heif.image_handle_release(job->handle);
   if (job->options) heif.decoding_options_free(job->options);
   if (job->context) heif.context_free(job->context);
}

static ScStatus decode_with(Job job, ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose,
                            ScPhoto *out) {
   ScStatus status = open_file(&job, bytes);
   if (!status) status = decode(&job, limits, purpose, out);
   release(&job);
   return status;
}

static ScStatus decode_heic(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose,
                            ScPhoto *out) {
   return decode_with((Job){.kind = "HEIC", .plugin = "libheif-plugin-libde265"}, bytes, limits, purpose, out);
}
SC_PHOTO_READER(SC_PHOTO_HEIC, decode_heic)

static ScStatus decode_avif(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose,
                            ScPhoto *out) {
   return decode_with((Job){.is_av1 = true, .kind = "AVIF", .plugin = "libheif-plugin-aomdec"}, bytes, limits,
                      purpose, out);
}
SC_PHOTO_READER(SC_PHOTO_AVIF, decode_avif)
