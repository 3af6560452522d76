-- scute --init DIR: a folder to start a project of one's own in. Its files are made of those in project/; what is there already
-- is left as it is.
local cjson = require "cjson"
local lfs = require "lfs"
local console = require "scute.base.console"
local places = require "scute.editor.places"
local scute = require "scute"
local typed_name = require "scute.base.typed_name"

local FILES = { -- name in the project, and what it is made of
   { "train.lua", "project/train.lua" }, { "shapes.lua", "../../../examples/shapes.lua" }, { "README.md", "project/README.md" },
   { ".luarc.json", "project/luarc.json" }, { ".luacheckrc", "project/luacheckrc" },
}

-- How this program is started from another folder.
local function command()
   local name = typed_name()
   return name:find "/" and places.program or name
end

local function template(name)
   local path = ("%s/lua/scute/editor/%s"):format(places.home, name)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

local function quoted_if_needed(path)
   return path:find "^[%w_./-]+$" and path or "'" .. path:gsub("'", "'\\''") .. "'"
end

-- Of an example the comment says how it is run in the source tree.
local function fill(text, parts)
   return (text:gsub("@(%u+)@", parts):gsub("%./scute examples/", function() return parts.SCUTE .. " " end))
end

local function is_there(path)
   return lfs.symlinkattributes(path, "mode") ~= nil
end

--- Makes the project, and says what it made and what to do next.
return function(folder)
   folder = folder:gsub("(.)/+$", "%1")
   if lfs.attributes(folder, "mode") == "file" then console.fail("--init: '%s' is a file, not a folder", folder) end
   console.guard("--init", scute.files.mkdirs, folder)
   local annotations = places.share() .. "/scute/annotations"
   local parts = { ANNOTATIONS = cjson.encode(annotations):gsub("\\/", "/"), SCUTE = quoted_if_needed(command()) }
   for _, file in ipairs(FILES) do
      local path = ("%s/%s"):format(folder, file[1])
      if is_there(path) then
         console.line("left as it is: %s", path)
      else
         console.guard("--init", scute.files.write, path, fill(template(file[2]), parts))
         console.line("made %s", path)
      end
   end
   console.line("next: cd %s && %s train.lua --example", quoted_if_needed(folder), parts.SCUTE)
   if not is_there(annotations) then console.warn("%s is not there yet: 'make' makes it", annotations) end
end
