// Owns that no argument of the command line stays readable in `ps` and /proc/PID/cmdline: flags may hold secrets.

/**
 * Overwrites the arguments that other users can see (SECURITY.md S55). Node keeps its own copy in `process.argv`.
 * On Linux the title is written over the memory of argv, and the rest of that memory is zeroed.
 * @param title what is shown instead: the name of the program
 */
export function hideArguments(title = 'turnd'): void {
  process.title = title;
}
