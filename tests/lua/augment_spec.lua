local scute = require "scute"
local augment = require "scute.augment"
local message_of = dofile "tests/lua/message_of.lua"

local GOLDEN = "tests/golden/images/"

local function pixels(image)
   return image:tensor():totable()
end

describe("augmentation of an image", function()
   local image = scute.image.load(GOLDEN .. "rgb.png") -- 70 x 60

   it("makes new images and leaves the old one alone", function()
      local before = pixels(image)
      for _, made in ipairs {
         image:flip(), image:rotate(10), image:rotate { degrees = 10, filter = "bilinear", fill = { 255, 0, 9 } },
         image:jitter { brightness = 1.5, contrast = 0.5, saturation = 2, hue = 0.2 }, image:effect("ShearX", 0.3),
         image:effect("Solarize", 100), image:effect("TranslateY", 20, { fill = 255 }),
      } do
         assert.same({ 70, 60 }, { made.width, made.height })
         assert.not_same(before, pixels(made))
      end
      assert.same(before, pixels(image))
      assert.same(before, pixels(image:flip():flip()))
      assert.same(before, pixels(image:rotate(180):rotate(-180)))
      assert.same(before, pixels(image:jitter {}))
      assert.same(pixels(image:jitter { saturation = 1.3 }), pixels(image:effect("Color", 1.3 - 1)))
   end)

   it("moves pixels where they belong", function()
      local red, x = image:tensor():totable()[1][1], 70
      assert.equal(red[5][x - 8], image:flip():tensor():totable()[1][1][5][9])
      assert.equal(red[5][9], image:effect("TranslateX", 3):tensor():totable()[1][1][5][12])
      assert.equal(77, image:effect("TranslateX", 3, { fill = { 77, 0, 0 } }):tensor():totable()[1][1][5][3])
      local one = image:resized_crop { x = 9, y = 5, width = 1, height = 1, size = 1 }
      assert.equal(red[5][9], one:tensor():totable()[1][1][1][1])
   end)

   it("crops as the loader does", function()
      local made = image:random_resized_crop { size = 30, scale = { 0.2, 0.4 }, seed = 3, epoch = 2, index = 5 }
      assert.same({ 30, 30 }, { made.width, made.height })
      local description = { random_resized_crop = { scale = { 0.2, 0.4 } } }
      local seen = image:augment(description, { seed = 3, epoch = 2, index = 5, as = "image", preprocess = { crop = 30 } })
      assert.same(pixels(made), pixels(seen))
      assert.not_same(pixels(made), pixels(image:random_resized_crop { size = 30, scale = { 0.2, 0.4 }, seed = 4 }))
   end)

   it("says what is wrong", function()
      local function refused(part, ...) assert.matches(part, message_of(...), 1, true) end
      refused("did you mean 'scale'?", image.augment, image, { random_resized_crop = { scal = 1 } })
      refused("expected two numbers {low, high}", image.augment, image, { random_resized_crop = { scale = 0.5 } })
      refused("did you mean 'horizontal_flip'?", image.augment, image, { horizontal_flop = 1 })
      refused("horizontal_flip: option 'p': expected a number from 0.0 to 1.0", image.augment, image, { horizontal_flip = 2 })
      refused("expected degrees", image.augment, image, { rotation = true })
      refused("hue: expected two numbers", image.augment, image, { color_jitter = { hue = 0.7 } })
      refused("none of them", image.augment, image, { color_jitter = {} })
      refused("expected a whole number from 0 to 30", image.augment, image, { rand_augment = { magnitude = 31 } })
      refused("found both", image.augment, image, { rand_augment = true, trivial_augment = true })
      refused("or 'random', found 'noise'", image.augment, image, { random_erasing = { value = "noise" } })
      refused("option 'fill': expected 0 to 255", image.rotate, image, { degrees = 3, fill = 256 })
      refused("option 'epoch'", image.augment, image, {}, { epoch = 2 ^ 24 })
      refused("did you mean 'ShearX'?", image.effect, image, "ShearZ", 1)
      refused("scale: expected two numbers", image.random_resized_crop, image, { scale = { 0, 2 } })
      refused("not inside an image of 70 x 60", image.resized_crop, image, { x = 60, width = 30 })
   end)
end)

