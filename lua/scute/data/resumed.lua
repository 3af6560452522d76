-- The folder of the run that a command line goes on with, where its split.csv lies.
local lfs = require "lfs"
local scute = require "scute"
local run_folder = require "scute.base.run_folder"

-- The architecture that the options name, themselves or by the file that they start from.
local function arch_of(opt)
   if not rawget(opt, "from") then return rawget(opt, "model") end
   local ok, file = pcall(scute.weights.load, opt.from)
   return ok and file.metadata and file.metadata.architecture
end

-- What ended before its first checkpoint begins anew, with all that is there.
local function holds_checkpoint(folder)
   if lfs.attributes(folder, "mode") ~= "directory" then return false end
   for name in lfs.dir(folder) do
      if name:find "^checkpoint[-%d]*%.safetensors$" then return true end
   end
   return false
end

--- opt: see scute.cli. Returns the folder, nil where there is nothing to go on with, or no telling. Many runs (of a comparison,
-- ...) have one split.csv above their own.
return function(opt)
   local how, output_dir = rawget(opt, "resume"), rawget(opt, "output_dir")
   if not how or how == "off" then return nil end
   if how ~= true and how ~= "auto" then
      return lfs.attributes(how, "mode") == "directory" and how or how:match "^(.*)/" or "."
   end
   if not output_dir or rawget(opt, "seeds") or rawget(opt, "folds") then return output_dir end
   local arch = arch_of(opt)
   local folder = arch and run_folder.of(output_dir, arch, run_folder.sources(opt))
   return folder and holds_checkpoint(folder) and folder or nil
end
