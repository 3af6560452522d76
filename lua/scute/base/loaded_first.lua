--- The files that the program was told to run first (scute -l FILE), in order: for processes that are to do likewise.
return function()
   local words, files, at = rawget(_G, "arg"), {}, -1
   if type(words) ~= "table" then return files end
   while words[at - 1] do at = at - 1 end
   while at < -1 do
      at = at + 1
      local option = words[at]
      if option == "-l" then files[#files + 1] = words[at + 1] end
      if option == "-l" or option == "-e" then at = at + 1 end -- what follows belongs to it
   end
   return files
end
