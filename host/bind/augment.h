// The description of an augmentation: a table of named kinds.
#ifndef SCUTE_BIND_AUGMENT_H
#define SCUTE_BIND_AUGMENT_H

#include "host/photo/augment.h"
#include "host/bind/bind.h"

// {random_resized_crop = {scale = {0.08, 1}, ratio = {3/4, 4/3}}, horizontal_flip = 0.5,
//  rotation = 10 or {degrees = {-10, 10}, filter = "nearest", fill = 0 or {r, g, b}},
//  color_jitter = {brightness = 0.2 or {0.8, 1.2}, contrast = , saturation = , hue = },
//  rand_augment = {n = 2, magnitude = 9, bins = 31, filter = "nearest", fill = 0}, or trivial_augment = {bins =
//  31, filter = , fill = }, random_erasing = 0.25 or {p = 0.5, scale = {0.02, 0.33}, ratio = {0.3, 3.3}, value
//  = 0, {r, g, b} or "random"}, exact_decode = false}
// true stands for a kind with its defaults; nil, false and 0 leave it out; so does nil or false for the whole.
ScAugment sc_check_augment(lua_State *L, int index, const char *function);

// scale and ratio of the table at `index`, for a random resized crop.
void sc_check_crop_ranges(lua_State *L, int index, const char *function, ScAugment *);
// filter = "nearest" or "bilinear"
ScWarp sc_option_warp(lua_State *L, int index, const char *function);
// fill = 0..255, or three of them; black where it is nil
void sc_option_fill(lua_State *L, int index, const char *function, unsigned char fill[3]);
// seed = 0, epoch = 1, index = 1
ScSample sc_option_sample(lua_State *L, int index, const char *function);

#endif
