-- How well individuals are known again: the figures of embeddings whose neighbours are known, what is told and left of them,
-- and the pictures.
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local as_text = require "scute.reid.evaluate.as_text"
local console = require "scute.base.console"
local csv = require "scute.base.csv"
local metrics = require "scute.metrics"
local pictures = require "scute.evaluate_reid.pictures"
local plot = scute.plot
local evaluate = require "scute.reid.evaluate"
local save = require "scute.evaluate_reid.save"
local tell = require "scute.evaluate_reid.tell"

local PHOTO = "tests/golden/images/exif1.jpg" -- a small one
local root

-- Photos of directions in a plane, by degrees: { identity, degrees, side, day }.
local function embedded(list)
   local x, rows = {}, {}
   for i, entry in ipairs(list) do
      local angle = math.rad(entry[2])
      x[i] = { math.cos(angle), math.sin(angle) }
      rows[i] = { file = ("%s/%d.jpg"):format(entry[1] or "nobody", i), path = PHOTO, identity = entry[1] or nil,
         side = entry[3], date = entry[4], encounter = entry[4] and entry[1] .. " " .. entry[4] or nil,
         box = i == 1 and { 0, 0, 8, 8 } or nil }
   end
   return { x = scute.tensor(x, { dtype = "f32" }), rows = rows }
end

local GALLERY = { { "ada", 0, "left", "2001-01-01" }, { "ada", 10, "right", "2001-01-01" }, { "bob", 90, "left", "2001-02-01" },
   { "bob", 100, "right", "2001-02-01" }, { "cy", 180, "left", "2001-03-01" } }
local QUERIES = { { "ada", 2, "left", "2002-01-01" }, { "ada", 80, "right", "2002-01-01" }, { "bob", 92, "left", "2002-02-01" },
   { "bob", 97, "right", "2002-02-01" }, { "cy", 175, "left", "2002-03-01" }, { "new", 50, "left", "2002-04-01" },
   { false, 33 } }

-- What is similar from cos(20 degrees) on is the same with 0.9, else with 0.1.
local function calibration()
   local near = math.cos(math.rad(20))
   return metrics.calibration { kind = "isotonic", scores = { near - 1e-3, near }, probabilities = { 0.1, 0.9 } }
end

local function measured(more)
   local o = { queries = embedded(QUERIES), gallery = embedded(GALLERY), calibration = calibration(), text = "made up, closed" }
   for name, value in pairs(more or {}) do o[name] = value end
   return evaluate(o)
end

local function near(expected, found, tolerance)
   assert.is_true(type(found) == "number" and math.abs(expected - found) <= (tolerance or 1e-9),
      ("expected %.12g, found %s"):format(expected, tostring(found)))
end

setup(function()
   root = os.tmpname()
   os.remove(root)
   scute.files.mkdirs(root)
end)

teardown(function() os.execute(("rm -rf '%s'"):format(root)) end)

