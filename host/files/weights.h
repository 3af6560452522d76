// Weight files of any format that scute reads.
#ifndef SCUTE_WEIGHTS_H
#define SCUTE_WEIGHTS_H

#include "host/files/source.h"
#include "host/files/state.h"

typedef enum { SC_SAFETENSORS, SC_PTH_ZIP, SC_PTH_LEGACY } ScFormat;

// Reads a weight file whose format is told by its content, not its name. `out` must be empty and stays so on
// failure: SC_EIO (cannot be read), SC_EFORMAT (truncated, damaged, refused), SC_EMEM.
ScStatus sc_weights_read(const ScSource *, ScDevice *, ScState *out, ScFormat *format);
// The same of a file by name.
ScStatus sc_weights_load(const char *path, ScDevice *, ScState *out, ScFormat *format);
const char *sc_format_name(ScFormat); // "safetensors", "pth (zip)", "pth (legacy)"

#endif
