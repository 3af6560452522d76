// TIFF through libtiff, the first page. libtiff unpacks strips and tiles; which sample means what is decided
// here, as Pillow does: of 16 bits the high byte counts, transparency is put on white.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tiffio.h>

#include "host/core/shared_library.h"
#include "host/photo/image_orient.h"
#include "host/photo/image_tiff_color.h"
#include "host/photo/photo_kind.h"

// What is called of libtiff, under its own names without "TIFF".
// clang-format off
#define FUNCTIONS(F) \
   F(ClientOpenExt) F(Close) F(ComputeStrip) F(ComputeTile) F(GetField) F(GetFieldDefaulted) \
   F(IsCODECConfigured) F(IsTiled) F(OpenOptionsAlloc) F(OpenOptionsFree) \
   F(OpenOptionsSetErrorHandlerExtR) F(OpenOptionsSetMaxSingleMemAlloc) \
   F(OpenOptionsSetWarningHandlerExtR) F(ReadEncodedStrip) F(ReadEncodedTile) \
   F(ReadRGBAImageOriented) F(SetField) F(StripSize) F(TileSize)
// clang-format on
#define POINTER(name) __typeof__(TIFF##name) *name;
#define SYMBOL(name)  {"TIFF" #name, &libtiff.name},

static struct { FUNCTIONS(POINTER) } libtiff;
static const ScSymbol symbols[] = {FUNCTIONS(SYMBOL){0}};
static const char *const files[] = {"libtiff.so.6", NULL};
static ScSharedLibrary library = {.files = files, .symbols = symbols, .package = "libtiff6"};

typedef struct {
   TIFF *tiff;
   ScBytes bytes;
   size_t at;
   char text[200]; // what libtiff found wrong first
   bool damaged;   // it said that something is missing, and went on

   uint32_t width, height;
   uint16_t bits, samples, photometric, planes, compression;
   ScTiffColor color;
   int orientation;

   uint32_t block_width, block_height; // of a tile, or of a strip
   unsigned char *block, *channels;    // what was unpacked of one; all pixels
} Job;

// ---- the file, in memory ----

static tmsize_t read_bytes(thandle_t handle, void *to, tmsize_t size) {
   Job *job = handle;
   size_t left = job->at < job->bytes.size ? job->bytes.size - job->at : 0,
          n = (size_t)size < left ? (size_t)size : left;
   if (n) memcpy(to, job->bytes.data + job->at, n);
   job->at += n;
   return (tmsize_t)n;
}

static tmsize_t write_none(thandle_t handle, void *from, tmsize_t size) {
   (void)handle, (void)from, (void)size;
   return -1;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
   Job *job = handle;
   toff_t from = whence == SEEK_CUR ? job->at : whence == SEEK_END ? job->bytes.size : 0;
   return job->at = (size_t)(from + offset);
}

static int close_none(thandle_t handle) {
   (void)handle;
   return 0;
}

static toff_t size_of(thandle_t handle) {
   return ((Job *)handle)->bytes.size;
}

static int map(thandle_t handle, void **base, toff_t *size) {
   Job *job = handle;
   *base = (void *)job->bytes.data;
   *size = job->bytes.size;
   return 1;
}

static void unmap(thandle_t handle, void *base, toff_t size) {
   (void)handle, (void)base, (void)size;
}

// ---- what libtiff says ----

static int on_error(TIFF *tiff, void *user, const char *module, const char *format, va_list values) {
   Job *job = user;
   (void)tiff, (void)module;
   if (!job->text[0]) vsnprintf(job->text, sizeof job->text, format, values);
   job->text[strcspn(job->text, "\n")] = 0;
   return 1; // nobody else is told
}

// libtiff goes on without an entry that it could not read, libjpeg makes up what is missing from a JPEG inside,
// and both warn of it.
static int on_warning(TIFF *tiff, void *user, const char *module, const char *format, va_list values) {
   Job *job = user;
   char text[sizeof job->text];
   (void)tiff;
   vsnprintf(text, sizeof text, format, values);
   text[strcspn(text, "\n")] = 0;
   bool of_jpeg = module && strncmp(module, "JPEG", 4) == 0;
   bool lost = of_jpeg ? !strstr(text, "extraneous") : strstr(text, "IO error") != NULL;
   if (lost && !job->damaged) {
      job->damaged = true;
      memcpy(job->text, text, sizeof text);
   }
   return 1;
}

