-- What an editor and a shell know of scute: `require` beside a script, completion, the man page, annotations, a new project,
-- and the installation that carries them. Every file beside this one is a part that gets (cli), see tests/cli/shell.lua; in a
-- line of its shell $S is the program's absolute path.
-- Usage: scute tests/editor/run.lua [PART...]
local lfs = require "lfs"

local here = arg[0]:match "^(.*)/" or "."
local cli = dofile(here .. "/../cli/shell.lua")
local relative = cli.shell
function cli.shell(line)
   return relative("S=$(realpath $S); " .. line)
end

--- Writes a file of the scratch folder, and the folders it lies in.
function cli.write(name, text)
   local path = cli.scratch .. "/" .. name
   cli.shell(("mkdir -p %q"):format(path:match "^(.*)/"))
   local file <close> = assert(io.open(path, "wb"))
   file:write(text)
   return path
end

local parts = { table.unpack(arg) }
if #parts == 0 then
   for name in lfs.dir(here) do
      local part = name:match "^([%w_]+)%.lua$"
      if part and part ~= "run" then parts[#parts + 1] = part end
   end
   table.sort(parts)
end
local tests = {}
for i, part in ipairs(parts) do tests[i] = function() dofile(("%s/%s.lua"):format(here, part))(cli) end end
cli.run(tests)
