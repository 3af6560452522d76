#include "host/files/weights.h"

#include <string.h>

#include "host/files/pth.h"
#include "host/files/safetensors.h"

const char *sc_format_name(ScFormat format) {
   static const char *const names[] = {"safetensors", "pth (zip)", "pth (legacy)"};
   return names[format];
}

// What people have beside the formats that are read, by its first bytes: HDF5 (of Keras), and the first two
// fields of an ONNX model (its version, then a text, the graph or the operators' versions).
static ScStatus not_read(const char *path, const unsigned char head[9]) {
   if (memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0)
      return sc_fail(
          SC_EFORMAT,
          "%s is an HDF5 file, as Keras writes (.h5), which is not read: its layers have other names and "
          "orders than torchvision's; take PyTorch weights of the same network, .safetensors or .pth",
          path);
   if (head[0] == 8 && head[1] > 0 && head[1] < 32 && (head[2] == 0x12 || head[2] == 0x3a || head[2] == 0x42))
      return sc_fail(SC_EFORMAT,
                     "%s is an ONNX model, which is not read; take the weights that it was exported from: "
                     "torch.save(model.state_dict(), ...)",
                     path);
   return sc_fail(SC_EFORMAT, "%s is not a weight file: expected .safetensors, .pth or .pt, found %s", path,
                  head[0] == '<' ? "a web page (was it a failed download?)" : "other content");
}

static ScStatus detect(const ScSource *source, ScFormat *format) {
   const char *path = source->path;
   int64_t size = source->size;
   unsigned char head[9] = {0};
   SC_TRY(sc_source_read(source, 0, head, size < 9 ? (size_t)size : 9));
   if (memcmp(head, "PK\3\4", 4) == 0)
      *format = SC_PTH_ZIP;
   else if (head[8] == '{' && memcmp(head, "\x80\2\x8a\n", 4) != 0) // a header's length may begin with 0x80 too
      *format = SC_SAFETENSORS;
   else if (head[0] == 0x80)
      *format = SC_PTH_LEGACY;
   else if (size < 9)
      return sc_fail(SC_EFORMAT, "%s is truncated: a weight file has more than %lld bytes", path,
                     (long long)size);
   else
      return not_read(path, head);
   return SC_OK;
}

static ScStatus read_format(const ScSource *source, ScFormat format, ScDevice *device, ScState *out) {
   if (format == SC_SAFETENSORS) return sc_safetensors_read(source, device, out);
   return sc_pth_read(source, device, out);
}

ScStatus sc_weights_read(const ScSource *source, ScDevice *device, ScState *out, ScFormat *format) {
   SC_TRY(detect(source, format));
   SC_TRY(read_format(source, *format, device, out));
   ScStatus status = sc_source_unchanged(source);
   if (status != SC_OK) sc_state_free(out);
   return status;
}

ScStatus sc_weights_load(const char *path, ScDevice *device, ScState *out, ScFormat *format) {
   ScSource source;
   SC_TRY(sc_source_open(&source, path));
   ScStatus status = sc_weights_read(&source, device, out, format);
   sc_source_close(&source);
   return status;
}