static bool names_memory(const char *text) {
   return strstr(text, "memory") || strstr(text, "No space for") || strstr(text, "alloc");
}

static ScStatus damaged(const Job *job) {
   if (names_memory(job->text)) return sc_fail(SC_EMEM, "out of memory while decoding a TIFF (%s)", job->text);
   return sc_fail(SC_EFORMAT, "truncated or corrupt TIFF (%s)", job->text[0] ? job->text : "its header");
}

static ScStatus open_file(Job *job) {
   enum { UNPACKING = 64 << 20 }; // what an unpacker may take at a time
   TIFFOpenOptions *options = libtiff.OpenOptionsAlloc();
   if (!options) return sc_fail(SC_EMEM, "out of memory while decoding a TIFF");
   libtiff.OpenOptionsSetErrorHandlerExtR(options, on_error, job);
   libtiff.OpenOptionsSetWarningHandlerExtR(options, on_warning, job);
   libtiff.OpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)(UNPACKING + 2 * job->bytes.size));
   job->tiff = libtiff.ClientOpenExt("", "r", job, read_bytes, write_none, seek, close_none, size_of, map,
                                     unmap, options);
   libtiff.OpenOptionsFree(options);
   return job->tiff && !job->damaged ? SC_OK : damaged(job);
}

// ---- what the first directory says ----

static uint16_t field(const Job *job, uint32_t tag) {
   uint16_t value = 0;
   libtiff.GetFieldDefaulted(job->tiff, tag, &value);
   return value;
}

// The small copy in front of what the sensor saw is not the photo.
static ScStatus check_is_photo(const Job *job) {
   uint32_t kind = 0;
   uint16_t parts = 0;
   void *offsets = NULL;
   libtiff.GetFieldDefaulted(job->tiff, TIFFTAG_SUBFILETYPE, &kind);
   if (!(kind & FILETYPE_REDUCEDIMAGE) || !libtiff.GetField(job->tiff, TIFFTAG_SUBIFD, &parts, &offsets))
      return SC_OK;
   return sc_fail(SC_EFORMAT, "a camera's raw file; convert it first: darktable-cli photo.raw photo.jpg");
}

static ScStatus check_samples(const Job *job) {
   uint16_t format = field(job, TIFFTAG_SAMPLEFORMAT);
   if (format == SAMPLEFORMAT_IEEEFP)
      return sc_fail(SC_EFORMAT, "a TIFF of floating-point numbers, of which nobody says what is white; "
                                 "convert it to 8 or 16 bits a sample first");
   if (format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID)
      return sc_fail(SC_EFORMAT,
                     "a TIFF of signed or complex numbers; convert it to 8 or 16 bits a sample first");
   if (job->bits > 16 || job->bits == 0 || (job->bits & (job->bits - 1)))
      return sc_fail(SC_EFORMAT, "a TIFF of %d bits a sample; convert it to 8 or 16 bits first", job->bits);
   return SC_OK;
}

// Pixels that JPEG coded as brightness and colour come as RGB. Other files with such pixels are rare: libtiff
// makes all of it (see decode_whole).
static bool comes_whole(const Job *job) {
   return job->photometric == PHOTOMETRIC_YCBCR && job->compression != COMPRESSION_JPEG;
}

