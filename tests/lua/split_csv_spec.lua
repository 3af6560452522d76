local scute = require "scute"
local csv = require "scute.base.csv"
local data = require "scute.data"

local root, warnings

local function write(name, text)
   local path = root .. "/" .. name
   scute.files.mkdirs(path:match "^(.*)/")
   local file <close> = assert(io.open(path, "wb"))
   assert(file:write(text))
   return path
end

local function failure(f, ...)
   local ok, err = pcall(f, ...)
   assert.is_false(ok)
   assert.is_true(require("scute.base.console").is_failure(err), tostring(err))
   assert.is_nil(tostring(err):find "\n")
   assert.equal(1, err.exit)
   return tostring(err)
end

local function open(text)
   return data.open(root .. "/photos", { split_csv = write("split.csv", text) })
end

local warn = require("scute.base.console").warn

before_each(function()
   root = os.tmpname()
   os.remove(root)
   for _, name in ipairs { "a/1.jpg", "a/2.jpg", "a/3.jpg", "b/1.jpg", "b/2.jpg", 'c/odd, "name".jpg' } do
      write("photos/" .. name, "\xff\xd8\xff" .. name)
   end
   warnings = {}
   require("scute.base.console").warn = function(...) warnings[#warnings + 1] = string.format(...) end
end)

after_each(function()
   require("scute.base.console").warn = warn
   os.execute(("rm -rf '%s'"):format(root))
end)

describe("csv.parse", function()
   local function rows(text)
      local found = assert(csv.parse(text))
      for _, row in ipairs(found) do row.line = nil end
      return found
   end

   it("reads fields, quoted or not", function()
      assert.same({ { "a", "b" }, { "1", "2" } }, rows "a,b\n1,2\n")
      assert.same({ { "a", "b" }, { "1", "2" } }, rows "\xef\xbb\xbfa,b\r\n1,2")
      assert.same({ { 'x, "y"', "", "line\nbreak" }, { "", "" } }, rows '"x, ""y""",,"line\nbreak"\n,\n')
      assert.same({ { "a" }, { "b" } }, rows "a\n\n\r\nb")
      assert.same({ { "", "b" } }, rows '"",b')
      assert.same({}, rows "")
   end)

   it("reads rows however they differ from the one before", function()
      local text = 'a,b\n1,2\n"3",4\n"5",6\n7,"8\n9"\n"x""y",z\r\n"p,q",\r\n,\n1,2,3\n4,5\n\n\r\n6'
      assert.same({ { "a", "b" }, { "1", "2" }, { "3", "4" }, { "5", "6" }, { "7", "8\n9" }, { 'x"y', "z" },
         { "p,q", "" }, { "", "" }, { "1", "2", "3" }, { "4", "5" }, { "6" } }, rows(text))
      local found = csv.parse '"a","b"\n"c\nd","e"\n"f","g"\nh,i'
      assert.same({ 1, 2, 4, 5 }, { found[1].line, found[2].line, found[3].line, found[4].line })
   end)

   it("counts lines", function()
      local found = csv.parse 'a\n"b\nc",d\n\ne'
      assert.same({ 1, 2, 5 }, { found[1].line, found[2].line, found[3].line })
   end)

   it("refuses what is none", function()
      assert.same({ nil, "a quote that nothing closes", 2 }, { csv.parse 'a\n"b' })
      assert.same({ nil, "a quote in the middle of a field", 1 }, { csv.parse 'a"b' })
      assert.same({ nil, "something behind a closing quote", 1 }, { csv.parse '"a"b' })
   end)
end)

describe("a split from a CSV file", function()
   it("says what trains and what validates", function()
      local set = open('label,File,split,remark\nA,a/1.jpg,train,\nA,a/2.jpg,valid,x\nC,"c/odd, ""name"".jpg",Train,\n'
         .. "B,b/1.jpg,train,\nB,b/2.jpg,val,\nA,a/3.jpg,test,\n")
      assert.same({ "A", "B", "C" }, set.classes)
      assert.same({ root .. "/photos/a/1.jpg", root .. '/photos/c/odd, "name".jpg', root .. "/photos/b/1.jpg" },
         set.train.paths)
      assert.same({ 1, 3, 2 }, set.train.labels)
      assert.same({ 1, 1, 1 }, set.train.counts)
      assert.same({ 1, 2 }, set.val.labels)
      assert.same({ 1, 1, 0 }, set.val.counts)
      assert.equal("split.csv, val", set.split)
      assert.same({ "class 'C' has no photo that validates", "1 photo of the split 'test' is there for a test, and neither "
         .. "trains nor validates" }, set.notes)
      assert.same({}, warnings)
   end)

   it("validates on test where nothing is val", function()
      local set = open "file,label,split\na/1.jpg,A,train\nb/1.jpg,B,train\na/2.jpg,A,test\n"
      assert.equal("split.csv, test", set.split)
      assert.equal(1, #set.val.paths)
   end)

   it("takes absolute paths", function()
      local set = open(("file,label,split\n%s/photos/a/1.jpg,A,train\nb/1.jpg,B,train\na/2.jpg,A,val\n"):format(root))
      assert.equal(root .. "/photos/a/1.jpg", set.train.paths[1])
   end)

   it("warns where a group lies on both sides", function()
      open "file,label,split,group\na/1.jpg,A,train,g1\na/2.jpg,A,val,g1\nb/1.jpg,B,train,g2\nb/2.jpg,B,val,g3\n"
      assert.equal(1, #warnings)
      assert.matches("1 group of 3 on both sides of the split %(g1%)", warnings[1])
   end)

   it("does not warn of groups that keep apart, of empty ones, nor of what is left alone", function()
      open("file,label,split,group\na/1.jpg,A,train,g1\na/2.jpg,A,val,\nb/1.jpg,B,train,\nb/2.jpg,B,val,g3\n"
         .. "a/3.jpg,A,test,g1\n")
      assert.same({}, warnings)
   end)

   it("refuses what is wrong, naming the line", function()
      local head, good = "file,label,split\n", "a/1.jpg,A,train\nb/1.jpg,B,train\na/2.jpg,A,val\n"
      for text, message in pairs {
         ["file,label\na/1.jpg,A\n"] = "the column 'split' is missing; found file, label",
         ["file,file,label,split\na,a,A,train\n"] = "the column 'file' is there twice",
         [""] = "has no rows", [head] = "has no rows",
         [head .. "a/1.jpg,A,train,\n"] = "line 2: expected 3 fields as in the first line, found 4",
         [head .. "a/1.jpg,A\n"] = "line 2: expected 3 fields as in the first line, found 2",
         [head .. good .. "a/3.jpg,,val\n"] = "line 5: the label of 'a/3.jpg' is empty",
         [head .. good .. ",A,val\n"] = "line 5: the file is empty",
         [head .. good .. "a/3.jpg,A,dev\n"] = "line 5: unknown split 'dev'; expected train, val",
         [head .. good .. "a/9.jpg,A,val\n"] = "line 5: there is no file '",
         [head .. good .. "a/9.jpg,A,val\nb/9.jpg,B,val\n"] = "(and 1 more are missing)",
         [head .. good .. "a/1.jpg,A,val\n"] = "line 5: 'a/1.jpg' is listed already in line 2",
         [head .. good .. "b/2.jpg,Z,val\n"] = "line 5: class 'Z' validates but does not train",
         [head .. "a/1.jpg,A,train\na/2.jpg,A,val\n"] = "at least two classes that train, found 'A' only",
         [head .. "a/1.jpg,A,train\nb/2.jpg,B,train\n"] = "no photo validates",
         [head .. 'a/1.jpg,"A,train\n'] = "line 2: a quote that nothing closes",
      } do
         local said = failure(open, text)
         assert.is_truthy(said:find(message, 1, true), said)
      end
      assert.matches("split_csv: cannot open '.*nowhere.csv': No such file", failure(data.open, root .. "/photos",
         { split_csv = root .. "/nowhere.csv" }))
      assert.matches("split_csv: cannot read '.*photos': Is a directory", failure(data.open,
         root .. "/photos", { split_csv = root .. "/photos" }))
   end)
end)

describe("the name of a split", function()
   it("is the folder's, or says how it was drawn", function()
      for _, path in ipairs { "set/train/a/1", "set/train/b/1", "set/val/a/1", "set/val/b/1" } do
         write(path .. ".jpg", "\xff\xd8\xff" .. path)
      end
      assert.equal("val/", data.open(root .. "/set").split)
      os.execute(("rm -r '%s/photos/c'"):format(root))
      assert.equal("drawn, 20 %, seed 3", data.open(root .. "/photos", { seed = 3 }).split)
   end)
end)
