-- Where a run lies: <output_dir>/<architecture>, and beside it, as "resnet50_tuned", where what it starts from lies there.
local lfs = require "lfs"
local lies_in = require "scute.base.lies_in"

local run_folder = {}

local LONGEST = 255 -- bytes in the name of a folder

-- The name of the folder that a run with this source has: "resnet50_tuned" where the source lies in "resnet50".
local function beside(output_dir, name, source)
   local at = name
   repeat
      local path = ("%s/%s"):format(output_dir, at)
      at = at .. "_tuned"
      if lies_in(source, path) then return at, path end
   until #at > LONGEST
   return name
end

--- The folder of a run, which depends on what it reads alone: the same when it is run again or gone on with.
-- sources: the files that it starts from, lists of path and what is in it. avoided(folder, what, own): hears of folders that
-- hold one of them, and of the run's own beside it.
function run_folder.of(output_dir, arch, sources, avoided)
   local name = arch
   output_dir = output_dir:gsub("(.)/+$", "%1")
   for _, source in ipairs(sources) do
      local taken
      name, taken = beside(output_dir, name, source[1])
      if taken and avoided then avoided(taken, source[2], output_dir .. "/" .. name) end
   end
   return ("%s/%s"):format(output_dir, name)
end

local OPTIONS = { { "weights", "weights" }, { "from", "weights" }, { "split_csv", "split" } }

--- The files that the options of a command line start from: lists of path and what is in it.
function run_folder.sources(opt)
   local list = {}
   for _, option in ipairs(OPTIONS) do
      local path = rawget(opt, option[1])
      if type(path) == "string" and lfs.attributes(path) then list[#list + 1] = { path, option[2] } end
   end
   return list
end

return run_folder
