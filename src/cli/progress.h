/* What long work shows a person on stderr: a bar on a terminal, a plain line now and then elsewhere; and Ctrl-C. */
#ifndef MASK_CLI_PROGRESS_H
#define MASK_CLI_PROGRESS_H

#include "mask_research.h"

/* Fills the callbacks of *run. quiet: no bar, no notes; warnings stay. */
void progress_start(mask_run *run, bool quiet);
/* Seconds on a clock that only goes forward. */
double now(void);
/* The signal that came (Ctrl-C is SIGINT); 0 = none. */
int progress_interrupted(void);
/* Ends the bar's line, if one is open. */
void progress_end(void);

#endif
