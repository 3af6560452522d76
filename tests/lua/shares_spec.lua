-- What each photo has to do with a figure (see scute.experiment.shares), and the records that hold it.
local scute = require "scute"
local named = require "scute.metrics.named"
local record = require "scute.experiment.record"
local shares = require "scute.experiment.shares"

-- Whether photo i is answered wrongly: about every fourth is, in no order.
local function is_wrong(i)
   local h = i * 374761393 & 0xffffffff
   h = (h ~ (h >> 13)) * 1274126177 & 0xffffffff
   return (h ~ (h >> 16)) % 4 == 0
end

-- Answers of n photos of three classes.
local function answers(n)
   local said = { labels = {}, predicted = {}, photos = {}, classes = { "a", "b", "c" } }
   local scores = {}
   for i = 1, n do
      said.labels[i], said.photos[i] = (i - 1) % 3 + 1, ("photo %d"):format(i)
      said.predicted[i] = is_wrong(i) and said.labels[i] % 3 + 1 or said.labels[i]
      for class = 1, 3 do scores[#scores + 1] = class == said.predicted[i] and 2.0 or 0.1 * class end
   end
   said.logits = scute.tensor(scores):reshape(n, 3)
   return said
end

local function mean(list)
   local sum = 0
   for _, value in ipairs(list) do sum = sum + value end
   return sum / #list
end

local function variance_of_mean(list)
   local center, sum = mean(list), 0
   for _, value in ipairs(list) do sum = sum + (value - center) ^ 2 end
   return sum / (#list - 1) / #list
end

local function accuracy(seen)
   return seen.confusion:accuracy()
end

local ROUNDING = 1e-9 -- of sums of some dozen numbers, n times as large

describe("shares.of_metric", function()
   it("are the values themselves where a metric is a mean", function()
      local said = answers(24)
      local of_accuracy = shares.of_accuracy(said)
      for i, value in ipairs(shares.of_metric(said, accuracy)) do
         assert.is_true(math.abs(value - of_accuracy[i]) < ROUNDING)
      end
   end)

   it("average to about the figure of another one", function()
      local said = answers(60)
      local list = shares.of_metric(said, named.get "f1")
      assert.equal(60, #list)
      assert.is_true(math.abs(mean(list) - mean(shares.of_accuracy(said))) < 0.05)
   end)

   it("know scores, classes and names of the photos that are left", function()
      local said = answers(12)
      local function checked(seen)
         assert(#seen.truth == #seen.paths and seen.logits.shape[1] == #seen.truth and #seen.classes == 3)
         assert(seen.probabilities.shape[1] == #seen.truth)
         for i, class in ipairs(seen.predicted) do assert(seen.logits:argmax(2):values()[i] == class) end
         return #seen.truth
      end
      assert.same({ 23, 23 }, { table.unpack(shares.of_metric(said, checked), 1, 2) }) -- 12 * 12 - 11 * 11
   end)

   it("have about the same spread where photos are left out in groups", function()
      local said = answers(235)
      local one_by_one = variance_of_mean(shares.of_metric(said, accuracy))
      local grouped = variance_of_mean(shares.of_metric(said, accuracy, 47))
      assert.is_true(grouped > 0.5 * one_by_one and grouped < 2 * one_by_one, grouped / one_by_one)
   end)

   it("are looked for in groups where there are many photos", function()
      assert.same({ 1000, 2000, 400, 200 }, { shares.groups(1000, 10), shares.groups(2000, 10), shares.groups(10000, 10),
         shares.groups(1000000, 10) })
   end)

   it("are none where the figure of some photos without another is none", function()
      local said = answers(6)
      assert.is_nil(shares.of_metric(said, function(seen) return #seen.truth == 6 and 1 or 0 / 0 end))
      assert.is_nil(shares.of_metric(said, function(seen) return #seen.truth == 6 and 1 or error "none" end))
   end)

   it("leave random numbers as they were", function()
      local state = scute.rng_state()
      shares.of_metric(answers(6), function() return scute.rand(1):item() end)
      assert.same(state, scute.rng_state())
   end)
end)

describe("record.read", function()
   local path

   local function write(change)
      local found = { state = "finished", variant = "a", run = "seed0", seed = 0, metric = "accuracy", epochs = 1,
         figures = { accuracy = 0.5 }, classes = { "x", "y" }, photos = { "p", "q" }, labels = { 1, 2 }, predicted = { 1, 1 },
         values = { accuracy = { 1, 0 } }, curve = { { epoch = 1, val_accuracy = 0.5, val_loss = 0 / 0 } } }
      for name, value in pairs(change or {}) do found[name] = value end
      record.write(path, record.RESULT, found)
      return record.read(path .. "/" .. record.RESULT)
   end

   setup(function()
      path = os.tmpname()
      os.remove(path)
      scute.files.mkdirs(path)
   end)

   teardown(function() os.execute(("rm -r '%s'"):format(path)) end)

   it("gives back what was written, with whole numbers as such and no nulls", function()
      local found = assert(write { epochs = 3 })
      assert.equal("integer", math.type(found.labels[2]))
      assert.same({ 3, { { epoch = 1, val_accuracy = 0.5 } } }, { found.epochs, found.curve })
   end)

   it("refuses what is damaged or no record", function()
      for what, change in pairs { ["there is no f1"] = { metric = "f1" }, ["expected 2 classes"] = { predicted = { 1 } },
         ["values of accuracy: expected 2 numbers"] = { values = { accuracy = { 1 } } }, ["state"] = { state = "begun" },
         ["labels: expected 2 classes"] = { labels = { 1, 3 } }, ["figures are missing"] = { figures = {} } } do
         local found, why = write(change)
         assert.is_nil(found)
         assert.matches(what, why)
      end
      for what, change in pairs { ["epochs: expected a whole number"] = { epochs = 1.5 },
         ["epochs: expected one at least, with their curve"] = { state = "paused", epochs = 2 },
         ["state: expected finished or paused"] = { state = "tested" }, ["seconds: expected a number"] = { seconds = "1" },
         ["content: expected texts"] = { content = { run = 3 } }, ["model: expected"] = { model = 3 } } do
         assert.matches(what, select(2, write(change)))
      end
      local file <close> = assert(io.open(path .. "/cut.json", "w"))
      file:write '{ "format": 1, "state": '
      file:flush()
      assert.matches("cut.json is damaged or was cut off %(", select(2, record.read(path .. "/cut.json")))
      assert.matches("No such file", select(2, record.read(path .. "/none.json")))
   end)

   it("refuses numbers that are none, which scute does not write", function()
      for _, word in ipairs { "NaN", "-Infinity", "1e999" } do
         local file <close> = assert(io.open(path .. "/" .. record.RESULT, "w"))
         file:write(('{ "format": 1, "state": "finished", "figures": { "accuracy": %s } }'):format(word))
         file:flush()
         assert.matches("is damaged or was cut off %(a number in it is none%)",
            select(2, record.read(path .. "/" .. record.RESULT)))
      end
   end)

   it("refuses that of another run", function()
      assert(write())
      local name = path .. "/" .. record.RESULT
      assert.is_truthy(record.read(name, { variant = "a", run = "seed0" }))
      assert.matches("it is of 'a', seed0, not of 'a', seed1$", select(2, record.read(name, { variant = "a", run = "seed1" })))
      assert.matches("it is of 'a', seed0, not of 'b', seed0$", select(2, record.read(name, { variant = "b", run = "seed0" })))
   end)
end)
