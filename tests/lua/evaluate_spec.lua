local cjson = require "cjson"
local scute = require "scute"
local evaluate = require "scute.evaluate"
local metrics = require "scute.metrics"

local function read_text(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local function read(path)
   return cjson.decode(read_text(path))
end

-- Both sides compute in float64; sums differ in their order only.
local function near(expected, found, what)
   assert.is_true(type(found) == "number" and math.abs(expected - found) <= 1e-12 * math.max(1, math.abs(expected)),
      ("%s: expected %.17g, found %s"):format(what, expected, tostring(found)))
end

local function records_of(case)
   local records = {}
   for i, probabilities in ipairs(case.probabilities) do
      records[i] = evaluate.record(probabilities, math.tointeger(case.truth[i]))
   end
   return records
end

local function names(n)
   local list = {}
   for i = 1, n do list[i] = "class " .. i end
   return list
end

describe("scute.evaluate", function()
   local cases = read "tests/golden/metrics.json"

   it("agrees with scikit-learn", function()
      assert.equal(6, #cases)
      for number, case in ipairs(cases) do
         local result = evaluate.summary(records_of(case), names(case.classes), { resamples = 20 })
         local e = case.expected
         for _, key in ipairs { "accuracy", "balanced_accuracy", "log_loss", "calibration_error" } do
            near(e[key], result[key], ("case %d, %s"):format(number, key))
         end
         near(e.top_k, result.top5.accuracy, "top k")
         assert.equal(math.min(5, case.classes), result.top5.k)
         for _, average in ipairs { "macro", "weighted" } do
            for _, key in ipairs { "precision", "recall", "f1" } do
               near(e[average][key], result[average][key], ("case %d, %s %s"):format(number, average, key))
            end
         end
         for i, entry in ipairs(e.per_class) do
            for _, key in ipairs { "precision", "recall", "f1", "support" } do
               near(entry[key], result.per_class[i][key], ("case %d, class %d, %s"):format(number, i, key))
            end
            for j, count in ipairs(e.confusion[i]) do assert.equal(count, result.confusion.counts[i][j]) end
         end
      end
   end)

   local PHOTO = "tests/golden/images/exif1.jpg" -- a small one: this is about classes

   -- As a dense matrix 3,000 classes were 18 MB of JSON.
   it("keeps the numbers of thousands of classes small, and the page", function()
      local records, n = {}, 3000
      for i = 1, 2 * n do
         local truth = (i - 1) % n + 1
         local predicted = i % 3 == 0 and truth % n + 1 or truth
         records[i] = { path = PHOTO, truth = truth, predicted = predicted, confidence = 0.5, truth_probability = 0.5,
            rank = 1, loss = 0.7 }
      end
      local result = evaluate.summary(records, names(n), { resamples = 2 })
      local text = require "scute.base.json" (evaluate.to_table(result, names(n)))
      assert.is_true(#text < 1e6, #text)
      local found = cjson.decode(text)
      assert.is_nil(found.confusion)
      local again = metrics.confusion(n)
      for _, cell in ipairs(found.confusion_cells) do
         again:add_cells { { math.tointeger(cell[1]), math.tointeger(cell[2]), math.tointeger(cell[3]) } }
      end
      assert.same(result.confusion:cells(), again:cells())
      local folder = os.tmpname()
      os.remove(folder)
      scute.files.mkdirs(folder)
      scute.files.write(folder .. "/run.json", '{"model":"resnet18","state":"finished"}')
      evaluate.save(folder, result, records, names(n), {})
      local page = read_text(folder .. "/report.html")
      local mistakes = read(folder .. "/evaluation.json").mistakes
      os.execute(("rm -rf '%s'"):format(folder))
      assert.is_true(#page < 400000, #page)
      assert.same({ 15, 3, 4, PHOTO }, { #mistakes, mistakes[1].actual, mistakes[1].predicted, mistakes[1].path })
      assert.is_true(select(2, page:gsub("<image ", "")) >= 2) -- the map, and the photo, which is one for all
      -- 3, 6, ... are always taken for 4, 7, ...; so 2, 5, ... alone are right in both directions.
      assert.is_truthy(page:find("3000 classes, 3000 with photos; F1 is 1 in 1000 of them and 0 in 1000", 1, true))
      assert.is_truthy(page:find("<td>class 3</td>", 1, true))
      assert.is_nil(page:find("<td>class 2</td>", 1, true))
   end)

   it("shows few classes as rows", function()
      local found = evaluate.to_table(evaluate.summary(records_of(cases[2]), names(3), { resamples = 2 }), names(3))
      assert.same(found.confusion, cases[2].expected.confusion)
      assert.is_true(#found.confusion_cells > 0)
   end)

   it("ranks the truth, ties to the smaller class number", function()
      assert.equal(1, evaluate.record({ 0.5, 0.5 }, 1).rank)
      assert.equal(2, evaluate.record({ 0.5, 0.5 }, 2).rank)
      local record = evaluate.record({ 0.2, 0.7, 0.1 }, 3)
      assert.same({ 2, 3, 0.7, 0.1 }, { record.predicted, record.rank, record.confidence, record.truth_probability })
      assert.is_true(evaluate.record({ 1, 0 }, 2).loss < 40)
   end)

   it("draws the bootstrap from the seed alone", function()
      local records = records_of(cases[2])
      scute.manual_seed(5)
      local before = scute.rand(1):item()
      scute.manual_seed(5)
      local a = evaluate.bootstrap(records, 3, { resamples = 50, seed = 1 })
      assert.equal(before, scute.rand(1):item())
      assert.same(a, evaluate.bootstrap(records, 3, { resamples = 50, seed = 1 }))
      local b = evaluate.bootstrap(records, 3, { resamples = 50, seed = 2 })
      assert.is_false(a.accuracy[1] == b.accuracy[1] and a.balanced_accuracy[1] == b.balanced_accuracy[1])
   end)

   -- The 95 % interval of a share is near +-1.96 standard errors; 2000 resamples scatter its ends by a tenth of it.
   it("gives the width that the number of photos allows", function()
      local records = {}
      for i = 1, 400 do records[i] = evaluate.record(i % 5 == 0 and { 0.1, 0.9 } or { 0.9, 0.1 }, 1) end
      local interval = evaluate.bootstrap(records, 2).accuracy
      local half = 1.96 * math.sqrt(0.8 * 0.2 / 400)
      assert.is_true(math.abs(interval[1] - (0.8 - half)) < 0.15 * half, interval[1])
      assert.is_true(math.abs(interval[2] - (0.8 + half)) < 0.15 * half, interval[2])
   end)

   it("lists the worst first", function()
      local records = { evaluate.record({ 0.9, 0.1 }, 1), evaluate.record({ 0.9, 0.1 }, 2), evaluate.record({ 0.6, 0.4 }, 2) }
      local worst = evaluate.worst(records, { "a", "b" }, 2)
      assert.same({ 2, "b", "a", 0.1 }, { #worst, worst[1].truth, worst[1].predicted, worst[1].truth_probability })
      assert.is_true(worst[1].loss > worst[2].loss)
   end)

   it("refuses no photos at all", function()
      assert.error_matches(function() evaluate.summary({}, { "a", "b" }) end, "at least one photo")
      assert.error_matches(function() evaluate.bootstrap({}, 2) end, "at least one photo")
      local nothing = metrics.confusion(2):averages()
      assert.is_true(nothing.macro.f1 ~= nothing.macro.f1)
   end)
end)
