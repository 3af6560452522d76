-- What results print as: data sets, runs, scores, confusion, schedules, plans, figures, loaders, options; and that they are the
-- plain tables that scripts and files know.
local scute = require "scute"
local cjson = require "cjson"
local scratch = dofile "tests/lua/scratch.lua"
local as_text = require "scute.train.as_text"

local data, models, optim, schedule, train = scute.data, scute.models, scute.optim, scute.schedule, scute.train

local root, set, model, result

setup(function()
   root = scratch.make()
   set = data.open(root .. "/photos")
   model = models.create("resnet18", { classes = set.classes, image_size = 32 })
   model:freeze "backbone"
   result = train.fit(model, set, { optimizer = optim.sgd(model:groups { lr = 0.01 }), epochs = 2, workers = 0, batch_size = 8,
      ema = 0.5 })
end)

teardown(function() scratch.remove(root) end)

-- That a value prints as a text in which the patterns stand.
local function prints(value, ...)
   local text = tostring(value)
   for _, pattern in ipairs { ... } do assert.matches(pattern, text) end
end

describe("a data set prints", function()
   it("its classes, counts and split", function()
      prints(set, "^data set [^\n]*/photos: 27 photos in 2 classes, 21 train and 6 validate; split: drawn, 20 %%, seed 0\n",
         "\nclass  train  validate\nblue +%d+ +%d+\nred +%d+ +%d+$")
   end)

   it("the beginning of many classes", function()
      local none = { paths = {}, labels = {}, counts = {} }
      local many = require("scute.data.as_text").set { dir = "many", classes = {}, train = none, val = none, split = "val/",
         notes = { "it is many" }, broken = { { path = "x", message = "y" } } }
      for i = 1, 100 do many.classes[i] = "class " .. i end
      prints(many, "\nclass 19 +0 +0\n… 81 more classes\nnote: it is many\nleft out: 1 photo that cannot be read$")
   end)

   it("its parts and lists", function()
      prints(set.train, "^21 photos in 2 classes, 10 to 11 of each\n   [^\n]+/blue/%d+.bmp  class 1\n", "\n   … 18 more$")
      prints(data.list(root .. "/photos"), "^27 photos in 2 classes, 13 to 14 of each\n")
      prints(data.everything(root .. "/photos"), "^photos of [^\n]*: 27 photos in 2 classes, without a split\n")
   end)
end)

describe("a run prints", function()
   it("what came out and its history", function()
      prints(result, "^run of 2 epochs in [%d.]+ s: accuracy [%d.]+ in epoch [12], the best\n",
         "\nepoch  rate    loss  accuracy  val loss  val accuracy  averaged\n    1  0.01  %d", "\naveraged weights: accuracy")
      prints(result.confusion, "^confusion of 6 photos in 2 classes: accuracy [%d.]+, [%d.]+ averaged over classes\n",
         "\nis \\ said  blue  red\nblue")
   end)

   it("the worst photos of its best epoch, in a line among the other figures of that", function()
      prints(result.best.worst, "^  loss  is  ", "\n%d%.%d%d%d%d  %l+ +%l+ +0%.%d%d%d  %S+$")
      local show = require "scute.repl.show"
      assert.matches("\n   worst = the 6 photos of highest loss", show.text(result.best))
      prints(as_text.worst { { path = "b\xff.jpg", truth = "a", predicted = "b", loss = 1, probability = 0.5 } }, "b%?.jpg$")
   end)

   it("the ends of a long history", function()
      local rows = {}
      for i = 1, 100 do rows[i] = { epoch = i, rates = { head = 0.1 }, train_loss = 1 / i, val_loss = 2 / i } end
      local text = tostring(as_text.history(rows))
      assert.equal(22, select(2, (text .. "\n"):gsub("\n", "")))
      assert.matches("\n    5 [^\n]+\n    …\n   86 ", text)
      assert.equal(101, select(2, (getmetatable(rows).__all(rows) .. "\n"):gsub("\n", "")))
   end)

   it("all metrics, also those that are called as the library's own figures are", function()
      local row = { epoch = 1, step = 3, rates = { head = 0.1 }, train_loss = 1, train_accuracy = 0.5, val_loss = 2,
         val_accuracy = 0.25, balanced = 0.25, cost = 3, focal_loss = 4, my_accuracy = 50, ema_val_loss = 1,
         ema_val_accuracy = 0.5, ema_balanced = 0.5, ema_cost = 5 }
      prints(as_text.history { row }, "val accuracy  cost  focal_loss  my_accuracy  averaged\n[^\n]*0.250     3           4"
         .. "           50")
      local panels = scute.plot.curves({ row }).height
      row.focal_loss, row.my_accuracy = nil, nil
      assert.equal(290, panels - scute.plot.curves({ row }).height) -- two panels make a row of their own
   end)

   it("before its first epoch and without a best one", function()
      prints(setmetatable({ history = as_text.history {}, interrupted = true }, as_text.RESULT),
         "^run of 0 epochs, interrupted\nno epoch is finished$")
   end)
end)

