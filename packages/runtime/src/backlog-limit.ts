/** Waiting work is counted up to this number: a higher count would take time and add nothing. */
export const MAX_BACKLOG_COUNT = 10_000
