-- The reference in HTML: every link leads somewhere, everything is told once, and what texts say is no HTML by accident.
local entries = require "scute.help.entries"
local pages = require "scute.help.pages"

local made = pages.all()

-- The ids on each page.
local ids = {}
for name, html in pairs(made) do
   ids[name] = {}
   for id in html:gmatch ' id="([^"]*)"' do
      ids[name][id] = (ids[name][id] or 0) + 1
   end
end

describe("the reference", function()
   it("has links that lead somewhere, on every page one to the first", function()
      local dead, n = {}, 0
      for name, html in pairs(made) do
         for href in html:gmatch '<a href="([^"]*)"' do
            local file, id = href:match "^([^#]*)#?(.*)$"
            n = n + 1
            if not made[file] or id ~= "" and not ids[file][id] then dead[#dead + 1] = name .. ": " .. href end
         end
         assert.is_truthy(name == "index.html" or html:find('<a href="index.html">', 1, true), name)
      end
      assert.same({}, dead)
      assert.is_true(n > 900, n)
   end)

   it("shows words between backticks as code, in texts, options and lists", function()
      for name, html in pairs(made) do
         local left = html:gsub("<pre>.-</pre>", ""):match "[^\n]*`[^\n]*"
         assert.is_nil(left, name .. ": " .. tostring(left))
      end
      assert.is_truthy(made["train.html"]:find("Trains <code>model</code> on <code>set</code>", 1, true))
   end)

   it("tells everything once", function()
      local places, wrong = {}, {}
      for name, found in pairs(ids) do
         for id, times in pairs(found) do
            if times > 1 then wrong[#wrong + 1] = name .. "#" .. id end
            places[id] = name
         end
      end
      for _, entry in ipairs(entries.list()) do
         local has_page = entry.kind == "family" and made[entry.name .. ".html"]
         if not has_page and not places[entry.name] then wrong[#wrong + 1] = entry.name end
      end
      assert.same({}, wrong)
   end)

   it("is reached from its first page", function()
      local reached, waiting = { ["index.html"] = true }, { "index.html" }
      while #waiting > 0 do
         for file in made[table.remove(waiting)]:gmatch '<a href="([^"#]*)' do
            if not reached[file] then reached[file] = true waiting[#waiting + 1] = file end
         end
      end
      for name in pairs(made) do assert.is_true(reached[name], name) end
   end)

   it("closes what it opens, and escapes what is text", function()
      local EMPTY = { meta = true, br = true, link = true, ["!DOCTYPE"] = true }
      for name, html in pairs(made) do
         html = html:gsub("<style>.-</style>", "")
         local open = {}
         for closing, tag, rest in html:gmatch "<(/?)([%w!]+)([^<>]*)>" do
            if closing == "/" then
               assert.equal(table.remove(open), tag, name)
            elseif not EMPTY[tag] then
               open[#open + 1] = tag
            end
            assert.is_nil(rest:gsub('"[^"]*"', ""):find '"', name)
         end
         assert.same({}, open, name)
         local plain = html:gsub("<(/?)([%w!]+)([^<>]*)>", "")
         assert.is_nil(plain:find "[<>]", name)
         assert.is_nil(plain:gsub("&%a+;", ""):find("&", 1, true), name)
      end
   end)

   it("links names in texts, but not English words", function()
      assert.is_truthy(made["train.html"]:find('<a href="nn.html#module:groups">model:groups</a>', 1, true))
      assert.is_truthy(made["train.html"]:find('see <a href="data.html">scute.data</a>', 1, true))
      assert.is_nil(made["train.html"]:find(">add</a>", 1, true))
   end)

   it("has the parts of families that its texts speak of", function()
      assert.is_truthy(made["train.html"]:find('<section id="train.hooks">.-on_epoch_end'))
      assert.is_truthy(made["train.html"]:find('see <a href="train.html#train.hooks">scute.train.hooks</a>', 1, true))
      assert.is_truthy(made["train.html"]:find('<section id="train.stopping">.-min_change'))
      for name, html in pairs(made) do
         local text = html:gsub("<a .-</a>", "")
         local left = text:match "see (scute%.[%w_]+%.[%w_]+)"
         assert.is_true(not left or left:find "^scute%.base" ~= nil, name .. ": " .. tostring(left))
      end
   end)

   it("has the flags of the scripts and the options of functions", function()
      assert.is_truthy(made["scripts.html"]:find('<section id="transfer_learning.lua">.-<code>%-%-freeze_backbone</code>'))
      assert.is_truthy(made["train.html"]:find('<section id="train.fit">.-<code>label_smoothing</code>'))
      assert.is_truthy(made["options.html"]:find("<code>weight_decay</code>", 1, true))
      assert.is_truthy(made["ops.html"]:find("none, relu, relu6, silu", 1, true))
   end)
end)
