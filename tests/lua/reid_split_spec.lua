-- Splits of individuals: small catalogues worked out by hand, and what wildlife-datasets 1.0.9 makes of a larger one
-- (tests/golden/make_reid_splits.py).
local console = require "scute.base.console"
local json_file = require "scute.base.json_file"
local split = require "scute.reid.split"

-- A catalogue of rows "identity date encounter", "-" for what is not known; the encounter is the day where none is said, as
-- reid.catalogue has it.
local function catalogue(list)
   local rows = {}
   for i, line in ipairs(list) do
      local words = {}
      for word in line:gmatch "%S+" do words[#words + 1] = word ~= "-" and word or false end
      local identity, date, encounter = words[1] or nil, words[2] or nil, words[3] or nil
      rows[i] = { file = i .. ".jpg", path = "photos/" .. i .. ".jpg", identity = identity, date = date,
         encounter = encounter or identity and date and identity .. " " .. date }
   end
   return { dir = "photos", rows = rows, notes = {}, problems = {} }
end

local LETTERS = { train = "t", val = "v", test = "x" }

-- One letter for each row: t(rain), v(alidates), x (tests), - (in no part).
local function parts(photos, made)
   local letters = {}
   for i = 1, #photos.rows do letters[i] = "-" end
   for part, letter in pairs(LETTERS) do
      local last = 0
      for _, i in ipairs(made[part]) do
         assert.equal("-", letters[i])
         assert.is_true(i > last)
         letters[i], last = letter, i
      end
   end
   return table.concat(letters)
end

local function failure(photos, how)
   local ok, err = pcall(split, photos, how)
   assert.is_false(ok)
   return tostring(err)
end

-- Photos of `n` days of one individual, one a day.
local function days(name, n, year)
   local list = {}
   for i = 1, n do list[i] = ("%s %d-%02d-%02d"):format(name, year or 2020, 1 + i // 28, 1 + i % 28) end
   return list
end

local function joined(...)
   local all = {}
   for _, list in ipairs { ... } do table.move(list, 1, #list, #all + 1, all) end
   return all
end

describe("the time-aware closed set", function()
   it("takes the last days of each individual for the test, those before them for validation", function()
      -- c has ten days: of 8.5 days 8 stay (numpy rounds to the even one), of these 6.59 train
      local photos = catalogue(joined({ "a 2020-03-01", "a 2020-01-01", "a 2020-02-01", "a 2020-03-01", "b 2021-01-01",
         "b 2020-05-01", "b 2021-01-01", "d 2020-01-01", "d 2020-01-01" }, days("c", 10)))
      local made = split(photos, { protocol = "time_closed" })
      assert.equal("xtvx" .. "xtx" .. "tt" .. "tttttttvxx", parts(photos, made))
      assert.equal(0, made.leak)
      assert.equal(6, made.leak_of)
      assert.same({ a = true, b = true, c = true, d = true }, made.known)
      assert.same({ train = 4, val = 2, test = 3, new_val = 0, new_test = 0 }, made.individuals)
      assert.equal("time-aware, closed set, the last 15 % of each one's days test", made.text)
      assert.same({ "1 individual was seen on one day only, and trains",
         "1 individual was seen on two days, of which one trains and one tests: none validates" }, made.notes)
   end)

   it("leaves out a part whose share is 0", function()
      local photos = catalogue(joined(days("a", 5), days("b", 2)))
      assert.equal("ttttxtx", parts(photos, split(photos, { protocol = "time_closed", val_fraction = 0 })))
      assert.equal("ttttvtv", parts(photos, split(photos, { protocol = "time_closed", test_fraction = 0 })))
      assert.equal("ttttttt", parts(photos, split(photos, { protocol = "time_closed", test_fraction = 0, val_fraction = 0 })))
   end)

   it("has at least one day of everybody in training, whatever the shares", function()
      local photos = catalogue(joined(days("a", 5), days("b", 2), days("c", 3)))
      local made = split(photos, { protocol = "time_closed", val_fraction = 0.05, test_fraction = 0.9 })
      assert.equal("txxxx" .. "tx" .. "txx", parts(photos, made))
   end)

   it("keeps an encounter over midnight together, and what has no date where its encounter is", function()
      local photos = catalogue { "a 2020-01-02 e1", "a 2020-01-01 e1", "a 2020-01-03 e2", "a - e2", "a - e1", "a - e3", "a -",
         "b 2020-01-01 e1", "b 2020-01-05", "b 2020-01-09", "- 2020-01-01" }
      local made = split(photos, { protocol = "time_closed" })
      assert.equal("ttxxt--tvx-", parts(photos, made))
      assert.equal(0, made.leak)
      assert.equal("1 photo is of no known individual, and in no part", made.notes[2])
      assert.equal("2 photos are without a date, and in no part: no telling on which side of the split", made.notes[3])
   end)

   it("joins days through several encounters to the first of them", function()
      local photos = catalogue { "a 2020-01-03 e3", "a 2020-01-02 e2", "a 2020-01-02 e3", "a 2020-01-01 e2", "a 2020-02-01",
         "a 2019-12-31" }
      assert.equal("vvvvxt", parts(photos, split(photos, { protocol = "time_closed" })))
   end)
end)

describe("the time-aware open set", function()
   local photos = catalogue { "a 2018-05-01", "b 2018-12-31", "a 2019-01-01", "c 2019-07-01", "b 2020-01-01", "c 2021-03-01",
      "d 2020-02-02", "d -" }

   it("takes what was seen from a day on, whoever it is", function()
      local made = split(photos, { protocol = "time_open", val_from = "2019", test_from = "2020-01-01" })
      assert.equal("ttvvxxx-", parts(photos, made))
      assert.same({ a = true, b = true }, made.known)
      assert.same({ train = 2, val = 2, test = 3, new_val = 1, new_test = 2 }, made.individuals)
      assert.equal("time-aware, open set, validates from 2019, tests from 2020-01-01", made.text)
      assert.equal(0, made.leak)
      made = split(photos, { protocol = "time_open", val_from = "2019-02", test_from = "2020" })
      assert.equal("tttvxxx-", parts(photos, made))
   end)

   it("says where nobody is new", function()
      local note = "nobody who tests is new, so that this open set is a closed one"
      assert.same({ note }, split(catalogue(days("a", 3)), { protocol = "time_open" }).notes)
      local two = catalogue(joined(days("a", 3), { "b 2020-12-01" }))
      assert.same({}, split(two, { protocol = "time_open" }).notes)
   end)

   it("chooses days that come next to the shares", function()
      local even = catalogue(days("a", 20))
      local made = split(even, { protocol = "time_open" })
      assert.equal(("t"):rep(14) .. "vvvxxx", parts(even, made))
      assert.equal("time-aware, open set, validates from 2020-01-16, tests from 2020-01-19", made.text)
      local list = {}
      for day, n in ipairs { 10, 5, 4, 1 } do
         for _ = 1, n do list[#list + 1] = "a 2020-01-0" .. day end
      end
      local uneven = catalogue(list)
      assert.equal(("t"):rep(15) .. "vvvvx", parts(uneven, split(uneven, { protocol = "time_open" })))
      assert.equal("tx", parts(catalogue(days("a", 2)), split(catalogue(days("a", 2)), { protocol = "time_open" })))
      assert.equal("tvx", parts(catalogue(days("a", 3)), split(catalogue(days("a", 3)), { protocol = "time_open" })))
      assert.equal("t", parts(catalogue(days("a", 1)), split(catalogue(days("a", 1)), { protocol = "time_open" })))
   end)

   it("leaves a day to training and one to validation, where the test could take them", function()
      local list = { "a 2020-01-02", "a 2020-01-03" }
      for i = 3, 12 do list[i] = "a 2020-01-01" end
      local few = catalogue(list)
      assert.equal("vx" .. ("t"):rep(10), parts(few, split(few, { protocol = "time_open", test_fraction = 0.5 })))
   end)

   it("has an encounter over midnight where it began", function()
      for _, list in ipairs { { "a 2019-12-31 e1", "a 2020-01-01 e1", "b 2020-01-01" }, { "a 2020-01-01 e1", "a 2019-12-31 e1",
         "b 2020-01-01" } } do
         local night = catalogue(list)
         local made = split(night, { protocol = "time_open", val_fraction = 0, test_from = "2020" })
         assert.equal("ttx", parts(night, made))
         assert.equal(0, made.leak)
      end
   end)

   it("refuses days that are none, and those in the wrong order", function()
      assert.equal("test_from: expected a day, a month or a year (2019-06-01, 2019-06, 2019), found 'June'",
         failure(photos, { protocol = "time_open", test_from = "June" }))
      for _, text in ipairs { "2020-13", "2020-02-30", "2020-00" } do
         assert.matches("test_from: expected a day, a month or a year", failure(photos, { protocol = "time_open",
            test_from = text }))
      end
      for _, wrong in ipairs { "2019-", "19", "2019-6-1", "2019-06-011" } do
         assert.matches("expected a day", failure(photos, { protocol = "time_open", val_from = wrong }))
      end
      assert.equal("val_from: expected a day before those that test (from 2020 on), found 2020",
         failure(photos, { protocol = "time_open", val_from = "2020", test_from = "2020" }))
      assert.matches("protocol: time%-aware, open set.*none of 8 photos trains",
         failure(photos, { protocol = "time_open", val_from = "2001", test_from = "2002" }))
   end)
end)

describe("splits that are drawn", function()
   -- 12 individuals with 1 to 6 days, three photos a day.
   local function herd()
      local list = {}
      for who = 1, 12 do
         for _, line in ipairs(days("h" .. who, (who + 1) // 2, 2000 + who)) do
            for _ = 1, 3 do list[#list + 1] = line end
         end
      end
      return catalogue(list)
   end

   -- The number of parts that each encounter, or individual, is in at most.
   local function most_parts(photos, made, key_of)
      local seen, most = {}, 0
      for part in pairs(LETTERS) do
         for _, i in ipairs(made[part]) do
            local key = key_of(photos.rows[i])
            seen[key] = seen[key] or {}
            if not seen[key][part] then seen[key][part], seen[key].n = true, (seen[key].n or 0) + 1 end
            most = math.max(most, seen[key].n)
         end
      end
      return most
   end

   it("are the same for the same seed, and others for another", function()
      local photos = herd()
      for _, protocol in ipairs { "encounter", "random", "individual" } do
         local function drawn(seed) return parts(photos, split(photos, { protocol = protocol, seed = seed })) end
         assert.equal(drawn(1), drawn(1))
         assert.are_not.equal(drawn(1), drawn(2))
         assert.is_nil(drawn(1):find("-", 1, true))
      end
   end)

   it("keep encounters together", function()
      local photos = herd()
      local made = split(photos, { protocol = "encounter", seed = 4 })
      assert.equal(1, most_parts(photos, made, function(row) return row.encounter end))
      assert.equal(0, made.leak)
      assert.same({ train = 12, val = 8, test = 10, new_val = 0, new_test = 0 }, made.individuals)
      assert.equal(30, #made.test)
      assert.equal(24, #made.val)
      assert.equal("by encounter, closed set, 15 % of each one's encounters test, drawn, seed 4", made.text)
      assert.equal("2 individuals have one encounter only, and train", made.notes[1])
   end)

   it("of random photos have the photos of an encounter on both sides, and tell it", function()
      local photos = catalogue { "a 2020-01-01", "a 2020-01-01", "a 2020-01-01", "a 2020-01-01", "b 2020-01-01",
         "b 2020-01-02", "c 2020-01-01" }
      local made = split(photos, { protocol = "random", seed = 3 })
      local _, trains = parts(photos, made):sub(1, 4):gsub("t", "")
      assert.equal(2, trains)
      assert.same({ 4, 1, 2 }, { #made.train, #made.val, #made.test })
      assert.equal(0.5, made.leak) -- a's, and not b's
      assert.equal("random photos, closed set, 15 % of each one's photos test, drawn, seed 3", made.text)
      assert.matches("\n50%.0 %% of the photos that test are of an encounter that trains, and 100%.0 %% of those that "
         .. "validate\n", tostring(made))
   end)

   it("of random photos keep the boxes of one file together", function()
      local photos = herd()
      for i, row in ipairs(photos.rows) do row.file = (i + 1) // 2 .. ".jpg" end
      local made = split(photos, { protocol = "random" })
      assert.equal(1, most_parts(photos, made, function(row) return row.identity .. row.file end))
   end)

   it("of individuals have nobody who tests elsewhere, and both kinds validate", function()
      local photos = herd()
      local made = split(photos, { protocol = "individual", val_fraction = 0.3 })
      for _, i in ipairs(made.test) do assert.is_nil(made.known[photos.rows[i].identity]) end
      local tests = {}
      for _, i in ipairs(made.test) do tests[photos.rows[i].identity] = true end
      for _, i in ipairs(made.val) do assert.is_nil(tests[photos.rows[i].identity]) end
      assert.is_true(#made.test >= 0.15 * #photos.rows, #made.test)
      assert.is_true(made.individuals.new_val > 0 and made.individuals.new_val < made.individuals.val)
      local new = 0
      for _, i in ipairs(made.val) do new = new + (made.known[photos.rows[i].identity] and 0 or 1) end
      assert.is_true(new >= 0.15 * #photos.rows and new < 0.15 * #photos.rows + 18, new) -- 18: of those with most photos
      assert.equal(made.individuals.test, made.individuals.new_test)
      assert.equal(1, most_parts(photos, made, function(row) return row.encounter end))
      assert.equal("by individual, disjoint set, 15 % of the photos test, drawn, seed 0", made.text)
   end)

   it("of individuals have two that test, where there are four", function()
      local photos = catalogue(joined(days("a", 3), days("b", 3), days("c", 3), days("d", 3)))
      local made = split(photos, { protocol = "individual" })
      assert.same({ 2, 2, 2 }, { made.individuals.train, made.individuals.test, made.individuals.new_test })
      assert.same({}, made.notes)
      assert.equal(0, split(photos, { protocol = "individual", test_fraction = 0 }).individuals.test)
   end)

   it("of individuals leave two to train", function()
      local photos = catalogue(joined(days("a", 3), days("b", 3), days("c", 3)))
      local made = split(photos, { protocol = "individual", test_fraction = 0.9, val_fraction = 0.05 })
      assert.same({ train = 2, val = 2, test = 1, new_val = 0, new_test = 1 }, made.individuals)
      assert.matches("^1 individual tests, whom nobody else can be taken for", made.notes[1])
      assert.equal("protocol: individual needs at least 3 individuals, of which two train, found 2; choose another protocol",
         failure(catalogue(joined(days("a", 3), days("b", 3))), { protocol = "individual" }))
   end)
end)

describe("a given split", function()
   local function with(name, letters, photos)
      local words = { t = "train", v = "valid", x = "test" }
      for i, row in ipairs(photos.rows) do
         row.split = row.split or {}
         row.split[name] = words[letters:sub(i, i)]
      end
      return photos
   end

   local function photos()
      return catalogue { "a 2020-01-01", "a 2020-02-01", "a 2020-03-01", "b 2020-01-01", "b 2020-01-01", "c 2020-04-01" }
   end

   it("is as the data says, in the words of what it is", function()
      local all = with("open", "ttvtvx", with("random", "xttttx", with("closed", "tvxtt-", photos())))
      local made = split(all)
      assert.equal("given", made.protocol)
      assert.equal("closed", made.given)
      assert.equal("tvxtt-", parts(all, made))
      assert.equal("given split 'closed' (time-aware, closed set)", made.text)
      assert.same({ "1 photo is in no part of the split 'closed'" }, made.notes)
      assert.equal("given split 'open' (disjoint set)", split(all, { given = "open" }).text)
      made = split(all, { given = "random", val_fraction = 0 })
      assert.equal("given split 'random' (not time-aware, open set)", made.text)
      assert.equal("xttttx", parts(all, made))
      assert.equal(0, made.leak)
   end)

   it("with one day on both sides is not time-aware", function()
      local made = split(with("same", "ttttx-", photos()), { val_fraction = 0 })
      assert.equal("given split 'same' (not time-aware, closed set)", made.text)
      assert.equal(1, made.leak)
   end)

   it("without photos that validate gets some of those that train", function()
      local all = with("split", "tttttx", photos())
      local made = split(all, { seed = 2 })
      assert.equal("split", made.given)
      assert.same({ 4, 1, 1 }, { #made.train, #made.val, #made.test }) -- a's days; b's is one encounter
      assert.equal("a", all.rows[made.val[1]].identity)
      assert.equal("the split 'split' has no photos that validate: 15 % of each one's encounters that train do, drawn, seed 2",
         made.notes[1])
   end)

   it("has none that validate where nobody has two encounters that train", function()
      local made = split(with("split", "tx-tt-", photos()))
      assert.equal(0, #made.val)
      assert.equal("the split 'split' has no photos that validate, and nobody has two encounters that train, so that one could",
         made.notes[2])
   end)

   it("is told where there is none, none of that name, or several", function()
      assert.equal("protocol: given needs a split that the data has, and there is none; choose another protocol",
         failure(photos(), { protocol = "given" }))
      local two = with("one", "tvxtvx", with("two", "tvxtvx", photos()))
      assert.equal("given: the data has several splits, and one has to be chosen: one, two", failure(two))
      assert.matches("given: the data has no split 'tow'; did you mean 'two'?", failure(two, { given = "tow" }), 1, true)
      two.rows[3].split.one = "maybe"
      assert.matches("row 3 of the catalogue: expected the split train, valid or test, found 'maybe'",
         failure(two, { given = "one" }))
   end)
end)

describe("reid.split", function()
   it("takes the first protocol that the data allows", function()
      assert.equal("time_closed", split(catalogue(days("a", 3))).protocol)
      assert.equal("encounter", split(catalogue { "a - e1", "a - e2", "a - e3" }).protocol)
      local made = split(catalogue { "a -", "a -", "a -" })
      assert.equal("random", made.protocol)
      assert.is_nil(made.leak)
      assert.matches("no encounter is known", tostring(made))
   end)

   it("says what is missing, and how to go on", function()
      local bare = catalogue { "a -", "b -", "- 2020-01-01" }
      assert.equal("protocol: time_closed needs dates, and none of 2 photos has one; say which column of a table holds them "
         .. '(--columns date=NAME, in a script columns = { date = "NAME" }), put a folder for each day (2019-06-01) inside of '
         .. "an individual's, or choose another protocol", failure(bare, { protocol = "time_closed" }))
      assert.matches("time_open needs dates", failure(bare, { protocol = "time_open" }))
      assert.matches("encounter needs encounters or dates.*columns = { encounter = ", failure(bare, { protocol = "encounter" }))
      local _, err = pcall(split, bare, { protocol = "encounter" })
      assert.is_true(console.is_failure(err))
      assert.equal("reid.split: none of 1 photo has a known individual", failure(catalogue { "- 2020-01-01" }))
      assert.equal("reid.split: none of 0 photos has a known individual", failure(catalogue {}))
   end)

   it("refuses options that make no sense", function()
      local photos = catalogue(days("a", 3))
      assert.matches("unknown option 'protcol'; did you mean 'protocol'", failure(photos, { protcol = "random" }))
      assert.matches("did you mean 'time_open'", failure(photos, { protocol = "time_opn" }))
      assert.matches("expected less than 1 together", failure(photos, { val_fraction = 0.5, test_fraction = 0.5 }))
      assert.matches("val_from: it is for the protocol time_open", failure(photos, { val_from = "2019" }))
      assert.matches("'closed' is a split of the data, and protocol says random",
         failure(photos, { protocol = "random", given = "closed" }))
      assert.matches("expected a catalogue", failure(photos.rows))
      assert.matches("row 1 of the catalogue: expected a date as YYYY%-MM%-DD, found '2020'",
         failure(catalogue { "a 2020" }, { protocol = "time_closed" }))
   end)

   it("prints as what it is", function()
      local photos = catalogue(joined(days("a", 3), { "b 2020-01-01" }))
      assert.equal("split: time-aware, closed set, the last 15 % of each one's days test; photos: 2 train, 1 validates, 1 "
         .. "tests\nindividuals: 2 train; new ones: 0 among those that validate, 0 among those that test\n"
         .. "0.0 % of the photos that test are of an encounter that trains\n"
         .. "note: 1 individual was seen on one day only, and trains", tostring(split(photos)))
   end)

   it("tells of how many photos the encounter is known", function()
      local photos = catalogue { "a - e", "a - e", "a - e", "a -", "a -", "a -", "a -", "a -", "a -", "a -" }
      local made = split(photos, { protocol = "random", test_fraction = 0.6, val_fraction = 0.05 })
      assert.equal(6, #made.test)
      assert.is_true(made.leak_of > 0 and made.leak_of <= 3)
      assert.matches(("%%(of %d whose encounter is known%%)"):format(made.leak_of), tostring(made))
   end)

   it("tells it of those that validate where none tests", function()
      local photos = catalogue { "a 2020-01-01", "a 2020-01-01", "a 2020-01-01", "b 2020-01-01" }
      local made = split(photos, { protocol = "random", test_fraction = 0 })
      assert.equal(1, made.leak)
      assert.matches("\n100%.0 %% of the photos that validate are of an encounter that trains\n", tostring(made))
      made = split(photos, { protocol = "time_closed" })
      assert.is_nil(made.leak)
      assert.matches("no photo tests or validates", tostring(made))
   end)

   it("tells of days on both sides, where encounters are shorter", function()
      local all = catalogue { "a 2020-01-01 a1", "a 2020-01-01 a2", "a 2020-01-01 a3", "b 2020-01-02 b1" }
      local made = split(all, { protocol = "encounter", val_fraction = 0, test_fraction = 0.3 })
      assert.same({ 0, 1 }, { made.leak, made.leak_day })
      assert.matches("\n0.0 %% of the photos that test are of an encounter that trains, and 100.0 %% of a day on which the "
         .. "same individual trains\n", tostring(made))
      assert.equal(0, split(all, { protocol = "time_open", val_fraction = 0 }).leak_day)
   end)

   it("tells it of those that validate, too, which choose the epoch and the calibration", function()
      local all = catalogue { "a 2020-01-01", "a 2020-01-01", "a 2020-01-02", "b 2020-01-01", "b 2020-01-01", "b 2020-01-03" }
      for i, part in ipairs { "valid", "train", "test", "train", "valid", "test" } do all.rows[i].split = { given = part } end
      local made = split(all)
      assert.equal(0, made.leak)
      assert.equal(1, made.leak_val)
      assert.matches("0.0 %% of the photos that test are of an encounter that trains, and 100.0 %% of those that validate",
         tostring(made))
      assert.is_nil(split(all, { protocol = "time_closed", test_fraction = 0 }).leak_val)
   end)

   it("takes names of encounters that individuals have in common for encounters of each", function()
      local photos = catalogue { "a 2020-01-01 dive1", "a 2020-01-05 dive2", "b 2020-01-05 dive2", "b 2020-01-09 dive3",
         "c 2020-01-01 dive1" }
      local made = split(photos, { protocol = "time_closed", val_fraction = 0 })
      assert.equal("txtxt", parts(photos, made))
      assert.equal(0, made.leak)
   end)
end)

describe("splits of wildlife-datasets", function()
   local golden = assert(json_file.read "tests/golden/reid_splits.json")
   local list = {}
   for i = 1, #golden.rows do
      local row = golden.rows[i]
      list[i] = (row[1] == "unknown" and "-" or row[1]) .. " " .. (row[2] or "-")
   end
   local photos = catalogue(list)

   it("are equal, photo by photo, where nothing is drawn", function()
      assert.equal("1.0.9", golden.version)
      assert.is_true(#golden.rows > 100 and #golden.time_closed > 5 and #golden.time_open > 2)
      for _, case in ipairs(golden.time_closed) do
         assert.equal(case.parts, parts(photos, split(photos, { protocol = "time_closed", val_fraction = case.val,
            test_fraction = case.test })), case.val .. " " .. case.test)
      end
      for _, case in ipairs(golden.time_open) do
         assert.equal(case.parts, parts(photos, split(photos, { protocol = "time_open", val_from = tostring(case.val),
            test_from = tostring(case.test) })))
      end
   end)

   it("have as many photos of each individual where some are", function()
      for _, case in ipairs(golden.random) do
         local made, counts = split(photos, { protocol = "random", val_fraction = 0, test_fraction = case.test }), {}
         for name in pairs(case.counts) do counts[name] = { 0, 0 } end
         for place, part in ipairs { made.train, made.test } do
            for _, i in ipairs(part) do
               local of = counts[photos.rows[i].identity]
               of[place] = of[place] + 1
            end
         end
         assert.same(case.counts, counts)
      end
   end)
end)
