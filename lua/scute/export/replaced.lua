--- What an export may not take the place of: models of scute, and files of others that have the name of its sheet.
local cjson = require "cjson"
local json_file = require "scute.base.json_file"

local LONGEST = 2 ^ 26 -- bytes of a header

-- The metadata of a .safetensors file, empty where there is none to be read.
local function metadata_of(path)
   local file <close> = io.open(path, "rb")
   local head = file and file:read(8)
   local length = head and #head == 8 and string.unpack("<I8", head) or 0
   if length < 1 or length > LONGEST then return {} end
   local ok, header = pcall(cjson.decode, file:read(length) or "")
   local metadata = ok and type(header) == "table" and header.__metadata__
   return type(metadata) == "table" and metadata or {}
end

local function is_there(path)
   local file <close> = io.open(path, "rb")
   return file ~= nil
end

-- Whether a file that is there was written beside weights (see scute.export.sheet).
local function is_sheet(path)
   local content = json_file.read(path)
   return content and type(content.weights) == "table" and content.weights.sha256 ~= nil
end

local replaced = {}

--- Why weights and their sheet may not be written there; nil where they may.
function replaced.refusal(path, sheet)
   local metadata = metadata_of(path)
   if metadata.architecture and metadata.classes and metadata.preprocessing then
      return ("'%s' is a model of scute, which would be lost; choose another file"):format(path)
   elseif is_there(sheet) and not is_sheet(sheet) then
      return ("'%s', which would go beside it, is there already and comes from no export; choose another name"):format(sheet)
   end
end

return replaced
