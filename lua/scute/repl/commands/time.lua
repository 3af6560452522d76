-- .time CODE: how long it takes, with what it gives. It runs once; an expression that was short and gave a value then runs many
-- times more, with whatever else it does. A statement, or a call that gives nothing, is there to change something: that was it.
local columns = require "scute.base.columns"
local console = require "scute.base.console"
local evaluate = require "scute.repl.evaluate"
local frames = require "scute.base.frames"
local scute = require "scute"
local source = require "scute.repl.source"

local SHORT, ROUNDS, ROUND = 0.1, 5, 0.1 -- seconds; what takes less is run for so many rounds of so many seconds

local UNITS = { { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "µs" }, { 1e-9, "ns" } }

-- "1.23 ms" from seconds.
local function duration(seconds)
   if seconds >= 99.95 then return console.duration(seconds) end
   for _, unit in ipairs(UNITS) do
      if seconds >= 0.9995 * unit[1] or unit[2] == "ns" then return ("%.3g %s"):format(seconds / unit[1], unit[2]) end
   end
end

-- Seconds until n runs are computed, on a GPU too, and what the last one gave.
local function measure(chunk, n)
   local results
   scute.synchronize()
   local start = scute.clock()
   for _ = 2, n do chunk() end
   results = table.pack(chunk())
   scute.synchronize()
   return scute.clock() - start, results
end

-- How many runs make a round, and how many it took to know.
local function runs_in_a_round(chunk, once)
   local n, seconds, taken = 1, once, 0
   while seconds < ROUND / 2 do
      n = math.ceil(n * math.min(10, ROUND / math.max(seconds, 1e-9)))
      seconds, taken = measure(chunk, n), taken + n
   end
   return n, taken
end

-- The fastest and the mean of many runs, and how many there were with the first one. Random numbers go on as if there had been
-- none of them.
local function repeated(chunk, once)
   local random = scute.rng_state()
   local n, taken = runs_in_a_round(chunk, once)
   local best, sum = math.huge, 0
   for _ = 1, ROUNDS do
      local seconds = measure(chunk, n) / n
      best, sum = math.min(best, seconds), sum + seconds
   end
   scute.rng_state(random)
   return ("%s a run, the best of %d rounds of %d (%s on average; run %s times in all)"):format(duration(best), ROUNDS, n,
      duration(sum / ROUNDS), columns.thousands(1 + taken + ROUNDS * n))
end

return function(text, name)
   if text == "" then console.fail ".time: expected what to time, as in .time scute.randn(1000, 1000):sum()" end
   local chunk, message = source.compile(text, name)
   if not chunk then error(message, 0) end
   frames.remember(name, text)
   local once, results = measure(chunk, 1)
   local told
   if once < SHORT and results.n > 0 and load("return " .. text, name, "t") then
      local ok, many = pcall(repeated, chunk, once)
      if not ok and scute.interrupted() then error(many, 0) end
      told = ok and many -- what can be done only once (a second backward) has taken what it took
   end
   print(told or duration(once) .. " (run once)")
   return evaluate.show(results)
end
