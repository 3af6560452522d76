--- Networks of timm that have the names and shapes of another one and compute something else: nothing but a name tells them.
local variant = {}

local PYTORCH_EPSILON = 1e-5 -- of batch norm in all of timm's networks but those of TensorFlow

-- What begins such names, and what is other in these networks.
local OTHERS = {
   { "^tf_", "pads asymmetrically, and its batch norm has an epsilon of 0.001" },
   { "^%l+_?blur", "blurs where it halves the size" },
   { "^resnetaa", "takes means where it halves the size" },
}

local LITE = "^efficientnet_lite" -- the same network is timm's tf_efficientnet_lite

-- The names that a file tells of itself: in its metadata and, where it is one of timm's (another may be called tf_turtles.pth),
-- by its own name and that of the folder of a model hub that it lies in.
local function told(path, metadata, of_timm)
   local list, file = {}, path:match "[^/]*$"
   for _, key in ipairs { "architecture", "arch", "model_name" } do list[#list + 1] = metadata[key] end
   if of_timm or file:find "^resnet" then list[#list + 1] = file end
   if of_timm then
      list[#list + 1] = path:match "[/-](tf_%l+net_[^/]*)/"
      list[#list + 1] = path:match "%-%-(efficientnet_lite[^/]*)/" -- of the hub alone: other folders are called so too
   end
   return list
end

local function refuse_others(path, list, model)
   for _, name in ipairs(list) do
      for _, other in ipairs(OTHERS) do
         if name:find(other[1]) then
            error(("%s is of %s, which has the names and shapes of %s, but %s; take a file of %s"):format(path, name, model,
               other[2], model), 0)
         end
      end
   end
end

local function check_epsilon(path, model)
   local epsilon = model:get("features.0.1").eps
   if epsilon == PYTORCH_EPSILON then return end
   error(("%s has timm's names, and timm's %s computes batch norm with an epsilon of %g, this one with %g; take "
      .. "torchvision's file"):format(path, model.arch, PYTORCH_EPSILON, epsilon), 0)
end

-- Of timm's two networks of that name, one is TensorFlow's.
local function check_lite(path, list, model)
   for _, name in ipairs(list) do
      if name:find "^tf_efficientnet_lite" then return nil end
      if name:find(LITE) then
         error(("%s is of timm's %s, which pads symmetrically and computes batch norm with an epsilon of 1e-5; %s is the same "
            .. "network as timm's tf_%s: take a file of that"):format(path, name, model.arch, model.arch), 0)
      end
   end
   return ("%s has timm's names and does not say which network it is: it is taken for tf_%s (epsilon 1e-3, asymmetric "
      .. "padding), not for timm's %s (1e-5, symmetric)"):format(path, model.arch, model.arch)
end

--- Raises where a file is of another variant than the model. `report` is that of weights.apply. Returns a line that says which
-- was assumed, where the names are timm's and nothing tells; else nil.
function variant.check(path, metadata, model, report)
   local list = told(path, metadata, report.timm)
   if model.arch:find(LITE) then return report.timm and check_lite(path, list, model) or nil end
   refuse_others(path, list, model.arch)
   if not report.timm then return nil end
   if model.arch:find "^convnext_" then return nil end -- there is no other of these names
   check_epsilon(path, model)
   for _, name in ipairs(list) do
      if name:find "^efficientnet_" then return nil end
   end
   return model.arch:find "^efficientnet_" and ("%s has timm's names and does not say which network it is: it is taken for %s "
      .. "(epsilon 1e-5, symmetric padding), not for tf_%s (1e-3, asymmetric)"):format(path, model.arch, model.arch) or nil
end

return variant
