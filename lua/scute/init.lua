-- scute: tensors, ops and the session come from C; every other family is a file beside this one, loaded at first use
-- (scute.nn, scute.models, scute.optim, scute.data, scute.train, ...).
local core = require "scute.core"
local public = require "scute.base.public"
local strict = require "scute.base.strict"
require "scute.base.tensor_text" -- how tensors print

-- Families that no one has used yet are files only.
public.offer(core, strict.families)

-- What the library asks of C for itself: steps of optimizers and averages, errors, the terminal, files.
public.hide(core, "adamw_step", "average_step", "rmsprop_step", "sgd_step", "running_update", "scale_update_", "unscale_",
   "list_clamp", "list_clip", "list_convert", "list_norm", "list_scale", "conv2d_folded", "mlp_rows", "normalize_photos",
   "to_device", "binding_help", "canvas_font", "computes", "error_kind", "error_like", "loaded_file", "look_beside",
   "make_room", "module_file", "nearest", "record",
   "nfc", "running", "set_recording", "terminal", "terminal_picture", "terminal_size", "weight_files", "drawing",
   "interrupt_over", "op_counts", "own_op", "own_op_open", "own_op_has_code", "own_op_compiler", "own_whole_open", "own_gpu_by",
   "own_gpu_compiler", "own_gpu_compile", "own_gpu_load", "profiler", "transcript", "near_spelling", "same_name", "watched",
   "process", "shell", "synonyms", "tape_leaves", "row_keys")
public.hide(core.world, "differing", "speaks", "saves", "wait", "host", "launched", "terminal", "reducer", "average",
   "end_attempt", "sums", "texts", "waited", "add_parts", "share_totals", "set_gradients", "connect", "computer", "name_norm")
public.hide(core.files, "create", "keep", "recall", "stamp", "private", "temporary", "digest")

-- Families that make their fields up (scute.models, scute.plot) refuse unknown ones themselves.
local function without_metatable(value)
   return type(value) == "table" and not debug.getmetatable(value) -- a strict one hides its own
end

for name, value in next, core do
   if without_metatable(value) then strict.family("scute." .. name, value) end
end

return setmetatable(core, {
   __index = function(scute, name)
      if type(name) ~= "string" or name:find "^_" then return nil end
      if not core.module_file("scute." .. name) then
         error(("scute.%s: there is no such function%s"):format(name, strict.hint("scute", name, public.names(scute))), 2)
      end
      local module = require("scute." .. name)
      if without_metatable(module) then strict.family("scute." .. name, module) end
      rawset(scute, name, module)
      return module
   end,
})
