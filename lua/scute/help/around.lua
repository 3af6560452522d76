-- What help() tells of that is no name in Lua: the scripts and examples that come with scute, and what the program takes from
-- its command line and from the environment.
local comments = require "scute.help.comments"
local lfs = require "lfs"
local places = require "scute.editor.places"
local program = require "scute.editor.program"

local around = {}

-- "fine_tuning", "fine_tuning.lua" and "scripts/fine_tuning.lua" are the same.
local function script(name)
   local folder, base = name:match "^(%a+)/([%w_]+)%.lua$"
   base = base or name:gsub("%.lua$", "")
   if not base:find "^[%w_]+$" then return nil end
   for _, where in ipairs { "scripts", "examples" } do
      local path = ("%s/%s/%s.lua"):format(places.home, where, base)
      if (folder or where) == where and lfs.attributes(path, "mode") == "file" then
         local text = comments.header(comments.reader()(path))
         return { name = name, kind = "script", signature = ("%s/%s.lua"):format(where, base), text = text }
      end
   end
end

local function has(list, wanted)
   for _, each in ipairs(list) do
      if each == wanted then return true end
   end
end

-- An option of the program, or a variable of the environment that it reads.
local function of_program(name)
   if not name:find "^%-" and not name:find "^[%u_]+$" then return nil end
   local said = program.of(places.program)
   for _, option in ipairs(said.options) do
      if has(option.names, name) then
         local call = table.concat(option.names, ", ") .. (option.value and " " .. option.value or "")
         return { name = name, kind = "program", signature = "scute " .. call, text = option.text }
      end
   end
   for _, variable in ipairs(said.environment) do
      if variable.name == name then
         return { name = name, kind = "program", signature = name .. " (in the environment)", text = variable.text }
      end
   end
end

--- The entry of help() about such a name, nil where there is none.
function around.entry(name)
   return script(name) or of_program(name)
end

return around
