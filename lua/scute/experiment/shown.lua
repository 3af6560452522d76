-- What is shown of an experiment: its trial, the files of it, and, while runs are missing, a page of those that are done.
local scute = require "scute"
local board = require "scute.experiment.board"
local console = require "scute.base.console"
local files = require "scute.experiment.files"
local gather = require "scute.experiment.gather"
local halving = require "scute.experiment.halving"
local part_text = require "scute.base.part_text"
local plan = require "scute.experiment.plan"
local report = require "scute.experiment.report"
local trial = require "scute.experiment.trial"
local variants = require "scute.experiment.variants"

local shown = {}

local SHARE = 20 -- renewing the page takes at most one part in so many of the time

-- By variant where a search has stopped it, and why.
local function stopped(self, made, records)
   if made.search ~= "halving" then return nil end
   local list = {}
   for name, entry in pairs(halving.stopped(made, plan.runs(made), records, self.failures,
      shown.unranked(self))) do
      list[name] = { epoch = entry.epoch, why = entry.words }
   end
   return list
end

--- rank of the script, which gets a variant as run does: function(options, row with its name) -> why it gets none; nil where
-- there is no such function.
function shown.rank_of(self)
   local rank = self.given.rank
   return rank and function(options, row)
      local why = rank(self.variants and variants.strict(self.variants, row.name) or options, row)
      if not why or type(why) == "string" then return why end
      error(("%s: scute.experiment: rank of '%s': expected nil, or a text that says why it gets no rank, found %s"):format(
         part_text.place(rank), row.name, part_text.of(why)), 0)
   end
end

--- The variants that get no rank, by name.
function shown.unranked(self)
   local rank, found = shown.rank_of(self), {}
   for _, variant in ipairs(rank and self.plan.variants or {}) do
      found[variant.name] = rank(variant.options, variant) and true or nil
   end
   return found
end

--- Asks rank of the script about each variant, so that what is wrong with it is told before anything trains.
function shown.check_rank(self)
   local rank = shown.rank_of(self)
   for _, variant in ipairs(rank and self.variants or {}) do rank(variant.options, { name = variant.name }) end
end

--- The trial of what is done so far. self: what scute.experiment.parent has of the experiment.
function shown.trial(self)
   local made = plan.plain(self.plan)
   local records = gather.all(self.folder, made)
   return trial.of(made, records, self.failures, { folder = self.folder, rank = shown.rank_of(self), title = made.title,
      stopped = stopped(self, made, records), times = self.is_here and "the runs were in one process" or nil })
end

-- While runs are missing: a page of those that are done. It takes little of the time.
function shown.refresh(self)
   local start = scute.clock()
   if self.refreshed and start < self.refreshed then return end
   pcall(function() report.write(self.folder, shown.trial(self)) end)
   self.refreshed = scute.clock() + SHARE * (scute.clock() - start)
end

-- What cannot be written costs the page, not the trial: a script goes on, and says by its status that something is missing.
local function try(write, folder, found)
   local ok, why = pcall(write, folder, found)
   if ok then return end
   scute.process.ends_with(1)
   console.warn("%s", console.message(why))
end

--- Writes all files of the trial and returns it.
function shown.all(self)
   local found = shown.trial(self)
   files.write(self.folder, found)
   try(report.write, self.folder, found)
   if self.given.tensorboard then try(board.write, self.folder, found) end
   return found
end

return shown
