-- report.html: a run on one page that needs nothing else, neither network nor scripts. Made from the files in the run's
-- folder (run.json, history.csv, confusion.json, evaluation.json), so it can be made again without training.
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.console"

local report_html = {}

local STYLE = [[
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 0 auto; padding: 1rem; max-width: 60rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #ddd; }
table { border-collapse: collapse; }
td, th { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
th { font-weight: 600; }
.soft { color: #666; }
.big { font-size: 2rem; font-weight: 700; }
.scroll { overflow-x: auto; }
figure { margin: .5rem 0; }
svg, img { max-width: 100%; height: auto; }
.scroll svg, .scroll img { min-width: min(32rem, 150vw); }
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } body { padding: .6rem; } }
@media print {
   body { max-width: none; font-size: 11pt; padding: 0; }
   .wide { display: block; } .narrow { display: none; } .scroll svg, .scroll img { min-width: 0; }
   figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
}
]]

-- Of a page that is renewed: the browser looks again every five seconds.
local REFRESH = '<meta http-equiv="refresh" content="5">\n'

-- ---- texts ----

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

local function escape(value)
   return (tostring(value):gsub('[&<>"]', ESCAPES))
end

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local function base64(bytes)
   local parts = {}
   for i = 1, #bytes, 3 do
      local a, b, c = bytes:byte(i, i + 2)
      local bits = a << 16 | (b or 0) << 8 | (c or 0)
      local four = ""
      for k = 3, 0, -1 do
         local at = (bits >> 6 * k & 63) + 1
         four = four .. LETTERS:sub(at, at)
      end
      parts[#parts + 1] = not b and four:sub(1, 2) .. "==" or not c and four:sub(1, 3) .. "=" or four
   end
   return table.concat(parts)
end
report_html.base64 = base64

-- JSON's values as a person reads them.
local function plain(value)
   if value == nil or value == cjson.null then return "none" end
   if type(value) == "table" then return (cjson.encode(value):gsub("\\/", "/")) end
   if math.type(value) == "float" then
      local whole = math.tointeger(value)
      return whole and tostring(whole) or ("%.6g"):format(value)
   end
   return tostring(value)
end

-- ---- reading ----

local function read(path)
   local file = io.open(path, "rb")
   if not file then return nil end
   local text = file:read "a"
   file:close()
   return text
end

local function read_json(path)
   local text = read(path)
   if not text then return nil end
   local ok, value = pcall(cjson.decode, text)
   if not ok or type(value) ~= "table" then
      console.fail("%s: expected JSON, found something that is none (%s); is the file cut off?", path,
         tostring(value):sub(1, 80))
   end
   return value
end

-- ---- parts of the page ----

local function rows_table(rows)
   local out = { "<table>" }
   for _, row in ipairs(rows) do
      out[#out + 1] = ("<tr><th>%s</th><td>%s</td></tr>"):format(escape(row[1]), escape(row[2]))
   end
   out[#out + 1] = "</table>"
   return table.concat(out, "\n")
end

local function section(title, ...)
   return ("<section>\n<h2>%s</h2>\n%s\n</section>"):format(escape(title), table.concat({ ... }, "\n"))
end

local function sorted(map)
   local rows = {}
   for key, value in pairs(map) do rows[#rows + 1] = { key, plain(value) } end
   table.sort(rows, function(a, b) return a[1] < b[1] end)
   return rows
end

local function head_of(run)
   local result = type(run.result) == "table" and run.result or nil
   local accuracy = result and result.val_accuracy
   local lines = { ("<h1>%s</h1>"):format(escape(run.model or "a model")) }
   lines[#lines + 1] = ('<p class="soft">%s%s</p>'):format(escape(run.state or "unknown state"),
      run.times and run.times.started and ", started " .. escape(run.times.started) or "")
   if run.state == "running" then
      lines[#lines + 1] = "<p>This run was not finished when the page was made; the page is renewed while it trains.</p>"
   end
   if type(accuracy) == "number" then
      local photos = run.photos and math.tointeger(run.photos.val)
      lines[#lines + 1] = ('<p><span class="big">%.1f&nbsp;%%</span> of the photos that did not train were recognised%s%s.</p>')
         :format(100 * accuracy, photos and photos > 0 and (" (%s)"):format(escape(console.count(photos, "photo"))) or "",
         type(run.split) == "string" and "; split: " .. escape(run.split) or "")
   else
      lines[#lines + 1] = "<p>No epoch was finished.</p>"
   end
   return table.concat(lines, "\n")
end

local function summary_of(run)
   local result, times = type(run.result) == "table" and run.result or {}, run.times or {}
   local rows = {}
   local function add(name, value)
      if value ~= nil and value ~= cjson.null then rows[#rows + 1] = { name, plain(value) } end
   end
   add("epochs", result.epochs)
   add("best epoch", result.best_epoch)
   add("validation accuracy", result.val_accuracy)
   add("averaged over classes", result.val_balanced_accuracy)
   add("validation loss", result.val_loss)
   add("time", type(times.seconds) == "number" and console.duration(times.seconds) or nil)
   if type(run.weights) == "table" then
      add("started from", run.weights.path)
      add("its sha256", run.weights.sha256)
   else
      add("started from", run.weights == "none" and "random weights" or run.weights)
   end
   return section("Summary", rows_table(rows))
end

local function curves_of(folder)
   local path = folder .. "/history.csv"
   if not read(path) then return nil end
   local ok, rows = pcall(scute.plot.read_history, path)
   if not ok then return nil end
   return section("Training", '<figure class="wide">', scute.plot.curves(rows):svg("training curves", "wide"), "</figure>",
      '<figure class="narrow">', scute.plot.curves(rows, { columns = 1 }):svg("training curves, one below the other", "narrow"),
      "</figure>")
end

-- {classes, cells = list of {actual, predicted, count}} as {classes, counts}.
local function from_cells(found)
   if not found or type(found.classes) ~= "table" or type(found.cells) ~= "table" then return nil end
   local counts, n = {}, #found.classes
   for i = 1, n do
      counts[i] = {}
      for j = 1, n do counts[i][j] = 0 end
   end
   for _, cell in ipairs(found.cells) do
      if counts[cell[1]] and counts[cell[1]][cell[2]] then counts[cell[1]][cell[2]] = cell[3] end
   end
   return { classes = found.classes, counts = counts }
end

local function confusion_of(found)
   if not found or type(found.counts) ~= "table" or #found.counts == 0 then return nil end
   return section("Confusion", '<figure class="scroll">',
      scute.plot.confusion(found, found.classes):svg("confusion matrix", "confusion"),
      "</figure>")
end

local function classes_of(evaluation)
   if not evaluation or type(evaluation.per_class) ~= "table" then return nil end
   local out = { '<div class="scroll"><table><tr><th>class</th><th class="n">precision</th><th class="n">recall</th>'
      .. '<th class="n">F1</th><th class="n">photos</th></tr>' }
   for _, name in ipairs(evaluation.classes) do
      local c = evaluation.per_class[name]
      if c then
         out[#out + 1] = ('<tr><td>%s</td><td class="n">%.3f</td><td class="n">%.3f</td><td class="n">%.3f</td>'
            .. '<td class="n">%s</td></tr>'):format(escape(name), c.precision, c.recall, c.f1, plain(c.photos))
      end
   end
   out[#out + 1] = "</table></div>"
   return section("Classes", rows_table {
      { "accuracy", plain(evaluation.accuracy) }, { "balanced accuracy", plain(evaluation.balanced_accuracy) },
      { ("top-%s accuracy"):format(plain(evaluation.top_k)), plain(evaluation.top_k_accuracy) },
      { "log loss", plain(evaluation.log_loss) }, { "calibration error", plain(evaluation.calibration_error) },
      { "photos", plain(evaluation.photos) .. " (" .. plain(evaluation.split) .. ")" },
   }, table.concat(out, "\n"))
end

local function worst_of(evaluation)
   local worst = evaluation and evaluation.worst
   if type(worst) ~= "table" or #worst == 0 then return nil end
   local png = scute.plot.top_losses(worst, { columns = 4, limit = 12, title = "Top losses" }):png(1)
   return section("Worst photos", ('<figure class="scroll"><img alt="the photos of highest loss, with truth and prediction" '
      .. 'src="data:image/png;base64,%s"></figure>'):format(base64(png)))
end

local function gpu_text(gpu)
   local parts = {}
   local function part(format, value, ...)
      if type(value) == "number" then parts[#parts + 1] = format:format(value, ...) end
   end
   local most = gpu.memory_most or gpu.memory
   if type(most) == "number" then
      parts[1] = console.bytes(most) .. (type(gpu.memory_total) == "number" and " of " .. console.bytes(gpu.memory_total) or "")
   end
   part("computing %.0f %% of the time", type(gpu.use) == "number" and 100 * gpu.use)
   part("%.0f W on average", gpu.power)
   part("up to %.0f °C", gpu.temperature)
   if gpu.throttled then parts[#parts + 1] = "throttled" end
   return table.concat(parts, ", ")
end

local function hardware_of(run)
   local h = run.hardware
   if type(h) ~= "table" then return nil end
   local rows = {}
   local function add(name, value, text) if type(value) == "number" then rows[#rows + 1] = { name, text(value) } end end
   add("memory, at most", h.peak_memory, console.bytes)
   add("of it tensors", h.pool_peak, console.bytes)
   add("processors kept busy", h.cores, function(n) return ("%.1f on average"):format(n) end)
   add("processors busy with anything", h.machine, function(n) return ("%.0f %%"):format(100 * n) end)
   add("temperature of the processor", h.temperature, function(n) return ("up to %.0f °C"):format(n) end)
   if h.throttled then rows[#rows + 1] = { "throttled", "the processor lowered its clock because of heat" } end
   for _, gpu in ipairs(type(h.gpus) == "table" and h.gpus or {}) do
      rows[#rows + 1] = { ("GPU %s, %s"):format(plain(gpu.index), gpu.name), gpu_text(gpu) }
   end
   return #rows > 0 and section("Hardware", rows_table(rows)) or nil
end

local function data_of(run)
   local photos = run.photos
   if type(photos) ~= "table" then return nil end
   local out = {
      rows_table { { "train", plain(photos.train) }, { "validate", plain(photos.val) },
         { "could not be read", plain(photos.bad) } },
      '<div class="scroll"><table><tr><th>class</th><th class="n">train</th><th class="n">validate</th></tr>',
   }
   for _, name in ipairs(type(run.classes) == "table" and run.classes or {}) do
      out[#out + 1] = ('<tr><td>%s</td><td class="n">%s</td><td class="n">%s</td></tr>'):format(escape(name),
         plain((photos.train_per_class or {})[name]), plain((photos.val_per_class or {})[name]))
   end
   out[#out + 1] = "</table></div>"
   return section("Photos", table.concat(out, "\n"))
end

-- evaluation.json, unless it tells of an earlier run in the same folder.
local function evaluation_of(folder)
   local path = folder .. "/evaluation.json"
   local made, ended = lfs.attributes(path, "modification"), lfs.attributes(folder .. "/run.json", "modification")
   return made and ended and made >= ended and read_json(path) or nil
end

--- The page as text, from the files in `folder`: run.json is required; history.csv, confusion.json ({classes, cells}) and
-- evaluation.json (scripts/evaluate.lua --output_dir) add their parts where they are.
function report_html.text(folder)
   local run = read_json(folder .. "/run.json")
   if not run then console.fail("%s: expected the folder of a training run, but there is no run.json in it", folder) end
   local evaluation = evaluation_of(folder)
   local confusion = evaluation and { classes = evaluation.classes, counts = evaluation.confusion }
      or from_cells(read_json(folder .. "/confusion.json"))
   local parts = { head_of(run), summary_of(run) }
   for _, part in ipairs {
      curves_of(folder) or "", confusion_of(confusion) or "", classes_of(evaluation) or "", worst_of(evaluation) or "",
      data_of(run) or "", hardware_of(run) or "", section("Arguments", rows_table(sorted(run.arguments or {}))),
      section("Versions", rows_table(sorted(run.versions or {}))),
   } do
      if part ~= "" then parts[#parts + 1] = part end
   end
   return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" '
      .. 'content="width=device-width, initial-scale=1">\n%s<link rel="icon" href="data:,">\n<title>%s</title>\n<style>\n%s'
      .. "</style>\n</head>\n<body>\n%s\n</body>\n</html>\n"):format(
      run.state == "running" and REFRESH or "", escape(run.model or "a run"), STYLE, table.concat(parts, "\n"))
end

--- Writes <folder>/report.html, whole or not at all. Returns its path.
function report_html.write(folder)
   local path = folder .. "/report.html"
   scute.files.write(path, report_html.text(folder))
   return path
end

return report_html
