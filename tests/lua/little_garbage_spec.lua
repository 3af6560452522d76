-- Memory over an epoch of very many photos: their names are much of what Lua holds.
local little_garbage = require "scute.base.little_garbage"

-- The collector's pause, per cent of what was held.
local function pause()
   local now = collectgarbage("setpause", 200)
   collectgarbage("setpause", now)
   return now
end

local function names(megabytes)
   local list = {}
   for i = 1, megabytes do list[i] = ("x"):rep(1000000) .. i end
   return list
end

describe("little_garbage", function()
   it("collects after 16 MB where much is held, until it is closed", function()
      local before, held = pause(), names(128)
      do
         local _ <close> = little_garbage()
         assert.is_true(pause() > 100 and pause() <= 113, pause())
         for _ = 1, 128 do names(1) end
         assert.is_true(collectgarbage "count" < (128 + 64) * 1024, collectgarbage "count")
      end
      assert.equals(before, pause())
      assert.equals(128, #held)
   end)

   it("leaves a small session as it is", function()
      collectgarbage()
      if collectgarbage "count" > 16 * 1024 then return pending "other tests hold more" end
      local before = pause()
      local _ <close> = little_garbage()
      assert.equals(before, pause())
   end)
end)
