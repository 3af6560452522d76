-- Who is it: photos against the gallery of a folder, which is kept up to date; enrolling; what is told of it, and drawn.
local cjson = require "cjson"
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local gallery = require "scute.reid.gallery"
local identify = require "scute.reid.identify"
local of_folder = require "scute.reid.gallery.of_folder"
local photos = dofile "tests/cli/photos.lua"
dofile "tests/lua/small.lua"

local SURE = { kind = "platt", slope = 40, offset = -36 } -- 0.5 at a similarity of 0.9

local root, model, program

local function path(name) return root .. "/" .. name end

local function shell(line)
   local pipe = assert(io.popen(("%s 2>&1; echo \"exit $?\""):format(line)))
   local output = pipe:read "a"
   pipe:close()
   return output:match "^(.*)exit (%d+)\n$"
end

-- The gallery of the folder as it is now, and what was done; counts alone.
local function opened(more)
   local o = { model = path "model.safetensors", calibration = SURE, protocol = "by encounter, drawn, seed 0" }
   for key, value in pairs(more or {}) do o[key] = value end
   return of_folder.open(path "known", model, o)
end

setup(function()
   console.quiet = true
   root = os.tmpname()
   os.remove(root)
   program = shell "readlink /proc/$PPID/exe":gsub("\n", "")
   photos.set(path "known", { blue = 4, red = 3 })
   photos.write(path "blue.bmp", 1, 77)
   photos.write(path "red.bmp", 2, 78)
   scute.manual_seed(3)
   model = scute.models.create("small", { classes = { "x", "y" } }):eval()
   scute.models.save(model, path "model.safetensors")
end)
teardown(function()
   console.quiet = false
   os.execute(("rm -rf '%s'"):format(root))
end)

