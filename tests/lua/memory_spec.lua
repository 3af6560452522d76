-- When the host collects garbage by itself: the collector of Lua does not see how large tensors are.
local scute = require "scute"

local MB = 1 << 20
local CHUNK, ENOUGH = 32 * MB, 1024 * MB

local function live()
   return scute.memory("cpu").live + scute.memory("ref").live
end

-- Leaves chunks of memory behind until they have been collected. Returns the most that was live at once, and what is left.
local function fill()
   local most = 0
   while most < ENOUGH do
      scute.zeros({ CHUNK }, { dtype = "u8" })
      local now = live()
      if now < most then return most, now - CHUNK end
      most = now
   end
   return most, 0
end

describe("garbage", function()
   setup(function()
      collectgarbage()
      collectgarbage "stop" -- what is collected from here on, the host collects
   end)
   teardown(function()
      collectgarbage "restart"
      collectgarbage()
      scute.flush()
   end)

   it("is collected where more than 256 MB are live, and more than twice what was left the last time", function()
      for _, held in ipairs { 0, 160 * MB } do
         local kept <close> = scute.zeros({ held + 1 }, { dtype = "u8" }) -- luacheck: ignore
         local _, left = fill()
         local most = fill()
         local allowed = math.max(256 * MB, 2 * left)
         assert.is_true(most > allowed and most <= allowed + CHUNK, ("%d live, %d allowed"):format(most, allowed))
         assert.is_true(live() - CHUNK <= left)
      end
   end)
end)
