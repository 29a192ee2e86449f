/** Flags of npm for installing without scripts, questions and reports, from the cache where it can. */
export const QUIET: readonly string[] = [
  '--ignore-scripts',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
]
