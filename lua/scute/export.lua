--- Models that leave: files for other programs, of a model of scute.models.
--
--     local model, metadata = scute.models.load "models/resnet50/best.safetensors"
--     scute.export.torch(model, "turtles.safetensors")
--
-- A file of an earlier export that is there is replaced once the new one is whole.
local console = require "scute.base.console"
local ABOUT = require "scute.export.about_option"
local about_refusal = require "scute.export.about_refusal"
local options = require "scute.base.options"
local replaced = require "scute.export.replaced"
local sheet = require "scute.export.sheet"

local export = {}

--- What a model can be exported to, in order.
export.FORMATS = { "onnx", "torch", "timm" }

export.onnx = require "scute.export.onnx"

-- ---- what is asked of a call ----

local function check_model(what, model)
   if type(model) == "table" and model.metadata and model.preprocessing then return end
   error(("%s: expected a model of scute.models, found %s"):format(what, console.brief(model)), 4)
end

local function check_path(what, path)
   if type(path) ~= "string" or path == "" then
      error(("%s: expected the path of a file, found %s"):format(what, console.brief(path)), 4)
   elseif not path:find "%.safetensors$" then
      error(("%s: expected a path that ends in .safetensors, by which %s knows what is in it, found '%s'"):format(what,
         what:match "%w+$", path), 4)
   end
   local why = replaced.refusal(path, sheet.path(path))
   if why then error(("%s: %s"):format(what, why), 4) end
end

local function check_about(what, about)
   local why = about_refusal(about)
   if why then error(("%s: %s"):format(what, why), 4) end
end

-- An error of what is below, as the caller's own line.
local function call(f, ...)
   local done, why = pcall(f, ...)
   if not done then error(console.message(why), 4) end
end

-- ---- formats ----

local function write(format, model, path, about)
   local name = "export." .. format
   check_model(name, model)
   check_path(name, path)
   check_about(name, about)
   call(require("scute." .. name).write, model, path, about)
end

local TORCH = options.declare("export.torch", { ABOUT })

--- Writes a model as torchvision has it: `path` (.safetensors) with torchvision's names, which load_state_dict takes with
-- strict=True, and a .json beside it with classes, preprocessing, and the lines of Python that load it. A head of your own
-- may be made of Linear, Dropout and activations, one after the other; any other layer that is not the architecture's own is
-- an error.
function export.torch(model, path, given)
   write("torch", model, path, TORCH:read(given).about)
end
TORCH:describes(export.torch)

local TIMM = options.declare("export.timm", { ABOUT })

--- Writes a model as timm has it: `path` (.safetensors) with timm's names, which timm.create_model(name, checkpoint_path =
-- path) takes, and a .json beside it in the form of timm's config.json, with the lines of Python that load it. The head has to
-- be a single linear layer.
function export.timm(model, path, given)
   write("timm", model, path, TIMM:read(given).about)
end
TIMM:describes(export.timm)

-- ---- for the script ----

local OF_ONNX = { "input", "dtype", "outputs" }

-- An option as a flag, of which is known whether it was given.
local function as_flag(entry)
   local flag = {}
   for key, value in pairs(entry) do flag[key] = value end
   flag[2], flag.default, flag.show, flag.help = nil, nil, entry.default, "of onnx, " .. entry.help
   return flag
end

--- The options of scute.export.onnx that a command line has.
export.flags = {}
for i, name in ipairs(OF_ONNX) do export.flags[i] = as_flag(options.of(export.onnx).by_name[name]) end

--- Fails where the files of an export cannot be written, or should not: another ending than the format's, no such folder, the
-- model itself, a file that is there already. o: what the script was told: format, model, output, overwrite. Returns the paths
-- that will be written.
function export.check_output(o)
   return require "scute.export.output"(o, OF_ONNX)
end

--- What the script was told, and what is known of the model, as the function of its format takes them.
function export.settings(o, about)
   local settings = { about = about }
   for _, name in ipairs(OF_ONNX) do settings[name] = o[name] end
   return settings
end

--- What the folder of a trained model says of it: a table { split, split_sha256, accuracy, accuracy_on, epoch, exported_by }
-- of what is known, and why the accuracy is not known, where it is not. metadata: as scute.models.load gives it.
function export.about(path, metadata)
   return require "scute.export.about"(path, metadata)
end

return export
