-- The learning-rate finder: a few steps at rates that rise from far too low to far too high, and what the loss does
-- meanwhile. Smith, Cyclical Learning Rates (2017), section 3.3.
local scute = require "scute"
local console = require "scute.base.console"
local metrics = require "scute.metrics"
local options = require "scute.base.options"
local photos = require "scute.train.photos"
local precision = require "scute.train.precision"
local sampling = require "scute.train.sampling"
local step = require "scute.train.step"
local sync = require "scute.train.sync"
local FIT = require "scute.train.options"

local lr_find = {}

local LEAST = 10 -- steps; fewer make no curve

local OWN = {
   { "lowest", number = true, above = 0, default = 1e-6, help = "rate of the first step, of the group with the highest one" },
   { "highest", number = true, above = 0, default = 1,
     help = "rate of the last step; other groups keep their proportions to it" },
   { "steps", whole = true, min = LEAST, default = 100, help = "updates" },
   { "diverged", number = true, above = 0, default = 4, help = "stop where the loss is so many times its lowest" },
}

--- What train.lr_find takes: its own options and those of train.fit.
lr_find.OPTIONS = options.declare("train.lr_find", table.move(FIT.entries, 1, #FIT.entries, #OWN + 1,
   table.move(OWN, 1, #OWN, 1, {})))

local Result = {}
Result.__index = Result

--- Fails where the rates of a run make no range.
function lr_find.check(run)
   if run.lowest >= run.highest then
      error(("train.lr_find: expected lowest below highest, found %g and %g"):format(run.lowest, run.highest), 3)
   end
end

-- The group that trains at the highest rate, whose rate the curve is drawn over.
local function leading_group(optimizer)
   local leader
   for _, group in ipairs(optimizer.groups) do
      for _, entry in ipairs(group.parameters) do
         if entry[2].requires_grad and (not leader or group.base_lr > leader.base_lr) then leader = group end
      end
   end
   if not leader then console.fail "lr_find: nothing trains: everything is frozen" end
   if leader.base_lr == 0 then console.fail "lr_find: all learning rates are 0; it keeps their proportions, so give it some" end
   return leader
end

-- ---- reading the curve ----

-- Each loss averaged with its neighbours, those nearer counting more, so that what is read off does not lag behind.
local function smooth(points)
   local width = math.max(1, #points / 30)
   for i, point in ipairs(points) do
      local sum, weight = 0, 0
      for j = math.max(1, i - math.ceil(3 * width)), math.min(#points, i + math.ceil(3 * width)) do
         if points[j].loss < math.huge then -- neither infinite nor a NaN
            local w = math.exp(-0.5 * ((j - i) / width) ^ 2)
            sum, weight = sum + w * points[j].loss, weight + w
         end
      end
      point.smoothed = weight > 0 and sum / weight or point.loss
   end
end

local function lowest_of(points)
   local lowest = 1
   for i, point in ipairs(points) do
      if point.smoothed < points[lowest].smoothed then lowest = i end
   end
   return lowest
end

-- How far losses scatter around the smoothed curve (standard deviation), up to point `last`.
local function scatter(points, last)
   local sum = 0
   for i = 1, last do sum = sum + (points[i].loss - points[i].smoothed) ^ 2 end
   return math.sqrt(sum / last)
end

-- Where the loss falls fastest over the logarithm of the rate, before it is lowest; nil where it falls by no more than it
-- scatters.
local function steepest(points, lowest)
   if points[1].smoothed - points[lowest].smoothed <= scatter(points, lowest) then return nil end
   local best, fall = nil, 0
   for i = 2, lowest - 1 do
      local drop = points[i - 1].smoothed - points[i + 1].smoothed
      if drop > fall then best, fall = points[i], drop end
   end
   return best
end

-- ---- the steps ----

-- Calls visit(window) for window after window, over as many epochs as that takes, until it says stop. Several processes may
-- find that none of them could read a photo of a window.
local function each_window(run, visit)
   while true do
      run.epoch = run.epoch + 1
      local window, seen = {}, false
      local function go_on()
         local ends = visit(window)
         window, seen = {}, seen or run.last.n ~= nil
         return ends
      end
      for x, y, indices, _, cut in run.feed.train(run.epoch) do
         window[#window + 1] = { x = x, y = y, indices = indices, cut = cut }
         if #window == run.accumulate and go_on() then return end
      end
      if #window > 0 and go_on() then return end
      photos.share(run)
      run.photos.check_readable(seen or nil, run.set.train)
   end
end

-- Trains at rising rates and returns the points, and the rate at which the loss diverged, if it did.
local function climb(run, leader)
   local points, best, average, stopped = {}, math.huge, nil, nil
   run.epoch, run.unread = 0, step.queue(run)
   local ratio = (run.highest / run.lowest) ^ (1 / (run.steps - 1))
   each_window(run, function(window)
      local lr = run.lowest * ratio ^ #points
      run.optimizer:scale_lr(lr / leader.base_lr)
      run.mean, run.confusion = metrics.mean(), metrics.confusion(run.set.classes)
      step.run(run, window)
      if not run.last.n then return run.interrupted() end
      local loss = run.last.loss
      points[#points + 1] = { lr = lr, loss = loss }
      average = average and 0.7 * average + 0.3 * loss or loss -- one bad batch is no divergence
      if #points > LEAST // 2 then best = math.min(best, average) end
      run.meter:show { what = ("learning rate %.1e"):format(lr), done = #points, total = run.steps, photos = 0, seconds = 0,
         loss = loss }
      if not (average < run.diverged * best or best == math.huge and average < math.huge) then stopped = lr end
      return stopped or #points == run.steps or run.interrupted()
   end)
   run.meter:clear()
   return points, stopped
end

--- Makes a run of train.fit one that only looks for rates: what trains in the first epoch trains throughout.
function lr_find.prepare(run)
   local each = run.batch_size * run.accumulate
   run.epoch, run.epochs = 1, math.ceil(run.steps * each / sampling.length(run))
   run.hooks, run.unfreeze = { precision.hook(run) }, nil
   if run.steps * each < sampling.length(run) then run.cache_features = "off" end -- few photos will be seen
   run.finds_rates = true -- a loss that is no number is what it looks for
end

--- Finds the rates of a run that train.lr_find has prepared.
function lr_find.run(run)
   local leader = leading_group(run.optimizer)
   run.model:train()
   local points, stopped
   do
      local synchronised <close> = sync.hold(run) -- luacheck: ignore
      points, stopped = climb(run, leader)
   end
   smooth(points)
   local read = table.move(points, 1, #points - (stopped and math.max(1, #points // 20) or 0), 1, {}) -- not the explosion
   local lowest = lowest_of(read)
   local steep = steepest(read, lowest)
   local result = setmetatable({ points = points, group = leader.name, suggestion = steep and steep.lr,
      lowest = read[lowest].lr, stopped = stopped, rates = {} }, Result)
   for _, group in ipairs(run.optimizer.groups) do
      result.rates[group.name] = steep and steep.lr * group.base_lr / leader.base_lr
   end
   return result
end

-- ---- telling ----

function Result:__tostring()
   local first, last = self.points[1], self.points[#self.points]
   local text = ("learning rates of %s from %.2g to %.2g in %d steps: the loss was lowest at %.2g%s; "):format(self.group,
      first.lr, last.lr, #self.points, self.lowest, self.stopped and (" and diverged at %.2g"):format(self.stopped) or "")
   if not self.suggestion then return text .. "it never fell, so there is nothing to suggest" end
   return text .. ("suggestion: %.2g"):format(self.suggestion)
end

--- The curve with the suggestion, as a figure; losses that are no numbers are left out.
function Result:figure()
   local finite = {}
   for _, point in ipairs(self.points) do
      if math.abs(point.loss) < math.huge then finite[#finite + 1] = point end
   end
   return scute.plot.lr_finder(finite, { suggestion = self.suggestion,
      title = ("Learning-rate finder: rate of %s"):format(self.group) })
end

--- Writes lr_find.csv and lr_find.png into a folder, in place of those that lie there.
function Result:save(folder)
   local lines = { "lr,loss,smoothed" }
   for _, p in ipairs(self.points) do lines[#lines + 1] = ("%.9g,%.9g,%.9g"):format(p.lr, p.loss, p.smoothed) end
   console.guard("output_dir", scute.files.mkdirs, folder)
   console.guard(nil, scute.files.write, folder .. "/lr_find.csv", table.concat(lines, "\n") .. "\n")
   console.guard(nil, self:figure().save, self:figure(), folder .. "/lr_find.png")
   console.line("the curve is %s/lr_find.png, its numbers are in lr_find.csv", folder)
end

return lr_find
