-- scute: tensors, ops and the session come from C; every other family is a file beside this one, loaded at first use
-- (scute.nn, scute.models, scute.optim, scute.data, scute.train, ...).
local core = require "scute.core"
local public = require "scute.base.public"
require "scute.base.tensor_text" -- how tensors print

-- Families that no one has used yet are files only.
public.offer(core, function()
   local names = {}
   local lfs = require "lfs"
   local folder = (core.module_file "scute" or ""):match "^(.*)/"
   if folder and lfs.attributes(folder) then
      for file in lfs.dir(folder) do
         local name = file:match "^([%a][%w_]*)%.lua$"
         if name ~= "init" then names[#names + 1] = name end
      end
   end
   return names
end)

-- What the library asks of C for itself: steps of optimizers and averages, errors, the terminal, files.
public.hide(core, "adamw_step", "average_step", "rmsprop_step", "sgd_step", "running_update", "scale_update_", "unscale_",
   "list_clamp", "list_clip", "list_norm", "list_scale", "conv2d_folded", "normalize_photos", "to_device", "binding_help",
   "canvas_font", "computes", "error_kind", "error_like", "look_beside", "make_room", "module_file", "nearest", "nfc",
   "running", "set_recording", "terminal", "terminal_picture", "terminal_size", "weight_files")

return setmetatable(core, {
   __index = function(scute, name)
      if type(name) ~= "string" or name:find "^_" then return nil end
      if not core.module_file("scute." .. name) then
         local near = scute.nearest(name, public.names(scute))
         error(("scute.%s: there is no such function%s"):format(name, near and (", did you mean 'scute.%s'?"):format(near)
            or "; Tab in a session lists them"), 2)
      end
      local module = require("scute." .. name)
      rawset(scute, name, module)
      return module
   end,
})
