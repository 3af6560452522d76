--- Where an export goes: what can be known to be wrong with it before a model is opened.
local lfs = require "lfs"
local console = require "scute.base.console"
local run_files = require "scute.base.run_files"
local sheet = require "scute.export.sheet"

local USAGE = 2 -- exit status of a mistake that the command line alone shows

-- Of a file of each format: what its name ends in.
local ENDINGS = { onnx = ".onnx", torch = ".safetensors", timm = ".safetensors" }

local function check_ending(path, format)
   local ending = ENDINGS[format]
   if path:sub(-#ending) == ending and #path > #ending and path:sub(-#ending - 1, -#ending - 1) ~= "/" then return end
   console.stop(USAGE, "output: expected a file of format %s to be called something%s, found '%s'", format, ending, path)
end

local function check_folder(path)
   local folder = path:match "^(.*)/" or "."
   local mode = lfs.attributes(folder == "" and "/" or folder, "mode")
   if mode == "directory" then return end
   console.fail("output: %s", mode and ("'%s' is no folder"):format(folder)
      or ("there is no folder '%s'; make it first"):format(folder))
end

local function is_same(path, other)
   local one, two = lfs.attributes(path), lfs.attributes(other)
   return one and two and one.dev == two.dev and one.ino == two.ino
end

local function check_file(path, o)
   if is_same(path, o.model) then console.fail("output: '%s' is the model itself; choose another file", path) end
   if run_files.belongs(path) then
      console.fail("output: '%s' is a file of the run that lies there; choose another name, or another folder", path)
   end
   local mode = lfs.attributes(path, "mode")
   if mode and mode ~= "file" then console.fail("output: '%s' is a %s", path, mode == "directory" and "folder" or mode) end
   if mode and not o.overwrite then
      console.fail("output: '%s' is there already; --overwrite replaces it, or choose another file", path)
   end
end

-- Flags that mean nothing to a format.
local function check_flags(o, of_onnx)
   for _, name in ipairs(of_onnx) do
      if o[name] and o.format ~= "onnx" then
         console.stop(USAGE, "--%s is of --format onnx; %s's files are float32, for what %s reads", name, o.format, o.format)
      end
   end
end

--- Fails where the files of an export cannot, or should not, be written. o: the script's options; of_onnx: the names of those
-- that one format has alone. Returns the paths that will be written.
return function(o, of_onnx)
   local path = o.output
   check_flags(o, of_onnx)
   check_ending(path, o.format)
   check_folder(path)
   local files = { path, o.format ~= "onnx" and sheet.path(path) or nil }
   for _, file in ipairs(files) do check_file(file, o) end
   return files
end
