--- The name of this machine, "host" where it does not say.
return function()
   local file = io.open "/proc/sys/kernel/hostname"
   local name = file and file:read "l" or "host"
   if file then file:close() end
   return name
end