describe("the gallery of a folder", function()
   it("is made, and follows the photos", function()
      local g, done = opened()
      assert.same({ 7, 7, 0 }, { g.count, done.added, done.gone })
      assert.same({ "blue", "red" }, g.identities)
      assert.equal(path "known/blue/002.bmp", g:path_of(g:row(2)))
      g:append { embeddings = g.mapped:tensor("embeddings", 1, 1), rows = { { identity = "Zoë", file = "by hand",
         enrolled = true } } }
      g:close()
      local before = lfs.attributes(path "known/gallery.safetensors", "ino")
      g, done = opened()
      assert.same({ 8, 0, 0 }, { g.count, done.added, done.gone })
      assert.equal(before, lfs.attributes(path "known/gallery.safetensors", "ino")) -- nothing to write
      g:close()
      photos.write(path "known/green/001.bmp", 3, 1)
      os.remove(path "known/red/003.bmp")
      lfs.touch(path "known/blue/001.bmp", 1000, 1000)
      g, done = opened()
      assert.same({ 8, 2, 2 }, { g.count, done.added, done.gone })
      assert.equal(4, #g.identities)
      assert.same({ blue = 4, red = 2, green = 1, ["Zoë"] = 1 }, g:photos())
      g:close()
   end)

   it("sees that photos have changed places", function()
      local function whose() -- the most similar of its photos
         local g <close> = opened()
         local x = require "scute.reid.embeddings"(model, { path "known/blue/002.bmp" }).x
         return g:row(select(2, g:search(x, { top = 1 })):item()).file
      end
      assert.equal("blue/002.bmp", whose())
      local second = lfs.attributes(path "known/blue/002.bmp", "modification")
      lfs.touch(path "known/red/002.bmp", second, second) -- written in the same second, and as large
      opened():close()
      local function swap()
         os.rename(path "known/blue/002.bmp", path "aside")
         os.rename(path "known/red/002.bmp", path "known/blue/002.bmp")
         os.rename(path "aside", path "known/red/002.bmp")
      end
      swap()
      assert.equal("blue/002.bmp", whose())
      swap()
      opened():close()
   end)

   it("tells photos that cannot be read, and goes on", function()
      photos.write_file(path "known/red/900.bmp", "BM is all of it")
      local g, done = opened()
      assert.equal(0, done.added)
      assert.equal(8, g.count)
      g:close()
      os.remove(path "known/red/900.bmp")
   end)

   it("knows a photo with a box again, and where it is to be cut", function()
      photos.write(path "boxed/one.bmp", 1, 1)
      photos.write(path "boxed/two.bmp", 2, 2)
      photos.write_file(path "boxed/metadata.csv", "identity,path,bbox,width,height\n"
         .. 'Ann,one.bmp,"[1, 2, 20, 24]",40,39\nBob,two.bmp,"[1, 2, 20, 24]",,\n')
      local function at()
         return of_folder.open(path "boxed", model, { model = path "model.safetensors", catalogue = { crop = "box" } })
      end
      local g, done = at()
      assert.same({ 2, 2 }, { g.count, done.added })
      assert.same({ { 1, 2, 20, 24, of = { 40, 39 } }, { 1, 2, 20, 24 } }, { g:row(1).box, g:row(2).box })
      g:close()
      g, done = at()
      assert.same({ 2, 0, 0 }, { g.count, done.added, done.gone })
      g:close()
   end)

   it("of another model is refused, and can be made anew", function()
      scute.manual_seed(4)
      local other = scute.models.create("small", { classes = { "x", "y" } }):eval()
      scute.models.save(other, path "other.safetensors")
      local ok, err = pcall(opened, { model = path "other.safetensors" })
      assert.is_false(ok)
      assert.matches("gallery of another model", tostring(err), 1, true)
      assert.matches("make the gallery anew", tostring(err), 1, true)
      local g = opened()
      local x = require "scute.reid.embeddings"(model, { path "red.bmp" }).x
      g:append { embeddings = x, rows = { { identity = "Kim", file = "red.bmp", path = path "red.bmp", side = "left",
         enrolled = true } } }
      g:close()
      local done
      g, done = opened { rebuild = true }
      assert.same({ 8, 8 }, { g.count, done.added }) -- Zoë was enrolled without a photo that could be looked at again
      assert.same({ blue = 4, red = 2, green = 1, Kim = 1 }, g:photos())
      local kim = g:row(8)
      assert.same({ "Kim", true, "left", path "red.bmp" }, { kim.identity, kim.enrolled, kim.side, g:path_of(kim) })
      g:append { drop = function(row) return row.enrolled end }
      g:close()
   end)

   it("that is damaged says how to go on", function()
      local name = path "known/gallery.safetensors"
      local file = assert(io.open(name, "rb"))
      local whole = file:read "a"
      file:close()
      photos.write_file(name, whole:sub(1, -2))
      local ok, err = pcall(opened)
      assert.is_false(ok)
      assert.is_truthy(tostring(err):find("--rebuild", 1, true), tostring(err))
      photos.write_file(name, whole)
   end)

   it("takes nothing for a photo that was written to and cannot be read any more", function()
      local name = path "known/blue/001.bmp"
      local file = assert(io.open(name, "rb"))
      local whole = file:read "a"
      file:close()
      photos.write_file(name, whole:sub(1, 2000))
      local g, done = opened()
      assert.same({ 6, 1, 1 }, { g.count, done.gone, #done.bad + #done.problems })
      g:close()
      photos.write_file(name, whole)
      g, done = opened()
      assert.same({ 7, 1 }, { g.count, done.added })
      g:close()
   end)

   it("without any photo is told", function()
      lfs.mkdir(path "empty")
      local ok, err = pcall(of_folder.open, path "empty", model, { model = path "model.safetensors" })
      assert.is_false(ok)
      assert.is_true(console.is_failure(err))
      assert.is_truthy(tostring(err):find(path "empty", 1, true), tostring(err))
   end)

   it("looks again at photos whose mask is another one", function()
      photos.write(path "masked/a.bmp", 1, 5)
      photos.write(path "masked/b.bmp", 2, 10)
      local function done_with(runs)
         scute.files.write(path "masked/metadata.csv", ("path,identity,bbox,width,height,segmentation\n"
            .. 'a.bmp,x,"[0, 0, 40, 40]",40,40,"{\'counts\': [%s], \'size\': [40, 40]}"\n'
            .. 'b.bmp,y,"[0, 0, 40, 40]",40,40,\n'):format(runs))
         local g <close>, done = of_folder.open(path "masked", model, { model = path "model.safetensors",
            catalogue = { mask = true } })
         assert.same({ 2, { 0, 0, 40, 40, of = { 40, 40 } } }, { g.count, g:row(1).box })
         return done.added
      end
      assert.same({ 2, 0, 1, 0 }, { done_with "80, 1520", done_with "80, 1520", done_with "120, 1480",
         done_with "120, 1480" })
   end)
end)

describe("identify", function()
   it("names who is known, and says how sure that is", function()
      local g <close> = opened()
      local found = identify(model, g, { path "blue.bmp", path "nowhere.bmp", path "red.bmp" }, { top = 2 })
      assert.equal(2, #found.photos)
      assert.equal(1, #found.bad)
      for i, name in ipairs { "blue", "red" } do
         local photo = found.photos[i]
         assert.equal(path(name .. ".bmp"), photo.path)
         assert.equal(name, photo.candidates[1].identity)
         assert.equal(2, #photo.candidates)
         assert.is_true(photo.candidates[1].score > photo.candidates[2].score)
         assert.equal(photo.probability, photo.candidates[1].probability)
         assert.equal(photo.new, photo.probability < 0.5)
         assert.is_true(math.abs(1 / (1 + math.exp(36 - 40 * photo.candidates[1].score)) - photo.probability) < 1e-9)
      end
      local text = tostring(found)
      assert.is_truthy(text:find(path "blue.bmp" .. ": blue ", 1, true), text)
      assert.is_truthy(text:find("probabilities from validation photos (by encounter, drawn, seed 0)", 1, true), text)
   end)

   it("says that it is a new one where that is likelier", function()
      local g <close> = opened()
      local strict = { kind = "platt", slope = 40, offset = -80 } -- nothing is as similar
      local found = identify(model, g, { path "blue.bmp" }, { calibration = strict })
      assert.is_true(found.photos[1].new)
      assert.is_truthy(tostring(found):find("blue.bmp: new (", 1, true), tostring(found))
      local all = cjson.decode(found:json())
      assert.is_true(all.photos[1].new)
      assert.is_true(all.calibrated)
   end)

   it("tells similarities alone without a calibration, and a photo that is in the gallery itself", function()
      local rows, x = { { identity = "blue", file = "b", path = path "known/blue/001.bmp", side = "left" } }
      x = require "scute.reid.embeddings"(model, { rows[1].path }).x
      local g <close> = gallery.create(path "bare.safetensors", { embeddings = x, rows = rows,
         model = path "model.safetensors" })
      local found = identify(model, g, { path "known/blue/001.bmp" })
      assert.is_nil(found.photos[1].new)
      assert.is_nil(found.photos[1].candidates[1].probability)
      assert.is_true(found.photos[1].candidates[1].score > 0.9999)
      local text = tostring(found)
      assert.is_truthy(text:find("similarities are no probabilities", 1, true), text)
      assert.is_truthy(text:find(": this very photo is in the gallery, as blue\n", 1, true), text)
      local none = identify(model, g, { path "blue.bmp" }, { side = "right" })
      assert.same({}, none.photos[1].candidates)
      assert.is_truthy(tostring(none):find("no photo that may show the side 'right'; it has the sides left", 1, true))
      assert.equal("null", none:json():match '"new":(%a+)')
      none = identify(model, g, { path "blue.bmp" }, { side = "right", calibration = SURE, protocol = "at random" })
      local told = cjson.decode(none:json())
      assert.same({ cjson.null, cjson.null, "at random", true }, { told.photos[1].new, told.photos[1].probability,
         told.protocol, told.calibrated })
      assert.is_truthy(tostring(none):find("from validation photos (at random)", 1, true), tostring(none))
   end)

   it("draws photos beside their candidates", function()
      local g <close> = opened()
      local found = identify(model, g, { path "blue.bmp", path "red.bmp" }, { top = 3 })
      local figure = found:picture { side = 60 }
      figure:save(path "found.png")
      assert.equal("PNG", assert(io.open(path "found.png", "rb")):read(4):sub(2))
      assert.equal(2 * 16 - 12 + (1 + #found.photos[1].candidates) * 72, figure.width)
   end)
end)

describe("the gallery of a table", function()
   it("takes names from its columns, not from folders", function()
      photos.set(path "trips", { first = 2, second = 2 })
      photos.write_file(path "trips/list.csv", "file,turtle\nfirst/001.bmp,Ann\nfirst/002.bmp,Bob\nsecond/001.bmp,Ann\n")
      local o = { model = path "model.safetensors", calibration = SURE, catalogue = { columns = { identity = "turtle" } } }
      local known <close> = of_folder.open(path "trips", model, o)
      assert.same({ 3, { "Ann", "Bob" } }, { known.count, known.identities })
      local again <close>, done = of_folder.open(path "trips/list.csv", model, o)
      assert.same({ path "trips/gallery.safetensors", 3, 0 }, { again.path, again.count, done.added })
   end)

   it("of other columns than the model's photos had is read by the usual ones, and folders are folders", function()
      local o = { model = path "model.safetensors", calibration = SURE, catalogue = { columns = { identity = "animal id" } } }
      local ok, err = pcall(of_folder.open, path "known", model, o)
      assert.is_false(ok)
      assert.matches("holds no CSV file with columns of these names", tostring(err))
      o.is_hint = true
      local known <close> = of_folder.open(path "known", model, o)
      assert.equal("blue", known.identities[1])
      photos.set(path "usual", { first = 2 })
      photos.write_file(path "usual/list.csv", "file,identity\nfirst/001.bmp,Ann\n")
      local usual <close> = of_folder.open(path "usual", model, o)
      assert.same({ 1, { "Ann" } }, { usual.count, usual.identities })
   end)
end)

describe("scripts/identify.lua", function()
   local function line_of(name, weights)
      return ("%s -l tests/lua/small.lua scripts/identify.lua --model %s --gallery %s "):format(program,
         path(weights or "model.safetensors"), path(name))
   end

   it("draws over no photo, and says what it cannot draw before it looks", function()
      os.rename(path "blue.bmp", path "blue.png")
      for name, message in pairs { ["blue.png"] = "is one of the photos", ["blue.gif"] = "expected a name that ends in .png",
         ["known/blue/../blue/001.bmp.png"] = "is a photo of the gallery" } do
         if name:find "known" then photos.write(path(name), 1, 1) end
         local out, code = shell(line_of "known" .. "--picture " .. path(name) .. " " .. path "blue.png")
         assert.equal(name == "blue.gif" and "2" or "1", code, out)
         assert.is_truthy(out:find(message, 1, true), out)
      end
      os.rename(path "blue.png", path "blue.bmp")
      os.remove(path "known/blue/001.bmp.png")
   end)

   it("prints one JSON document, whatever is asked", function()
      local function told(arguments)
         local out, code = shell(arguments .. " --json")
         assert.equal("0", code, out)
         return cjson.decode(out:match "{.*")
      end
      local first = told(line_of "json.safetensors" .. "--enroll Ann " .. path "blue.bmp")
      assert.same({ 1, 1, {} }, { first.enrolled, first.photos_in_gallery, first.photos })
      local again = told(line_of "json.safetensors" .. "--enroll Ann " .. path "blue.bmp")
      assert.same({ 0, "Ann" }, { again.enrolled, again.photos[1].candidates[1].identity })
      assert.equal(7, told(line_of "known").photos_in_gallery)
   end)

   it("takes a calibration for the weights that it is of alone", function()
      local facts = '{"protocol":"random","text":"random","calibration":{"kind":"platt","slope":40,"offset":-36},'
         .. '"calibrated_on":{"model":"%s"}}'
      local function answer(digest, weights)
         photos.write_file(path "reid.json", facts:format(digest))
         local name = weights .. ".gallery"
         shell(line_of(name, weights) .. "--enroll Ann " .. path "blue.bmp")
         local out = cjson.decode(shell(line_of(name, weights) .. path "red.bmp --json"):match "{.*")
         os.remove(path(name))
         return out.calibrated
      end
      local digest = scute.weights.sha256(path "model.safetensors")
      assert.same({ true, false }, { answer(digest, "model.safetensors"), answer(digest, "other.safetensors") })
      os.remove(path "reid.json")
   end)

   it("identifies, draws and enrolls from the command line", function()
      local line = ("%s -l tests/lua/small.lua scripts/identify.lua --model %s/model.safetensors --gallery %s/"):format(program,
         root, root)
      local out, code = shell(line .. "known " .. path "blue.bmp" .. " --picture " .. path "script.png")
      assert.equal("0", code, out)
      assert.is_truthy(out:find "blue%.bmp: blue %d+ %%\n   blue +%d+ %%  similarity  0%.%d+  blue/%d+%.bmp\n", out)
      assert.equal("PNG", assert(io.open(path "script.png", "rb")):read(4):sub(2))
      out, code = shell(line .. "known " .. path "blue.bmp" .. " --picture " .. path "known/red/script.png")
      assert.equal("1", code, out)
      assert.is_truthy(out:find("picture: .* lies among the photos of class 'red'.*choose another %-%-picture"), out)
      out, code = shell(line .. "new.safetensors --enroll Ann " .. path "red.bmp")
      assert.equal("0", code, out)
      assert.is_truthy(out:find("1 photo enrolled as Ann; 1 photo of 1 individual in it now", 1, true), out)
      out, code = shell(line .. "new.safetensors --enroll Bob " .. path "red.bmp" .. " " .. path "blue.bmp")
      assert.equal("0", code, out)
      assert.is_truthy(out:find("red.bmp is in the gallery already, as Ann; it is not enrolled again", 1, true), out)
      assert.is_truthy(out:find("2 photos of 2 individuals in it now", 1, true), out)
      out, code = shell(line .. "new.safetensors --json " .. path "blue.bmp")
      assert.equal("Bob", cjson.decode(out).photos[1].candidates[1].identity)
      assert.equal("0", code)
      out, code = shell(line .. "new.safetensors --box 0,0,20,10 --enroll Ann --side Left " .. path "known/blue/001.bmp")
      assert.equal("0", code, out)
      local g <close> = gallery.open(path "new.safetensors")
      assert.same({ 3, "Ann", "left", { 0, 0, 20, 10 } }, { g.count, g:row(3).identity, g:row(3).side, g:row(3).box })
      out, code = shell(line .. "new.safetensors --box 9,9,20,10 --enroll Zoe\u{308} --side Left " .. path "known/blue/001.bmp")
      assert.equal("0", code, out)
      assert.is_truthy(out:find("1 photo enrolled as Zo\u{eb}; 4 photos of 3 individuals in it now", 1, true), out)
      out, code = shell(line .. "new.safetensors --side lft " .. path "blue.bmp")
      assert.equal("0", code, out)
      assert.is_truthy(out:find("is told to show the side 'lft'; those that are told: left", 1, true), out)
      for _, name in ipairs { "'  '", "'a\nb'", "unknown", ("x"):rep(256) } do
         out, code = shell(line .. "new.safetensors --enroll " .. name .. " " .. path "blue.bmp")
         assert.equal("2", code, out)
      end
      out, code = shell(line .. "new.safetensors --box 0,0,20 " .. path "blue.bmp")
      assert.equal("2", code, out)
      assert.is_truthy(out:find("--box: expected four numbers, x, y, width, height, found '0,0,20'", 1, true), out)
      out, code = shell(line .. "nowhere " .. path "blue.bmp")
      assert.equal("1", code)
      assert.is_truthy(out:find("gallery: there is no ", 1, true), out)
      out, code = shell(line .. "known --enroll Ann")
      assert.equal("2", code, out)
      scute.files.write(path "reid.json", '{"crop": "head", "mask": true}')
      out = shell(line .. "new.safetensors " .. path "blue.bmp")
      scute.files.write(path "masked/metadata.csv", "path,identity,who\na.bmp,x,Ann\nb.bmp,y,Bob\n")
      scute.files.write(path "reid.json", '{"columns": {"identity": "who"}}')
      local masked = line:gsub("/$", "/masked --rebuild ") .. path "blue.bmp"
      assert.matches("\n   Ann ", (shell(masked)))
      assert.matches("\n   x ", (shell(masked .. " --columns identity=identity")))
      os.remove(path "reid.json")
      assert.is_truthy(out:find("the model was trained on crops ('head'), and the photo is looked at whole", 1, true), out)
      assert.is_truthy(out:find("photos whose background is painted over, and that of the photo is not", 1, true), out)
   end)
end)
