-- Catalogues of animals: each form against what wildlife-datasets reads of it, and what becomes of what is wrong in them.
local scute = require "scute"
local cjson = require "cjson"
local console = require "scute.base.console"
local boxes = require "scute.reid.catalogue.boxes"
local dates = require "scute.reid.catalogue.dates"
local masks = require "scute.reid.catalogue.masks"

local GOLDEN = "tests/golden/reid/"
local catalogue = scute.reid.catalogue
local root

local function write(name, text)
   local path = root .. "/" .. name
   scute.files.mkdirs(path:match "^(.*)/")
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(text))
   return path
end

local function photo(name)
   return write(name, "\xff\xd8\xff" .. name)
end

local function read_file(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

-- The one line of a failure.
local function failure(...)
   local ok, err = pcall(catalogue, ...)
   assert.is_false(ok)
   assert.is_true(console.is_failure(err), tostring(err))
   assert.is_nil(tostring(err):find "\n")
   return tostring(err)
end

-- What is said of a call that is wrong, behind the place in this file.
local function mistake(...)
   local ok, err = pcall(function(...) return (catalogue(...)) end, ...)
   assert.is_false(ok)
   return tostring(err):match "^tests/lua/reid_catalogue_spec%.lua:%d+: (.*)"
end

local function has(lines, pattern)
   for _, line in ipairs(lines) do
      if line:find(pattern) then return true end
   end
   return false
end

-- What problems say, one a line.
local function told(found)
   local lines = {}
   for i, problem in ipairs(found.problems) do lines[i] = problem.message end
   return lines
end

before_each(function()
   root = os.tmpname()
   os.remove(root)
   scute.files.mkdirs(root)
end)

after_each(function() os.execute(("rm -rf '%s'"):format(root)) end)

describe("what wildlife-datasets reads", function()
   local expected = cjson.decode(read_file(GOLDEN .. "expected.json"))

   local function same_box(row, box, words)
      assert.equal(box and #box or nil, row.box and #row.box, words)
      for k = 1, box and 4 or 0 do assert.equal(box[k], row.box[k] * 1.0, words) end
   end

   local function check(found, rows, split)
      assert.equal(#rows, #found.rows)
      for i, row in ipairs(rows) do
         local mine, words = found.rows[i], row.file .. " row " .. i
         assert.equal(row.file, mine.file, words)
         assert.equal(found.dir .. "/" .. row.file, mine.path)
         assert.equal(row.identity ~= "unknown" and row.identity or nil, mine.identity, words)
         assert.equal(row.date and row.date:sub(1, 10), mine.date, words)
         assert.equal(row.side, mine.side, words)
         assert.equal(row.split, split and mine.split[split], words)
         same_box(mine, row.box, words)
      end
   end

   for _, category in ipairs { "head", "turtle", "flipper" } do
      it("of SeaTurtleID2022, " .. category, function()
         local found = catalogue(GOLDEN .. "seaturtle", { crop = category })
         assert.equal("coco", found.kind)
         assert.equal(category, found.crop)
         check(found, expected[category], "closed")
         assert.same({ "closed", "closed_random", "open" }, found.splits)
         assert.same({}, found.problems)
      end)
   end

   it("of SeaTurtleID2022, with the masks of heads", function()
      local found, n = catalogue(GOLDEN .. "seaturtle/", { mask = true }), 0
      assert.equal("head", found.crop)
      for i, row in ipairs(expected.head) do
         assert.same(row.mask and scute.packed_mask(row.mask), found.rows[i].mask)
         n = n + (row.mask and 1 or 0)
      end
      assert.is_true(n > 5)
      assert.same({}, found.problems)
   end)

   it("of WildlifeReID-10k", function()
      local found = catalogue(GOLDEN .. "wildlife10k")
      assert.equal("metadata", found.kind)
      check(found, expected.wildlife10k, "given")
      assert.is_true(has(found.notes, "passed over: species, dataset, cluster_id"))
   end)

   it("of metadata.csv with boxes", function()
      local found = catalogue(GOLDEN .. "metadata")
      assert.equal("box", found.crop)
      check(found, expected.metadata, "original")
      assert.same({ "10:11:12", "fifty 2018-01-05" }, { found.rows[1].time, found.rows[1].encounter })
      assert.is_true(has(found.notes, "^1 photo is of nobody known %('unknown'%)$"))
      assert.is_nil(catalogue(GOLDEN .. "metadata", { crop = "none" }).rows[1].box)
   end)
end)

describe("SeaTurtleID2022", function()
   it("tells encounters, times and what is whole", function()
      local found = catalogue(GOLDEN .. "seaturtle")
      local row = found.rows[1]
      assert.same({ "t001", "2010-07-19", "09:04:30", "t001 2010-07-19" }, { row.identity, row.date, row.time, row.encounter })
      assert.same({ closed = "train", closed_random = "test", open = "train" }, row.split)
      assert.same({ closed = "train", closed_random = "train", open = "train" }, found.rows[4].split)
      assert.same({ open = "test" }, found.rows[10].split)
      assert.equal("10 photos (11 rows) of 4 individuals in 8 encounters, 2010-07-19 to 2021-08-11; read as coco, cropped "
         .. "to 'head'", found.notes[1])
      assert.is_true(has(found.notes, "^1 photo is without a box of 'head', taken whole$"))
      assert.is_true(has(found.notes, "^1 individual has a single photo.*: t610$"))
   end)

   it("is found from the folders inside of it, and from the file", function()
      local inside = catalogue(GOLDEN .. "seaturtle/turtles-data", { crop = "turtle" })
      assert.matches("^data/images/t001/", inside.rows[1].file)
      local file = catalogue(GOLDEN .. "seaturtle/turtles-data/data/annotations.json", { crop = "turtle" })
      assert.matches("^images/t001/", file.rows[1].file)
      assert.equal(10, #file.rows)
   end)

   it("has a row for each photo where they are whole, with the side of the head", function()
      local found = catalogue(GOLDEN .. "seaturtle", { crop = "none" })
      assert.equal(10, #found.rows)
      assert.equal("right", found.rows[1].side)
      for _, row in ipairs(found.rows) do assert.is_nil(row.box) end
      assert.is_true(has(found.notes, "crop cuts out one of: flipper, head, turtle"))
   end)

   it("refuses what is no category", function()
      assert.matches("crop: 'haed' is no category of .*; did you mean 'head'%?$",
         failure(GOLDEN .. "seaturtle", { crop = "haed" }))
      assert.matches("^mask: whose it is says crop", failure(GOLDEN .. "seaturtle", { crop = "none", mask = true }))
   end)
end)

describe("a CSV file", function()
   it("is read by the usual names, or by those that are said", function()
      photo "a.jpg" photo "b.jpg"
      write("mine.csv", "Turtle,picture,seen,Viewpoint,part,bbox_x,bbox_y,bbox_w,bbox_h,trip\n"
         .. "x,a.jpg,3.6.2019 7:05,L,train,1,2,3,4,one\ny,./b.jpg,20200229,Right,val,,,,,two\n")
      local found = catalogue(root .. "/mine.csv", { columns = { identity = "turtle", file = "picture", date = "seen",
         split = "part", encounter = "trip" } })
      local first, second = found.rows[1], found.rows[2]
      assert.same({ file = "a.jpg", path = root .. "/a.jpg", identity = "x", date = "2019-06-03", time = "07:05:00",
         side = "left", encounter = "one", box = { 1, 2, 3, 4 }, split = { given = "train" } }, first)
      assert.same({ "2020-02-29", "right", "valid" }, { second.date, second.side, second.split.given })
      assert.is_nil(second.box)
      assert.equal("csv", found.kind)
      assert.same({}, found.problems)
   end)

   it("is found in its folder where it is the only one of its kind", function()
      photo "p/a.jpg" photo "p/b.jpg"
      write("other.csv", "a,b\n1,2\n")
      write("table.csv", "file,individual\np/a.jpg,1\np/b.jpg,2\n")
      local found = catalogue(root)
      assert.same({ "csv", 2, "1" }, { found.kind, #found.rows, found.rows[1].identity })
      assert.matches("holds no catalogue itself, but there is tests/golden/reid/.*; give the folder tests/golden/reid/",
         failure "tests/golden/reid")
      write("second.csv", "file,individual\np/a.jpg,1\n")
      assert.matches("holds several tables of photos %(second.csv, table.csv%)", failure(root))
   end)

   it("is meant where names of columns are said, whatever folders lie beside it", function()
      photo "p/a.jpg" photo "q/b.jpg"
      local said = { columns = { identity = "turtle" } }
      assert.matches("^columns: '.*' holds no CSV file with columns of these names; give the path", failure(root, said))
      write("table.csv", "file,turtle\np/a.jpg,1\nq/b.jpg,2\n")
      local found = catalogue(root)
      assert.equal("folders", found.kind)
      assert.is_true(has(found.notes, "table.csv' is not read: no column"))
      found = catalogue(root, said)
      assert.same({ "csv", "1" }, { found.kind, found.rows[1].identity })
      assert.matches("table.csv has no column 'turtel'.*; did you mean 'turtle'%?$", failure(root, { columns = {
         identity = "turtel" } }))
      write("other.csv", "a,b\n")
      assert.equal("csv", catalogue(root, said).kind)
      assert.matches("holds 2 CSV files, none of them with columns of these names", failure(root, { columns = {
         identity = "turtel" } }))
   end)

   it("has its photos where the user says", function()
      photo "elsewhere/a.jpg"
      write("t/table.csv", "file,individual\na.jpg,1\n")
      assert.matches("no photo of .* can be used; the first: table.csv, line 2: ", failure(root .. "/t"))
      assert.equal(root .. "/elsewhere/a.jpg", catalogue(root .. "/t", { photos = root .. "/elsewhere/" }).rows[1].path)
      assert.equal(root .. "/t/a.jpg", catalogue(root .. "/t", { check_files = false }).rows[1].path)
   end)

   it("that is none, or lacks a column, is refused", function()
      photo "a.jpg"
      for text, message in pairs {
         ["file,who\na.jpg,x\n"] = "no column says the identity; name it (--columns identity=NAME, in a script columns = { "
            .. 'identity = "NAME" }); it has file, who',
         ["file;identity\na.jpg;x\n"] = "expected commas between the fields, found semicolons",
         ["file,identity,identity\na.jpg,x,x\n"] = "the column 'identity' is there twice",
         ["file,identity\na.jpg,x,y\n"] = "line 2: expected 2 fields as in the first line, found 3",
         ["file,identity\na.jpg,\"x\n"] = "line 2: a quote that nothing closes",
         ["file,identity\na.jpg,\xfcx\n"] = "line 2: the identity",
         ["file,identity\n"] = "lists no photos", [""] = "is empty",
      } do
         local said = failure(write("t.csv", text))
         assert.is_truthy(said:find(message, 1, true), said)
      end
      local path = write("t.csv", "file,identity\na.jpg,x\n")
      assert.matches("has no column 'indentity', which is to say the identity; did you mean 'identity'%?$",
         failure(path, { columns = { identity = "indentity" } }))
      assert.equal("reid.catalogue: columns: nothing is called 'identiti'; did you mean 'identity'?",
         mistake(path, { columns = { identiti = "identity" } }))
      assert.matches("crop: 'head': no column of .* says the boxes", failure(path, { crop = "head" }))
      assert.matches("^cannot open '.*nowhere': No such file", failure(root .. "/nowhere"))
      assert.equal("reid.catalogue: unknown option 'colums'; did you mean 'columns'?", mistake(root, { colums = {} }))
   end)

   it("loses nothing but what is wrong, and tells it", function()
      for _, name in ipairs { "a", "b", "c", "d", "e", "f", "g" } do photo(name .. ".jpg") end
      local found = catalogue(write("t.csv", table.concat({ "file,identity,date,side,bbox,width,height,split",
         'a.jpg,x,2013-02-30,left,"[1, 1, 5, 5]",20,10,train',    -- no such day
         'b.jpg,x,03/04/2019,,"[-4, 2, 30, 3]",20,10,train',      -- which is the day? over two edges; no side
         'c.jpg,y,2019-04-03,right,"[30, 1, 5, 5]",20,10,train',  -- outside
         'd.jpg,y,2019-04-03,right,"[1, 1, 5]",20,10,train',      -- three numbers
         "e.jpg,z,2019-04-03,right,,20,10,dev",                   -- an unknown split
         "gone.jpg,z,,right,,,,test",                             -- no such file
         ",z,,right,,,,test",                                     -- no name
         "f.jpg,,,right,,,,test",                                 -- nobody
         "g.jpg,z,,right,,,,test", "g.jpg,z,,left,,,,test",       -- twice
         "g.jpg,q,,left,,,,test" }, "\n")))                       -- and as another one
      local files = {}
      for i, row in ipairs(found.rows) do files[i] = row.file end
      assert.same({ "a.jpg", "b.jpg", "e.jpg", "f.jpg", "g.jpg", "g.jpg" }, files)
      assert.same({ 0, 2, 20, 3, of = { 20, 10 } }, found.rows[2].box)
      assert.is_nil(found.rows[1].date)
      assert.is_nil(found.rows[2].side)
      assert.is_nil(found.rows[4].identity)
      local lines = told(found)
      for _, pattern in ipairs { "^t.csv, line 2: '2013%-02%-30' is no date", "^t.csv, line 3: '03/04/2019' does not say which",
         "line 3: the box %-4, 2, 30, 3 of a photo of 20 x 10 pixels", "line 4: the box 30, 1, 5, 5",
         "line 5: the box of '.*': expected four numbers", "line 6: unknown split 'dev'", "line 7: .*gone.jpg",
         "line 8: the file is empty",
         "line 11: 'g.jpg' is listed already: t.csv, line 10", "line 12: 'g.jpg' is 'q', and 'z' in t.csv, line 10" } do
         assert.is_true(has(lines, pattern), pattern)
      end
      assert.equal(10, #lines)
      assert.equal("b.jpg", found.problems[2].file)
      for _, pattern in ipairs { "^2 dates cannot be read, and their photos have none; the first: t.csv, line 2",
         "^1 individual has a single photo", "^1 of 6 rows do not say the side$", "^1 row is of nobody known %(''%)$" } do
         assert.is_true(has(found.notes, pattern), pattern)
      end
   end)

   it("has encounters that are of one individual each", function()
      photo "a.jpg" photo "b.jpg"
      local found = catalogue(write("t.csv", "file,identity,encounter\na.jpg,x,1\nb.jpg,y,1\n"))
      assert.is_true(has(found.notes, "^1 encounter is of several individuals %(1%)"))
   end)

   it("may hold masks", function()
      photo "a.jpg" photo "b.jpg"
      local found = catalogue(write("t.csv", 'file,identity,bbox,segmentation\na.jpg,x,"[0, 0, 2, 2]","{\'counts\': [1, 3], '
         .. '\'size\': [2, 2]}"\nb.jpg,x,"[0, 0, 2, 2]","[[0, 0, 2, 0, 2"\n'), { mask = true })
      assert.same({ counts = "13", size = { 2, 2 } }, found.rows[1].mask) -- lists are kept as COCO's text
      assert.is_nil(found.rows[2].mask)
      assert.matches("^t.csv, line 3: the mask was cut off$", found.problems[1].message)
      assert.is_true(has(found.notes, "^1 photo has no mask$"))
   end)

   it("tells of photos that have no box, where others have", function()
      photo "a.jpg" photo "b.jpg"
      local path = write("t.csv", 'file,identity,bbox\na.jpg,x,"[0, 0, 2, 2]"\nb.jpg,x,\n')
      assert.is_true(has(catalogue(path).notes, "^1 photo is without a box, taken whole$"))
      assert.is_false(has(catalogue(path, { crop = "none" }).notes, "taken whole") or false)
   end)
end)

describe("annotations", function()
   local function coco(annotations, more)
      local data = { images = { { id = 1, file_name = "a.jpg", width = 20, height = 10, identity = "x" },
         { id = 2, file_name = "b.jpg", width = 20, height = 10, identity = 17, date = "2020-01-02" } },
         categories = { { id = 1, name = "seal" } }, annotations = annotations }
      for key, value in pairs(more or {}) do data[key] = value end
      return write("annotations.json", cjson.encode(data))
   end

   local function annotation(image, box, more)
      local made = { id = 7, image_id = image, category_id = 1, bbox = box, segmentation = cjson.empty_array }
      for key, value in pairs(more or {}) do made[key] = value end
      return made
   end

   before_each(function() photo "a.jpg" photo "b.jpg" end)

   it("do without a table", function()
      local found = catalogue(coco { annotation(2, { 1, 1, 4, 4 }, { attributes = { orientation = "Left" } }) })
      assert.same({ "seal", "x", "17", "left", "17 2020-01-02" }, { found.crop, found.rows[1].identity, found.rows[2].identity,
         found.rows[2].side, found.rows[2].encounter })
      assert.is_nil(found.rows[1].box)
      assert.same({ 1, 1, 4, 4, of = { 20, 10 } }, found.rows[2].box)
   end)

   it("lose nothing but what is wrong, and tell it", function()
      local found = catalogue(coco { annotation(1, { 15, 5, 10, 10 }), annotation(2, { 40, 5, 10, 10 }),
         annotation(1, { 1, 1, 2, 2 }, { category_id = 9 }), annotation(5, { 1, 1, 2, 2 }), annotation(1, { 1, 1, 0, 2 }),
         annotation(1, "[2, 3, 4, 5]"), annotation(2, cjson.null) })
      assert.same({ "a.jpg", "a.jpg" }, { found.rows[1].file, found.rows[2].file })
      assert.same({ 15, 5, 5, 5, of = { 20, 10 } }, found.rows[1].box)
      assert.same({ 2, 3, 4, 5, of = { 20, 10 } }, found.rows[2].box)
      assert.equal(2, #found.rows)
      local lines = told(found)
      for _, pattern in ipairs { "annotation 7: the box 15, 5, 10, 10 of 'a.jpg' of 20 x 10 pixels", "the box 40, 5, 10, 10",
         "there is no category with the id 9", "there is no photo with the id 5", "the box of 'a.jpg': it is 0 wide and 2 high",
         "the box of 'b.jpg': expected four numbers" } do
         assert.is_true(has(lines, pattern), pattern)
      end
      assert.equal(6, #lines)
   end)

   it("keep photos whose masks are cut off", function()
      local function mask(counts, size) return { segmentation = { counts = counts, size = size or { 10, 20 } } } end
      local box = { 0, 0, 9, 9 }
      local found = catalogue(coco { annotation(1, box, mask { 50, 100, 50 }), annotation(2, box, mask { 50, 100 }),
         annotation(2, { 1, 1, 5, 5 }, mask({ 100 }, { 10, 10 })), annotation(2, { 2, 2, 5, 5 }, mask "PQ~"),
         annotation(2, { 3, 3, 5, 5 }, { segmentation = { { 0, 0, 5, 0, 5 } } }),
         annotation(1, { 1, 1, 3, 3 }, { segmentation = { { 0, 0, 5, 0, 5, 5 } } }) }, { mask = true })
      assert.equal(6, #found.rows)
      found = catalogue(root, { mask = true })
      assert.same({ counts = "b1T3b1", size = { 10, 20 } }, found.rows[1].mask)
      assert.same({ { 0, 0, 5, 0, 5, 5 } }, found.rows[2].mask)
      for i = 3, 6 do assert.is_nil(found.rows[i].mask) end
      local lines = told(found)
      for _, pattern in ipairs { "'b.jpg': the mask is cut off: its run lengths cover 150 of 200 pixels$",
         "the mask is of 10 x 10 pixels, the photo of 20 x 10$", "the run lengths of the mask are damaged$",
         "polygon 1 of the mask is none" } do
         assert.is_true(has(lines, pattern), pattern)
      end
   end)

   it("whose file is cut off or another are refused", function()
      local path = coco { annotation(1, { 1, 1, 2, 2 }, { segmentation = { counts = { 50, 150 }, size = { 10, 20 } } }) }
      local text = read_file(path)
      for _, length in ipairs { #text - 1, #text // 2, 10, 0 } do
         write("annotations.json", text:sub(1, length))
         assert.matches("is damaged or was cut off", failure(root))
      end
      write("annotations.json", '{"images": []}')
      assert.matches("it has no list 'annotations'", failure(root))
   end)

   it("of other photos than the table's are refused", function()
      coco { annotation(1, { 1, 1, 2, 2 }) }
      write("metadata.csv", "id,file_name,identity\n2,a.jpg,x\n1,b.jpg,y\n")
      assert.matches("^metadata.csv, line 2: 'a.jpg' has the id 2, and in annotations.json 1: boxes would be", failure(root))
      write("metadata.csv", "id,file_name,identity\n1,b.jpg,y\n2,elsewhere/a.jpg,x\n")
      assert.matches("^metadata.csv, line 2: 'b.jpg' has the id 1, and in annotations.json 2: boxes", failure(root))
      write("metadata.csv", "id,file_name,identity\n1,below/b.jpg,y\n2,below/a.jpg,x\n") -- neither is a name there
      assert.matches("^metadata.csv, line 2: 'below/b.jpg' has the id 1, which in annotations.json is 'a.jpg': boxes would be "
         .. "those of other photos; say which column", failure(root))
      write("metadata.csv", "id,file_name,identity\n1,a.jpg,x\n1,b.jpg,y\n")
      assert.matches("line 3: 'b.jpg' has the id 1 of 'a.jpg'", failure(root))
   end)
end)

describe("folders", function()
   it("are individuals, and what is inside of them days, sides and encounters", function()
      for _, name in ipairs { "ana/1.jpg", "ana/2019-05-03/left/2.jpg", "ana/trip/3.jpg", "bo/4.jpg", "unknown/5.jpg" } do
         photo(name)
      end
      write("ana/notes.txt", "no photo")
      local found = catalogue(root)
      local rows = {}
      for i, row in ipairs(found.rows) do
         rows[i] = ("%s %s %s %s %s"):format(row.file, row.identity, row.date, row.side, row.encounter)
      end
      assert.same({ "ana/1.jpg ana nil nil nil", "ana/2019-05-03/left/2.jpg ana 2019-05-03 left ana 2019-05-03",
         "ana/trip/3.jpg ana nil nil ana/trip", "bo/4.jpg bo nil nil nil", "unknown/5.jpg nil nil nil nil" }, rows)
      assert.equal("folders", found.kind)
      assert.equal(root .. "/bo/4.jpg", found.rows[4].path)
      for _, pattern in ipairs { "taken as encounters: ana/trip$", "^1 file is no photo", "single photo.*: bo$",
         "^1 photo is of nobody known %('unknown'%)$", "^4 of 5 photos do not say the day$" } do
         assert.is_true(has(found.notes, pattern), pattern)
      end
   end)

   it("named like splits are given ones", function()
      for _, name in ipairs { "train/ana/1.jpg", "train/bo/2.jpg", "val/ana/3.jpg", "test/cy/4.jpg", "more/x/5.jpg" } do
         photo(name)
      end
      local found = catalogue(root)
      local rows = {}
      for i, row in ipairs(found.rows) do rows[i] = ("%s %s %s"):format(row.file, row.identity, row.split.given) end
      assert.same({ "train/ana/1.jpg ana train", "train/bo/2.jpg bo train", "val/ana/3.jpg ana valid",
         "test/cy/4.jpg cy test" }, rows)
      assert.same({ "given" }, found.splits)
      assert.is_true(has(found.notes, "left alone: more$"))
   end)

   it("that are empty are refused", function()
      assert.matches("is empty; it should hold one folder of photos per individual", failure(root))
      write("readme.txt", "")
      assert.matches("holds 1 file, but no folder per individual, no metadata.csv", failure(root))
      scute.files.mkdirs(root .. "/ana")
      assert.matches("lists no photos", failure(root))
      photo "ana/1.jpg"
      assert.matches("folders of photos hold no boxes", failure(root, { crop = "head" }))
      assert.matches("^photos: '/tmp': it is for a table", failure(root, { photos = "/tmp" }))
   end)
end)

describe("dates", function()
   it("are read as people and cameras write them", function()
      for text, day in pairs { ["2014-05-03"] = "2014-05-03", ["2014:05:03 10:11:12"] = "2014-05-03 10:11:12",
         ["2014/5/3"] = "2014-05-03", ["20140503"] = "2014-05-03", ["3.5.2014"] = "2014-05-03", ["03. 05.2014"] = "2014-05-03",
         ["2014-05-03T23:59:60.125Z"] = "2014-05-03 23:59:60", ["2014-05-03 7:08+02:00"] = "2014-05-03 07:08:00",
         ["2000-02-29"] = "2000-02-29", ["2014_05_03"] = "2014-05-03" } do
         local date, time = dates.read(text)
         assert.equal(day, time and date .. " " .. time or date, text)
      end
   end)

   it("that are none say why", function()
      for text, why in pairs { ["2014-02-29"] = "is no date", ["1900-02-29"] = "is no date",
         ["0000:00:00 00:00:00"] = "is no date", ["2014-13-01"] = "is no date", ["2014-05-32"] = "is no date",
         ["03/05/2014"] = "does not say which number is the day",
         ["2014"] = "names no day", ["2014-05"] = "names no day", ["spring"] = "is no date", ["2014-05-03x"] = "is no date",
         ["2014-05-03 25:00"] = "is no date" } do
         local date, _, said = dates.read(text)
         assert.is_nil(date, text)
         assert.equal(1, said:find(why, 1, true), text)
      end
   end)
end)

describe("boxes", function()
   it("end at the edge of the photo", function()
      local box = { 2, 3, 5, 4 }
      assert.equal(box, (boxes.within(box, 7, 7)))
      -- rounded: not worth a word
      assert.same({ { 2, 3, 5, 4, of = { 7, 7 } }, false }, { boxes.within({ 2, 3, 5.75, 4.5 }, 7, 7) })
      assert.same({ { 0, 0, 3, 2 }, true }, { boxes.within({ -2, -1, 5, 3 }, nil, nil) })
      for _, outside in ipairs { { 7, 1, 3, 3 }, { 1, 7, 3, 3 }, { -3, 1, 3, 3 }, { 1, -3, 3, 3 } } do
         assert.is_nil(boxes.within(outside, 7, 7))
      end
   end)

   it("are read from lists and texts", function()
      for _, given in ipairs { { 1, 2.5, 3, 4 }, "[1, 2.5, 3, 4]", "(1,2.5,3,4)", "1 2.5 3 4", "1.0, 2.5, 3.0, 4.0" } do
         assert.same({ 1, 2.5, 3, 4 }, boxes.read(given))
      end
      for _, given in ipairs { { 1, 2, 3 }, { 1, 2, 3, 0 / 0 }, { 1, 2, -3, 4 }, { 1, 2, 3, 0 }, "[1, 2, 3", "", "[1, 2, 3, x]",
         "[1, 2, nan, 4]", { 1, 2, 3, 1 / 0 }, true } do
         assert.is_nil((boxes.read(given)))
      end
   end)
end)

describe("masks", function()
   it("in COCO's compressed form are counted like lists", function()
      assert.same({ counts = "323O", size = { 3, 3 } }, masks.check { counts = "323O", size = { 3, 3 } })
      assert.same({ nil, "the mask is cut off: its run lengths cover 8 of 9 pixels" },
         { masks.check { counts = "323", size = { 3, 3 } } })
      assert.is_nil((masks.check { counts = "323o", size = { 3, 3 } }))
      local found = catalogue(GOLDEN .. "seaturtle", { crop = "turtle", mask = true })
      local compressed = 0
      for _, row in ipairs(found.rows) do
         if row.mask and type(row.mask.counts) == "string" then
            compressed = compressed + 1
            local cut = { counts = row.mask.counts:sub(1, -2), size = row.mask.size }
            assert.is_nil((masks.check(cut, 48, 32)))
         end
      end
      assert.is_true(compressed > 0)
   end)
end)

describe("a large catalogue", function()
   it("of 100,000 individuals is read", function()
      local lines, n = { "path,identity,date,orientation,bbox,split" }, 100000
      for i = 1, n do
         lines[i + 1] = ('p/%d.jpg,animal %d,20%02d-%02d-%02d,left,"[1, 2, 30, 40]",train'):format(i, i, i % 20, i % 12 + 1,
            i % 28 + 1)
      end
      local found = catalogue(write("metadata.csv", table.concat(lines, "\n")), { check_files = false })
      assert.equal(n, #found.rows)
      assert.same({ "animal 100000 2000-05-13", { 1, 2, 30, 40 } }, { found.rows[n].encounter, found.rows[n].box })
      assert.is_true(has(found.notes, "^100,000 individuals have a single photo"))
      assert.same({}, found.problems)
   end)
end)
