-- README's part on scripts: its table is the declaration, its lines have flags that there are, and its recipes run.
local scute = require "scute"

return function(cli)
   local check, shell = cli.check, cli.shell
   local readme = cli.read_file "README.md"
   local FIT = require "scute.train.options"
   check(readme:find(require "scute.editor.options_table"(FIT), 1, true),
      "README's table of what train.fit takes (lua/scute/editor/options_table.lua says how to renew it)")
   check(readme:find(require "scute.editor.models_table" (), 1, true),
      "README's table of models (lua/scute/editor/models_table.lua says how to renew it)")
   for i, entry in ipairs(FIT.entries) do
      check((entry.script_only == true) == (i <= 6), entry[1] .. ": the first six options are no flags, as README says")
   end

   -- Flags after a script's name, and in the recipes, which are about the exercises.
   local scripts, known = require "scute.editor.scripts", {}
   for _, script in ipairs(scripts.list "scripts") do
      known[script.name] = {}
      for _, entry in ipairs(script.flags) do known[script.name][entry[1]] = true end
   end
   for name, rest in readme:gsub("\\\n", " "):gmatch "%./scute scripts/([%w_]+%.lua)([^\n]*)" do
      for flag in rest:gmatch "%-%-([%w_]+)" do
         check(known[name] and (known[name][flag] or flag == "help"), ("README: %s has --%s"):format(name, flag))
      end
   end
   local recipes = readme:match "\n### Recipes\n(.-)\n### "
   for line in recipes:gmatch "\n%- ([^\n]*)" do
      local name = line:match "scripts/([%w_]+%.lua)" or "transfer_learning.lua"
      for flag in line:gmatch "%-%-([%w_]+)" do
         check(known[name][flag] or flag == "json", ("README's recipes: --%s"):format(flag))
      end
   end

   -- The recipes in Lua, on small photos.
   local folder = cli.scratch .. "/recipes"
   dofile "tests/cli/photos.lua".set(folder .. "/photos", { blue = 14, red = 13 })
   local r = shell(("cd %s && $S $OLDPWD/scripts/transfer_learning.lua --data_dir photos --model resnet18 --weights none"
      .. " --image_size 32 --epochs 1 --quiet && cp -r models/resnet18 models/resnet50"):format(folder))
   check(r.code == 0, "a run for the recipes", r.all)
   local before = 'local scute = require "scute"; local set = scute.data.open "photos"\n'
      .. 'local model = scute.models.resnet18 { classes = set.classes, image_size = 32 }\n'
   local count = 0
   for block in (recipes .. "\n"):gmatch "\n\n(    .-)\n\n" do
      count = count + 1
      cli.write("recipes/recipe.lua", before .. block:gsub("epochs = 20", "epochs = 1"))
      r = shell(("cd %s && $S recipe.lua"):format(folder))
      check(r.code == 0, "a recipe runs:\n" .. block, r.all)
   end
   check(count == 3, "README's recipes were found", count)
   check(scute.image.load(folder .. "/runs.png").width > 100, "the picture of two runs")
end
