-- events.jsonl: what happens in a run, a line each as it happens, for programs that follow it.
--
--    {"event": "start", "time": ..., "model", "device", "epochs", "photos": {"train", "val"}, "arguments": {...}}
--    {"event": "step", "time", "epoch", "step", "loss", "train_loss", "train_accuracy", "images_per_second", "hardware"}
--    {"event": "epoch", "time", "epoch", "step", "train_loss", ..., "metrics": {name: value}, "best", "rates": {group: rate},
--       "hardware": {...}, "ranks": {"images_per_second": [...], "waited": [...]}}
--    {"event": "resume", "time", "epoch", "step"}, {"event": "end", "time", "step", "outcome", "best_epoch", ...}
--
-- "ranks" is there where several processes train: for each of them, from rank 0, photos per second of its own computing and
-- seconds that it waited for the others, in what trains of the epoch.
-- Of steps there is one line every ten seconds. After a resume the lines of steps that are done again are gone, so that
-- each step and each epoch is there once.
local cjson = require "cjson"
local scute = require "scute"
local console = require "scute.base.console"
local arguments = require "scute.train.arguments"
local measures = require "scute.train.measures"
local to_json = require "scute.base.json"

local events = {}

local INTERVAL = 10 -- seconds between lines about steps

-- fields: list of {name, value}; what is nil is left out, NaN becomes null.
local function line_of(event, fields)
   local parts = { ('"event":"%s"'):format(event), ('"time":"%s"'):format(os.date "!%Y-%m-%dT%H:%M:%SZ") }
   for _, field in ipairs(fields) do
      if field[2] ~= nil then parts[#parts + 1] = ('"%s":%s'):format(field[1], to_json.line(field[2])) end
   end
   return "{" .. table.concat(parts, ",") .. "}\n"
end

-- The lines of an earlier part of the run that still hold: whole ones, of steps up to `step`.
local function kept_lines(path, step)
   local file = io.open(path, "rb")
   local lines = {}
   for line in file and file:lines "L" or function() end do
      local ok, row = pcall(cjson.decode, line)
      if ok and line:sub(-1) == "\n" and type(row) == "table" and (tonumber(row.step) or 0) <= step then
         lines[#lines + 1] = line
      end
   end
   if file then file:close() end
   return table.concat(lines)
end

local function started(run)
   local told = arguments(run)
   return line_of("start", { { "model", run.model.arch }, { "device", run.device }, { "epochs", run.epochs },
      { "photos", { train = #run.set.train.paths, val = #run.set.val.paths } },
      { "arguments", next(told) and told or nil } })
end

local function epoch_ended(run)
   local row = run.row
   return line_of("epoch", { { "epoch", row.epoch }, { "step", row.step }, { "train_loss", row.train_loss },
      { "train_accuracy", row.train_accuracy }, { "val_loss", row.val_loss }, { "val_accuracy", row.val_accuracy },
      { "val_balanced_accuracy", row.balanced }, { "ema_val_loss", row.ema_val_loss },
      { "ema_val_accuracy", row.ema_val_accuracy }, { "metrics", measures.of_row(run, row) },
      { "ema_metrics", run.average and measures.of_row(run, row, "ema_") }, { "best", run.best == row },
      { "rates", next(row.rates) and row.rates or nil }, { "hardware", run.hardware and run.hardware.epoch },
      { "ranks", run.ranks } })
end

local function ended(run)
   return line_of("end", { { "step", run.step }, { "outcome", run.outcome }, { "epochs", #run.history },
      { "best_epoch", run.best and run.best.epoch }, { "val_accuracy", run.best and run.best.val_accuracy },
      { "error", run.failure and console.message(run.failure) or nil }, { "hardware", run.hardware and run.hardware.total } })
end

--- The hook that writes <folder>/events.jsonl. A line that cannot be written is told once; the run goes on.
function events.hook()
   local path, told, last, seen, from

   local function failed(run, why)
      if told then return end
      told = true
      run.meter:clear()
      console.warn("events.jsonl: %s; training goes on without it", why)
   end

   local function append(run, line)
      if not path then return end
      local file, why = io.open(path, "ab")
      local ok = file
      if file then
         ok, why = file:write(line)
         local closed, reason = file:close()
         ok, why = ok and closed, why or reason
      end
      if not ok then failed(run, why) end
   end

   local function step_ended(run, now)
      local speed = seen / (now - from)
      append(run, line_of("step", { { "epoch", run.epoch }, { "step", run.step }, { "loss", run.last.loss },
         { "train_loss", run.mean:value() }, { "train_accuracy", run.confusion:accuracy() }, { "images_per_second", speed },
         { "hardware", run.hardware and run.hardware.now } }))
      last, seen, from = now, 0, now
   end

   return {
      on_fit_begin = function(run)
         if not run.folder then return end
         path, seen = run.folder .. "/events.jsonl", 0
         last = scute.clock()
         local before = run.resumed and kept_lines(path, run.step) or ""
         local ok, why = pcall(scute.files.write, path, before)
         if not ok then return failed(run, console.message(why)) end
         if before == "" then append(run, started(run)) end
         if run.resumed then append(run, line_of("resume", { { "epoch", run.epoch }, { "step", run.step } })) end
      end,
      on_step_begin = function() from = from or scute.clock() end,
      on_step_end = function(run)
         if not path then return end
         seen = seen + run.last.n
         local now = scute.clock()
         if now - last >= INTERVAL then step_ended(run, now) end
      end,
      on_epoch_end = function(run)
         append(run, epoch_ended(run))
         from, seen = nil, 0
      end,
      on_fit_end = function(run) append(run, ended(run)) end,
   }
end

return events
