#exit 2
#out
#err mask *
#err 
#err Usage: mask COMMAND*
#err 
#err   *
#err   *
#err   *
#err   *
#err   *
#err   *
#err   *
#err   *
#err   *
#err   *
#err   extract *
#err 
#err   mask help COMMAND *
#err 
#err Results go to stdout*
mask
