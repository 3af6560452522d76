-- Files of ONNX as they are written: what is in them once, what is refused, and that nothing is left half done. Whether they
-- are ONNX, tests/export asks ONNX's own checker.
local scute = require "scute"
local lfs = require "lfs"
local onnx_file = require "scute.export.onnx_file"
local protobuf = require "scute.base.protobuf"

local root

setup(function()
   root = os.tmpname()
   os.remove(root)
   scute.files.mkdirs(root)
end)

teardown(function() os.execute(("rm -rf '%s'"):format(root)) end)

local function read(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

-- How often a text is in another one.
local function times(text, part)
   local n, at = 0, 1
   while true do
      at = text:find(part, at, true)
      if not at then return n end
      n, at = n + 1, at + 1
   end
end

local function written(g)
   g:save(root .. "/file.onnx")
   return read(root .. "/file.onnx")
end

describe("protocol buffers", function()
   it("have numbers of seven bits a byte, negative ones of ten bytes", function()
      -- protobuf.dev/programming-guides/encoding
      assert.equal("\x96\x01", protobuf.varint(150))
      assert.equal("\x08\x96\x01", protobuf.whole(1, 150))
      assert.equal("\x12\x07testing", protobuf.bytes(2, "testing"))
      assert.equal(("\xff"):rep(9) .. "\x01", protobuf.varint(-1))
      assert.equal("\0", protobuf.varint(0))
      assert.equal("\x0d\0\0\x80\x3f", protobuf.float(1, 1))
      assert.equal("\x09\0\0\0\0\0\0\xf0\x3f", protobuf.double(1, 1))
   end)
end)

describe("a file of ONNX", function()
   it("has tensors in logical order, in the width in which it computes", function()
      local w = scute.tensor({ 1, 2, 3, 4, 5, 6, 7, 8 }):reshape { 1, 2, 2, 2 }
      for half, format in pairs { [false] = "f", [true] = "e" } do
         local g = onnx_file.new { half = half }
         g:initializer("w", w)
         local content = {}
         for i = 1, 8 do content[i] = half and scute.tensor({ i }, { dtype = "f16" }) or string.pack("<f", i) end
         local file = scute.files.create(root .. "/content")
         for _, piece in ipairs(content) do file:write(piece) end
         file:commit()
         assert.equal(1, times(written(g), read(root .. "/content")), format)
      end
   end)

   it("has bf16, in which hardly any program computes, as f32", function()
      local g, w = onnx_file.new {}, scute.tensor({ 1.5, -2 }, { dtype = "bf16" })
      g:initializer("w", w)
      assert.equal(1, times(written(g), string.pack("<ff", 1.5, -2)))
      assert.equal("f16", onnx_file.new { half = true }:element "bf16")
   end)

   it("has what is the same once", function()
      local w, g = scute.randn(64), onnx_file.new {}
      assert.equal("w", g:initializer("w", w))
      assert.equal("w", g:initializer("w", w))
      assert.error_matches(function() g:initializer("w", scute.randn(64)) end, "w: two tensors have this name")
      assert.equal(g:wholes { 1, 2 }, g:wholes { 1, 2 })
      assert.equal(g:number(0.1), g:number(0.1))
      assert.not_equal(g:number(0.1), g:number(0.1 + 2 ^ -50))
      assert.not_equal(g:number(1), g:number(1, "i64"))
      assert.not_equal(g:number(1), g:numbers { 1 })
      assert.equal(1, times(written(g), protobuf.bytes(8, "w")))
   end)

   it("has names of nodes that say where they come from, each once", function()
      local g = onnx_file.new {}
      local x = g:input("input", "f32", { "N", 3 })
      g.layer = "layer1.0"
      assert.equal("layer1.0/Relu", g:node("Relu", { x }))
      assert.equal("layer1.0/Relu_2", g:node("Relu", { x }))
      local values, indices = g:node("TopK", { x, g:wholes { 1 } }, {}, 2)
      assert.equal("layer1.0/TopK", values)
      assert.not_equal(values, indices)
      assert.equal("here", g:node("Relu", { x }, {}, { "here" }))
   end)

   it("keeps the names of inputs and outputs, whatever comes first", function()
      local g = onnx_file.new { names = { "input", "Relu" } }
      assert.equal("input_2", g:unused "input")
      assert.error_matches(function() g:initializer("input", scute.randn(1)) end, "^input: something else has this name$")
      assert.equal("Relu_2", g:node("Relu", { g:input("input", "f32", { "N" }) }))
      assert.equal("Relu", g:output("Relu", "f32", { "N" }, "Relu_2"))
      g:initializer("Add", scute.randn(1))
      assert.same({ "Add_2", "Add_3" }, { g:node("Add", { "Relu_2", "Add" }), g:unused "Add" })
   end)

   it("refuses alone in f16 what would be 0 there", function()
      local g = onnx_file.new { half = true }
      assert.error_matches(function() g:number(-1e-8) end, "a number of size 1e%-08 is 0 in f16")
      assert.error_matches(function() g:initializer("eps", scute.tensor { 2.0 ^ -25 }) end, "^eps: a number of size 2.98.*")
      g:number(2.0 ^ -24)
      g:number(0)
      g:initializer("weight", scute.tensor { 1, 1e-8 })
   end)

   it("is the same to the byte each time", function()
      local function bytes()
         local g = onnx_file.new { metadata = { b = "2", a = "1", c = "3" } }
         g:output("y", "f32", { "N" }, g:node("Elu", { g:input("x", "f32", { "N" }) }, { alpha = 2 }))
         return written(g)
      end
      assert.equal(bytes(), bytes())
   end)

   it("refuses numbers that f16 does not hold, and takes infinite ones", function()
      local g = onnx_file.new { half = true }
      g:initializer("fine", scute.tensor { 65504, -65504, math.huge })
      assert.error_matches(function() g:initializer("fc.weight", scute.tensor { 1, -1e5 }) end,
         "^fc.weight: a number of size 100000 is more than f16 holds %(65504%); export it in f32$")
      g:initializer("f64", scute.tensor({ 1e5 }, { dtype = "f64" }))
      g:initializer("exactly", scute.tensor { 1e5 }, "f32")
   end)

   it("refuses metadata that is no text", function()
      for key, value in pairs { accuracy = 0.9, classes = { "a" }, name = "\xff" } do
         local g = onnx_file.new { metadata = { [key] = value } }
         assert.error_matches(function() g:save(root .. "/never.onnx") end, "the metadata '" .. key .. "' is no text in UTF%-8")
      end
      assert.is_nil(lfs.attributes(root .. "/never.onnx"))
   end)

   it("is refused, before anything is written, where it would have more than 2 GB", function()
      local large, g = scute.zeros(2 ^ 22), onnx_file.new {} -- 16 MB, said 128 times
      for i = 1, 128 do g:initializer("w" .. i, large) end
      assert.error_matches(function() g:save(root .. "/never.onnx") end,
         "never.onnx would have 2.1 GB; files of ONNX have at most 2 GB, and in f16 it would have half as much")
      assert.is_nil(lfs.attributes(root .. "/never.onnx"))
   end)

   it("takes the place of another one only when it is whole", function()
      local path = root .. "/place.onnx"
      scute.files.write(path, "before")
      local g = onnx_file.new {}
      local gone = scute.randn(8)
      g:initializer("w", scute.randn(8))
      g.tensors[1].tensor:free() -- whatever goes wrong in between
      assert.is_false(pcall(g.save, g, path))
      assert.equal("before", read(path))
      for name in lfs.dir(root) do assert.is_nil(name:find "%.tmp$", name) end
      g = onnx_file.new {}
      g:initializer("w", gone)
      g:save(path)
      assert.not_equal("before", read(path))
      assert.error_matches(function() g:save(root .. "/nowhere/file.onnx") end, "nowhere/file.onnx")
   end)
end)

describe("scute.files.create", function()
   it("writes texts and tensors, one after the other", function()
      local file = scute.files.create(root .. "/pieces")
      file:write "head"
      file:write(scute.tensor({ 1, 2 }, { dtype = "u8" }))
      file:write ""
      file:write "tail"
      assert.is_nil(lfs.attributes(root .. "/pieces"))
      file:commit()
      assert.equal("head\1\2tail", read(root .. "/pieces"))
      assert.error_matches(function() file:write "more" end, "this file is closed")
      assert.error_matches(function() file:commit() end, "this file is closed")
      file:close()
      assert.error_matches(function() scute.files.create(root .. "/x"):write(3) end, "expected a tensor, found")
   end)

   it("leaves nothing of a file that is closed before", function()
      do
         local file <close> = scute.files.create(root .. "/gone")
         file:write "half"
      end
      for name in lfs.dir(root) do assert.is_nil(name:find "^gone", name) end
   end)
end)