static ScStatus read_color(Job *job) {
   uint16_t extras = 0, *kinds = NULL, *palette[3] = {NULL};
   bool says = libtiff.GetField(job->tiff, TIFFTAG_PHOTOMETRIC, &job->photometric);
   if (!says) job->photometric = job->samples >= 3 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISWHITE;
   if (job->photometric == PHOTOMETRIC_YCBCR && !comes_whole(job)) {
      libtiff.SetField(job->tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      job->photometric = PHOTOMETRIC_RGB;
   }
   libtiff.GetFieldDefaulted(job->tiff, TIFFTAG_EXTRASAMPLES, &extras, &kinds);
   if (extras && !kinds) return sc_fail(SC_EMEM, "out of memory while decoding a TIFF");
   bool has_palette = libtiff.GetField(job->tiff, TIFFTAG_COLORMAP, &palette[0], &palette[1], &palette[2]);
   ScTiffSamples given = {.photometric = job->photometric, .bits = job->bits, .samples = job->samples};
   given.alpha = extras && kinds[0] == EXTRASAMPLE_ASSOCALPHA   ? SC_ALPHA_ASSOCIATED
                 : extras && kinds[0] == EXTRASAMPLE_UNASSALPHA ? SC_ALPHA
                 : !extras && job->samples == 4                 ? SC_ALPHA
                                                                : SC_ALPHA_NONE;
   for (int i = 0; i < 3 && has_palette; i++) given.palette[i] = palette[i];
   return sc_tiff_color(&given, &job->color);
}

static ScStatus read_directory(Job *job, const ScImageLimits *limits) {
   libtiff.GetField(job->tiff, TIFFTAG_IMAGEWIDTH, &job->width);
   libtiff.GetField(job->tiff, TIFFTAG_IMAGELENGTH, &job->height);
   SC_TRY(sc_image_check_size(job->width, job->height, limits));
   job->bits = field(job, TIFFTAG_BITSPERSAMPLE);
   job->samples = field(job, TIFFTAG_SAMPLESPERPIXEL);
   job->planes = field(job, TIFFTAG_PLANARCONFIG);
   job->compression = field(job, TIFFTAG_COMPRESSION);
   job->orientation = field(job, TIFFTAG_ORIENTATION);
   if (job->orientation > 8) job->orientation = 0;
   if (!libtiff.IsCODECConfigured(job->compression))
      return sc_fail(SC_EFORMAT,
                     "a TIFF packed by method %d, which this libtiff does not unpack; convert it first: "
                     "tiffcp -c lzw photo.tif new.tif",
                     job->compression);
   SC_TRY(check_is_photo(job));
   SC_TRY(check_samples(job));
   return read_color(job);
}

// ---- pixels ----

static ScStatus read_layout(Job *job, const ScImageLimits *limits) {
   uint32_t rows = job->height;
   job->block_width = job->width;
   if (libtiff.IsTiled(job->tiff)) {
      libtiff.GetField(job->tiff, TIFFTAG_TILEWIDTH, &job->block_width);
      libtiff.GetField(job->tiff, TIFFTAG_TILELENGTH, &rows);
   } else {
      libtiff.GetFieldDefaulted(job->tiff, TIFFTAG_ROWSPERSTRIP, &rows);
      if (rows > job->height) rows = job->height;
   }
   job->block_height = rows;
   return sc_image_check_size(job->block_width, job->block_height, limits);
}

static size_t bytes_of_block(const Job *job) {
   size_t samples = job->planes == PLANARCONFIG_SEPARATE ? 1 : job->samples;
   return ((size_t)job->block_width * samples * job->bits + 7) / 8 * job->block_height;
}

// Whether libtiff means the same size; it counts some kinds of pixels in other ways.
static bool is_as_counted(const Job *job) {
   tmsize_t size = libtiff.IsTiled(job->tiff) ? libtiff.TileSize(job->tiff) : libtiff.StripSize(job->tiff);
   return size > 0 && (size_t)size == bytes_of_block(job);
}

static ScStatus read_block(Job *job, uint32_t x, uint32_t y, uint16_t plane, uint32_t rows) {
   size_t size = bytes_of_block(job) / job->block_height * rows;
   tmsize_t got;
   if (libtiff.IsTiled(job->tiff))
      got = libtiff.ReadEncodedTile(job->tiff, libtiff.ComputeTile(job->tiff, x, y, 0, plane), job->block,
                                    (tmsize_t)size);
   else
      got = libtiff.ReadEncodedStrip(job->tiff, libtiff.ComputeStrip(job->tiff, y, plane), job->block,
                                     (tmsize_t)size);
   return got < 0 || (size_t)got < size || job->damaged ? damaged(job) : SC_OK;
}

// Of a pixel in a block `given` samples are there, from which channel `first` on of what is kept.
static void unpack_block(Job *job, uint32_t x, uint32_t y, int first, int given, uint32_t rows) {
   uint32_t width = job->width - x < job->block_width ? job->width - x : job->block_width;
   size_t row = ((size_t)job->block_width * (size_t)given * job->bits + 7) / 8;
   int channels = job->color.channels, taken = given < channels - first ? given : channels - first;
   for (uint32_t r = 0; r < rows; r++) {
      unsigned char *to = job->channels + ((size_t)(y + r) * job->width + x) * (size_t)channels + first;
      sc_tiff_unpack(job->block + r * row, job->bits, width, given, to, channels, taken);
   }
}

static ScStatus decode_plane(Job *job, uint16_t plane, int given) {
   for (uint32_t y = 0; y < job->height; y += job->block_height)
      for (uint32_t x = 0; x < job->width; x += job->block_width) {
         uint32_t left = job->height - y, rows = left < job->block_height ? left : job->block_height;
         SC_TRY(read_block(job, x, y, plane, libtiff.IsTiled(job->tiff) ? job->block_height : rows));
         unpack_block(job, x, y, plane, given, rows);
      }
   return SC_OK;
}

static ScStatus decode_blocks(Job *job, ScImage *out) {
   size_t pixels = (size_t)job->width * job->height;
   bool apart = job->planes == PLANARCONFIG_SEPARATE;
   job->block = malloc(bytes_of_block(job));
   job->channels = malloc(pixels * (size_t)job->color.channels);
   if (!job->block || !job->channels) return sc_fail(SC_EMEM, "out of memory while decoding a TIFF");
   for (int plane = 0; plane < (apart ? job->color.channels : 1); plane++)
      SC_TRY(decode_plane(job, (uint16_t)plane, apart ? 1 : job->samples));
   sc_tiff_to_rgb(&job->color, job->channels, pixels, out->rgb);
   return SC_OK;
}

// libtiff's own conversion: red in the lowest byte, as it lies in the file.
static ScStatus decode_whole(Job *job, ScImage *out) {
   size_t pixels = (size_t)job->width * job->height;
   uint32_t *rgba = malloc(pixels * sizeof *rgba);
   if (!rgba) return sc_fail(SC_EMEM, "out of memory: %zu bytes", pixels * sizeof *rgba);
   int as_stored = job->orientation ? job->orientation : ORIENTATION_TOPLEFT;
   bool done =
       libtiff.ReadRGBAImageOriented(job->tiff, job->width, job->height, rgba, as_stored, 1) && !job->damaged;
   for (size_t i = 0; i < pixels && done; i++) {
      out->rgb[3 * i] = TIFFGetR(rgba[i]);
      out->rgb[3 * i + 1] = TIFFGetG(rgba[i]);
      out->rgb[3 * i + 2] = TIFFGetB(rgba[i]);
   }
   free(rgba);
   return done ? SC_OK : damaged(job);
}

static size_t bytes_beside(const Job *job) {
   enum { UNPACKING = 2 }; // some unpackers hold a block of their own
   size_t pixels = (size_t)job->width * job->height;
   if (comes_whole(job)) return pixels * 4 + UNPACKING * bytes_of_block(job);
   return pixels * (size_t)job->color.channels + (1 + UNPACKING) * bytes_of_block(job);
}

static ScStatus decode(Job *job, const ScImageLimits *limits, const ScPurpose *purpose, ScPhoto *out) {
   enum { DIRECTORY = 1 << 20 };
   SC_TRY(
       sc_image_check_memory(DIRECTORY)); // libtiff 4.5 calls a file damaged, or crashes, where there is none
   SC_TRY(sc_shared_library_open(&library));
   SC_TRY(open_file(job));
   SC_TRY(read_directory(job, limits));
   SC_TRY(read_layout(job, limits));
   if (!comes_whole(job) && !is_as_counted(job))
      return sc_fail(SC_EFORMAT, "truncated or corrupt TIFF (the size of its parts)");
   int width = (int)job->width, height = (int)job->height;
   SC_TRY(sc_photo_reserve_whole(out, width, height, job->orientation, bytes_beside(job), purpose, limits));
   SC_TRY(sc_image_new(width, height, &out->image));
   SC_TRY(sc_image_check_memory(bytes_beside(job)));
   SC_TRY(comes_whole(job) ? decode_whole(job, &out->image) : decode_blocks(job, &out->image));
   return SC_OK;
}

static ScStatus decode_tiff(ScBytes bytes, const ScImageLimits *limits, const ScPurpose *purpose,
                            ScPhoto *out) {
   Job job = {.bytes = bytes};
   ScStatus status = decode(&job, limits, purpose, out);
   if (job.tiff) libtiff.Close(job.tiff);
   free(job.block);
   free(job.channels);
   return status ? status : sc_image_orient(&out->image, job.orientation);
}
SC_PHOTO_READER(SC_PHOTO_TIFF, decode_tiff)
