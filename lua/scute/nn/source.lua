-- What the code of a network of one's own is made of: the file that registers it, and all files of one's own that this one
-- requires or runs by name, as do those in turn. Told by what stands in the files, so that it is the same whoever loads them,
-- and when.
local lfs = require "lfs"
local core = require "scute.core"
local sorted_keys = require "scute.base.sorted_keys"

local source = {}

local function digest(path)
   local ok, found = pcall(function() return require("scute.weights").sha256(path) end)
   return ok and found or nil
end

local function is_installed(path)
   return path:find("/share/lua/5.", 1, true) ~= nil -- where LuaRocks installs, too
end

-- The file of a module of one's own: the one that was loaded, or, of one that is required later, the one beside who does so.
local function file_of_module(name, folder)
   if core.module_file(name) then return nil end
   local path = core.loaded_file(name)
      or package.searchpath(name, folder .. "?.lua;" .. folder .. "?/init.lua;./?.lua;./?/init.lua")
   return path and not is_installed(path) and path or nil
end

local function file_of_path(path)
   return lfs.attributes(path, "mode") == "file" and path or nil
end

local CALLS = { require = file_of_module, dofile = file_of_path, loadfile = file_of_path }

-- Adds {name = path} of what a file requires or runs. seen: paths that were looked at.
local function add_named(found, path, seen)
   local file = not seen[path] and io.open(path, "rb")
   if not file then return end
   seen[path] = true
   local text = (file:read "a" or ""):gsub("%-%-[^\n]*", "")
   file:close()
   for call, find in pairs(CALLS) do
      for _, name in text:gmatch("%f[%w_]" .. call .. "%s*%(?%s*([\"'])([^\"'\n]+)%1") do
         local other = find(name, path:match "^(.*/)" or "./")
         if other and not seen[other] then
            found[name] = other
            add_named(found, other, seen)
         end
      end
   end
end

--- What tells the code of a network by the file that registers it: its sha256, and a line "sha256 name" of each other file. nil
-- where it cannot be read.
function source.digests(path)
   local lines, found = { digest(path) }, {}
   if not lines[1] then return nil end
   add_named(found, path, {})
   for _, name in ipairs(sorted_keys(found)) do
      local sha256 = digest(found[name])
      if sha256 then lines[#lines + 1] = sha256 .. " " .. name end
   end
   return table.concat(lines, "\n")
end

-- The sha256 of the file that registers, and {name = sha256} of the others.
local function read(digests)
   local others = {}
   for sha256, name in digests:gmatch "\n(%x+) ([^\n]+)" do others[name] = sha256 end
   return digests:match "^[^\n]*", others
end

--- What of the code differs between two such texts: "", the file that registers it; the name of another; nil: nothing does.
-- Of a name that only one of them has the file that it is required in tells.
function source.other(a, b)
   if a == b then return nil end
   if not (a and b) then return "" end
   local first, mine = read(a)
   local second, theirs = read(b)
   if first ~= second then return "" end
   for _, name in ipairs(sorted_keys(mine)) do
      if theirs[name] and theirs[name] ~= mine[name] then return name end
   end
end

--- The same in words: what registers `name`, or what that loads, is another; nil where nothing differs.
function source.fault(a, b, name)
   local other = source.other(a, b)
   if other == "" then return ("the file that registers %s is another, or has changed"):format(name) end
   return other and ("'%s', which the file that registers %s loads, is another, or has changed"):format(other, name)
end

return source
