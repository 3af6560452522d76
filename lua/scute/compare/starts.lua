-- Where the backbones of a comparison start: official weights, files, or random numbers.
local scute = require "scute"
local architectures = require "scute.nn.architectures"
local console = require "scute.base.console"
local names = require "scute.compare.names"

local starts = {}

-- What a file or a name of --weights means for a model: "imagenet", "none" or a path.
local function wanted(text, model)
   if text == "imagenet" or text == "none" then return text end
   for entry in text:gmatch "[^,]+" do
      local name, path = entry:match "^%s*([%w_]+)=(.-)%s*$"
      if name == model then return path end
   end
   return "imagenet"
end

--- Checks the value of --weights; returns it.
function starts.check(text)
   if text == "imagenet" or text == "none" then return text end
   for entry in text:gmatch "[^,]+" do
      local model = entry:match "^%s*([%w_]+)=[^%s]"
      if not model then error(("expected imagenet, none or MODEL=FILE,..., found '%s'"):format(entry), 0) end
      names.check(model, architectures.list())
   end
   return text
end

--- Where a model starts, as --weights says (`text`): { weights = sha256 of a file, "random" or "scratch", path, note = why it
-- is random }. Official weights that can be neither found nor fetched leave it random; "scratch" is random on request, for all
-- alike.
function starts.of(model, text)
   local which = wanted(text, model)
   if which == "none" then return { weights = "scratch" } end
   if which ~= "imagenet" then
      local path, digest = console.guard("weights", scute.weights.find, model, which)
      return { weights = digest, path = path }
   end
   local found, path, digest = pcall(scute.weights.find, model, "imagenet", function(told) console.warn("%s", told) end)
   if found then return { weights = digest, path = path } end
   return { weights = "random", note = console.message(path) }
end

return starts
