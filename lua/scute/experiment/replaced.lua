-- Runs of a watched script that stand beside each other in a folder (best practices, a comparison): those of an earlier save
-- are replaced by those of the next one, as the run of train.fit is.
local lfs = require "lfs"
local console = require "scute.base.console"
local folder = require "scute.train.folder"

local DEPTH = 3 -- of runs/<model>/<run>

-- Without its result a run counts as one that is missing; it is done again in its folder.
local function forget_results(path, depth)
   for name in lfs.dir(path) do
      local inner = path .. "/" .. name
      local mode = lfs.symlinkattributes(inner, "mode")
      if mode == "directory" and not name:find "^%.%.?$" and depth < DEPTH then forget_results(inner, depth + 1) end
      if name == "result.json" and depth > 0 and mode == "file" then
         local done, why = os.remove(inner)
         if not done then console.fail("output_dir: %s", why) end
      end
   end
end

--- Whether the runs in a folder are those of an earlier save, as their mark says (see scute.train.folder). Their results are
-- gone then.
return function(path, mark)
   if not folder.is_replaced(mark) then return false end
   forget_results(path, 0)
   return true
end
