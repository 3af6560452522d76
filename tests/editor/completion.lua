-- Completion: bash's is driven, zsh's and fish's are read by those shells where they are installed.
local lfs = require "lfs"
local options = require "scute.base.options"

local function lines(text)
   local set, n = {}, 0
   for line in text:gmatch "[^\n]+" do
      set[line], n = true, n + 1
   end
   return set, n
end

return function(cli)
   local check, shell = cli.check, cli.shell
   local share = arg[-1]:match "^(.*)/" .. "/share"
   local PROGRAM = arg[-1]:find "^/" and arg[-1] or lfs.currentdir() .. "/" .. arg[-1]

   -- What bash offers after `line`, started in the scratch folder: a set and how many.
   local function offers(line)
      local r = shell(("S=$PWD; cd $T && bash $S/tests/editor/bash.sh $(realpath $S/%s)/bash-completion/completions/scute '%s'")
         :format(share, line))
      check(r.code == 0 and r.err == "", "completing " .. line, r.all)
      return lines(r.out)
   end

   local function offers_exactly(line, ...)
      local set, n = offers(line)
      for _, word in ipairs { ... } do check(set[word], line .. ": " .. word) end
      check(n == select("#", ...), ("%s: %d offers, expected %d"):format(line, n, select("#", ...)))
   end

   cli.write("mine/own.lua", 'local scute = require "scute"; scute.cli.parse(arg, "", scute.cli.common)')
   cli.write("mine/plain.lua", "print(1)")
   cli.write("mine/flags.lua", [[
local scute = require "scute"
local helper = require "helper"
io.open("happened", "w"):write "x"
os.execute "touch happened"
scute.files.mkdirs "happened"
for i = 1, #scute.data.open("nowhere").classes do print(i) end
local opt = scute.cli.parse(arg, "mine", scute.cli.flags { { "alpha_rate", number = true, help = "how much" },
   { "colour", choices = { "red", "green" }, help = "which" }, { "net", choices = scute.models.list, help = "net" } })
os.execute "touch happened"
]])
   cli.write("mine/endless.lua", "while true do end cli.parse()")
   cli.write("mine/words.lua", 'require("scute").cli.parse(arg, "", { { "photos", argument = true, many = true, '
      .. 'value = "PHOTO", help = "x" }, { "fast", flag = true, help = "y" } })')
   cli.write("photos/a b.jpg", "")

   local r = shell "$S --help"
   for option in r.out:gmatch "\n  [^\n]-(%-%-%a+)" do
      check(offers("scute --")[option], "bash knows " .. option)
      local near = shell("$S " .. option:sub(1, -2))
      check(near.err:find("did you mean '" .. option .. "'", 1, true), "the program knows " .. option, near.all)
   end
   offers_exactly("scute scripts/pre", "scripts/predict.lua")
   offers_exactly("scute examples/photo", "examples/photo_features.lua")
   offers_exactly("scute mine/", "mine/endless.lua", "mine/flags.lua", "mine/own.lua", "mine/plain.lua",
      "mine/words.lua")
   offers_exactly("scute -e code -i scripts/eva", "scripts/evaluate.lua", "scripts/evaluate_reid.lua")
   offers_exactly("scute -e ")
   offers_exactly("scute scripts/evaluate.lua --split ", "val", "train", "new", "test", "all")
   offers_exactly("scute scripts/evaluate.lua --split=t", "train", "test")
   offers_exactly("scute scripts/evaluate.lua --spl", "--split", "--split_csv")
   offers_exactly("./scute /elsewhere/scripts/evaluate.lua --split-c", "--split_csv")
   offers_exactly("scute scripts/transfer_learning.lua --data-dir ph", "photos")
   offers_exactly("scute scripts/transfer_learning.lua --freeze_backbone --devi", "--device")
   offers_exactly("scute scripts/transfer_learning.lua --epochs ")
   offers_exactly("scute scripts/transfer_learning.lua --device c", "cpu", "cuda")
   offers_exactly("scute scripts/compare_architectures.lua --models resnet18,baseline", "resnet18,baseline_cnn")
   offers_exactly("scute scripts/predict.lua --model x photos/", "photos/a b.jpg")
   offers_exactly("scute scripts/predict.lua --model baseline_c", "baseline_cnn")
   offers_exactly("scute scripts/predict.lua --model ph", "photos")
   check(offers("scute scripts/predict.lua --weights ")["imagenet"], "predict: weights that are official")
   offers_exactly("scute mine/own.lua --freeze", "--freeze_backbone")
   offers_exactly("scute mine/plain.lua --freeze")
   offers_exactly(PROGRAM .. " mine/flags.lua --al", "--alpha_rate")
   offers_exactly(PROGRAM .. " mine/flags.lua --freeze", "--freeze_backbone")
   offers_exactly(PROGRAM .. " mine/flags.lua --colour ", "red", "green")
   offers_exactly(PROGRAM .. " mine/flags.lua --net resnet18,baseline", "resnet18,baseline_cnn")
   check(offers(PROGRAM .. " mine/flags.lua ")["--colour"], "flags follow a script of one's own")
   offers_exactly(PROGRAM .. " mine/endless.lua --al")
   offers_exactly(PROGRAM .. " mine/words.lua photos/", "photos/a b.jpg")
   offers_exactly(PROGRAM .. " mine/words.lua --", "--fast", "--help")
   check(not cli.read_file(cli.scratch .. "/happened"), "Tab runs nothing of a script")
   check(offers("scute scripts/transfer_learning.lua --freeze_backbone ")["--device"], "options follow a flag")
   check(offers("scute scripts/transfer_learning.lua --weights ")["imagenet"], "words and files")

   -- Every flag of every script, and every choice of those that have some.
   local scripts = require "scute.editor.scripts"
   for _, script in ipairs(scripts.list "scripts") do
      local known, n = offers(("scute scripts/%s --"):format(script.name))
      local expected = #script.flags > 0 and 1 or 0
      for _, entry in ipairs(script.flags) do
         if not entry.argument then
            expected = expected + 1
            check(known["--" .. entry[1]], ("%s: --%s is offered"):format(script.name, entry[1]))
         end
      end
      check(n == expected, ("%s: offers nothing else"):format(script.name))
   end
   for _, entry in ipairs(require("scute").cli.common) do
      if entry.choices then
         offers_exactly(("scute scripts/transfer_learning.lua --%s "):format(entry[1]), table.unpack(options.choices_of(entry)))
      end
   end

   for name, file in pairs { zsh = "zsh/site-functions/_scute", fish = "fish/vendor_completions.d/scute.fish" } do
      local text = cli.read_file(share .. "/" .. file)
      for _, script in ipairs(scripts.list "scripts") do
         for _, entry in ipairs(script.flags) do
            local option = name == "zsh" and "'--" .. entry[1] or " -l " .. entry[1]
            check(entry.argument or text:find(option, 1, true), ("%s knows --%s"):format(name, entry[1]))
         end
      end
      if shell("command -v " .. name).code == 0 then
         r = shell(("%s -n %s/%s"):format(name, share, file))
         check(r.code == 0 and r.err == "", name .. " reads it", r.all)
      end
   end

   if shell("command -v shellcheck").code == 0 then
      r = shell(("shellcheck -s bash -e SC2207 %s/bash-completion/completions/scute"):format(share))
      check(r.code == 0, "shellcheck has nothing to say", r.all)
   end
end
