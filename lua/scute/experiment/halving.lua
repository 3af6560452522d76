-- Successive halving (Jamieson and Talwalkar 2016; with rungs as in ASHA, Li et al. 2018): all variants train for a few epochs,
-- the better half goes on for twice as many, and so on, so that most of the time goes to those that may be the best. (A third
-- for three times as many spends a little less, and on the demo's photos has lost the best one after its first epoch.)
-- Where folds are nested each outer one has a search of its own: its photos validate in the others.
--
-- What goes on is decided from the records of a rung, when all runs of all variants that are left have reached it: the mean
-- over a variant's runs of the best figure so far. So it hangs on nothing but the results, neither on who was faster nor on how
-- often the trial was interrupted.
local budgets = require "scute.experiment.budgets"
local direction = require "scute.experiment.direction"
local failed = require "scute.experiment.failed"
local sample = require "scute.experiment.sample"

local halving = {}

local KEPT = 2 -- one in so many goes on from a rung

--- The epochs after which variants are compared, a list that rises, and how many are left after each. variants: how many there
-- are; epochs: of a whole run.
function halving.rungs(variants, epochs)
   local most = 1
   while KEPT ^ (most + 1) <= variants do most = most + 1 end
   local rungs, left = {}, {}
   for k = most, 1, -1 do
      local after = math.max(1, math.floor(epochs / KEPT ^ k))
      if after < epochs and after ~= rungs[#rungs] and variants > 1 then
         rungs[#rungs + 1] = after
         variants = math.ceil(variants / KEPT)
         left[#left + 1] = variants
      end
   end
   return rungs, left
end

-- ---- records ----

local OF_CURVE = { accuracy = "val_accuracy", loss = "val_loss" }

local function is_number(value)
   return type(value) == "number" and value == value
end

-- Whether a figure is better than another or, where they are equal, its loss is lower.
local function is_better(figure, loss, other, other_loss, lower)
   if figure ~= other then return (figure < other) == lower end
   return is_number(loss) and (not is_number(other_loss) or loss < other_loss)
end

-- The row of the best epoch of a run among its first `after` ones, as train.fit has it: of equal ones that with the lower loss.
-- nil where no epoch has a figure that is a number. name: of the figure.
local function best_until(record, name, lower, after)
   local best
   for _, row in ipairs(record.curve or {}) do
      if row.epoch <= after and is_number(row[name]) and (not best or is_better(row[name], row.val_loss, best[name],
         best.val_loss, lower)) then
         best = row
      end
   end
   return best
end

-- Runs by variant, in the order of the plan, as { run = what the plan says, record }.
local function by_variant(plan, runs, records)
   local entries, found = {}, {}
   for _, variant in ipairs(plan.variants) do entries[variant.name] = {} end
   for name, list in pairs(records) do
      found[name] = {}
      for _, record in ipairs(list) do found[name][record.run] = record end
   end
   for _, run in ipairs(runs) do
      table.insert(entries[run.variant], { run = run, record = (found[run.variant] or {})[run.run] })
   end
   return entries
end

-- Whether a run is as far as a rung (nil: its end).
local function has_reached(record, after)
   return record ~= nil and (record.state == "finished" or after ~= nil and record.epochs >= after)
end

local function failed_variants(failures)
   local variants = {}
   for _, failure in ipairs(failures or {}) do
      if failed.is_training(failure) then variants[failure.variant] = true end
   end
   return variants
end

-- ---- one rung ----

-- The runs of the variants in `going` that are not as far as a rung.
local function short_of(entries, going, after)
   local missing = {}
   for _, name in ipairs(going) do
      for _, entry in ipairs(entries[name]) do
         if not has_reached(entry.record, after) then
            missing[#missing + 1] = { run = entry.run, pause = after, goes_on = entry.record ~= nil }
         end
      end
   end
   return missing
end

-- Sums of the same numbers in another order differ in their last digits.
local function rounded_mean(list)
   return #list > 0 and tonumber(("%.12g"):format(sample.mean(list))) or nil
end

-- Figure and loss of a variant: means over its runs, nil where a run has none.
local function standing(list, name, lower, after)
   local figures, losses = {}, {}
   for i, entry in ipairs(list) do
      local row = best_until(entry.record, name, lower, after)
      if not row then return nil end
      figures[i], losses[#losses + 1] = row[name], row.val_loss
   end
   return rounded_mean(figures), #losses == #figures and rounded_mean(losses) or nil
end

-- The variants that are left, best first, with their figures; of equal ones that with the lower loss, then the first of the
-- plan. Those without a figure come last, behind those that get no rank, which must not take the place of one that may be
-- chosen.
local function ranked(plan, entries, going, after, lower, unranked)
   local list, name = {}, OF_CURVE[plan.metric] or plan.metric
   for place, variant in ipairs(going) do
      local figure, loss = standing(entries[variant], name, lower, after)
      list[place] = { name = variant, place = place, figure = figure, loss = loss, unranked = unranked[variant] or false }
   end
   table.sort(list, function(a, b)
      if (a.figure == nil) ~= (b.figure == nil) then return a.figure ~= nil end
      if a.unranked ~= b.unranked then return b.unranked end
      if not a.figure then return a.place < b.place end
      if is_better(a.figure, a.loss, b.figure, b.loss, lower) then return true end
      return not is_better(b.figure, b.loss, a.figure, a.loss, lower) and a.place < b.place
   end)
   return list
end

-- Names in the order in which the plan has them.
local function in_order_of(plan, names)
   local is_in, list = {}, {}
   for _, name in ipairs(names) do is_in[name] = true end
   for _, variant in ipairs(plan.variants) do
      if is_in[variant.name] then list[#list + 1] = variant.name end
   end
   return list
end

local ENDINGS = { "st", "nd", "rd" }

local function ordinal(n)
   local is_teen = n % 100 >= 11 and n % 100 <= 13
   return n .. (not is_teen and ENDINGS[n % 10] or "th")
end

-- The epoch up to which any of the runs of a variant has gone.
local function furthest(entries)
   local epochs = 0
   for _, entry in ipairs(entries) do epochs = math.max(epochs, entry.record and entry.record.epochs or 0) end
   return epochs
end

-- Those that a search had kept, and keeps no longer since a variant came to it or succeeded after all, have gone on.
local function words(entry, after, place, of, epochs)
   local figure = entry.figure and ("%.4g"):format(entry.figure) or "no figure"
   return ("stopped after epoch %d: %s, %s of %d%s"):format(after, figure, ordinal(place), of,
      epochs > after and ("; it had gone on to epoch %d before"):format(epochs) or "")
end

-- ---- one search ----

-- Goes through the rungs as far as the records lead. Returns the runs that are to go on now (none: it is done), and the
-- variants that were stopped, by name.
local function walk(plan, runs, records, out, unranked)
   local entries, stopped, going = by_variant(plan, runs, records), {}, {}
   for _, variant in ipairs(plan.variants) do
      if not out[variant.name] then going[#going + 1] = variant.name end
   end
   local lower = direction.is_lower(plan, records)
   local rungs, left = halving.rungs(#plan.variants, budgets.read(plan.budget).epochs)
   for i, after in ipairs(rungs) do
      local missing = short_of(entries, going, after)
      if #missing > 0 then return missing, stopped end
      local list, kept = ranked(plan, entries, going, after, lower, unranked or {}), {}
      for place, entry in ipairs(list) do
         if place <= left[i] then
            kept[#kept + 1] = entry.name
         else
            stopped[entry.name] = { epoch = after, figure = entry.figure, place = place, of = #list,
               words = words(entry, after, place, #list, furthest(entries[entry.name])) }
         end
      end
      going = in_order_of(plan, kept)
   end
   return short_of(entries, going, nil), stopped
end

-- ---- all of them ----

-- The runs of each search, in the order of the plan: all, or, where folds are nested, those of each outer fold, whose photos
-- validate in the others and so must not choose what it tests.
local function searches(runs)
   local list, of_fold = {}, {}
   for _, run in ipairs(runs) do
      local fold = run.inner and run.fold or 0
      if not of_fold[fold] then
         of_fold[fold] = {}
         list[#list + 1] = of_fold[fold]
      end
      table.insert(of_fold[fold], run)
   end
   return list
end

-- What is told of a variant that several searches have stopped, some of them or all.
local function told_of(entries, count)
   if count == 1 then return entries[1] end
   local at = 0
   for _, entry in ipairs(entries) do at = math.max(at, entry.epoch) end
   return { epoch = at, words = ("stopped early in %d of %d outer folds"):format(#entries, count) }
end

--- The runs that are to go on next, in the order of the plan, as { run = of plan.runs, pause = the epoch to stop after (nil:
-- to the end), goes_on = whether a checkpoint is there }; nil where the search is done. plan: { variants, budget, metric,
-- lower }; runs: what plan.runs says; records: lists of them by variant; failures: see scute.experiment.failed; variants of
-- which a training failed are out; unranked: name -> whether a variant gets no rank.
function halving.next(plan, runs, records, failures, unranked)
   local missing, out = {}, failed_variants(failures)
   for _, own in ipairs(searches(runs)) do
      local more = walk(plan, own, records, out, unranked)
      table.move(more, 1, #more, #missing + 1, missing)
   end
   return #missing > 0 and missing or nil
end

--- The variants that were stopped, by name: { epoch, words, figure = mean over the runs, place, of = how many there were }; of
-- nested folds, of which each outer one has a search of its own, the last epoch and words.
function halving.stopped(plan, runs, records, failures, unranked)
   local out, by_name, found, list = failed_variants(failures), {}, {}, searches(runs)
   for _, own in ipairs(list) do
      for name, entry in pairs(select(2, walk(plan, own, records, out, unranked))) do
         by_name[name] = by_name[name] or {}
         table.insert(by_name[name], entry)
      end
   end
   for name, entries in pairs(by_name) do found[name] = told_of(entries, #list) end
   return found
end

return halving
