--- What an ONNX file says of its network, as texts by name: what onnxruntime gives as get_modelmeta().custom_metadata_map.
local json = require "scute.base.json"
local sheet = require "scute.export.sheet"

-- Texts as they are, everything else as JSON.
local function text_of(value)
   return type(value) == "string" and value or json.line(value)
end

--- The metadata of a model. about: what is known beside (see scute.export.about), or nil; kind: what its input is.
return function(model, about, kind)
   local found = { architecture = model.arch, classes = json.line(model.classes), input = kind }
   for key, value in pairs(sheet.preprocessing(model)) do
      if key ~= "_order" then found[key] = text_of(value) end
   end
   for key, value in pairs(about or {}) do
      if found[key] then error(("about: '%s' is what the file says of the model itself"):format(key), 0) end
      found[key] = text_of(value)
   end
   return found
end
