-- make bench DEVICE=cuda: steps against PyTorch (peer_cuda.py) on the same GPU, what graphs save, and Exercise 1, printed and
-- put on the page to send back (tests/cuda/report.lua). What comes first matters most: time with a card may be short.
local exercise = require "bench.parts.exercise"
local process = require "bench.process"

local MODES = { "eager", "cl" }
local run = process.run

local said = {}
local function say(text)
   said[#said + 1] = text
   print(text)
end

local function add_to_page(settings)
   local page = dofile(settings.here .. "/../cuda/report.lua").write("bench", table.concat(said, "\n") .. "\n")
   print("\nthe page to send back is " .. page)
end

-- ---- steps ----

local function note(row, key, text)
   process.keep_least(row, key, tonumber(text:match "([%d.]+) ms"))
   process.keep_least(row, key .. "_mb", tonumber(text:match "rss (%d+)MB"))
end

local function measure(settings, row)
   for _, width in ipairs(settings.widths) do
      note(row, width, run(("%s %s/step.lua %s %d %s %s %s"):format(settings.scute, settings.here, row.model, settings.batch,
         row.what, width, settings.device)))
   end
   for _, mode in ipairs(settings.python and MODES or {}) do
      note(row, mode, run(("DEVICE=%s '%s' %s/peer_cuda.py %s %s %d %s"):format(settings.device, settings.python, settings.here,
         row.model, mode, settings.batch, row.what)))
   end
end

local function number(value, format)
   return value and format:format(value) or "-"
end

local function tell_steps(settings, rows)
   local side = settings.side or 224
   say(("\n%s, batch %d, %d x %d, float32; milliseconds, least of %d rounds"):format(settings.device, settings.batch, side,
      side, settings.rounds))
   say(("%-14s %-6s %9s %9s %9s %12s %12s %18s"):format(
      "model", "what", "scute", "eager", "ch.last", "eager/scute", "cl/scute", "peak MB (eager)"))
   for _, row in ipairs(rows) do
      say(("%-14s %-6s %9.1f %9s %9s %12s %12s %9.0f %8s"):format(
         row.model, row.what, row.f32, number(row.eager, "%.1f"), number(row.cl, "%.1f"),
         number(row.eager and row.eager / row.f32, "%.2f"), number(row.cl and row.cl / row.f32, "%.2f"),
         row.f32_mb, number(row.eager_mb, "%.0f")))
   end
end

local function tell_halves(rows)
   say(("\nthe same with --precision bf16\n%-14s %-6s %9s %10s %18s"):format("model", "what", "bf16", "fp32/bf16",
      "peak MB (fp32)"))
   for _, row in ipairs(rows) do
      say(("%-14s %-6s %9.1f %10.2f %9.0f %8.0f"):format(row.model, row.what, row.bf16, row.f32 / row.bf16, row.bf16_mb,
         row.f32_mb))
   end
end

local function bench_steps(settings)
   local rows = {}
   for _, model in ipairs(settings.models) do
      for _, what in ipairs { "infer", "train" } do rows[#rows + 1] = { model = model, what = what } end
   end
   for _ = 1, settings.rounds do
      for _, row in ipairs(rows) do measure(settings, row) end
   end
   tell_steps(settings, rows)
   if #settings.widths > 1 then tell_halves(rows) end
end

-- ---- the rest ----

-- In train.fit, of the first model.
local function bench_graphs(settings)
   say("\n" .. run(("%s %s/graphs.lua %s %d %d %s %d"):format(settings.scute, settings.here, settings.models[1], settings.batch,
      settings.side or 224, settings.device, settings.rounds)))
end

local function bench_exercise(settings)
   if settings.epochs == 0 then return end
   local folder = os.tmpname()
   os.remove(folder)
   local photos, why = exercise.photos(folder)
   if not photos then return say("\nExercise 1: " .. why) end
   local row = {}
   for _ = 1, math.max(1, settings.rounds - 1) do exercise.measure_scute(settings, row, photos) end
   run(("rm -rf '%s'"):format(folder))
   say(("\nExercise 1: %d epochs of a frozen MobileNetV2 on about 400 photos, start to finish: %.1f s"):format(settings.epochs,
      row.scute))
end

-- Whether the PyTorch of PYTHON computes on the GPU.
local function peer_answers(python)
   local _, text = pcall(run, ("'%s' -c 'import torch; print(torch.cuda.is_available())'"):format(python))
   if text:find "True" then return true end
   say(("%s: its PyTorch finds no GPU, so scute's figures stand alone: %s"):format(python, text:match "[^\n]*\n?$"))
end

return function(settings)
   if settings.python and not peer_answers(settings.python) then settings.python = nil end
   bench_steps(settings)
   bench_graphs(settings)
   add_to_page(settings) -- what follows takes long
   bench_exercise(settings)
   add_to_page(settings)
end
