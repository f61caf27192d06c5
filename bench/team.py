#!/usr/bin/env python3
"""team.py MASK-MPI COMMAND...: the work and the bytes of a command by 1, 2 and 4 processes of one thread each. {} in its words is
the number of processes. Efficiency is counted, not clocked: processes may share cores, so it is the processor seconds of one
process over the most that any of several has taken, outside of sums, times their number."""
import os, re, subprocess, sys

environment = dict(os.environ, MASK_TEAM_COUNT="1", OMP_WAIT_POLICY="passive", OMPI_ALLOW_RUN_AS_ROOT="1",
                   OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
for ranks in (1, 2, 4):
    words = [word.replace("{}", str(ranks)) for word in sys.argv[2:]]
    done = subprocess.run(["mpirun", "--oversubscribe", "--bind-to", "none", "-n", str(ranks), sys.argv[1], *words, "--threads", "1",
                           "--quiet"], env=environment, capture_output=True, text=True)
    told = [[float(x) for x in numbers] for numbers in re.findall(r"processor_s=(\S+) sums=(\S+) bytes=(\S+)", done.stderr)]
    if done.returncode or len(told) != ranks:
        sys.exit(done.stderr)
    most, total = max(t[0] for t in told), sum(t[0] for t in told)
    one = most if ranks == 1 else one
    print(f"processes {ranks}: {most:.1f} s the most, {total:.1f} s all, efficiency {one / most / ranks:.2f}, "
          f"{told[0][2] / 1e6:.2f} MB in {told[0][1]:.0f} sums", flush=True)
