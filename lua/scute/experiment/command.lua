-- The beginning of the command line of a run: the program, and the files that it loads first.
local architectures = require "scute.nn.architectures"
local console = require "scute.base.console"
local loaded_first = require "scute.base.loaded_first"
local quoted = require "scute.base.quoted"
local typed_name = require "scute.base.typed_name"

local function is_in(list, file)
   for _, other in ipairs(list) do
      if architectures.is_same_file(other, file) then return true end
   end
   return false
end

-- The file that registers a network of the user's own. A run that loaded the script itself would begin all anew.
local function file_of(model)
   local file = architectures.file_to_load(model)
   return file or console.fail("models: '%s' is registered in no file that the runs of a comparison could load first; put it "
      .. "into a file of its own and require that, or load it by scute -l FILE", model)
end

--- The words as text for a shell. program: the path of scute, by default of the one that runs. models: names of those that are
-- compared.
return function(program, models)
   if not program or program == arg[-1] then program = typed_name() end -- before the script there may be options
   local files, words = loaded_first(), { quoted(program) }
   for _, model in ipairs(models) do
      local file = architectures.find(model).own and file_of(model)
      if file and not is_in(files, file) then files[#files + 1] = file end
   end
   for _, file in ipairs(files) do words[#words + 1] = "-l " .. quoted(file) end
   return table.concat(words, " ")
end
