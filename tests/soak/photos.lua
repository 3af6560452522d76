-- Damaged photos of every kind that this build reads: each is a picture or a message in one line, never a crash, and takes no
-- more than seconds. Usage: scute tests/soak/photos.lua [ROUNDS a kind] [SEED] [KIND]
--
-- The photo that is being read lies in build/soak_KIND, so that it is there after a crash.
local lfs = require "lfs"
local scute = require "scute"

local ROUNDS, SEED, ONLY = tonumber(arg[1]) or 30000, tonumber(arg[2]) or os.time(), arg[3]
local FOLDERS = { "tests/golden/images", "tests/golden/readers" }
local SLOW = 20 -- seconds of the processor's

local function slurp(path)
   local file = assert(io.open(path, "rb"))
   local bytes = file:read "a"
   file:close()
   return bytes
end

local function spill(path, bytes)
   local file = assert(io.open(path, "wb"))
   assert(file:write(bytes))
   file:close()
end

-- ---- damage: bytes -> other bytes ----

local function at_random(bytes)
   -- Headers matter most.
   return math.random(1, math.random() < 0.5 and #bytes or math.min(#bytes, 400))
end

local function replaced(bytes, at, with)
   return bytes:sub(1, at - 1) .. with .. bytes:sub(at + #with)
end

local EDGES = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff }
local FORMATS = { "<I4", ">I4", "<I2", ">I2" }

local damages = {
   function(bytes) return replaced(bytes, at_random(bytes), string.char(math.random(0, 255))) end,
   function(bytes)
      local at = at_random(bytes)
      return replaced(bytes, at, string.char(bytes:byte(at) ~ 1 << math.random(0, 7)))
   end,
   function(bytes)
      local format = FORMATS[math.random(#FORMATS)]
      local most = format:sub(3) == "4" and 0xffffffff or 0xffff
      return replaced(bytes, at_random(bytes), format:pack(EDGES[math.random(#EDGES)] & most))
   end,
   function(bytes) return bytes:sub(1, at_random(bytes)) end,
   function(bytes) -- without a part
      local at = at_random(bytes)
      return bytes:sub(1, at) .. bytes:sub(at + math.random(1, 64))
   end,
   function(bytes) -- a part twice
      local at = at_random(bytes)
      return bytes:sub(1, at + math.random(1, 64)) .. bytes:sub(at)
   end,
   function(bytes, other) -- a part of another photo of that kind
      local from = at_random(other)
      return replaced(bytes, at_random(bytes), other:sub(from, from + math.random(1, 200)))
   end,
}

local function damaged(seeds)
   local bytes = seeds[math.random(#seeds)]
   for _ = 1, math.random(1, 4) do
      if #bytes > 0 then bytes = damages[math.random(#damages)](bytes, seeds[math.random(#seeds)]) end
   end
   return bytes
end

-- ---- reading ----

local function read_seeds()
   local seeds, paths = {}, {}
   for _, folder in ipairs(FOLDERS) do
      for name in lfs.dir(folder) do
         if name:match "^%w" then paths[#paths + 1] = folder .. "/" .. name end
      end
   end
   table.sort(paths)
   local kinds, unread = scute.photo_kinds(paths)
   for i, kind in ipairs(kinds) do
      if kind and not unread[i] then
         seeds[kind] = seeds[kind] or {}
         table.insert(seeds[kind], slurp(paths[i]))
      end
   end
   return seeds
end

-- Whether it is a picture.
local function read_one(path, bytes)
   spill(path, bytes)
   local begin = os.clock()
   local ok, result = pcall(scute.image.load, path)
   assert(os.clock() - begin < SLOW, "it took too long")
   if ok then
      assert(scute.photo_kinds({ path })[1], "what is no photo by its first bytes was read")
      result:free()
   else
      assert(not tostring(result):find "\n", "a message of several lines: " .. tostring(result))
   end
   return ok
end

local seeds, names = read_seeds(), {}
for kind in pairs(seeds) do names[#names + 1] = kind end
table.sort(names)
for _, kind in ipairs(names) do
   if not ONLY or kind == ONLY then
      math.randomseed(SEED)
      local path, pictures = "build/soak_" .. kind, 0
      for round = 1, ROUNDS do
         local ok, result = pcall(read_one, path, damaged(seeds[kind]))
         if not ok then error(("%s, seed %d, round %d (%s): %s"):format(kind, SEED, round, path, result), 0) end
         if result then pictures = pictures + 1 end
      end
      print(("%s: %d damaged files, of which %d are pictures; seed %d"):format(kind, ROUNDS, pictures, SEED))
      os.remove(path)
   end
end
