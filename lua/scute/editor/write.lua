-- Writes what `make` makes of scute's own declarations for editors and shells, laid out as below PREFIX/share.
local command_line = require "scute.editor.command_line"
local scute = require "scute"

--- Writes all files into `folder`.
return function(folder)
   local line = command_line()
   local files = {
      ["man/man1/scute.1"] = require "scute.editor.man"(line),
      ["bash-completion/completions/scute"] = require "scute.editor.bash"(line),
      ["zsh/site-functions/_scute"] = require "scute.editor.zsh"(line),
      ["fish/vendor_completions.d/scute.fish"] = require "scute.editor.fish"(line),
   }
   for path, text in pairs(require "scute.editor.annotations"()) do files["scute/annotations/" .. path] = text end
   for path, text in pairs(files) do
      local whole = folder .. "/" .. path
      scute.files.mkdirs(whole:match "^(.*)/")
      scute.files.write(whole, text)
   end
end
