-- What freezing saves: a training step of one model by the depth of its frozen part, in milliseconds and peak memory.
-- Usage: scute tests/bench/freeze.lua MODEL BATCH [FIRST] -- FIRST: the first group that trains; without it, a table of all
-- depths, each measured in a process of its own, interleaved, the least of ROUNDS (3) rounds.
local scute = require "scute"

local name, batch, first = arg[1] or "resnet50", tonumber(arg[2] or 8), arg[3]

local function peak_megabytes()
   for line in io.lines "/proc/self/status" do
      local kilobytes = line:match "^VmHWM:%s+(%d+)"
      if kilobytes then return kilobytes / 1e3 end
   end
end

-- The least of three steps, after two.
local function measure()
   scute.manual_seed(0)
   local model = scute.models.create(name, { classes = 10 })
   model:freeze()
   local trains = false
   for _, group in ipairs(model:group_paths()) do
      trains = trains or group[1] == first
      if trains then model:unfreeze(group[1]) end
   end
   assert(trains, "no such group")
   model:train()
   local x, labels = scute.randn(batch, 3, 224, 224), {}
   for i = 1, batch do labels[i] = (i - 1) % 10 + 1 end
   local y = scute.tensor(labels, { dtype = "i64" })
   local optimizer = scute.optim.adamw(model:groups { lr = 1e-4 })
   local best = math.huge
   for i = 1, 5 do
      local start = scute.clock()
      optimizer:zero_grad()
      local logits = model(x)
      local loss = scute.cross_entropy(logits, y)
      loss:backward()
      optimizer:step()
      logits:free()
      loss:free()
      if i > 2 then best = math.min(best, scute.clock() - start) end
   end
   local tensors = scute.memory().peak
   print(("%.1f ms, %.0f MB of tensors, %.0f MB resident"):format(best * 1e3, tensors / 1e6, peak_megabytes()))
end

local function keep_least(row, key, value)
   row[key] = math.min(row[key] or math.huge, tonumber(value))
end

local function compare()
   local rows = {}
   for _, group in ipairs(scute.models.create(name):group_paths()) do rows[#rows + 1] = { group = group[1] } end
   for _ = 1, tonumber(os.getenv "ROUNDS" or 3) do
      for _, row in ipairs(rows) do
         local pipe = assert(io.popen(("%s %s %s %d %s"):format(arg[-1], arg[0], name, batch, row.group)))
         local text = pipe:read "a"
         if not pipe:close() then error("failed: " .. text) end
         local ms, tensors, resident = text:match "([%d.]+) ms, (%d+) MB of tensors, (%d+) MB"
         keep_least(row, "ms", ms)
         keep_least(row, "tensors", tensors)
         keep_least(row, "resident", resident)
      end
   end
   local full = rows[1]
   print(("\nFreezing: a training step of %s, batch %d, 224 x 224, by the first group that trains"):format(name, batch))
   print(("%-12s %10s %7s %14s %7s %14s %7s"):format("trains from", "ms", "share", "tensors, MB", "share", "resident, MB",
      "share"))
   for _, row in ipairs(rows) do
      print(("%-12s %10.1f %7.2f %14.0f %7.2f %14.0f %7.2f"):format(row.group, row.ms, row.ms / full.ms, row.tensors,
         row.tensors / full.tensors, row.resident, row.resident / full.resident))
   end
end

if first then measure() else compare() end
