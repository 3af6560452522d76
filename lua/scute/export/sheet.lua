--- What stands beside the weights: a JSON file that says what the network is, what it has to see, and how it is loaded.
local files = require("scute.core").files
local to_json = require "scute.base.json"
local weights = require "scute.weights"

local sheet = {}

--- The path of the JSON file beside a weight file.
function sheet.path(path)
   return (path:gsub("%.safetensors$", "")) .. ".json"
end

--- What a photo goes through before the network, by torchvision's and timm's names of it.
function sheet.preprocessing(model)
   local p = model.preprocessing
   return { _order = { "pad_square", "resize", "crop", "interpolation", "mean", "std" }, pad_square = p.pad_square or nil,
      resize = p.resize, crop = p.crop, interpolation = p.filter, mean = p.mean, std = p.std }
end

-- As float32 and on the CPU, whatever the model is in; counts stay whole numbers.
local function plain(tensor)
   local is_whole = tensor.dtype == "i64" or tensor.dtype == "i32"
   return tensor:detach():to(is_whole and "cpu" or { device = "cpu", dtype = "f32" })
end

-- The weights get their name when the sheet is there: a disk that is full leaves both as they were.
local function write_both(part, path, state, content)
   weights.save(part, state, { format = "pt" })
   content.weights = { file = path:match "[^/]*$", sha256 = weights.sha256(part) }
   files.write(sheet.path(path), to_json(content))
   assert(os.rename(part, path))
end

--- Writes the tensors of a model, under the names that `rename` (nil: their own) gives them, and the sheet, with the file's
-- name and sha256.
function sheet.write(model, path, content, rename)
   local own = model:state_dict()
   local state = { names = {}, tensors = {} }
   for i, name in ipairs(own.names) do
      local theirs = rename and rename(name) or name
      state.names[i], state.tensors[theirs] = theirs, plain(own.tensors[name])
   end
   local part = path .. ".part"
   local done, why = pcall(write_both, part, path, state, content)
   if done then return end
   os.remove(part)
   error(why, 0)
end

return sheet
