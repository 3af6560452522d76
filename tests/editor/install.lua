-- What `make install` puts where, and that it works from there without the source tree.
return function(cli)
   local check, shell = cli.check, cli.shell
   local build = arg[-1]:match "^(.*)/"

   local r = shell(("make --no-print-directory CUDA=no BUILD=%s PREFIX=$T/usr install"):format(build))
   check(r.code == 0, "make install", r.all)
   for _, file in ipairs { "man/man1/scute.1", "bash-completion/completions/scute", "zsh/site-functions/_scute",
      "fish/vendor_completions.d/scute.fish" } do
      r = shell(("cmp %s/share/%s $T/usr/share/%s"):format(build, file, file))
      check(r.code == 0, file .. " is installed", r.all)
   end

   r = shell(("diff -r %s/share/scute/annotations $T/usr/share/scute/annotations"):format(build))
   check(r.code == 0, "the annotations are installed", r.all)

   r = shell "cd $T && $T/usr/bin/scute --init project"
   local settings = cli.read_file(cli.scratch .. "/project/.luarc.json") or ""
   check(settings:find(cli.scratch .. "/usr/share/scute/annotations", 1, true), "a project of the installed scute", r.all)

   r = shell "mkdir -p $T/empty && cd $T/empty && $T/usr/bin/scute examples/photo_features.lua"
   check(r.code == 0 and r.out:find("640 x 480", 1, true), "an installed example runs from any folder", r.all)
   r = shell "cd $T/empty && $T/usr/bin/scute examples/custom_loss.lua"
   check(r.code == 0 and r.out:find "focal loss", "and one that requires what lies beside it", r.all)
   r = shell "cd $T/empty && SCUTE_CACHE=$T/cache $T/usr/bin/scute examples/custom_kernel_whole.lua"
   check(r.code == 0 and r.out:find "gradients are right:\ttrue", "and one that compiles against what is installed", r.all)
   r = shell "cd $T/empty && $T/usr/bin/scute scripts/models.lua resnet18"
   check(r.code == 0 and r.out:find "resnet18", "an installed script runs from any folder", r.all)
   r = shell "cd $T/empty && $T/usr/bin/scute scripts/models.lua --help"
   check(r.code == 0 and r.out:find("/usr/bin/scute scripts/models.lua ", 1, true), "its usage has the name that finds it",
      r.all)

   r = shell(("make CUDA=no BUILD=%s PREFIX=$T/usr uninstall >/dev/null && find $T/usr -type f"):format(build))
   check(r.code == 0 and r.out == "", "make uninstall leaves nothing", r.all)
end