describe("what a model says prints", function()
   it("as scores, records, numbers and predictions", function()
      prints(scute.score(model, set.val, { want = { "guesses", "losses", "logits" } }),
         "^scores of 6 photos: accuracy [%d.]+, mean loss [%d.]+\n", "logits +%(6, 2%)")
      local records = scute.evaluate.photos(model, set.val, set.classes)
      prints(records, "^records of 6 photos: accuracy [%d.]+\nphoto +class  said +sure +loss\n")
      prints(scute.evaluate.summary(records, set.classes), "^evaluation of 6 photos: accuracy", "\nlog loss",
         "\nconfusion of 6 photos")
      prints(scute.predict.photos(model, set.val.paths), "^predictions of 6 photos\nphoto +class +sure  or",
         "blue/%d+.bmp +%l+ +[%d.]+ %% +%l+ +[%d.]+ %%")
   end)
end)

describe("what a run is given prints", function()
   it("as schedules with the course of the rate", function()
      prints(schedule.cosine { epochs = 1 }, "  the rate over 1 epoch$")
      prints(schedule.cosine(10), "^schedule cosine { epochs = 10, minimum = 0 }\n   █", "▁  the rate over 10 epochs$")
      prints(schedule.step(3), "the rate over a run of 10 epochs$")
      prints(schedule.warmup(2):then_(schedule.cosine(8)), "^schedule warmup { epochs = 2 }, then cosine")
      prints(schedule.plateau(), "^schedule plateau { [^\n]* }$")
      prints(schedule.custom(function() error "is not called" end), "^schedule custom$")
   end)

   it("as a plan, options and an optimizer", function()
      prints(train.unfreeze.plan(model, "gradual", { epochs = 10 }), "^unfreezing over 10 epochs", "\n  fc +##########")
      prints(train.options { epochs = 3, device = "cpu", hooks = {} },
         "^options of train.fit\n   hooks      {}\n   arguments  {…}\n   epochs     3\n   device     'cpu'$")
      prints(optim.sgd(model:groups { lr = 0.01 }), "layer4 [^\n]* 8,393,728 frozen")
   end)
end)

describe("the rest prints", function()
   it("as figures, loaders, models and classes", function()
      prints(scute.plot.curves(result.history), '^figure of %d+ x %d+: "[^"]+"; figure:show%(%) draws it')
      local loader = scute.loader { paths = set.val.paths, preprocess = model.preprocessing, batch_size = 2 }
      prints(loader, "^loader of 3 batches")
      loader:close()
      local one <close> = scute.loader { paths = set.val.paths, preprocess = model.preprocessing, batch_size = 100 }
      prints(one, "^loader of 1 batch; 'for x, y, indices in loader do' goes through it$")
      prints(loader, "^loader %(closed%)$")
      prints(models.info "resnet18", "^model +parameters[^\n]*\nresnet18 +11,689,512")
      prints(scute.nn.Linear, "^class Linear { in_features, out_features, bias = true")
      prints(scute.metrics.mean():add(3, 2), "^mean 3 of 2 samples$")
      prints(scute.metrics.mean(), "^mean of 0 samples$")
   end)
end)

describe("what prints readably", function()
   it("has no other fields than before", function()
      for _, value in ipairs { set, set.train, result, result.history, models.info "resnet18" } do
         for key in pairs(value) do assert.is_true(type(key) == "number" or not key:find "^_", key) end
      end
      assert.same({ paths = { "a" }, labels = { 1 } }, require("scute.data.as_text").part { paths = { "a" }, labels = { 1 } })
   end)

   it("is written to JSON as ever", function()
      assert.equal('{"paths":["a"]}', cjson.encode(require("scute.data.as_text").part { paths = { "a" } }))
      assert.equal('[{"epoch":1}]', cjson.encode(as_text.history { { epoch = 1 } }))
   end)
end)
