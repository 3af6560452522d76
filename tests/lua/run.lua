-- Runs busted inside scute: ./scute tests/lua/run.lua [files or folders, default this one] [busted's own options]
--                                 ./scute tests/lua/run.lua 2/4: of all files the second of four shares (see tests/share.lua)
-- Ends with "N passed, N failed" and exit status 1 where anything failed or nothing ran.
local folder = arg[0]:match "^(.*)/" or "."

local function specs()
   local paths = {}
   for name in require("lfs").dir(folder) do
      if name:find "_spec%.lua$" then paths[#paths + 1] = folder .. "/" .. name end
   end
   table.sort(paths)
   return paths
end

if #arg == 0 then
   table.insert(arg, folder)
elseif arg[1]:find "^%d+/%d+$" then
   local mine = dofile(folder .. "/../share.lua")(specs(), table.remove(arg, 1))
   for i, path in ipairs(mine) do table.insert(arg, i, path) end
end

-- All files share one loaded library, as the files of one script would: its classes exist once.
table.insert(arg, "--no-auto-insulate")
local runner = require "busted.runner"
runner { standalone = false, output = folder .. "/output.lua" }
