-- TensorBoard event files, written without TensorBoard: numbers, pictures and hyperparameters.
--
--    local board = require("scute.report.tensorboard").open "models/resnet50"
--    board:scalar("val/loss", step, 0.5)
--    board:image("confusion", step, scute.plot.confusion(...):png(1))
--    board:close()
--
-- Such a file is a list of records: u64 length, masked CRC-32C of the length, data, masked CRC-32C of the data; the data are
-- protocol buffers of tensorboard/compat/proto/event.proto and summary.proto, of which the few fields below are needed.
local lfs = require "lfs"
local host_name = require "scute.base.host_name"
local protobuf = require "scute.base.protobuf"
local scute = require "scute.core"
local sorted_keys = require "scute.base.sorted_keys"

local whole, double, bytes, float = protobuf.whole, protobuf.double, protobuf.bytes, protobuf.float

local tensorboard = {}

-- ---- checksums: CRC-32C (Castagnoli), reflected polynomial 0x82F63B78 ----

local TABLE = {}
for i = 0, 255 do
   local c = i
   for _ = 1, 8 do c = c & 1 == 1 and c >> 1 ~ 0x82F63B78 or c >> 1 end
   TABLE[i] = c
end

--- CRC-32C of a text, as TensorFlow masks it.
function tensorboard.masked_crc(text)
   local c = 0xFFFFFFFF
   for at = 1, #text, 4096 do
      for _, byte in ipairs { text:byte(at, math.min(at + 4095, #text)) } do c = TABLE[(c ~ byte) & 255] ~ c >> 8 end
   end
   c = ~c & 0xFFFFFFFF
   return ((c >> 15 | c << 17) + 0xa282ead8) & 0xFFFFFFFF
end

-- google.protobuf.Value: a number, a text or a truth value.
local function value(x)
   if type(x) == "number" then return double(2, x) end
   if type(x) == "boolean" then return whole(4, x and 1 or 0) end
   return bytes(3, tostring(x))
end

-- ---- records ----

local function record(data)
   local length = string.pack("<I8", #data)
   return length .. string.pack("<I4", tensorboard.masked_crc(length)) .. data
      .. string.pack("<I4", tensorboard.masked_crc(data))
end

-- The number of an event's step: field 2, after the time; 0 where it is left out.
local function step_of(data)
   local at = 1
   if data:byte(1) == 9 then at = 10 end
   if data:byte(at) ~= 16 then return 0 end
   local n, shift = 0, 0
   repeat
      at = at + 1
      local byte = data:byte(at)
      n, shift = n | (byte & 127) << shift, shift + 7
   until byte < 128
   return n
end

-- The whole records of a file that still hold where a run goes on after `step`: those of later steps are written anew, and
-- the end that it had come to is none.
local function kept_records(text, step)
   local kept, at = {}, 1
   while at + 12 <= #text do
      local n = string.unpack("<I8", text, at)
      if n < 0 or n > #text - at - 15 or string.unpack("<I4", text, at + 8) ~= tensorboard.masked_crc(text:sub(at, at + 7)) then
         break
      end
      local data = text:sub(at + 12, at + 11 + n)
      if string.unpack("<I4", text, at + 12 + n) ~= tensorboard.masked_crc(data) then break end
      if step_of(data) <= step and not data:find("_hparams_/session_end_info", 1, true) then
         kept[#kept + 1] = text:sub(at, at + 15 + n)
      end
      at = at + 16 + n
   end
   return kept
end

-- ---- writing ----

local Board = {}
Board.__index = Board
Board.__name = "scute.tensorboard"
Board.__close = function(self) self:close() end

local SUFFIX = ".scute"

local function event_files(folder)
   local found = {}
   for name in lfs.dir(folder) do
      if name:find "^events%.out%.tfevents%." and name:sub(-#SUFFIX) == SUFFIX then
         found[#found + 1] = folder .. "/" .. name
      end
   end
   table.sort(found)
   return found
end

local function process_number()
   return (lfs.symlinkattributes("/proc/self", "target") or "0"):match "%d+"
end

local function read_all(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

local started = os.time() - scute.clock()

-- Seconds since 1970, with a fraction that only grows.
local function now()
   return started + scute.clock()
end

local function write(self, event)
   local ok, why = self.file:write(record(event))
   if ok then ok, why = self.file:flush() end
   if not ok then error(("tensorboard: %s: %s"):format(self.path, why), 0) end
end

-- event.proto: wall_time = 1, step = 2, file_version = 3, summary = 5
local function write_summary(self, step, values)
   write(self, double(1, now()) .. whole(2, step) .. bytes(5, values))
end

--- Opens an event file in `folder`, which exists. options: resume_at = STEP goes on in the file that is there, without what it
-- has of later steps (field `continues`: there was something); otherwise event files that scute has left there go. Errors say
-- what the disk says.
function tensorboard.open(folder, options)
   local before = event_files(folder)
   local path = options and options.resume_at and before[#before]
   local kept = path and kept_records(read_all(path), options.resume_at) or {}
   if path then
      scute.files.write(path, table.concat(kept))
   else
      for _, old in ipairs(before) do os.remove(old) end
      local host = host_name():gsub("[^%w-]", "_")
      path = ("%s/events.out.tfevents.%010d.%s.%s.0%s"):format(folder, os.time(), host, process_number(), SUFFIX)
   end
   local file, why = io.open(path, "ab")
   if not file then error("tensorboard: " .. why, 0) end
   local self = setmetatable({ file = file, path = path, continues = #kept > 1 }, Board)
   if #kept == 0 then write(self, double(1, now()) .. bytes(3, "brain.Event:2")) end
   return self
end

--- A number of a step. tag: as "val/loss".
function Board:scalar(tag, step, x)
   write_summary(self, step, bytes(1, bytes(1, tag) .. float(2, x)))
end

--- Several numbers of a step: {tag = number}.
function Board:scalars(step, numbers)
   local tags, values = {}, {}
   for tag in pairs(numbers) do tags[#tags + 1] = tag end
   table.sort(tags)
   for i, tag in ipairs(tags) do values[i] = bytes(1, bytes(1, tag) .. float(2, numbers[tag])) end
   write_summary(self, step, table.concat(values))
end

--- A picture of a step. png: the bytes of a PNG file in colour.
function Board:image(tag, step, png)
   if png:sub(1, 8) ~= "\x89PNG\r\n\x1a\n" then error("tensorboard: image: expected the bytes of a PNG", 2) end
   local width, height = string.unpack(">I4I4", png, 17)
   local image = whole(1, height) .. whole(2, width) .. whole(3, 3) .. bytes(4, png)
   write_summary(self, step, bytes(1, bytes(1, tag) .. bytes(4, image)))
end

-- ---- hyperparameters: plugins/hparams/plugin_data.proto and api.proto ----

-- Summary.Value: tag = 1, metadata = 9 { plugin_data = 1 { plugin_name = 1, content = 2 } }
local function write_plugin(self, tag, content)
   local metadata = bytes(1, bytes(1, "hparams") .. bytes(2, content))
   write_summary(self, 0, bytes(1, bytes(1, tag) .. bytes(9, metadata)))
end

local TYPES = { string = 1, boolean = 2, number = 3 }

--- What a run was made with, and which of its numbers judge it; once, at the start. parameters: {name = number, text or
-- boolean}; metrics: list of tags of scalars. all: of one run of several, what any of them was made with (one value of each).
function Board:hparams(parameters, metrics, all)
   local infos, start = {}, {}
   for _, name in ipairs(sorted_keys(all or parameters)) do
      local x = parameters[name]
      if x == nil then x = all[name] end
      -- Experiment: hparam_infos = 4 { name = 1, type = 4 }; SessionStartInfo: hparams = 1, a map
      infos[#infos + 1] = bytes(4, bytes(1, name) .. whole(4, TYPES[type(x)] or 1))
      if parameters[name] ~= nil then start[#start + 1] = bytes(1, bytes(1, name) .. bytes(2, value(parameters[name]))) end
   end
   for _, tag in ipairs(metrics) do infos[#infos + 1] = bytes(5, bytes(1, bytes(2, tag))) end -- metric_infos
   write_plugin(self, "_hparams_/experiment", bytes(2, table.concat(infos)))
   write_plugin(self, "_hparams_/session_start_info", bytes(3, table.concat(start) .. double(5, now())))
end

--- How it ended. Of hyperparameters that were told.
function Board:hparams_end(succeeded)
   write_plugin(self, "_hparams_/session_end_info", bytes(4, whole(1, succeeded and 1 or 2) .. double(2, now())))
end

--- Closes the file.
function Board:close()
   if self.file then self.file:close() end
   self.file = nil
end

return tensorboard
