-- .help: the commands of the session.
return function()
   print(require("scute.repl.commands").text())
end