describe("reid.evaluate", function()
   it("counts the closed set, by photo, by individual and by encounter", function()
      local found = measured()
      assert.same({ 6, 1, 5, 1 }, { found.photos, found.left_out, found.closed.queries, found.closed.without })
      near(4 / 5, found.closed.top[1]) -- the second photo of ada is nearer to bob
      near(1, found.closed.top[5])
      near((1 / 2 + 1 + 1) / 3, found.closed.balanced)
      assert.same({ 5, 3 }, { found.gallery.photos, found.gallery.individuals })
      near((1 / 2 + 1 + 1) / 3, found.encounters.mean)
      -- Two photos of ada's encounter say ada and bob; that of the first is the more similar.
      near(1, found.encounters.vote)
      assert.equal(3, found.encounters.count)
      local low, high = metrics.interval(4, 5)
      assert.same({ low, high }, found.closed.interval)
   end)

   it("tells of each individual, also of new ones", function()
      local of = {}
      for _, entry in ipairs(measured().individuals) do of[entry.identity] = entry end
      assert.same({ 2, 2, 1, 0.5, "bob", true }, { of.ada.photos, of.ada.gallery, of.ada.encounters, of.ada.right,
         of.ada.taken_for, of.ada.known })
      assert.same({ 1, 0, false, 0.0 }, { of.new.photos, of.new.gallery, of.new.known, of.new.right })
      assert.is_nil(of.new.map)
      near(1, of.bob.map)
   end)

   it("tells of each side, in all of the gallery, among that side, and among the others", function()
      local sides = measured().sides
      assert.same({ "left", "right" }, { sides[1].side, sides[2].side })
      assert.same({ 3, 1.0, 1.0, 3 }, { sides[1].photos, sides[1].top1, sides[1].same, sides[1].same_photos })
      assert.same({ 1.0, 2 }, { sides[1].other, sides[1].other_photos }) -- of cy there is no right side
      near(1 / 2, sides[2].top1)
      assert.same({}, measured({ queries = embedded { { "ada", 2 } } }).sides)
   end)

   it("says who is new by a threshold and by what is likelier, and what probabilities are worth", function()
      local open = measured().open
      -- ada's second photo (10 degrees from bob) is named bob; the new one is 40 degrees from its nearest.
      near((1 / 2 + 1 + 1) / 3, open.known)
      near(1, open.unknown)
      near(math.sqrt(5 / 6), open.root)
      assert.same({ 1, 5, false }, { open.unknown_photos, open.known_photos, open.made })
      local right = { true, false, true, true, true, false }
      near((metrics.calibration_error({ 0.9, 0.9, 0.9, 0.9, 0.9, 0.1 }, right)), open.calibration_error)
      local all = measured { threshold = math.cos(math.rad(60)) }.open
      near(0, all.unknown)
      near(open.root, all.likelier.root)
      near(1, all.auc)
   end)

   it("makes new individuals where no photo is of one", function()
      local list = table.move(QUERIES, 1, 5, 1, {})
      local found = measured { queries = embedded(list) }
      assert.is_true(found.open.made)
      assert.equal(5, found.open.unknown_photos)
      assert.equal(5, #found.answers) -- the made ones are not among these
      -- Without bob's own photos all of bob's are far from others; ada's second is still near bob.
      near((1 / 2 + 1 + 1) / 3, found.open.unknown)
   end)

   it("compares pairs of the same and of different ones", function()
      local pairs_found = measured().pairs
      assert.same({ 30, false }, { pairs_found.of, pairs_found.drawn })
      assert.same({ 2 * 2 + 2 * 2 + 1, 21 }, { #pairs_found.same, #pairs_found.different })
      assert.is_true(pairs_found.auc > 0.9 and pairs_found.eer < 0.25)
   end)

   it("knows what is wrong, the most similar first", function()
      local failures = measured().failures
      assert.equal(1, #failures)
      assert.same({ "ada", "bob", 3 }, { failures[1].truth, failures[1].said, failures[1].rank })
      assert.equal(2, #measured({ threshold = 0 }).failures) -- the new one is named, too
   end)

   it("tells the share of photos whose encounter is in the gallery", function()
      assert.equal(0.0, measured().leak)
      local list = table.move(QUERIES, 1, #QUERIES, 1, {})
      list[1] = { "ada", 2, "left", "2001-01-01" }
      local found = measured { queries = embedded(list) }
      near(1 / 6, found.leak)
      assert.matches("16%.7 %% of these photos are of an encounter in the gallery: they may be known by their background",
         tostring(found))
      assert.is_nil(measured({ queries = embedded { { "ada", 2 } } }).leak)
      local other = embedded { { "bob", 92, "left", "2002-01-01" } }
      other.rows[1].encounter = "ada 2001-01-01" -- of two animals that were met together
      assert.equal(0.0, measured({ queries = other }).leak)
   end)

   it("compares photos among one another, but for their own encounter", function()
      local found = evaluate { queries = embedded { { "ada", 0, nil, "2001-01-01" }, { "ada", 1, nil, "2001-01-01" },
         { "ada", 5, nil, "2002-01-01" }, { "bob", 6, nil, "2001-01-01" }, { "bob", 90, nil, "2003-01-01" },
         { "cy", 120, nil, "2003-01-01" } }, calibration = calibration(), text = "individuals apart" }
      assert.is_true(found.among)
      assert.is_nil(found.open)
      assert.same({ 5, 1 }, { found.closed.queries, found.closed.without }) -- of cy there is one encounter
      -- 0 and 1 find 5 first, 5 finds 6, 6 finds 5, 90 finds 120.
      near(2 / 5, found.closed.top[1])
      assert.equal(30 - 2, found.pairs.of)
      assert.matches("they look among one another, each but for its own encounter", tostring(found))
   end)

   it("prints every figure below its protocol", function()
      local text = tostring(measured())
      assert.matches("^6 photos in a gallery of 5 of 3 individuals; split: made up, closed\nnone of these photos is ", text)
      for _, words in ipairs { "\nclosed set: 5 photos %(1 more are of individuals that are not in the gallery%)\ntop%-1 +0.8",
         "\nby side\nside +photos +top%-1", "\nopen set\nknown +0.833 +of 5 photos of 3 individuals: named right %(balanced%)",
         "\nindividuals known again worst %(1 of 4%)\n[^\n]+\nada " } do
         assert.matches(words, text)
      end
   end)

   it("is empty of photos of nobody known, and refuses what it cannot compare", function()
      local found = measured { queries = embedded { { false, 3 } } }
      assert.same({ 0, 1 }, { found.photos, found.left_out })
      assert.matches("^evaluation of 0 photos", tostring(found))
      assert.error_matches(function() evaluate { queries = embedded(QUERIES), gallery = embedded { { false, 1 } } } end,
         "no individual in the gallery is known by name")
      assert.error_matches(function() evaluate { queries = { x = scute.zeros(2, 2), rows = {} } } end,
         "expected { x = embeddings %(N, D%), rows = N rows of a catalogue }")
   end)
end)

describe("an evaluation of individuals", function()
   local OPT = { model = "best.safetensors", data_dir = "turtles", split = "test" }

   local function read(path)
      local file <close> = assert(io.open(path, "rb"))
      return file:read "a"
   end

   it("leaves figures, tables and pictures, and a part of the run's report", function()
      local found = measured()
      found.bad, found.x = {}, embedded(table.move(QUERIES, 1, 6, 1, {})).x
      scute.files.write(root .. "/run.json", '{"model":"resnet18","state":"finished"}')
      scute.files.write(root .. "/reid.json", '{"text":"made up, closed","leak":0.25,"photos":{"train":5,"val":0,"test":7}}')
      console.quiet = true
      save.save(root, found, OPT)
      console.quiet = false
      local json = cjson.decode(read(root .. "/reid_evaluation.json"))
      near(0.8, json.closed.top_1)
      assert.same({ "made up, closed", 6, 1, 4 }, { json.protocol, json.photos, #json.failures, #json.individuals })
      assert.equal("ada/2.jpg", json.failures[1].file)
      local rows = csv.parse(read(root .. "/individuals.csv"))
      assert.same({ 5, "ada" }, { #rows, rows[2][1] })
      assert.equal(7, #csv.parse(read(root .. "/answers.csv")))
      for _, name in ipairs(pictures.NAMES) do
         assert.is_truthy(lfs.attributes(("%s/reid_%s.png"):format(root, name)), name)
      end
      local page = read(root .. "/report.html")
      for _, words in ipairs { "Who is it?", "80.0&nbsp;%", "made up, closed", "Individuals known again worst", "<td>ada</td>",
         "By side", "25.0 % of the photos that test are of an encounter that trains: they may be known" } do
         assert.is_truthy(page:find(words, 1, true), words)
      end
      local few = measured { queries = embedded { { "ada", 2 } }, calibration = false }
      few.bad = {}
      console.quiet = true
      save.save(root, few, OPT)
      console.quiet = false
      assert.is_nil(lfs.attributes(root .. "/reid_calibration.png")) -- that of before is gone
   end)

   it("is one JSON document, also of nothing", function()
      local text = require "scute.base.json" (tell.to_table(measured { queries = embedded { { false, 3 } } }, OPT))
      local found = cjson.decode(text)
      assert.same({ 0, 1 }, { found.photos, found.left_out })
      assert.is_true(found.closed == nil and found.failures == nil)
   end)

   it("lists the worst individuals by share, then by photos, then by name", function()
      local function one(identity, right, photos, known)
         return { identity = identity, right = right, photos = photos, known = known ~= false }
      end
      local worst = as_text.worst({ one("d", 0.5, 2), one("b", 0, 1), one("a", 0, 1), one("c", 0, 3), one("e", 1, 9),
         one("f", 0, 9, false) }, 3)
      assert.same({ "c", "a", "b" }, { worst[1].identity, worst[2].identity, worst[3].identity })
   end)
end)

describe("pictures of individuals", function()
   it("have room for what there is", function()
      local function photo(good) return { path = PHOTO, lines = { "a", "b" }, good = good } end
      local wide = plot.rank_lists { { query = photo(), candidates = { photo(true), photo(false), photo() } },
         { query = photo(), candidates = {} } }
      local narrow = plot.rank_lists({ { query = photo(), candidates = { photo(true) } } }, { side = 60 })
      assert.is_true(wide.width > narrow.width and wide.height > narrow.height)
      assert.is_true(#wide:png(1) > 1000)
      local two = plot.photo_pairs { { first = photo(true), second = photo(true) }, { first = photo(), second = photo() },
         { first = photo(), second = { path = "gone.jpg" } } }
      assert.is_true(#two:png(1) > 1000)
      assert.is_true(two.height > plot.photo_pairs({ { first = photo(), second = photo() } }).height)
      local long = { subtitle = ("split: time-aware, closed set, "):rep(6) }
      for _, figure in ipairs { plot.rank_lists({}, long), plot.photo_pairs({}, long), plot.similarities({}, {}, long) } do
         assert.is_true(figure.width > 800, "the protocol is cut off")
      end
      for _, empty in ipairs { plot.rank_lists {}, plot.photo_pairs {} } do assert.is_true(#empty:png(1) > 300) end
   end)

   it("show the part of a photo that counts", function()
      local drawn = {}
      for i, box in ipairs { false, { 0, 0, 4, 4 } } do
         drawn[i] = plot.photos({ { path = PHOTO, crop = box and { box = box } or nil } }):png(1)
      end
      assert.is_true(drawn[1] ~= drawn[2])
   end)

   it("are drawn of any similarities, and of none", function()
      for _, case in ipairs { { { 0.9, 0.8, 1 }, { 0.1, 0.2, -1 } }, { { 0.5 }, {} }, { {}, {} }, { { 0.5, 0.5 }, { 0.5 } } } do
         assert.is_true(#plot.similarities(case[1], case[2], { threshold = 0.4 }):png(1) > 500)
      end
      assert.error_matches(function() plot.similarities({ 0 / 0 }, {}) end, "same: expected numbers, found %-?nan at place 1")
      assert.error_matches(function() plot.similarities(3, {}) end, "expected same as a list of similarities, found 3")
   end)

   it("are drawn of probabilities, and of none", function()
      local _, bins = metrics.calibration_error({ 0.1, 0.9, 0.8 }, { false, true, false })
      assert.is_true(#plot.calibration(bins):png(1) > 500)
      _, bins = metrics.calibration_error({}, {})
      assert.is_true(#plot.calibration(bins):png(1) > 500)
      assert.error_matches(function() plot.calibration {} end, "the ranges that metrics.calibration_error returns")
   end)

   it("refuse what is no photo", function()
      assert.error_matches(function() plot.rank_lists { {} } end, "plot.rank_lists: entry 1: expected photos")
      assert.error_matches(function() plot.photo_pairs { { first = { path = "a" } } } end, "entry 1: expected photos")
      assert.error_matches(function() plot.photo_pairs(3) end, "expected a list of pairs, found 3")
   end)
end)
