-- Compiled kernels, kept for the next time: in scute/kernels in $XDG_CACHE_HOME or ~/.cache, or in kernels in $SCUTE_CACHE.
-- What lies there is run, so that the folder must be one that nobody else may write into; where there is none, nothing is
-- kept, and one line says so.
--
-- Each file ends with the sha256 of what is before it. One that is damaged is as good as none.
local bytes_of = require "scute.base.bytes_of"
local console = require "scute.base.console"
local files = require("scute.core").files

local kept = {}

local DIGITS = 64 -- of a sha256

local function env(name)
   local value = os.getenv(name)
   return value ~= "" and value or nil
end

local function path()
   local own, home = env "SCUTE_CACHE", env "HOME"
   local cache = env "XDG_CACHE_HOME" or home and home .. "/.cache"
   return own and own .. "/kernels" or cache and cache .. "/scute/kernels"
end

local told = {} -- why nothing is kept, as a set

local function tell(why)
   if told[why] then return end
   told[why] = true
   console.warn("compiled kernels are not kept for the next time: %s", why)
end

-- The folder; nil where it is not to be used.
local function folder()
   local at = path()
   if not at then return tell "HOME is not set; set SCUTE_CACHE to a folder for them" end
   local ok, why = pcall(files.private, at)
   if ok then return at end
   tell(console.message(why))
end

--- The path of what was kept under a name, and its content; nil where nothing is, or it is damaged.
function kept.find(name)
   local at = folder()
   local content = at and bytes_of(at .. "/" .. name)
   if not content or #content < DIGITS then return nil end
   local bytes = content:sub(1, -DIGITS - 1)
   if files.digest(bytes) ~= content:sub(-DIGITS) then return nil end
   return at .. "/" .. name, bytes
end

--- Keeps a content under a name; returns its path, nil where it is not kept.
function kept.keep(name, bytes)
   local at = folder()
   if not at then return nil end
   local ok, why = pcall(files.write, at .. "/" .. name, bytes .. files.digest(bytes))
   if ok then return at .. "/" .. name end
   tell(console.message(why))
end

--- Takes away what was kept at a path and cannot be used; why: what is wrong with the folder, for the line that is told.
function kept.forget(at, why)
   os.remove(at)
   if why then tell(why) end
end

return kept
