// Images as Lua sees them, shared among host/bind/image*.c.
#ifndef SCUTE_BIND_IMAGE_H
#define SCUTE_BIND_IMAGE_H

#include "host/bind/bind.h"
#include "host/photo/image.h"

#define SC_IMAGE_TYPE "scute.image"

// The image that a method is called on (the first argument). Asked for last, since a finalizer may free it
// wherever Lua allocates.
ScImage *sc_check_image(lua_State *L, const char *method);
// Pushes an empty handle, to be filled by a core function.
ScImage *sc_push_image(lua_State *L);
// The image on top of the stack has been made, or not: then "METHOD: ..." is raised. Returns 1.
int sc_finish_image(lua_State *L, const char *method, const ScImage *image, ScStatus status);
// Pushes a tensor (1, 3, height, width) and returns its memory, which lies as an image's: rows of pixels of
// three channels.
void *sc_push_pixels(lua_State *L, ScDtype dtype, int width, int height);

#endif
