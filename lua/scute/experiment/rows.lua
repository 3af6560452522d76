-- What the runs of each variant came to, the best first: the rows of a trial.
local failed = require "scute.experiment.failed"
local known_fields = require "scute.base.known_fields"
local sample = require "scute.experiment.sample"
local values = require "scute.experiment.values"

local rows = {}

local is_finite = sample.is_finite

-- What a row may be without.
local OPTIONAL = known_fields.set [[rank unranked figure low high sd seconds images_per_second peak_memory parameters trainable
   parameters_1000 multiply_adds latency image_size best_epoch epochs stopped_at stopped_why weights]]
local ROW = { __name = "scute.row", __index = known_fields.reading("a row of a trial", OPTIONAL) }

local function collect(records, name)
   local list = {}
   for _, record in ipairs(records) do list[#list + 1] = record[name] end
   return list
end

local function largest(list)
   return #list > 0 and math.max(table.unpack(list)) or nil
end

-- Every figure of the runs, averaged over them.
local function figures_of(records)
   local lists, figures = {}, {}
   for _, record in ipairs(records) do
      for name, value in pairs(record.figures) do
         lists[name] = lists[name] or {}
         table.insert(lists[name], value)
      end
   end
   for name, list in pairs(lists) do figures[name] = sample.mean(list) end
   return figures
end

-- In the order of the runs.
local function sorted(records)
   local list = table.move(records or {}, 1, #(records or {}), 1, {})
   table.sort(list, function(a, b)
      local first, second = a.fold or a.seed or 0, b.fold or b.seed or 0
      if first ~= second then return first < second end
      return (a.inner or 0) < (b.inner or 0)
   end)
   return list
end

-- The runs that a search has stopped or paused for now: how many, and after which epoch.
local function paused_in(records)
   local count, epoch = 0, 0
   for _, record in ipairs(records) do
      if record.state == "paused" then count, epoch = count + 1, math.max(epoch, record.epochs) end
   end
   return count, epoch
end

local function add_measures(row, records)
   local first = records[1] or {}
   for _, name in ipairs { "parameters", "trainable", "parameters_1000", "multiply_adds", "image_size", "weights" } do
      row[name] = first[name]
   end
   row.seconds, row.images_per_second = sample.mean(collect(records, "seconds")),
      sample.mean(collect(records, "images_per_second"))
   row.peak_memory, row.latency = largest(collect(records, "peak_memory")), sample.median(collect(records, "latency"))
   row.best_epoch, row.epochs = sample.median(collect(records, "best_epoch")), largest(collect(records, "epochs"))
end

-- The figure is the mean of the photos where each has its part, as the test has it, else of the runs.
local function add_figure(row, metric, by_photo)
   local list = {}
   for i, record in ipairs(row.results) do list[i] = record.figures[metric.name] end
   row.sd = sample.deviation(list)
   row._figures = list
   if by_photo and #list > 0 then
      row._photos = values.numbers()
      row.figure = values.mean(values.of(row.results, metric.name, row._photos))
   elseif #list == #row.results then
      row.figure = sample.mean(list)
   end
end

local function row_of(entry, made, more)
   local records = sorted(more.records[entry.name])
   local row = { variant = entry.name, name = entry.name, options = entry.options or {}, results = records, runs = #records,
      wanted = made.wanted, figures = figures_of(records) }
   local stopped = (more.stopped or {})[entry.name]
   if stopped then row.stopped_at, row.stopped_why = stopped.epoch, stopped.why end
   row._paused, row._paused_at = paused_in(records)
   add_measures(row, records)
   add_figure(row, made.metric, made.by_photo)
   return setmetatable(row, ROW)
end

-- ---- ranks ----

local function failure_of(row, failures)
   local first = failed.of(failures, row.name)[1]
   return first and "failed: " .. first.message
end

local function stop_text(row)
   local why = row.stopped_why
   if why and why:find "^stopped" then return why end
   return ("stopped after epoch %d%s"):format(row.stopped_at, why and ": " .. why or "")
end

-- The photos that most variants validated, of equally many those of the best.
local function usual_photos(all)
   local groups, usual = {}, nil
   local function group_of(photos)
      for _, group in ipairs(groups) do
         if values.are_same(group.photos, photos) then return group end
      end
      groups[#groups + 1] = { photos = photos, count = 0 }
      return groups[#groups]
   end
   for _, row in ipairs(all) do
      local group = row._photos and row.runs == row.wanted and group_of(row._photos)
      if group then group.count = group.count + 1 end
      if group and (not usual or group.count > usual.count) then usual = group end
   end
   return usual and usual.photos
end

-- "1 of 2 runs, 1 paused after epoch 3, failed: out of memory".
local function runs_text(row, failure)
   local paused = row._paused > 0 and (", %d paused after epoch %d"):format(row._paused, row._paused_at) or ""
   return ("%d of %d runs%s%s"):format(row.runs - row._paused, row.wanted, paused, failure and ", " .. failure or "")
end

-- Why a row has no rank; nil where it has one. photos: those of most variants.
local function reason(row, photos, made, more)
   if row._own_reason then return row._own_reason end
   if row.stopped_at then return stop_text(row) end
   local failure = failure_of(row, more.failures)
   if row.runs == 0 then return failure or "no run yet" end
   if row.runs - row._paused < row.wanted then return runs_text(row, failure) end
   if not row.figure then return ("its runs have no figure '%s'"):format(made.metric.name) end
   if row.figure ~= row.figure then return ("its %s is not a number"):format(made.metric.words) end
   if not is_finite(row.figure) then return ("its %s is infinite"):format(made.metric.words) end
   if row._photos and not values.are_same(row._photos, photos) then return "other photos" end
end

-- What is not known, or no number, comes after all others.
local function or_last(value)
   return is_finite(value) and value or math.huge
end

-- Of equal figures the smaller network comes first, and of these the lower loss; what has no figure comes last.
local function in_order(metric, place)
   return function(a, b)
      if is_finite(a.figure) ~= is_finite(b.figure) then return is_finite(a.figure) end
      if is_finite(a.figure) and a.figure ~= b.figure then return metric:is_better(a.figure, b.figure) end
      for _, pair in ipairs { { a.parameters, b.parameters }, { a.figures.loss, b.figures.loss } } do
         local first, second = or_last(pair[1]), or_last(pair[2])
         if first ~= second then return first < second end
      end
      return place[a] < place[b]
   end
end

--- variants: the plan's. made: { metric, wanted = runs of each variant, by_photo = whether the figure is a mean of what photos
-- have to do with it }. more: { records = lists by variant, failures, stopped = by variant { epoch, why }, rank =
-- function(options, row) -> why it has no rank }. Returns all rows, those with a rank, and those without, each the best first.
function rows.of(variants, made, more)
   local all, place, ranked, unranked = {}, {}, {}, {}
   for i, entry in ipairs(variants) do
      all[i] = row_of(entry, made, more)
      place[all[i]] = i
   end
   table.sort(all, in_order(made.metric, place))
   local photos = usual_photos(all)
   for _, row in ipairs(all) do
      row._own_reason = more.rank and row.runs > 0 and more.rank(row.options, row) or nil
      row.unranked = reason(row, photos, made, more)
      table.insert(row.unranked and unranked or ranked, row)
      row.rank = not row.unranked and #ranked or nil
   end
   return table.move(unranked, 1, #unranked, #ranked + 1, table.move(ranked, 1, #ranked, 1, {})), ranked, unranked
end

return rows
