-- The metrics of re-identification, against scikit-learn and pytorch-metric-learning (tests/golden/make_reid_metrics.py), and
-- where those say nothing: ties, empty sets, NaN, photos that do not count.
local scute = require "scute"
local json_file = require "scute.base.json_file"
local metrics = scute.metrics

local golden = assert(json_file.read "tests/golden/reid_metrics.json")

local function near(expected, found, tolerance, what)
   assert.is_true(type(found) == "number" and math.abs(expected - found) <= tolerance,
      ("%s: expected %.17g, found %s"):format(what, expected, tostring(found)))
end

local function is_nan(value) return value ~= value end

local function tensor(rows) return scute.tensor(rows, { dtype = "f32" }) end

describe("metrics.retrieval", function()
   -- Each without itself, where the queries look among themselves.
   local function run(case, more)
      local o = { queries = tensor(case.queries), gallery = tensor(case.gallery or case.queries),
         query_labels = case.query_labels, gallery_labels = case.gallery_labels, top = { 1, 3, 5 },
         exclude = not case.gallery and function(q) return { q } end or nil }
      for name, value in pairs(more or {}) do o[name] = value end
      return metrics.retrieval(o)
   end

   it("agrees with scikit-learn and pytorch-metric-learning", function()
      assert.equal(3, #golden.retrieval)
      for number, case in ipairs(golden.retrieval) do
         local found, what = run(case), "case " .. number
         near(case.map, found.map, 1e-9, what .. " mAP")
         near(case.map_at_r, found.map_at_r, 1e-5, what .. " MAP@R") -- theirs is float32
         for _, entry in ipairs(case.top) do near(entry[2], found.top[entry[1]], 1e-12, what .. " top-" .. entry[1]) end
         assert.equal(case.counted, found.queries, what)
         assert.equal(#case.query_labels - case.counted, found.without, what)
      end
   end)

   it("says the same on the reference backend", function()
      for _, case in ipairs(golden.retrieval) do
         local whole = run(case, { keep = 4 })
         local plain = run(case, { keep = 4, queries = tensor(case.queries):to "ref",
            gallery = tensor(case.gallery or case.queries):to "ref" })
         assert.same({ whole.ranks, whole.precisions, whole.top }, { plain.ranks, plain.precisions, plain.top })
         assert.equal(whole.nearest[1][4].row, plain.nearest[1][4].row)
      end
   end)

   it("says the same in blocks of any size and of lists of rows to leave out", function()
      for _, case in ipairs(golden.retrieval) do
         local whole, lists = run(case, { keep = 4 }), {}
         for q = 1, #case.query_labels do lists[q] = not case.gallery and { q, q } or false end
         for _, block in ipairs { 1, 7 } do
            local part = run(case, { block = block, exclude = lists, keep = 4 })
            assert.same({ whole.map, whole.map_at_r, whole.top, whole.ranks, whole.precisions },
               { part.map, part.map_at_r, part.top, part.ranks, part.precisions })
            for q, list in ipairs(whole.nearest) do
               for k, entry in ipairs(list) do assert.equal(entry.row, part.nearest[q][k].row) end
            end
         end
      end
   end)

   -- Four directions in a plane: 1 east, 2 north, 3 west, 4 north-east.
   local PLANE = { { 2, 0 }, { 0, 3 }, { -1, 0 }, { 1, 1 } }

   it("tells ranks, the nearest and the first right ones", function()
      local found = metrics.retrieval { queries = tensor { { 1, 0 }, { 0, 1 } }, gallery = tensor(PLANE),
         query_labels = { "c", "b" }, gallery_labels = { "a", "b", "c", "b" }, keep = 9 }
      assert.same({ 4, 1 }, found.ranks)
      assert.same({ 1 / 4, 1 }, found.precisions)
      assert.equal((1 / 4 + 1) / 2, found.map)
      assert.equal(1 / 2, found.map_at_r)
      assert.same({ [1] = 0.5, [5] = 1.0, [10] = 1.0 }, found.top)
      assert.same({ 1, 4, 2, 3 }, { found.nearest[1][1].row, found.nearest[1][2].row, found.nearest[1][3].row,
         found.nearest[1][4].row })
      near(math.sqrt(0.5), found.nearest[1][2].similarity, 1e-6, "similarity")
      assert.equal(3, found.right[1].row)
      near(-1, found.right[1].similarity, 1e-6, "similarity of the right one")
      assert.matches("^2 queries in a gallery of 4\ntop%-1 +0.500\n.*\nMAP@R +0.500$", tostring(found))
   end)

   it("puts equal similarities in the order of the gallery", function()
      local same = tensor { { 1, 0 }, { 1, 0 }, { 1, 0 } }
      local function rank(labels)
         return metrics.retrieval { queries = tensor { { 1, 0 } }, gallery = same, query_labels = { 7 },
            gallery_labels = labels }.ranks[1]
      end
      assert.same({ 1, 2, 3 }, { rank { 7, 8, 9 }, rank { 8, 7, 9 }, rank { 8, 9, 7 } })
   end)

   it("leaves out queries without anything to find, and says how many", function()
      local o = { queries = tensor { { 1, 0 }, { 1, 0 }, { 1, 0 } }, gallery = tensor(PLANE),
         query_labels = { "nobody", false, "a" }, gallery_labels = { "a", "b", "c", false }, keep = 2 }
      local found = metrics.retrieval(o)
      assert.same({ 1, 2, 1.0 }, { found.queries, found.without, found.top[1] })
      assert.same({ false, false, 1 }, found.ranks)
      assert.same({ false, false }, { found.right[1], found.right[2] })
      o.block = 1 -- blocks in which no query has anything to find
      assert.same({ false, false }, { table.unpack(metrics.retrieval(o).right, 1, 2) })
      o.block = nil
      assert.equal(2, #found.nearest[1])
      assert.matches("; 2 more are of individuals that are not in it", tostring(found))
      o.exclude = { false, false, { 1 } } -- all that there is of "a"
      found = metrics.retrieval(o)
      assert.same({ 0, 3 }, { found.queries, found.without })
      assert.is_true(is_nan(found.map) and is_nan(found.map_at_r) and is_nan(found.top[1]))
      assert.equal(4, found.nearest[3][1].row) -- the first is not compared with
      o.exclude = function() return { 1, 2, 3, 4 } end
      assert.same({}, metrics.retrieval(o).nearest[1])
   end)

   it("takes labels as tensors", function()
      local found = metrics.retrieval { queries = tensor { { 1, 0 } }, gallery = tensor(PLANE),
         query_labels = scute.tensor({ 3 }, { dtype = "i64" }),
         gallery_labels = scute.tensor({ 1, 2, 3, 4 }, { dtype = "i64" }) }
      assert.same({ 4 }, found.ranks)
   end)

   it("refuses what cannot be compared", function()
      local function refused(message, change)
         local o = { queries = tensor { { 1, 0 } }, gallery = tensor(PLANE), query_labels = { 1 },
            gallery_labels = { 1, 2, 3, 4 } }
         for name, value in pairs(change) do o[name] = value end
         assert.error_matches(function() metrics.retrieval(o) end, message)
      end
      refused("queries of 3 numbers and a gallery of 2", { queries = tensor { { 1, 0, 0 } } })
      refused("queries: row 1 holds NaN", { queries = tensor { { 0 / 0, 1 } } })
      refused("gallery: row 2 holds zeros alone", { gallery = tensor { { 1, 0 }, { 0, 0 }, { 1, 1 }, { 1, 1 } } })
      refused("gallery: row 1 holds infinity", { gallery = tensor { { 1 / 0, 0 }, { 0, 1 }, { 1, 1 }, { 1, 1 } } })
      refused("gallery_labels: expected 4 labels, one an embedding, found 1", { gallery_labels = { 1 } })
      refused("expected rows from 1 to 4, found 5", { exclude = { { 5 } } })
      refused("query 1: expected a list of rows of the gallery, found 3", { exclude = function() return 3 end })
      refused("found queries on ref and the gallery on cpu", { queries = tensor { { 1, 0 } }:to "ref" })
      refused("unknown option 'tops'; did you mean 'top'", { tops = { 1 } })
      refused("expected a list of whole numbers from 1", { top = { 0 } })
      refused("expected embeddings, a tensor f32 %(N, D%)", { queries = { { 1, 0 } } })
   end)
end)

describe("metrics.roc", function()
   it("agrees with scikit-learn", function()
      assert.equal(5, #golden.roc)
      for number, case in ipairs(golden.roc) do
         local found, what = metrics.roc(case.scores, case.same), "case " .. number
         near(case.auc, found.auc, 1e-12, what .. " area")
         near(case.eer, found.eer, 1e-9, what .. " equal error rate") -- theirs is a root that was searched
         assert.equal(#case.true_positive, #found.points, what)
         for i, point in ipairs(found.points) do
            near(case.false_positive[i], point.false_positive, 1e-12, what)
            near(case.true_positive[i], point.true_positive, 1e-12, what)
            if i > 1 then assert.equal(case.thresholds[i - 1], point.threshold, what) end
         end
         local x = scute.tensor(case.scores, { dtype = "f64" })
         local same = metrics.roc(x, scute.tensor(case.same, { dtype = "u8" }))
         assert.equal(found.auc, same.auc)
      end
   end)

   it("finds the threshold for a share of false alarms", function()
      local found = metrics.roc({ 0.9, 0.8, 0.7, 0.6, 0.5 }, { true, true, false, true, false })
      assert.same({ 0.8, 2 / 3, 0.0 }, { found:at(0) })
      assert.same({ 0.6, 1.0, 0.5 }, { found:at(0.5) })
      assert.same({ math.huge, 0.0, 0.0 }, { metrics.roc({ 2, 1 }, { false, true }):at(0.5) })
      assert.error_matches(function() found:at(2) end, "from 0 to 1, found 2")
      assert.matches("^ROC of 3 and 2 scores: area 0.8333", tostring(found))
   end)

   it("is NaN where one kind is missing, and of nothing", function()
      for _, found in ipairs { metrics.roc({ 1, 2 }, { true, true }), metrics.roc({ 1 }, { 0 }), metrics.roc({}, {}) } do
         assert.is_true(is_nan(found.auc) and is_nan(found.eer))
         assert.same({}, found.points)
      end
   end)

   it("refuses NaN and lists that do not belong together", function()
      assert.error_matches(function() metrics.roc({ 1, 0 / 0 }, { 1, 0 }) end, "scores as numbers, found NaN at place 2")
      assert.error_matches(function() metrics.roc(tensor { 0 / 0, 1 }, { 1, 0 }) end, "the scores hold NaN")
      assert.error_matches(function() metrics.roc({ 1, 2 }, { 1 }) end, "2 scores and 1 outcomes")
      assert.error_matches(function() metrics.roc({ 1 }, { 2 }) end, "found 2 at place 1")
      assert.error_matches(function() metrics.roc(3, { 2 }) end, "expected scores as a list or a tensor %(N%), found 3")
   end)
end)

describe("calibration", function()
   it("isotonic agrees with scikit-learn, also after a file", function()
      assert.equal(4, #golden.isotonic)
      for number, case in ipairs(golden.isotonic) do
         local fitted = metrics.isotonic(case.scores, case.outcomes)
         for i, p in ipairs(fitted:of(case.at)) do near(case.of[i], p, 1e-9, ("case %d at %g"):format(number, case.at[i])) end
         local again = metrics.calibration(require "cjson".decode(require "scute.base.json" (fitted:plain())))
         for i, x in ipairs(case.at) do near(case.of[i], again:of(x), 1e-9, "again") end
         assert.equal(#case.scores, again.n)
      end
      assert.matches("^isotonic calibration of 50 scores, %d+ of them true: a rising line through %d+ points$",
         tostring(metrics.isotonic(golden.isotonic[1].scores, golden.isotonic[1].outcomes)))
   end)

   it("Platt's is where the gradient is zero", function()
      assert.equal(4, #golden.platt)
      for number, case in ipairs(golden.platt) do
         local fitted = metrics.platt(case.scores, case.outcomes)
         near(case.slope, fitted.slope, 1e-9 * math.max(1, math.abs(case.slope)), "slope " .. number)
         near(case.offset, fitted.offset, 1e-9 * math.max(1, math.abs(case.offset)), "offset " .. number)
         for i, x in ipairs(case.at) do near(case.of[i], fitted:of(x), 1e-9, "case " .. number) end
         near(fitted:of(0.3), metrics.calibration(fitted:plain()):of(0.3), 0, "again")
      end
      local certain = metrics.platt({ 1, 2, 3 }, { true, true, true })
      assert.is_true(certain:of(2) > 0.5 and certain:of(2) < 1)
      assert.matches("^Platt's calibration of 3 scores, 3 of them true: ", tostring(certain))
      assert.is_true(is_nan(certain:of(0 / 0)))
   end)

   it("refuses what it cannot learn from, and files that hold none", function()
      for _, how in ipairs { metrics.isotonic, metrics.platt } do
         assert.error_matches(function() how({}, {}) end, "expected at least one score, found none")
         assert.error_matches(function() how({ 1 / 0 }, { 1 }) end, "found infinity at place 1")
         assert.error_matches(function() how({ 0 / 0 }, { 1 }) end, "found NaN at place 1")
      end
      local function line(x, y) return { kind = "isotonic", scores = x, probabilities = y } end
      for _, plain in ipairs { {}, { kind = "platt", slope = 1 }, line({ 1, 1 }, { 0, 1 }), line({ 1, 2 }, { 1, 0 }),
         line({}, {}), line({ 1 }, { 2 }), line({ 1, 2 }, { 1 }) } do
         assert.error_matches(function() metrics.calibration(plain) end, "was the file changed%?")
      end
      assert.error_matches(function() metrics.calibration(nil) end, "expected a calibration, found nil")
   end)

   it("error is Guo's", function()
      assert.equal(3, #golden.error)
      for _, case in ipairs(golden.error) do
         local found, bins = metrics.calibration_error(case.probabilities, case.outcomes, { bins = case.bins })
         near(case.error, found, 1e-12, "error")
         assert.equal(case.bins, #bins)
      end
      assert.is_true(is_nan((metrics.calibration_error({}, {}))))
      assert.error_matches(function() metrics.calibration_error({ 0.5, 1.2 }, { true, false }) end,
         "expected probabilities from 0 to 1, found 1.2 at place 2")
   end)
end)

describe("the open set", function()
   -- Golden names: "" stands for new.
   local function answers(list)
      local found = {}
      for i, name in ipairs(list) do found[i] = name ~= "" and name end
      return found
   end

   it("is scored as scikit-learn's balanced accuracies", function()
      assert.equal(2, #golden.open)
      for _, case in ipairs(golden.open) do
         local found = metrics.balanced_open { truth = case.truth, predicted = answers(case.predicted), known = case.known }
         near(case.known_share, found.known, 1e-12, "known")
         near(case.unknown_share, found.unknown, 1e-12, "unknown")
         near(case.root, found.root, 1e-12, "root")
         assert.equal(#case.truth, found.known_photos + found.unknown_photos)
      end
   end)

   it("is NaN of a kind that is not there", function()
      local found = metrics.balanced_open { truth = { "a" }, predicted = { "a" }, known = { a = true } }
      assert.is_true(found.known == 1 and is_nan(found.unknown) and is_nan(found.root))
      assert.matches("known 1.000 %(1 photo of 1 individual%), unknown %- ", tostring(found))
      found = metrics.balanced_open { truth = { 1, 2, 3 }, predicted = { 1, 1, false }, known = { true, true } }
      assert.same({ 0.5, 1 }, { found.known, found.unknown })
      found = metrics.balanced_open { truth = {}, predicted = {}, known = {} }
      assert.is_true(is_nan(found.known))
      assert.error_matches(function() metrics.balanced_open { truth = { "a" }, predicted = {}, known = {} } end,
         "found 1 individuals and 0 answers")
      assert.error_matches(function() metrics.balanced_open { truth = { false }, predicted = { "a" }, known = {} } end,
         "photo 1: it is not known who it is")
   end)

   it("has a threshold that is best on these photos", function()
      local o = { truth = { "a", "b", "x", "b", "y", "x" }, predicted = { "a", "b", "a", "a", "b", "b" },
         scores = { 0.9, 0.8, 0.75, 0.6, 0.5, 0.4 }, known = { "a", "b" } }
      local threshold, known, unknown, root = metrics.open_threshold(o)
      near((0.8 + 0.75) / 2, threshold, 1e-12, "threshold")
      assert.same({ 0.75, 1.0 }, { known, unknown })
      near(math.sqrt(0.75), root, 1e-12, "root")
      local best = 0 -- the same by trying all
      for _, t in ipairs { 1, 0.85, 0.775, 0.7, 0.55, 0.45, 0 } do
         local said = {}
         for i, name in ipairs(o.predicted) do said[i] = o.scores[i] >= t and name end
         best = math.max(best, metrics.balanced_open { truth = o.truth, predicted = said, known = o.known }.root)
      end
      near(best, root, 1e-12, "best")
   end)

   it("lets all pass where nobody is new, and none where all are", function()
      local o = { truth = { "a", "b" }, predicted = { "a", "a" }, scores = { 0.9, 0.3 }, known = { "a", "b" } }
      local threshold, known, unknown = metrics.open_threshold(o)
      assert.is_true(threshold <= 0.3 and known == 0.5 and is_nan(unknown))
      o.known = {}
      assert.is_true(metrics.open_threshold(o) > 0.9)
      assert.is_nil((metrics.open_threshold { truth = {}, predicted = {}, scores = {}, known = {} }))
      o.scores[1] = 0 / 0
      assert.error_matches(function() metrics.open_threshold(o) end, "found NaN at place 1")
   end)
end)