describe("a loader that augments", function()
   local paths = { GOLDEN .. "rgb.png", GOLDEN .. "photo.jpg", GOLDEN .. "exif6.jpg", GOLDEN .. "gray.png" }
   local description = {
      random_resized_crop = { scale = { 0.08, 1 }, ratio = { 3 / 4, 4 / 3 } }, horizontal_flip = 0.5,
      color_jitter = { brightness = 0.2, contrast = { 0.5, 1.5 }, hue = 0.1 }, rotation = 10,
      random_erasing = { p = 0.5, value = "random" }, rand_augment = { n = 2, magnitude = 9 },
   }

   local function batches(options)
      local all = { paths = paths, preprocess = { resize = 32, crop = 28 }, augment = description, seed = 5, epoch = 2 }
      for key, value in pairs(options) do all[key] = value end
      local loader <close> = scute.loader(all)
      local seen = {}
      for x, _, indices in function() return loader:next() end do
         for i, index in ipairs(indices:totable()) do seen[#seen + 1] = { index, x:totable()[i] } end
      end
      return seen
   end

   it("gives the same, whatever the number of workers and the size of batches", function()
      local expected = batches { workers = 0 }
      assert.equal(4, #expected)
      for _, workers in ipairs { 1, 2, 4 } do
         assert.same(expected, batches { workers = workers, batch_size = workers })
      end
   end)

   it("gives another view in another epoch or for another seed", function()
      local expected = batches {}
      for _, other in ipairs { batches { epoch = 3 }, batches { seed = 6 } } do
         for i = 1, 4 do assert.not_same(expected[i], other[i]) end
      end
   end)

   it("gives a photo what image:augment gives it, wherever it comes in the order", function()
      local seen = batches { order = { 4, 1, 3 } }
      for i, index in ipairs { 4, 1, 3 } do
         local alone = scute.image.load(paths[index]):augment(description,
            { seed = 5, epoch = 2, index = index, preprocess = { resize = 32, crop = 28 } })
         assert.same({ index, alone:totable()[1] }, seen[i])
      end
   end)

   it("is the loader of evaluation where nothing is to be augmented", function()
      local expected = batches { augment = false }
      assert.same(expected, batches { augment = {} })
      assert.same(expected, batches { augment = augment.preset "none", epoch = 9 })
      assert.same(expected, batches {
         augment = { horizontal_flip = 0, rotation = 0, random_erasing = false, color_jitter = { hue = 0 } } })
   end)

   it("decodes exactly where it is told to", function()
      local function photo(exact)
         return batches { order = { 2 }, preprocess = { crop = 20 }, augment = { random_resized_crop = { scale = { 0.9, 1 } },
            exact_decode = exact } }[1][2]
      end
      local whole = scute.image.load(paths[2]):augment({ random_resized_crop = { scale = { 0.9, 1 } } },
         { seed = 5, epoch = 2, index = 2, preprocess = { crop = 20 } }):totable()[1]
      assert.same(whole, photo(true))
      assert.not_same(whole, photo(false))
   end)

   it("refuses what it does not know", function()
      assert.matches("loader: augment: unknown option 'crop'", message_of(batches, { augment = { crop = 1 } }), 1, true)
      assert.matches("loader: option 'epoch'", message_of(batches, { epoch = -1 }), 1, true)
      assert.matches("expected a table", message_of(batches, { augment = "standard" }), 1, true)
   end)
end)

describe("descriptions", function()
   it("come as presets that a loader takes", function()
      local image = scute.image.load(GOLDEN .. "rgb.png")
      for _, name in ipairs(augment.PRESETS) do image:augment(augment.preset(name), { preprocess = { crop = 20 } }) end
      assert.same({}, augment.preset "none")
      assert.same({ scale = { 0.5, 1 } }, augment.preset "light".random_resized_crop)
      assert.equal(0.5, augment.preset "standard".horizontal_flip)
      assert.same({ n = 2, magnitude = 9 }, augment.preset "strong".rand_augment)
   end)

   it("can be changed without changing the preset", function()
      local mine = augment.preset("standard", { horizontal_flip = false, rotation = 15 })
      assert.is_false(mine.horizontal_flip)
      assert.equal(15, mine.rotation)
      mine.random_resized_crop.scale[1] = 0.9
      assert.equal(0.08, augment.preset "standard".random_resized_crop.scale[1])
      assert.matches("did you mean 'strong'?", message_of(augment.preset, "strog"), 1, true)
      assert.matches("did you mean 'rotation'?", message_of(augment.preset, "light", { rotaton = 1 }), 1, true)
      assert.matches("unknown preset 'nil'", message_of(augment.preset), 1, true)
   end)

   it("are read from a command line", function()
      assert.same(augment.preset "standard", augment.parse "standard")
      assert.same({}, augment.parse "none")
      assert.same({
         random_resized_crop = { scale = { 0.5, 1 } },
         color_jitter = { brightness = 0.2, contrast = 0.2, saturation = 0.2 },
      }, augment.parse "crop=0.5, flip=0, jitter=0.2")
      local strong = augment.preset "strong"
      strong.horizontal_flip, strong.random_erasing = nil, 0.3
      assert.same(strong, augment.parse "strong,flip=0,erasing=0.3")
      assert.same({ color_jitter = { brightness = 0.4, saturation = 0.4, hue = 0.05 } },
         augment.parse "jitter=0.4,contrast=0,hue=0.05")
      assert.same({ trivial_augment = true, exact_decode = true, rotation = 12 },
         augment.parse "randaugment=5,trivial=1,exact=1,rotation=12")
      assert.same({ rand_augment = { n = 2, magnitude = 7 } }, augment.parse "trivial=1,randaugment=7")
   end)

   it("are refused with a message for the user where the text is wrong", function()
      local wrong = {
         ["strongest"] = "augment: unknown preset 'strongest'; did you mean 'strong'?",
         ["flop=1"] = "augment: unknown setting 'flop'; did you mean 'flip'?",
         ["flip=2"] = "augment: flip: expected a number from 0 to 1, found '2'",
         ["flip=nan"] = "augment: flip: expected a number from 0 to 1, found 'nan'",
         ["crop=-1"] = "augment: crop: expected a number from 0 to 1, found '-1'",
         ["randaugment=2.5"] = "augment: randaugment: expected a whole number from 0 to 30, found '2.5'",
         ["flip=0,light"] = "augment: the preset 'light' comes first, as in light,flip=0",
         ["crop"] = "augment: crop: expected a number, as in crop=1",
         ["light,"] = "augment: expected a preset or settings, as in standard or crop=0.5,flip=0, found 'light,'",
         [""] = "augment: expected a preset or settings, as in standard or crop=0.5,flip=0, found ''",
         ["flip=0.5=1"] = "augment: flip: expected a number from 0 to 1, found '0.5=1'",
      }
      for text, message in pairs(wrong) do assert.equal(message, message_of(augment.parse, text)) end
   end)

   it("mean something to a loader, each setting alone", function()
      local image = scute.image.load(GOLDEN .. "rgb.png")
      local options = { preprocess = { crop = 20 }, seed = 1 }
      local plain = image:augment({}, options):totable()
      for _, text in ipairs {
         "crop=0.3", "flip=1", "rotation=20", "jitter=0.5", "brightness=0.5", "contrast=0.5", "saturation=0.9", "hue=0.4",
         "erasing=1",
      } do
         assert.not_same(plain, image:augment(augment.parse(text), options):totable())
      end
      assert.same(plain, image:augment(augment.parse "crop=0,flip=0,rotation=0,jitter=0,hue=0,erasing=0", options):totable())
   end)
end)
