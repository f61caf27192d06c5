# Completion in the shells, from the table of commands: commands, groups, options and their words. zsh and fish where they are.
#out commands: mask ca -> cache calibrate
#out groups: mask vectors  -> import near
#out options: mask index add --m -> --metadata
#out words: mask eval K --ood p -> procrustes
#out a command that is a group too: mask index --bu -> --budget
set -e
for shell in bash zsh fish; do
    mask help --completion $shell > $shell.script
    ! command -v $shell > seen || $shell -n $shell.script
done
bash -e <<'BASH'
. ./bash.script
try() { # SAYS WORDS...
    says=$1; shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _mask mask "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    echo "$says: $* -> ${COMPREPLY[*]}"
}
try commands mask ca
try groups mask vectors ''
try options mask index add --m
try words mask eval K --ood p
try 'a command that is a group too' mask index --bu
BASH
if command -v fish > seen; then
    [ "$(fish -N -c 'source fish.script; complete -C "mask vectors im"' | cut -f 1)" = import ]
    [ "$(fish -N -c 'source fish.script; complete -C "mask eval K --ood pr"' | cut -f 1)" = procrustes ]
fi
